// Tensor.cpp - the reference's row-major tensors of doubles
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/reference/Tensor.h"

#include <stdexcept>
#include <utility>

namespace heed::reference {

int64_t elements(const Shape &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Tensor::Tensor(Shape sizes, double value)
    : shape(std::move(sizes)),
      data(static_cast<size_t>(elements(shape)), value) {}

Tensor::Tensor(Shape sizes, std::vector<double> values)
    : shape(std::move(sizes)), data(std::move(values)) {
  if (size() != elements(shape))
    throw std::invalid_argument("tensor: shape and data do not agree");
}

size_t Tensor::offset(const Shape &index) const {
  if (index.size() != shape.size())
    throw std::out_of_range("tensor: index of the wrong rank");
  int64_t offset = 0;
  for (size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= shape[i])
      throw std::out_of_range("tensor: index out of bounds");
    offset = offset * shape[i] + index[i];
  }
  return static_cast<size_t>(offset);
}

bool next(Shape &index, const Shape &shape) {
  for (size_t i = shape.size(); i-- > 0;) {
    if (++index[i] < shape[i])
      return true;
    index[i] = 0;
  }
  return false;
}

} // namespace heed::reference
