// TopK.cpp - the k largest or smallest elements along an axis.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for r < k:  values[r], indices[r] = the best (x[i], i) among those that
//   come after (values[r − 1], indices[r − 1])
// Larger (or smaller) comes first, then the lower index: k passes over x, and
// nothing to sort.

#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

struct TopK {
  Emitter &e;
  Tensor x;
  int64_t axis;
  bool largest;

  /// Whether a comes before c, by value.
  Value before(OpBuilder &b, Location l, Value a, Value c) {
    if (isFloat(x->type))
      return arith::CmpFOp::create(
          b, l, largest ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT,
          a, c);
    using P = arith::CmpIPredicate;
    bool u = isUnsigned(x->type);
    return arith::CmpIOp::create(
        b, l, largest ? (u ? P::ugt : P::sgt) : (u ? P::ult : P::slt), a, c);
  }
  Value equal(OpBuilder &b, Location l, Value a, Value c) {
    if (isFloat(x->type))
      return arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ, a, c);
    return arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, a, c);
  }
  /// The body of the search: whether (x, i) comes after the last one found and
  /// before the best so far.
  void search(OpBuilder &b, Location l, ValueRange a, Value isFirst) {
    auto both = [&](Value p, Value q) -> Value {
      return arith::AndIOp::create(b, l, p, q);
    };
    auto either = [&](Value p, Value q) -> Value {
      return arith::OrIOp::create(b, l, p, q);
    };
    auto less = [&](Value p, Value q) -> Value {
      return arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, p, q);
    };
    Value at = linalg::IndexOp::create(b, l, axis);
    Value i = arith::IndexCastOp::create(b, l, b.getI64Type(), at);
    Value v = a[0], last = a[1], lastAt = a[2], best = a[3], bestAt = a[4];
    Value open = either(before(b, l, last, v),
                        both(equal(b, l, last, v), less(lastAt, i)));
    open = either(open, isFirst);
    Value none = less(bestAt, e.scalarInt(b.getI64Type(), 0));
    Value better = either(none, before(b, l, v, best));
    Value take = both(open, better);
    Value value = arith::SelectOp::create(b, l, take, v, best);
    Value index = arith::SelectOp::create(b, l, take, i, bestAt);
    linalg::YieldOp::create(b, l, ValueRange{value, index});
  }
};

void importTopK(Node &n) {
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  n.requireRank(0, 1);
  const Tensor &x = n.input(0);
  if (x->type == DType::Bool)
    fail("bool is not supported");
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", -1), x->rank());
  Sym k;
  if (n.opset < 10) {
    k = n.intAttr("k");
  } else {
    if (n.input(1)->type != DType::I64)
      fail("input 1: expected int64, got " + name(n.input(1)->type));
    std::vector<Sym> given = e.someElements(n.input(1));
    if (given.size() != 1)
      fail("k is no scalar");
    k = e.canonical(given[0]);
  }
  e.requireAtLeast(k, 0, "k");
  e.requireAtLeast(x->shape[axis] - k, 0, "the dimension minus k");
  TopK top{e, x, axis, n.intAttr("largest", 1) != 0};

  size_t rank = x->rank();
  Shape out = x->shape, rest = x->shape, row = x->shape;
  out[axis] = k;
  row[axis] = 1;
  rest.erase(rest.begin() + axis);
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators[axis] = utils::IteratorType::reduction;
  for (size_t d = 0; d < rank; ++d)
    if (int64_t(d) != axis)
      exprs.push_back(b.getAffineDimExpr(d));
  AffineMap kept = AffineMap::get(rank, 0, exprs, b.getContext());
  SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(rank), kept, kept,
                                 kept, kept};

  // What the loop reads is made in front of it.
  Type index = b.getIndexType();
  Value source = e.ir(x), zero = e.scalarInt(index, 0),
        one = e.scalarInt(index, 1), count = e.size(k),
        none = e.scalarInt(b.getI64Type(), -1), start = e.scalar(x->type, 0);
  SmallVector<OpFoldResult> sizes = e.foldedSizes(row),
                            ones(rank, b.getIndexAttr(1)),
                            offsets(rank, b.getIndexAttr(0));
  for (const Sym &s : rest)
    e.size(s);
  SmallVector<Value> init = {e.empty(x->type, out), e.empty(DType::I64, out)};
  auto loop = scf::ForOp::create(b, e.loc, zero, count, one, init);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    Location l = e.loc;
    Value r = loop.getInductionVar();
    Value isFirst =
        arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, r, zero);
    Value before = arith::SubIOp::create(b, l, r, one);
    before = arith::MaxSIOp::create(b, l, before, zero);
    auto carried = loop.getRegionIterArgs();
    SmallVector<Value> last;
    offsets[axis] = before;
    const DType types[] = {x->type, DType::I64};
    for (auto [i, type] : llvm::enumerate(types))
      last.push_back(tensor::ExtractSliceOp::create(
          b, l, e.typeOf(type, rest), carried[i], offsets, sizes, ones));
    Value best = e.filled(x->type, rest, start),
          bestAt = e.filled(DType::I64, rest, none);
    SmallVector<Type> results = {best.getType(), bestAt.getType()};
    auto found = linalg::GenericOp::create(
        b, l, results, ValueRange{source, last[0], last[1]},
        ValueRange{best, bestAt}, maps, iterators,
        [&](OpBuilder &at, Location l, ValueRange a) {
          top.search(at, l, a, isFirst);
        });
    offsets[axis] = r;
    SmallVector<Value> next;
    for (unsigned i = 0; i < 2; ++i)
      next.push_back(tensor::InsertSliceOp::create(
          b, l, found.getResult(i), carried[i], offsets, sizes, ones));
    scf::YieldOp::create(b, l, next);
  }
  n.set(0, e.computed(loop.getResult(0), x->type, out));
  n.set(1, e.computed(loop.getResult(1), DType::I64, out));
}

} // namespace

llvm::ArrayRef<OpEntry> topKOps() {
  static const OpEntry ops[] = {
      {"TopK", 1, 1, 2, importTopK},
  };
  return ops;
}

} // namespace heed::import
