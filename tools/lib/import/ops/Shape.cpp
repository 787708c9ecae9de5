// Shape.cpp - Shape, Size and Range: integers that the importer follows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

void importShape(Node &n) {
  const Tensor &x = n.input(0);
  int64_t rank = x->rank();
  auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  int64_t start = clamp(n.intAttr("start", 0)),
          end = std::max(start, clamp(n.intAttr("end", rank)));
  std::vector<Sym> dims;
  for (int64_t d = start; d < end; ++d)
    dims.push_back(n.e.canonical(x->shape[d]));
  n.set(n.e.integers(DType::I64, {end - start}, dims));
}

void importSize(Node &n) {
  n.set(n.e.integers(DType::I64, {}, {n.e.product(n.input(0)->shape)}));
}

/// The integer that a float scalar is known to hold.
std::optional<Sym> exactInteger(const Tensor &scalar) {
  if (scalar->castOf)
    return scalar->castOf->front();
  if (!scalar->constant)
    return std::nullopt;
  double value = scalar->constant->asDouble(0);
  if (value != std::floor(value) || std::abs(value) > 1 << 24)
    return std::nullopt;
  return Sym(static_cast<int64_t>(value));
}

/// A range of floats: folded, or with a length that the program computes.
void importFloatRange(Node &n) {
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  DType type = n.input(0)->type;
  auto start = n.input(0)->constant, limit = n.input(1)->constant,
       delta = n.input(2)->constant;
  if (start && limit && delta) {
    double s = start->asDouble(0), d = delta->asDouble(0);
    double count = std::ceil((limit->asDouble(0) - s) / d);
    if (!(count < 1 << 20) || !e.chargeFold(8 * std::max(count, 0.0)))
      fail("the range is too long or its step is 0");
    std::vector<double> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(s + d * i);
    return n.set(e.constant(
        HostTensor::ofDoubles(type, {int64_t(values.size())}, values)));
  }
  SmallVector<Value> at;
  for (size_t i = 0; i < 3; ++i)
    at.push_back(tensor::ExtractOp::create(
        b, e.loc, e.ir(e.reshape(n.input(i), {})), ValueRange()));
  Value span = arith::SubFOp::create(b, e.loc, at[1], at[0]);
  Value steps = math::CeilOp::create(
      b, e.loc, arith::DivFOp::create(b, e.loc, span, at[2]));
  Value count = arith::FPToSIOp::create(b, e.loc, b.getI64Type(), steps);
  Sym length =
      e.sizeOf(arith::IndexCastOp::create(b, e.loc, b.getIndexType(), count));
  e.requireAtLeast(length, 0, "length of the range");
  n.set(e.generate(
      type, {length}, [&](OpBuilder &in, Location l, ValueRange i) -> Value {
        Value k = arith::IndexCastOp::create(in, l, in.getI64Type(), i[0]);
        Value f =
            arith::SIToFPOp::create(in, l, irType(type, in.getContext()), k);
        Value step = arith::MulFOp::create(in, l, f, at[2]);
        return arith::AddFOp::create(in, l, at[0], step);
      }));
}

/// start, start + delta, ...; ceil((limit - start) / delta) of them.
Tensor integerRange(Emitter &e, DType type, const Sym &start, const Sym &limit,
                    const Sym &delta) {
  auto step = delta.constant();
  if (!step || *step == 0)
    fail("the step is 0 or only known at run time");
  Sym count = *step > 0 ? e.syms.ceilDiv(limit - start, *step)
                        : e.syms.ceilDiv(start - limit, Sym(0) - *step);
  count = e.canonical(e.syms.max(count, 0));
  if (auto c = count.constant(); c && *c <= 1024) {
    std::vector<Sym> values;
    for (int64_t i = 0; i < *c; ++i)
      values.push_back(start + delta * Sym(i));
    return e.integers(type, {*c}, values);
  }
  Value from = e.size(start), by = e.size(delta);
  Type element = irType(type, e.b.getContext());
  return e.generate(type, {count},
                    [&](OpBuilder &b, Location l, ValueRange i) -> Value {
                      Value v = i[0];
                      if (*step != 1)
                        v = arith::MulIOp::create(b, l, v, by);
                      if (start != Sym(0))
                        v = arith::AddIOp::create(b, l, v, from);
                      return arith::IndexCastOp::create(b, l, element, v);
                    });
}

void importRange(Node &n) {
  n.requireSameTypes();
  DType type = n.input(0)->type;
  for (size_t i = 0; i < 3; ++i)
    if (n.input(i)->rank() > 1 ||
        (n.input(i)->rank() == 1 && n.input(i)->shape[0] != Sym(1)))
      fail("input " + Twine(i) + " is no scalar");
  Emitter &e = n.e;
  if (!isFloat(type)) {
    auto element = [&](size_t i) { return e.someElements(n.input(i))[0]; };
    Sym start = element(0), limit = element(1), delta = element(2);
    return n.set(integerRange(e, type, start, limit, delta));
  }
  // Sizes that became floats (anchors of detectors) keep an exact length.
  auto start = exactInteger(n.input(0)), limit = exactInteger(n.input(1)),
       delta = exactInteger(n.input(2));
  bool folds = n.input(0)->constant && n.input(1)->constant;
  if (start && limit && delta && delta->constant() && !folds)
    return n.set(
        e.cast(integerRange(e, DType::I64, *start, *limit, *delta), type));
  importFloatRange(n);
}

} // namespace

llvm::ArrayRef<OpEntry> shapeOps() {
  static const OpEntry ops[] = {
      {"Shape", 1, 1, 1, importShape},
      {"Size", 1, 1, 1, importSize},
      {"Range", 11, 3, 3, importRange},
  };
  return ops;
}

} // namespace heed::import
