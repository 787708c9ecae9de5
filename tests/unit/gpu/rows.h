// rows.h - norms, softmaxes, rotations and elementwise ops as MLIR, for the tests
// of their kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_UNIT_GPU_ROWS_H
#define HEED_TESTS_UNIT_GPU_ROWS_H

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace heed::test {

/// One op. func.func @main(x, a, b, y): a and b are weight and bias, cosines and
/// sines, or what is multiplied and added; y is not used in place.
struct Row {
  std::string name;
  enum Kind { Layer, RMS, Softmax, Rope, Gelu, Transpose } kind = Layer;
  std::vector<int64_t> shape{2, 5, 64};
  std::string element = "f32";
  int64_t columnDims = 1;         // of a norm
  std::vector<int64_t> over{2};   // of weight and bias; empty: there is none
  int64_t rotated = 0, table = 0; // R, and the size of the tables
  bool isInterleaved = false, isInPlace = false, isDynamic = false;

  std::string print() const;
  std::vector<std::vector<int64_t>> operandShapes() const;
};

/// How GoogleTest names it.
inline void PrintTo(const Row &row, std::ostream *os) { *os << row.name; }

/// The ops that are checked: each kind, length and layout.
std::vector<Row> rows();

} // namespace heed::test

#endif // HEED_TESTS_UNIT_GPU_ROWS_H
