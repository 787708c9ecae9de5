// Kernel.cpp - what the texts of kernels are made of.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "bench/Kernel.h"

#include "llvm/ADT/StringExtras.h"
#include <random>

using namespace llvm;

namespace heed::bench {

std::string fill(StringRef text,
                 ArrayRef<std::pair<StringRef, std::string>> names) {
  std::string result;
  while (!text.empty()) {
    auto [plain, rest] = text.split('$');
    result += plain;
    text = rest;
    StringRef name =
        rest.take_while([](char c) { return 'A' <= c && c <= 'Z'; });
    for (const auto &[key, value] : names)
      if (key == name) {
        result += value;
        text = rest.drop_front(name.size());
      }
  }
  return result;
}

std::string weights(int64_t count, float low, float high) {
  std::mt19937 random(count);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> values(count);
  for (float &value : values)
    value = uniform(random);
  StringRef bytes(reinterpret_cast<const char *>(values.data()),
                  values.size() * sizeof(float));
  return "\"0x" + toHex(bytes) + "\"";
}

} // namespace heed::bench
