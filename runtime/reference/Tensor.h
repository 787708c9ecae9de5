// Tensor.h - the reference's row-major tensors of doubles
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_REFERENCE_TENSOR_H
#define HEED_RUNTIME_REFERENCE_TENSOR_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heed::reference {

using Shape = std::vector<int64_t>;

struct Tensor {
  Shape shape;
  std::vector<double> data;

  Tensor() = default;
  explicit Tensor(Shape shape, double value = 0.0);
  Tensor(Shape shape, std::vector<double> data);

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t size() const { return static_cast<int64_t>(data.size()); }
  double &at(const Shape &index) { return data[offset(index)]; }
  double at(const Shape &index) const { return data[offset(index)]; }
  size_t offset(const Shape &index) const;
};

int64_t elements(const Shape &shape);

/// Steps `index` through `shape` in row-major order; false after the last.
bool next(Shape &index, const Shape &shape);

} // namespace heed::reference

#endif // HEED_RUNTIME_REFERENCE_TENSOR_H
