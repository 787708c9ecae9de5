// operands.h - tensors of the tests of GPU kernels: doubles, and elements.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_UNIT_GPU_OPERANDS_H
#define HEED_TESTS_UNIT_GPU_OPERANDS_H

#include "runtime/reference/Reference.h"
#include "tests/emulate/Emulator.h"

#include <cmath>
#include <cstring>
#include <random>

namespace heed::test {

/// A tensor of doubles, and its bytes as a kernel has them.
struct Operand {
  reference::Tensor exact;
  std::string element; // f32, f16 or bf16
  std::vector<char> bytes;

  int64_t elementBytes() const { return element == "f32" ? 4 : 2; }
  double decode(int64_t at) const {
    if (element == "f32") {
      float value;
      std::memcpy(&value, &bytes[4 * at], 4);
      return value;
    }
    uint16_t half;
    std::memcpy(&half, &bytes[2 * at], 2);
    return emulate::fromHalf(half, element == "bf16");
  }
  emulate::Buffer buffer() {
    return {bytes.data(), exact.shape, elementBytes()};
  }
  /// The greatest difference from what is expected.
  double distance(const reference::Tensor &expected) const {
    double worst = 0;
    for (int64_t at = 0; at < expected.size(); ++at) {
      double difference = std::abs(decode(at) - expected.data[at]);
      // No number is as far off as can be.
      worst = difference <= worst ? worst : difference;
    }
    return worst;
  }
};

/// Elements in (−range, range); `exact` is what they are after rounding.
inline Operand makeOperand(std::mt19937 &engine, const reference::Shape &shape,
                           double range, const std::string &element) {
  Operand operand{reference::Tensor(shape), element, {}};
  int64_t bytes = operand.elementBytes();
  operand.bytes.resize(operand.exact.size() * bytes + 16);
  std::uniform_real_distribution<double> draw(-range, range);
  for (int64_t at = 0; at < operand.exact.size(); ++at) {
    float value = draw(engine);
    uint16_t half = emulate::toHalf(value, element == "bf16");
    if (bytes == 4)
      std::memcpy(&operand.bytes[4 * at], &value, 4);
    else
      std::memcpy(&operand.bytes[2 * at], &half, 2);
    operand.exact.data[at] = operand.decode(at);
  }
  return operand;
}

} // namespace heed::test

#endif // HEED_TESTS_UNIT_GPU_OPERANDS_H
