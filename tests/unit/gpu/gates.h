// gates.h - gates as MLIR, for the tests of their kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_UNIT_GPU_GATES_H
#define HEED_TESTS_UNIT_GPU_GATES_H

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace heed::test {

/// A gate, or the two of a CBAM.
struct Gate {
  std::string name;
  enum Kind { SE, ECA, Spatial, CBAM } kind = SE;
  int64_t n = 2, c = 32, h = 10, w = 8, hidden = 4;
  std::string element = "f32";
  bool isNHWC = false, isInPlace = false;
  bool hasResidual = false; // y = max(x · g + r, 0)
  bool hasDynamicImages = false, hasDynamicSizes = false;

  bool hasChannelGate() const { return kind != Spatial; }
  bool hasSpatialGate() const { return kind == Spatial || kind == CBAM; }
  std::vector<int64_t> shape() const {
    return isNHWC ? std::vector{n, h, w, c} : std::vector{n, c, h, w};
  }
};

/// How GoogleTest names it.
inline void PrintTo(const Gate &gate, std::ostream *os) { *os << gate.name; }

/// func.func @main(x, r, w1, w2, ws, y): w1 (c, hidden), w2 (hidden, c), or w1
/// (1, 1, 3) of an ECA; ws (1, 2, 7, 7); y is not used in place. Tensors that
/// the gate does not have are there all the same.
std::string print(const Gate &gate);

/// The gates that are checked: each kind, layout and size.
std::vector<Gate> gates();

} // namespace heed::test

#endif // HEED_TESTS_UNIT_GPU_GATES_H
