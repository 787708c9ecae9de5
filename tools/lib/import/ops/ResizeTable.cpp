// ResizeTable.cpp - resizing one dim by weights that are known at import:
// cubic, and linear or cubic with antialiasing.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/ResizeTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

/// A table has at most this many weights.
constexpr int64_t maxWeights = 1 << 24;

/// Position in the input of output position `o`.
double sourceOf(const std::string &transform, double o, double in, double out,
                double scale) {
  if (transform == "asymmetric")
    return o / scale;
  if (transform == "align_corners")
    return out == 1 ? 0 : o * (in - 1) / (out - 1);
  if (transform == "pytorch_half_pixel" && out == 1)
    return -0.5;
  double half = (o + 0.5) / scale - 0.5;
  // The middle of the input goes to the middle of the output, where rounding
  // made that shorter than in·scale.
  if (transform == "half_pixel_symmetric")
    half += in / 2 * (1 - out / (scale * in));
  return half;
}

/// Keys' cubic: 1 at 0, 0 at 1 and from 2 on.
double cubic(double x, double a) {
  x = std::fabs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

} // namespace

Tensor resizeByTable(Emitter &e, const Tensor &x, int64_t axis, int64_t out,
                     double scale, const ResizeRule &rule) {
  int64_t in = *x->shape[axis].constant();
  // Antialiasing widens the filter where the output is smaller.
  double stretch = rule.antialias ? std::min(scale, 1.0) : 1;
  double radius = rule.cubic ? 2 : 1;
  double reach = std::ceil(radius / stretch);
  if (!(reach < 1 << 20) || out > maxWeights / (2 * int64_t(reach)))
    fail("a resized dimension needs more than " + Twine(maxWeights) +
         " weights");
  int64_t taps = 2 * int64_t(reach);
  std::vector<double> weights;
  std::vector<int64_t> indices;
  for (int64_t o = 0; o < out; ++o) {
    double at = sourceOf(rule.transform, o, in, out, scale);
    // The last element to the left; it is never the position itself.
    double left = std::ceil(at) - 1, sum = 0;
    size_t first = weights.size();
    for (int64_t k = 0; k < taps; ++k) {
      double i = left - reach + 1 + k, d = (i - at) * stretch;
      double w =
          rule.cubic ? cubic(d, rule.cubicA) : std::max(0.0, 1 - std::fabs(d));
      if (rule.excludeOutside && (i < 0 || i >= in))
        w = 0;
      sum += w;
      weights.push_back(w);
      indices.push_back(
          static_cast<int64_t>(std::min(std::max(i, 0.0), in - 1.0)));
    }
    if (rule.antialias || rule.excludeOutside)
      for (size_t k = first; k < weights.size(); ++k)
        weights[k] /= sum == 0 ? 1 : sum;
  }

  OpBuilder &b = e.b;
  size_t rank = x->rank();
  Shape shape = x->shape;
  shape[axis] = out;
  AffineExpr o = b.getAffineDimExpr(axis), k = b.getAffineDimExpr(rank);
  AffineMap table = AffineMap::get(rank + 1, 0, {o, k}, b.getContext());
  SmallVector<AffineMap> maps = {
      table, table,
      AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext())
          .getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  SmallVector<int64_t> dims = {out, taps};
  Tensor w = e.constant(HostTensor::ofDoubles(x->type, dims, weights),
                        "resize"),
         at = e.constant(HostTensor::ofInts(DType::I64, dims, indices),
                         "resize_from");
  Value source = e.ir(x), init = e.filled(x->type, shape, e.scalar(x->type, 0));
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), ValueRange{e.ir(w), e.ir(at)}, init, maps,
      iterators, [&](OpBuilder &in, Location l, ValueRange a) {
        SmallVector<Value> from;
        for (size_t d = 0; d < rank; ++d)
          from.push_back(
              int64_t(d) == axis
                  ? arith::IndexCastOp::create(in, l, in.getIndexType(), a[1])
                        .getResult()
                  : linalg::IndexOp::create(in, l, d).getResult());
        Value v = tensor::ExtractOp::create(in, l, source, from);
        Value part = arith::MulFOp::create(in, l, a[0], v);
        Value sum = arith::AddFOp::create(in, l, a[2], part);
        linalg::YieldOp::create(in, l, sum);
      });
  return e.computed(op.getResult(0), x->type, shape);
}

} // namespace heed::import
