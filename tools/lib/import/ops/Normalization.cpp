// Normalization.cpp - batch, layer, RMS, instance, group and local response
// normalisation.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Normalization.h"
#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Map.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

/// 1 / √(x + epsilon)
Tensor inverseRoot(Emitter &e, const Tensor &x, double epsilon) {
  return e.elementwise(
      {x}, x->type, [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        Value sum =
            arith::AddFOp::create(b, l, v[0], e.scalar(x->type, epsilon));
        return math::RsqrtOp::create(b, l, sum);
      });
}

/// (x − mean) / √(var + ε) over `axes`.
Normalised normalise(Emitter &e, const Tensor &x, ArrayRef<int64_t> axes,
                     double epsilon) {
  Tensor mean = e.mean(x, axes, true);
  Tensor centred = map2<arith::SubFOp>(e, x, mean);
  Tensor variance = e.mean(square(e, centred), axes, true);
  Tensor inverse = inverseRoot(e, variance, epsilon);
  return {map2<arith::MulFOp>(e, centred, inverse), mean, inverse};
}

namespace {

/// A vector over dim 1 of rank `rank`.
Tensor alongChannels(Emitter &e, const Tensor &t, size_t rank) {
  if (t->rank() != 1)
    fail("a parameter is no vector");
  Shape shape(rank - 1, Sym(1));
  shape[0] = t->shape[0];
  return e.reshape(t, shape);
}

SmallVector<int64_t> axesFrom(int64_t axis, size_t rank) {
  SmallVector<int64_t> axes;
  for (size_t d = axis; d < rank; ++d)
    axes.push_back(d);
  return axes;
}

void requireBroadcastsTo(const Tensor &t, const Tensor &x, StringRef what) {
  if (t->rank() > x->rank())
    fail(what + " has rank " + Twine(t->rank()) + ", the input " +
         Twine(x->rank()));
}

/// The type in which ONNX computes: float32 for the short ones.
DType stashType(Node &n, const Tensor &x) {
  bool isShort = x->type == DType::F16 || x->type == DType::BF16;
  return isShort && n.intAttr("stash_type", 1) == 1 ? DType::F32 : x->type;
}

void importLayerNorm(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 1);
  Tensor x = n.floatInput(0), scale = n.floatInput(1), bias = n.optional(2);
  requireBroadcastsTo(scale, x, "the scale");
  if (bias)
    requireBroadcastsTo(n.floatInput(2), x, "the bias");
  DType type = x->type;
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", -1), x->rank());
  x = e.cast(x, stashType(n, x));
  Normalised r =
      normalise(e, x, axesFrom(axis, x->rank()), n.floatAttr("epsilon", 1e-5));
  Tensor y = map2<arith::MulFOp>(e, e.cast(r.y, type), e.cast(scale, type));
  if (bias)
    y = map2<arith::AddFOp>(e, y, e.cast(bias, type));
  n.set(y);
  if (n.wants(1))
    n.set(1, r.mean);
  if (n.wants(2))
    n.set(2, r.inverseDeviation);
}

void importRmsNorm(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 1);
  Tensor x = n.floatInput(0), scale = n.floatInput(1);
  requireBroadcastsTo(scale, x, "the scale");
  DType type = x->type;
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", -1), x->rank());
  x = e.cast(x, stashType(n, x));
  Tensor squares = e.mean(square(e, x), axesFrom(axis, x->rank()), true);
  Tensor inverse = inverseRoot(e, squares, n.floatAttr("epsilon", 1e-5));
  Tensor y = e.cast(map2<arith::MulFOp>(e, x, inverse), type);
  n.set(map2<arith::MulFOp>(e, y, e.cast(scale, type)));
}

void importInstanceNorm(Node &n) {
  Emitter &e = n.e;
  n.requireSameTypes();
  n.requireRank(0, 3);
  const Tensor &x = n.floatInput(0);
  Normalised r =
      normalise(e, x, axesFrom(2, x->rank()), n.floatAttr("epsilon", 1e-5));
  Tensor y =
      map2<arith::MulFOp>(e, r.y, alongChannels(e, n.input(1), x->rank()));
  n.set(map2<arith::AddFOp>(e, y, alongChannels(e, n.input(2), x->rank())));
}

void importGroupNorm(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 3);
  const Tensor &x = n.floatInput(0);
  int64_t groups = n.intAttr("num_groups");
  if (groups < 1)
    fail("attribute 'num_groups' is " + Twine(groups));
  auto perGroup = x->shape[1].exactQuotient(groups);
  if (!perGroup)
    fail("the channels do not divide by the groups");
  Shape apart = {x->shape[0], groups, *perGroup};
  apart.append(x->shape.begin() + 2, x->shape.end());
  Normalised r = normalise(e, e.reshape(x, apart), axesFrom(2, apart.size()),
                           n.floatAttr("epsilon", 1e-5));
  if (n.opset < 21) { // one scale and bias a group
    Shape vector(apart.size() - 1, Sym(1));
    vector[0] = groups;
    Tensor y = map2<arith::MulFOp>(e, r.y, e.reshape(n.input(1), vector));
    y = map2<arith::AddFOp>(e, y, e.reshape(n.input(2), vector));
    return n.set(e.reshape(y, x->shape));
  }
  Tensor y = e.reshape(r.y, x->shape);
  y = map2<arith::MulFOp>(e, y, alongChannels(e, n.input(1), x->rank()));
  n.set(map2<arith::AddFOp>(e, y, alongChannels(e, n.input(2), x->rank())));
}

/// In inference x·a + b with a = scale / √(var + ε), b = bias − mean·a, folded
/// where the parameters are constants.
void importBatchNorm(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 2);
  const Tensor &x = n.floatInput(0);
  if (n.intAttr("training_mode", 0))
    fail("training mode is not supported");
  double epsilon = n.floatAttr("epsilon", 1e-5);
  SmallVector<Tensor> p;
  for (size_t i = 1; i < 5; ++i) {
    p.push_back(n.floatInput(i));
    if (p.back()->rank() != 1)
      fail("input " + Twine(i) + " is no vector");
    e.require(p.back()->shape[0], x->shape[1], "input " + Twine(i));
  }
  bool known =
      llvm::all_of(p, [](const Tensor &t) { return bool(t->constant); });
  Tensor a, c;
  if (known && e.foldable({x->shape[1], 2}, 1 << 23)) {
    std::vector<double> scale, shift;
    for (int64_t i = 0; i < p[0]->constant->count(); ++i) {
      scale.push_back(p[0]->constant->asDouble(i) /
                      std::sqrt(p[3]->constant->asDouble(i) + epsilon));
      shift.push_back(p[1]->constant->asDouble(i) -
                      p[2]->constant->asDouble(i) * scale.back());
    }
    int64_t count = scale.size();
    a = e.constant(HostTensor::ofDoubles(x->type, {count}, scale), p[0]->name);
    c = e.constant(HostTensor::ofDoubles(x->type, {count}, shift), p[1]->name);
  } else {
    a = map2<arith::MulFOp>(e, p[0], inverseRoot(e, p[3], epsilon));
    c = map2<arith::SubFOp>(e, p[1], map2<arith::MulFOp>(e, p[2], a));
  }
  Tensor y = map2<arith::MulFOp>(e, x, alongChannels(e, a, x->rank()));
  n.set(map2<arith::AddFOp>(e, y, alongChannels(e, c, x->rank())));
}

/// (x − mean) / (σ + 10⁻⁹), as ONNX defines it.
void importMeanVarianceNorm(Node &n) {
  Emitter &e = n.e;
  const Tensor &x = n.floatInput(0);
  auto given = n.intsAttr("axes");
  SmallVector<int64_t> axes = Node::normalisedAxes(
      given ? ArrayRef<int64_t>(*given) : ArrayRef<int64_t>{0, 2, 3},
      x->rank());
  Tensor centred = map2<arith::SubFOp>(e, x, e.mean(x, axes, true));
  Tensor variance = e.mean(square(e, centred), axes, true);
  n.set(e.elementwise(
      {centred, variance}, x->type,
      [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        Value deviation = math::SqrtOp::create(b, l, v[1]);
        deviation =
            arith::AddFOp::create(b, l, deviation, e.scalar(x->type, 1e-9));
        return arith::DivFOp::create(b, l, v[0], deviation);
      }));
}

/// x / ‖x‖_p along an axis.
void importLpNorm(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 1);
  const Tensor &x = n.floatInput(0);
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", -1), x->rank());
  int64_t p = n.intAttr("p", 2);
  if (p != 1 && p != 2)
    fail("attribute 'p' is " + Twine(p));
  auto apply = [&](const Tensor &t, auto make) {
    return e.elementwise(
        {t}, t->type,
        [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
          return make(b, l, v[0]);
        });
  };
  Tensor powers =
      p == 2 ? square(e, x) : apply(x, [](OpBuilder &b, Location l, Value v) {
        return math::AbsFOp::create(b, l, v).getResult();
      });
  Tensor norm = e.reduce(powers, {axis}, true, ReduceKind::Sum);
  if (p == 2)
    norm = apply(norm, [](OpBuilder &b, Location l, Value v) {
      return math::SqrtOp::create(b, l, v).getResult();
    });
  n.set(e.elementwise(
      {x, norm}, x->type,
      [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        Value zero = e.scalar(x->type, 0); // 0 / 0 = 0 here
        Value isZero =
            arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ, v[1], zero);
        Value ratio = arith::DivFOp::create(b, l, v[0], v[1]);
        return arith::SelectOp::create(b, l, isZero, zero, ratio);
      }));
}

/// x / (bias + alpha/size·Σ x²)^beta, the sum over `size` channels around each.
void importLrn(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 2);
  const Tensor &x = n.floatInput(0);
  int64_t size = n.intAttr("size");
  if (size < 1 || size > 1024)
    fail("attribute 'size' is " + Twine(size));
  double alpha = n.floatAttr("alpha", 1e-4), beta = n.floatAttr("beta", 0.75),
         bias = n.floatAttr("bias", 1);
  SmallVector<Sym> low(x->rank(), Sym(0)), high(x->rank(), Sym(0));
  low[1] = (size - 1) / 2;
  high[1] = size - 1 - (size - 1) / 2;
  Tensor wide = e.pad(square(e, x), low, high, e.scalar(x->type, 0)), sum;
  SmallVector<Sym> offsets(x->rank(), Sym(0));
  SmallVector<int64_t> strides(x->rank(), 1);
  for (int64_t i = 0; i < size; ++i) {
    offsets[1] = i;
    Tensor part = e.slice(wide, offsets, x->shape, strides);
    sum = sum ? map2<arith::AddFOp>(e, sum, part) : part;
  }
  n.set(e.elementwise(
      {x, sum}, x->type, [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
        Formula s{e, x->type, b, l};
        Value base = s.add(s.c(bias),
                           s.mul(s.c(alpha / static_cast<double>(size)), v[1]));
        return s.div(v[0], s.make<math::PowFOp>(base, s.c(beta)));
      }));
}

} // namespace

llvm::ArrayRef<OpEntry> normalizationOps() {
  static const OpEntry ops[] = {
      {"LayerNormalization", 17, 2, 3, importLayerNorm},
      {"RMSNormalization", 23, 2, 2, importRmsNorm},
      {"InstanceNormalization", 6, 3, 3, importInstanceNorm},
      {"GroupNormalization", 18, 3, 3, importGroupNorm},
      {"BatchNormalization", 7, 5, 5, importBatchNorm},
      {"LpNormalization", 1, 1, 1, importLpNorm},
      {"MeanVarianceNormalization", 9, 1, 1, importMeanVarianceNorm},
      {"LRN", 1, 1, 1, importLrn},
  };
  return ops;
}

} // namespace heed::import
