// HostPrimitive.cpp - a primitive that no library of the device takes
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/LibraryCalls.h"

#include "runtime/onednn/Onednn.h"

#include <cmath>
#include <cstring>

namespace heed::cuda {

using runtime::ElementKind;

/// f16 with the CPU's own conversions (IEEE 754 binary16).
static float toFloat(uint16_t bits, ElementKind kind) {
  if (kind == ElementKind::F16) {
    _Float16 half;
    std::memcpy(&half, &bits, sizeof half);
    return static_cast<float>(half);
  }
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

/// To the nearest, ties to even.
static uint16_t fromFloat(float value, ElementKind kind) {
  uint16_t bits;
  if (kind == ElementKind::F16) {
    auto half = static_cast<_Float16>(value);
    std::memcpy(&bits, &half, sizeof bits);
    return bits;
  }
  if (std::isnan(value))
    return 0x7fc0;
  uint32_t wide;
  std::memcpy(&wide, &value, sizeof wide);
  wide += 0x7fff + (wide >> 16 & 1);
  return static_cast<uint16_t>(wide >> 16);
}

/// Calls `body(offset, position)` for each element in the order of the view.
template <typename Body>
static void forEach(const int64_t *sizes, const int64_t *strides, int64_t rank,
                    Body body) {
  int64_t count = 1;
  for (int64_t dim = 0; dim < rank; ++dim)
    count *= sizes[dim];
  std::vector<int64_t> index(static_cast<size_t>(rank), 0);
  int64_t offset = 0;
  for (int64_t position = 0; position < count; ++position) {
    body(offset, position);
    for (int64_t dim = rank; dim-- > 0;) {
      auto d = static_cast<size_t>(dim);
      offset += strides[dim];
      if (++index[d] < sizes[dim])
        break;
      offset -= index[d] * strides[dim];
      index[d] = 0;
    }
  }
}

/// Operands that were converted are not at the same address at each call.
const int64_t *Device::withoutConstants(const int64_t *record) {
  std::lock_guard<std::mutex> lock(recordsMutex);
  std::vector<int64_t> &words = records[record];
  if (words.empty()) {
    int64_t spatial = record[3], operands = record[4], postOps = record[5];
    const int64_t *next = record + 6 + 5 * spatial;
    words.assign(record, next);
    for (int64_t i = 0; i < operands; ++i) {
      const int64_t *end = next + 4 + next[3];
      words.insert(words.end(), {next[0], /*constant=*/0});
      words.insert(words.end(), next + 2, end);
      next = end;
    }
    words.insert(words.end(), next, next + 4 * postOps);
  }
  return words.data();
}

void runOnHost(HeedContext *context, const Site &site, const int64_t *record,
               const int64_t *call) {
  if (site.element == ElementKind::F32) {
    heed_onednn_primitive(context, record, call);
    return;
  }
  size_t count = site.operands.size();
  std::vector<int64_t> words(call, call + count + site.shapeWords);
  std::vector<std::vector<float>> copies(count);
  const int64_t *shape = call + count;
  int64_t *dense = words.data() + count;
  auto at = [&](size_t i) { return reinterpret_cast<uint16_t *>(call[i]); };
  for (size_t i = 0; i < count; ++i) {
    int64_t rank = site.operands[i].rank, elements = 1;
    for (int64_t dim = rank; dim-- > 0;) {
      dense[rank + dim] = elements;
      elements *= shape[dim];
    }
    copies[i].resize(static_cast<size_t>(elements));
    if (!runtime::isResult(site.operands[i].role))
      forEach(shape, shape + rank, rank, [&](int64_t offset, int64_t position) {
        copies[i][static_cast<size_t>(position)] =
            toFloat(at(i)[offset], site.element);
      });
    words[i] = reinterpret_cast<int64_t>(copies[i].data());
    shape += 2 * rank;
    dense += 2 * rank;
  }
  auto &device = static_cast<Device &>(*context->program->cuda);
  if (heed_onednn_primitive(context, device.withoutConstants(record),
                            words.data()) != 0)
    return;
  shape = call + count;
  for (size_t i = 0; i < count; ++i) {
    int64_t rank = site.operands[i].rank;
    if (runtime::isResult(site.operands[i].role))
      forEach(shape, shape + rank, rank, [&](int64_t offset, int64_t position) {
        at(i)[offset] =
            fromFloat(copies[i][static_cast<size_t>(position)], site.element);
      });
    shape += 2 * rank;
  }
}

} // namespace heed::cuda
