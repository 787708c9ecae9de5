// Inputs.cpp - the arrays that a program is run on: files, or seeded random
// data.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/heed-run/Inputs.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <cstring>
#include <random>

using namespace llvm;

namespace heed {

/// Random data must fit a machine: 1 TiB of zeros is a typing error.
static constexpr int64_t kMaxElements = int64_t(1) << 32;

static Expected<std::vector<int64_t>> parseShape(StringRef text) {
  std::vector<int64_t> shape;
  SmallVector<StringRef> parts;
  text.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t size;
    if (part.getAsInteger(10, size) || size < 0)
      return createStringError(
          "--shape: expected sizes like 1x3x48x320, got '" + text + "'");
    shape.push_back(size);
  }
  return shape;
}

static Array randomArray(const Port &port, const std::vector<int64_t> &shape,
                         std::mt19937_64 &random) {
  Array array;
  array.type = port.type;
  array.shape = shape;
  int64_t bytes = dtypeBytes(port.type);
  array.data.resize(array.numElements() * bytes);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  for (int64_t i = 0; i < array.numElements(); ++i) {
    char *slot = array.data.data() + i * bytes;
    if (port.type == DType::F32) {
      float value = static_cast<float>(uniform(random));
      std::memcpy(slot, &value, bytes);
    } else if (port.type == DType::F64) {
      double value = uniform(random);
      std::memcpy(slot, &value, bytes);
    } else if (port.type == DType::F16 || port.type == DType::BF16) {
      bool lossy;
      APFloat value(uniform(random));
      value.convert(port.type == DType::F16 ? APFloat::IEEEhalf()
                                            : APFloat::BFloat(),
                    APFloat::rmNearestTiesToEven, &lossy);
      uint16_t bits = value.bitcastToAPInt().getZExtValue();
      std::memcpy(slot, &bits, bytes);
    } else {
      // Zero or one: valid as a mask, an index and a token.
      slot[0] = static_cast<char>(random() & 1); // little-endian
    }
  }
  return array;
}

Expected<std::vector<Array>> makeInputs(const std::vector<Port> &ports,
                                        const std::vector<std::string> &files,
                                        const std::vector<std::string> &shapes,
                                        uint64_t seed) {
  if (!files.empty()) {
    if (files.size() != ports.size())
      return createStringError(
          formatv("--input: expected {0} (one for each input), got {1}",
                  ports.size(), files.size()));
    return readAllNpy(files);
  }
  StringMap<std::vector<int64_t>> given;
  for (StringRef text : shapes) {
    auto [name, sizes] = text.rsplit('=');
    auto shape = parseShape(sizes);
    if (!shape)
      return shape.takeError();
    if (none_of(ports, [&](const Port &port) { return port.name == name; }))
      return createStringError("--shape: the program has no input '" + name +
                               "'");
    given[name] = *shape;
  }
  std::vector<Array> arrays;
  std::mt19937_64 random(seed);
  for (const Port &port : ports) {
    std::vector<int64_t> shape = port.shape;
    if (auto it = given.find(port.name); it != given.end()) {
      if (!port.takes(port.type, it->second))
        return createStringError("--shape: " + port.name + ": does not fit " +
                                 port.str());
      shape = it->second;
    }
    int64_t count = 1;
    for (int64_t size : shape) {
      if (size < 0)
        return createStringError(
            "input " + port.str() +
            " has dynamic sizes: give --input, or --shape " + port.name +
            "=...");
      if (size && count > kMaxElements / size)
        return createStringError("input " + port.str() + ": too large");
      count *= size;
    }
    arrays.push_back(randomArray(port, shape, random));
  }
  return arrays;
}

std::vector<Array> drawInputs(const std::vector<Array> &given, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Array> drawn = given;
  for (auto [from, to] : zip_equal(given, drawn)) {
    int64_t bytes = dtypeBytes(from.type), count = from.numElements();
    if (count == 0)
      continue;
    std::uniform_int_distribution<int64_t> any(0, count - 1);
    for (int64_t i = 0; i < count; ++i)
      std::memcpy(&to.data[i * bytes], &from.data[any(random) * bytes], bytes);
  }
  return drawn;
}

} // namespace heed
