// Contract.cpp - reference matmul, convolution and pooling
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/reference/Reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace heed::reference {

/// The index into an operand whose leading dims broadcast against `batch`.
static Shape broadcastIndex(const Shape &batch, const Tensor &operand,
                            int64_t row, int64_t column) {
  size_t own = operand.shape.size() - 2;
  Shape index(operand.shape.size());
  for (size_t i = 0; i < own; ++i)
    index[i] = operand.shape[i] == 1 ? 0 : batch[batch.size() - own + i];
  index[own] = row;
  index[own + 1] = column;
  return index;
}

Tensor matmul(const Tensor &a, const Tensor &b) {
  size_t rank = std::max(a.shape.size(), b.shape.size());
  int64_t m = a.shape[a.shape.size() - 2], k = a.shape.back();
  int64_t n = b.shape.back();
  if (b.shape[b.shape.size() - 2] != k)
    throw std::invalid_argument("matmul: reduction sizes differ");
  Shape batch(rank - 2, 1);
  for (const Tensor *operand : {&a, &b})
    for (size_t i = 0; i + 2 < operand->shape.size(); ++i) {
      int64_t &size = batch[rank - operand->shape.size() + i];
      size = std::max(size, operand->shape[i]);
    }
  Shape shape = batch;
  shape.push_back(m);
  shape.push_back(n);
  Tensor c(shape);
  if (c.size() == 0)
    return c;
  Shape index(rank, 0);
  do {
    Shape at(index.begin(), index.end() - 2);
    int64_t row = index[rank - 2], column = index[rank - 1];
    double sum = 0;
    for (int64_t i = 0; i < k; ++i)
      sum += a.at(broadcastIndex(at, a, row, i)) *
             b.at(broadcastIndex(at, b, i, column));
    c.at(index) = sum;
  } while (next(index, shape));
  return c;
}

/// Where tap `tap` of output position `out` reads, or false for padding.
static bool sourceIndex(const Shape &out, const Shape &tap, const ConvParams &p,
                        const Tensor &x, Shape &index) {
  for (size_t i = 0; i < tap.size(); ++i) {
    int64_t at = out[i] * p.strides[i] + tap[i] * p.dilations[i] - p.padLow[i];
    if (at < 0 || at >= x.shape[i + 2])
      return false;
    index[i + 2] = at;
  }
  return true;
}

static Shape outputShape(const Tensor &x, int64_t channels, const Shape &kernel,
                         const ConvParams &p) {
  Shape shape = {x.shape[0], channels};
  for (size_t i = 0; i < kernel.size(); ++i) {
    int64_t extent = (kernel[i] - 1) * p.dilations[i] + 1;
    shape.push_back((x.shape[i + 2] + p.padLow[i] + p.padHigh[i] - extent) /
                        p.strides[i] +
                    1);
  }
  return shape;
}

Tensor convolution(const Tensor &x, const Tensor &w,
                   const std::optional<Tensor> &bias, const ConvParams &p) {
  Shape kernel(w.shape.begin() + 2, w.shape.end());
  int64_t outputs = w.shape[0], inputs = w.shape[1];
  Tensor y(outputShape(x, outputs, kernel, p));
  Shape index(y.shape.size(), 0);
  do {
    int64_t o = index[1], group = o / (outputs / p.groups);
    Shape out(index.begin() + 2, index.end());
    double sum = bias ? bias->data[static_cast<size_t>(o)] : 0.0;
    for (int64_t i = 0; i < inputs; ++i) {
      Shape tap(kernel.size(), 0);
      do {
        Shape source(index.size()), weight = {o, i};
        source[0] = index[0];
        source[1] = group * inputs + i;
        weight.insert(weight.end(), tap.begin(), tap.end());
        if (sourceIndex(out, tap, p, x, source))
          sum += x.at(source) * w.at(weight);
      } while (next(tap, kernel));
    }
    y.at(index) = sum;
  } while (next(index, y.shape));
  return y;
}

Tensor deconvolution(const Tensor &x, const Tensor &w,
                     const std::optional<Tensor> &bias, const ConvParams &p) {
  Shape kernel(w.shape.begin() + 2, w.shape.end());
  int64_t perGroup = w.shape[1], outputs = perGroup * p.groups;
  Shape shape = {x.shape[0], outputs};
  for (size_t i = 0; i < kernel.size(); ++i)
    shape.push_back((x.shape[i + 2] - 1) * p.strides[i] +
                    (kernel[i] - 1) * p.dilations[i] + 1 - p.padLow[i] -
                    p.padHigh[i]);
  Tensor y(shape);
  Shape index(x.shape.size(), 0);
  do {
    int64_t group = index[1] / (x.shape[1] / p.groups);
    for (int64_t o = 0; o < perGroup; ++o) {
      Shape tap(kernel.size(), 0);
      do {
        Shape to = {index[0], group * perGroup + o}, weight = {index[1], o};
        weight.insert(weight.end(), tap.begin(), tap.end());
        bool inside = true;
        for (size_t i = 0; i < tap.size(); ++i) {
          to.push_back(index[i + 2] * p.strides[i] + tap[i] * p.dilations[i] -
                       p.padLow[i]);
          inside &= to.back() >= 0 && to.back() < shape[i + 2];
        }
        if (inside)
          y.at(to) += x.at(index) * w.at(weight);
      } while (next(tap, kernel));
    }
  } while (next(index, x.shape));
  if (bias) {
    Shape at(shape.size(), 0);
    do
      y.at(at) += bias->data[static_cast<size_t>(at[1])];
    while (next(at, shape));
  }
  return y;
}

Tensor pool(const Tensor &x, Pool kind, const Shape &kernel,
            const ConvParams &p) {
  Tensor y(outputShape(x, x.shape[1], kernel, p));
  Shape index(y.shape.size(), 0);
  do {
    Shape out(index.begin() + 2, index.end()), tap(kernel.size(), 0);
    double sum = 0, max = -std::numeric_limits<double>::infinity();
    int64_t count = 0;
    do {
      Shape source(index.size());
      source[0] = index[0];
      source[1] = index[1];
      if (!sourceIndex(out, tap, p, x, source))
        continue;
      sum += x.at(source);
      max = std::max(max, x.at(source));
      ++count;
    } while (next(tap, kernel));
    if (kind == Pool::AvgIncludePad)
      count = elements(kernel);
    bool average = kind == Pool::Avg || kind == Pool::AvgIncludePad;
    y.at(index) = kind == Pool::Max ? max
                  : average         ? sum / static_cast<double>(count)
                                    : sum;
  } while (next(index, y.shape));
  return y;
}

Tensor reduce(const Tensor &x, Pool kind, const std::vector<int64_t> &dims) {
  Shape shape;
  std::vector<size_t> kept;
  double count = 1;
  for (int64_t i = 0; i < x.rank(); ++i) {
    int64_t size = x.shape[static_cast<size_t>(i)];
    if (std::find(dims.begin(), dims.end(), i) != dims.end()) {
      count *= static_cast<double>(size);
      continue;
    }
    kept.push_back(static_cast<size_t>(i));
    shape.push_back(size);
  }
  bool isMax = kind == Pool::Max;
  Tensor y(shape, isMax ? -std::numeric_limits<double>::infinity() : 0.0);
  if (x.size() == 0)
    return y;
  Shape index(x.shape.size(), 0);
  do {
    Shape to;
    for (size_t i : kept)
      to.push_back(index[i]);
    double &value = y.at(to);
    value = isMax ? std::max(value, x.at(index)) : value + x.at(index);
  } while (next(index, x.shape));
  if (kind == Pool::Avg || kind == Pool::AvgIncludePad)
    for (double &value : y.data)
      value /= count;
  return y;
}

} // namespace heed::reference
