// ResizeTable.cpp - resizing one dim by weights of each position: cubic, and
// linear or cubic with antialiasing.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/ResizeTable.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Loop.h"

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

/// y[..., o, ...] = Σ_k w[o, k]·x[..., at[o, k], ...]
Tensor weighted(Emitter &e, const Tensor &x, int64_t axis, const Tensor &w,
                const Tensor &at) {
  OpBuilder &b = e.b;
  size_t rank = x->rank();
  Shape shape = x->shape;
  shape[axis] = w->shape[0];
  AffineExpr o = b.getAffineDimExpr(axis), k = b.getAffineDimExpr(rank);
  AffineMap table = AffineMap::get(rank + 1, 0, {o, k}, b.getContext());
  SmallVector<AffineMap> maps = {
      table, table,
      AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext())
          .getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
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

  SmallVector<int64_t> dims = {out, taps};
  return weighted(
      e, x, axis,
      e.constant(HostTensor::ofDoubles(x->type, dims, weights), "resize"),
      e.constant(HostTensor::ofInts(DType::I64, dims, indices), "resize_from"));
}

namespace {

/// The numbers of `sourceOf` and the weights as values of the program.
struct Positions {
  const ResizeRule &rule;
  Value in, out, scale; // float

  Value sourceOf(Formula &s, Value o) const {
    if (rule.transform == "asymmetric")
      return s.div(o, scale);
    Value one = s.c(1), isOne = s.greater(s.c(1.5), out);
    if (rule.transform == "align_corners") {
      Value span = s.max(s.sub(out, one), one);
      return s.select(isOne, s.c(0), s.div(s.mul(o, s.sub(in, one)), span));
    }
    Value half = s.sub(s.div(s.add(o, s.c(0.5)), scale), s.c(0.5));
    if (rule.transform == "pytorch_half_pixel")
      return s.select(isOne, s.c(-0.5), half);
    if (rule.transform == "half_pixel_symmetric")
      half = s.add(half, s.mul(s.mul(in, s.c(0.5)),
                               s.sub(one, s.div(out, s.mul(scale, in)))));
    return half;
  }
  Value cubicOf(Formula &s, Value d) const {
    double a = rule.cubicA;
    Value x = s.abs(d);
    auto times = [&](Value p, double q) { return s.sub(s.mul(p, x), s.c(q)); };
    Value near = s.add(
        s.mul(s.mul(s.sub(s.mul(s.c(a + 2), x), s.c(a + 3)), x), x), s.c(1));
    Value far = s.add(s.mul(times(s.c(a), 5 * a), x), s.c(8 * a));
    far = s.sub(s.mul(far, x), s.c(4 * a));
    return s.select(s.greater(x, s.c(1)),
                    s.select(s.greater(s.c(2), x), far, s.c(0)), near);
  }
  /// Element k of the taps around `at`, as in `resizeByTable`.
  Value tap(Formula &s, Value at, Value k) const {
    Value left = s.sub(s.make<math::CeilOp>(at), s.c(rule.cubic ? 2 : 1));
    return s.add(left, k);
  }
  Value weightOf(Formula &s, Value at, Value tap) const {
    Value d = s.sub(tap, at);
    Value w =
        rule.cubic ? cubicOf(s, d) : s.max(s.sub(s.c(1), s.abs(d)), s.c(0));
    if (!rule.excludeOutside)
      return w;
    Value outside = s.select(s.greater(s.c(0), tap), s.c(1), s.c(0));
    outside = s.select(s.greater(s.add(tap, s.c(0.5)), in), s.c(1), outside);
    return s.select(s.greater(outside, s.c(0)), s.c(0), w);
  }
};

} // namespace

Tensor resizeByFormula(Emitter &e, const Tensor &x, int64_t axis,
                       const Sym &out, std::optional<double> scale,
                       const ResizeRule &rule) {
  const DType type = DType::F32;
  const Sym &in = x->shape[axis];
  e.requireAtLeast(in, 1, "resized dimension");
  Code code{e, e.b, e.loc};
  Value count = code.toFloat(e.size(out), type),
        size = code.toFloat(e.size(in), type), last = e.size(in - Sym(1));
  Value factor =
      scale ? e.scalar(type, *scale)
            : arith::DivFOp::create(e.b, e.loc, count, size).getResult();
  Positions p{rule, size, count, factor};
  int64_t taps = rule.cubic ? 4 : 2;
  Tensor w = e.generate(
      type, {out, taps}, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        Formula s{e, type, b, l};
        Code c{e, b, l};
        Value at = p.sourceOf(s, c.toFloat(i[0], type));
        Value w = p.weightOf(s, at, p.tap(s, at, c.toFloat(i[1], type)));
        if (!rule.excludeOutside)
          return w;
        Value sum;
        for (int64_t k = 0; k < taps; ++k) {
          Value part = p.weightOf(s, at, p.tap(s, at, s.c(double(k))));
          sum = sum ? s.add(sum, part) : part;
        }
        Value isZero =
            arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ, sum, s.c(0));
        return s.div(w, s.select(isZero, s.c(1), sum));
      });
  Tensor from =
      e.generate(DType::I64, {out, taps},
                 [&](OpBuilder &b, Location l, ValueRange i) -> Value {
                   Formula s{e, type, b, l};
                   Code c{e, b, l};
                   Value at = p.sourceOf(s, c.toFloat(i[0], type));
                   Value tap = c.fromFloat(p.tap(s, at, c.toFloat(i[1], type)));
                   return c.i64(c.max(c.min(tap, last), c.index(0)));
                 });
  return weighted(e, x, axis, e.cast(w, x->type), from);
}

} // namespace heed::import
