// Reduce.cpp - reductions over axes, ArgMax, ArgMin and CumSum.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Map.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace heed::import {

namespace {

/// Sum or product of known sizes, as in ReduceProd(Shape(x)).
Tensor foldSizes(Node &n, const Tensor &x, bool isProduct, bool keepDims) {
  auto known = n.e.knownElements(x);
  if (!known || x->rank() != 1)
    return nullptr;
  Sym r(isProduct ? 1 : 0);
  for (const Sym &s : *known)
    r = isProduct ? r * s : r + s;
  return n.e.integers(
      x->type, keepDims ? ArrayRef<int64_t>{1} : ArrayRef<int64_t>{}, {r});
}

void importReduce(Node &n) {
  Emitter &e = n.e;
  const Tensor &x = n.input(0);
  StringRef op = n.op();
  bool keepDims = n.intAttr("keepdims", 1);
  // The axes became an input with opset 13 (sum) and 18 (all others).
  auto given = n.axes(op == "ReduceSum" ? 13 : 18, 1);
  SmallVector<int64_t> axes;
  if (given && !given->empty()) {
    axes = Node::normalisedAxes(*given, x->rank());
  } else {
    if (n.intAttr("noop_with_empty_axes", 0))
      return n.set(x);
    for (size_t d = 0; d < x->rank(); ++d)
      axes.push_back(d);
  }
  bool onlyFloat = op == "ReduceMean" || op == "ReduceL2" ||
                   op == "ReduceLogSum" || op == "ReduceLogSumExp";
  bool isExtreme = op == "ReduceMax" || op == "ReduceMin";
  if (x->type == DType::Bool && isExtreme) { // any, all: by bytes
    Tensor bytes =
        e.reduce(e.cast(x, DType::U8), axes, keepDims,
                 op == "ReduceMax" ? ReduceKind::Max : ReduceKind::Min);
    return n.set(e.cast(bytes, DType::Bool));
  }
  if (x->type == DType::Bool || (onlyFloat && !isFloat(x->type)))
    fail("input 0: " + name(x->type) + " is not supported");
  bool isSum = op == "ReduceSum", isProduct = op == "ReduceProd";
  if (isSum || isProduct)
    if (Tensor folded = foldSizes(n, x, isProduct, keepDims))
      return n.set(folded);

  auto sum = [&](const Tensor &t) {
    return e.reduce(t, axes, keepDims, ReduceKind::Sum);
  };
  if (isSum)
    n.set(sum(x));
  else if (op == "ReduceMean")
    n.set(e.mean(x, axes, keepDims));
  else if (op == "ReduceMax")
    n.set(e.reduce(x, axes, keepDims, ReduceKind::Max));
  else if (op == "ReduceMin")
    n.set(e.reduce(x, axes, keepDims, ReduceKind::Min));
  else if (isProduct)
    n.set(e.reduce(x, axes, keepDims, ReduceKind::Product));
  else if (op == "ReduceSumSquare")
    n.set(sum(square(e, x)));
  else if (op == "ReduceL2")
    n.set(map1<math::SqrtOp>(e, sum(square(e, x))));
  else if (op == "ReduceL1")
    n.set(sum(isFloat(x->type) ? map1<math::AbsFOp>(e, x)
                               : map1<math::AbsIOp>(e, x)));
  else if (op == "ReduceLogSum")
    n.set(map1<math::LogOp>(e, sum(x)));
  else { // ReduceLogSumExp: m + log Σ exp(x - m), m = max x
    Tensor m = e.reduce(x, axes, /*keepDims=*/true, ReduceKind::Max);
    Tensor shifted = map2<arith::SubFOp>(e, x, m);
    Tensor total =
        e.reduce(map1<math::ExpOp>(e, shifted), axes, true, ReduceKind::Sum);
    Tensor r = map2<arith::AddFOp>(e, m, map1<math::LogOp>(e, total));
    if (!keepDims) {
      Shape shape;
      for (size_t d = 0; d < r->rank(); ++d)
        if (!llvm::is_contained(axes, int64_t(d)))
          shape.push_back(r->shape[d]);
      r = e.reshape(r, shape);
    }
    n.set(r);
  }
}

/// The index of the first (or last) largest element, by a reduction of pairs.
void importArg(Node &n) {
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  const Tensor &x = n.input(0);
  n.requireRank(0, 1);
  bool isMax = n.op() == "ArgMax", last = n.intAttr("select_last_index", 0);
  bool keepDims = n.intAttr("keepdims", 1);
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", 0), x->rank());
  bool f = isFloat(x->type), u = isUnsigned(x->type);
  double infinity = std::numeric_limits<double>::infinity();
  unsigned bits = 8 * byteSize(x->type);
  if (x->type == DType::Bool)
    fail("bool is not supported");
  Value worst = f ? e.scalar(x->type, isMax ? -infinity : infinity)
                  : e.scalarInt(irType(x->type, b.getContext()),
                                u ? (isMax ? 0 : -1)
                                  : (isMax ? APInt::getSignedMinValue(bits)
                                           : APInt::getSignedMaxValue(bits))
                                        .getSExtValue());
  size_t rank = x->rank();
  Shape kept, ones = x->shape;
  ones[axis] = Sym(1);
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators;
  for (size_t d = 0; d < rank; ++d) {
    bool reduced = int64_t(d) == axis;
    iterators.push_back(reduced ? utils::IteratorType::reduction
                                : utils::IteratorType::parallel);
    if (reduced)
      continue;
    kept.push_back(x->shape[d]);
    exprs.push_back(b.getAffineDimExpr(d));
  }
  AffineMap keptMap = AffineMap::get(rank, 0, exprs, b.getContext());
  SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(rank), keptMap,
                                 keptMap};
  Value values = e.filled(x->type, kept, worst);
  Value indices = e.filled(DType::I64, kept, e.scalar(DType::I64, 0));
  SmallVector<Type> types = {values.getType(), indices.getType()};
  auto op = linalg::GenericOp::create(
      b, e.loc, types, ValueRange{e.ir(x)}, ValueRange{values, indices}, maps,
      iterators, [&](OpBuilder &at, Location l, ValueRange a) {
        Value i = linalg::IndexOp::create(at, l, axis);
        i = arith::IndexCastOp::create(at, l, at.getI64Type(), i);
        Value better;
        if (f)
          better =
              arith::CmpFOp::create(at, l,
                                    isMax ? (last ? arith::CmpFPredicate::OGE
                                                  : arith::CmpFPredicate::OGT)
                                          : (last ? arith::CmpFPredicate::OLE
                                                  : arith::CmpFPredicate::OLT),
                                    a[0], a[1]);
        else {
          using P = arith::CmpIPredicate;
          P p = isMax ? (last ? (u ? P::uge : P::sge) : (u ? P::ugt : P::sgt))
                      : (last ? (u ? P::ule : P::sle) : (u ? P::ult : P::slt));
          better = arith::CmpIOp::create(at, l, p, a[0], a[1]);
        }
        Value v = arith::SelectOp::create(at, l, better, a[0], a[1]);
        Value index = arith::SelectOp::create(at, l, better, i, a[2]);
        linalg::YieldOp::create(at, l, ValueRange{v, index});
      });
  Tensor r = e.computed(op.getResult(1), DType::I64, kept);
  n.set(keepDims ? e.reshape(r, ones) : r);
}

/// y[..., i, ...] = Σ x[..., j, ...] over j ≤ i (j < i if exclusive; j ≥ i if
/// reversed).
void importCumSum(Node &n) {
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  n.requireRank(0, 1);
  const Tensor &x = n.input(0);
  if (x->type == DType::Bool)
    fail("bool is not supported");
  SmallVector<int64_t> given = n.constantInts(1);
  if (given.size() != 1)
    fail("the axis is no scalar");
  int64_t axis = Node::normalisedAxis(given[0], x->rank());
  bool exclusive = n.intAttr("exclusive", 0), reverse = n.intAttr("reverse", 0);
  size_t rank = x->rank();
  SmallVector<AffineExpr> in;
  for (size_t d = 0; d < rank; ++d)
    in.push_back(b.getAffineDimExpr(int64_t(d) == axis ? rank : d));
  AffineMap out = AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext())
                      .getMajorSubMap(rank);
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank + 1, 0, in, b.getContext()), out};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value zero = e.scalar(x->type, 0), init = e.filled(x->type, x->shape, zero);
  using P = arith::CmpIPredicate;
  P predicate =
      exclusive ? (reverse ? P::sgt : P::slt) : (reverse ? P::sge : P::sle);
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), e.ir(x), init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange a) {
        Value i = linalg::IndexOp::create(at, l, axis);
        Value j = linalg::IndexOp::create(at, l, rank);
        Value counts = arith::CmpIOp::create(at, l, predicate, j, i);
        Value v = arith::SelectOp::create(at, l, counts, a[0], zero);
        Value sum = isFloat(x->type)
                        ? arith::AddFOp::create(at, l, a[1], v).getResult()
                        : arith::AddIOp::create(at, l, a[1], v).getResult();
        linalg::YieldOp::create(at, l, sum);
      });
  n.set(e.computed(op.getResult(0), x->type, x->shape));
}

} // namespace

llvm::ArrayRef<OpEntry> reduceOps() {
  static const OpEntry ops[] = {
      {"ReduceSum", 1, 1, 2, importReduce},
      {"ReduceMean", 1, 1, 2, importReduce},
      {"ReduceMax", 1, 1, 2, importReduce},
      {"ReduceMin", 1, 1, 2, importReduce},
      {"ReduceProd", 1, 1, 2, importReduce},
      {"ReduceSumSquare", 1, 1, 2, importReduce},
      {"ReduceL1", 1, 1, 2, importReduce},
      {"ReduceL2", 1, 1, 2, importReduce},
      {"ReduceLogSum", 1, 1, 2, importReduce},
      {"ReduceLogSumExp", 1, 1, 2, importReduce},
      {"ArgMax", 1, 1, 1, importArg},
      {"ArgMin", 1, 1, 1, importArg},
      {"CumSum", 11, 2, 2, importCumSum},
  };
  return ops;
}

} // namespace heed::import
