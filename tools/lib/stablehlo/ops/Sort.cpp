// Sort.cpp - sort along a dimension, and chlo.top_k.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// By counting: the element i goes to the place
//
//   rank(i) = #{ j : before(x[j], x[i]) or (neither before the other, j < i) }
//
// which is stable and asks no more of `before` than that it is an order. Its
// n² comparisons are one parallel loop.

#include "tools/lib/import/ops/Loop.h"
#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {

/// Whether the elements a stand before the elements b.
using Before = llvm::function_ref<Value(OpBuilder &, Location,
                                        ArrayRef<Value> a, ArrayRef<Value> b)>;

/// rank(i) as int64, of the operands' sizes.
Value emitRanks(Emitter &e, ArrayRef<Tensor> xs, int64_t dim, Before before) {
  OpBuilder &b = e.b;
  size_t rank = xs[0]->rank();
  // Loops: the operands' dims, then j.
  AffineMap own = AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext())
                      .getMajorSubMap(rank);
  SmallVector<AffineExpr> exprs(own.getResults());
  exprs[dim] = b.getAffineDimExpr(rank);
  AffineMap other = AffineMap::get(rank + 1, 0, exprs, b.getContext());
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  for (AffineMap map : {own, other})
    for (const Tensor &x : xs) {
      ins.push_back(e.ir(x));
      maps.push_back(map);
    }
  maps.push_back(own);
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  Value none = e.scalarInt(b.getI64Type(), 0);
  Value init = e.filled(DType::I64, xs[0]->shape, none);
  size_t count = xs.size();
  return linalg::GenericOp::create(
             b, e.loc, init.getType(), ins, init, maps, iterators,
             [&](OpBuilder &at, Location l, ValueRange args) {
               SmallVector<Value> mine(args.take_front(count)),
                   theirs(args.slice(count, count));
               Value first = before(at, l, theirs, mine);
               Value last = before(at, l, mine, theirs);
               Value j = linalg::IndexOp::create(at, l, rank);
               Value i = linalg::IndexOp::create(at, l, dim);
               Value earlier = arith::CmpIOp::create(
                   at, l, arith::CmpIPredicate::slt, j, i);
               // last: i before j, else a tie is decided by the place
               Value tie = arith::SelectOp::create(at, l, last, first, earlier);
               Value counts = arith::OrIOp::create(at, l, first, tie);
               Value one =
                   arith::ExtUIOp::create(at, l, at.getI64Type(), counts);
               Value sum = arith::AddIOp::create(at, l, args.back(), one);
               linalg::YieldOp::create(at, l, sum);
             })
      .getResult(0);
}

/// Element i of each source at place rank(i) along `dim`; places from `limit` on
/// are left out. A source that is null stands for i itself, as int32.
SmallVector<Tensor> emitPlaced(Emitter &e, Value ranks, const Tensor &like,
                               ArrayRef<Tensor> sources, int64_t dim,
                               const Sym &limit) {
  Shape placed = like->shape;
  placed[dim] = limit;
  import::Code c{e, e.b, e.loc};
  SmallVector<Value> state, values;
  for (const Tensor &source : sources) {
    state.push_back(e.empty(source ? source->type : DType::I32, placed));
    values.push_back(source ? e.ir(source) : Value());
  }
  Type i32 = e.b.getI32Type();
  SmallVector<Value> sizes;
  for (const Sym &size : like->shape)
    sizes.push_back(e.size(size));
  Value end = e.size(limit);
  import::Code::Values results = c.repeat(
      e.size(e.product(like->shape)), state,
      [&](Value flat, import::Code::Values carried) {
        SmallVector<Value> from(sizes.size());
  for (size_t d = sizes.size(); d-- > 0;) {
    from[d] = d ? c.rem(flat, sizes[d]) : flat;
    if (d)
      flat = c.div(flat, sizes[d]);
  }
  SmallVector<Value> to = from;
  to[dim] = c.fromI64(c.get(ranks, from));
  Value inside = c.less(to[dim], end);
  to[dim] = c.select(inside, to[dim], c.index(0));
  import::Code::Values written;
  for (auto [value, tensor] : llvm::zip(values, carried)) {
    Value v =
        value
            ? c.get(value, from)
            : arith::IndexCastOp::create(c.b, c.l, i32, from[dim]).getResult();
    v = c.select(inside, v, c.get(tensor, to));
    written.push_back(c.put(v, tensor, to));
  }
  return written;
});
SmallVector<Tensor> tensors;
for (auto [source, value] : llvm::zip(sources, results))
  tensors.push_back(e.computed(value, source ? source->type : DType::I32,
                               placed));
return tensors;
} // namespace

/// A comparison of pairs, (a0, b0, a1, b1, ...), that says which stands first.
void checkComparator(Region &body, ArrayRef<Tensor> xs) {
  checkScalarRegion(body, 2 * xs.size(), 1);
  for (auto [i, x] : llvm::enumerate(xs))
    for (unsigned side : {0, 1})
      if (dtypeOf(getElementTypeOrSelf(
              body.getArgument(2 * i + side).getType())) != x->type)
        fail("its body has other element types than the operands");
  if (dtypeOf(getElementTypeOrSelf(
          body.front().back().getOperand(0).getType())) != DType::Bool)
    fail("its body returns no bool");
}

/// The first `limit` of the operands along `dim`, in the order of `body`.
void sortBy(Op &o, Region &body, ArrayRef<Tensor> xs, int64_t dim,
            const Sym &limit) {
  for (const Tensor &x : xs)
    requireShape(o.e, x->shape, xs[0]->shape, "the sizes of its operands");
  checkComparator(body, xs);
  Value ranks = emitRanks(
      o.e, xs, dim,
      [&](OpBuilder &b, Location l, ArrayRef<Value> x, ArrayRef<Value> y) {
        SmallVector<Value> pairs;
        for (auto [a, c] : llvm::zip(x, y))
          pairs.append({a, c});
        return scalarRegion(b, l, body, pairs)[0];
      });
  o.out = emitPlaced(o.e, ranks, xs[0], xs, dim, limit);
}

void convertSort(Op &o) {
  size_t count = o.in.size();
  if (count == 0 || o.op->getNumResults() != count)
    fail("it has " + Twine(count) + " operands and " +
         Twine(o.op->getNumResults()) + " results");
  const Shape &sizes = o.in[0]->shape;
  if (sizes.empty())
    fail("its operand is a scalar");
  int64_t rank = sizes.size(),
          dim = o.integer("dimension", rank - 1, -rank, rank - 1);
  dim += dim < 0 ? rank : 0;
  sortBy(o, o.body(), o.in, dim, sizes[dim]);
}

/// XLA's approximate top k: the exact one is as good as any.
void convertApproxTopK(Op &o) {
  // Operands, initial values; then, where sizes are dynamic, those of the
  // results, which follow.
  size_t count = o.op->getNumResults();
  size_t sizes = o.ints("indices_of_shape_operands").value_or(Ints()).size();
  if (count == 0 || o.in.size() != 2 * count + sizes)
    fail("it has " + Twine(o.in.size()) + " operands and " + Twine(count) +
         " results");
  DictionaryAttr fields = o.fields("mhlo.backend_config");
  auto number = [&](StringRef name, int64_t high) {
    auto i = fields.getAs<IntegerAttr>(name);
    if (!i || i.getInt() < 0 || i.getInt() > high)
      fail("'" + name + "' is missing or outside of its range");
    return i.getInt();
  };
  auto aggregates = fields.getAs<BoolAttr>("aggregate_to_topk");
  if (!aggregates || !aggregates.getValue())
    fail("unsupported: 'aggregate_to_topk' is not true");
  int64_t dim = number("reduction_dim", int64_t(o.in[0]->rank()) - 1),
          k = number("top_k", int64_t(1) << 40);
  requireFits(o.e, k, o.in[0]->shape[dim]);
  sortBy(o, o.body(), ArrayRef(o.in).take_front(count), dim, k);
}

/// The k largest along the last dim, and where they were.
void topK(Op &o, const Sym &k) {
  const Tensor &x = o.in[0];
  if (x->rank() == 0)
    fail("its operand is a scalar");
  int64_t dim = x->rank() - 1;
  if (auto known = k.constant(); known && *known < 0)
    fail("it asks for the " + Twine(*known) + " largest");
  requireFits(o.e, k, x->shape[dim]);
  bool isFloat = import::isFloat(x->type), u = import::isUnsigned(x->type);
  Value ranks = emitRanks(
      o.e, {x}, dim,
      [&](OpBuilder &b, Location l, ArrayRef<Value> a,
          ArrayRef<Value> c) -> Value {
        using P = arith::CmpIPredicate;
        if (!isFloat)
          return arith::CmpIOp::create(b, l, u ? P::ugt : P::sgt, a[0], c[0]);
        // NaN is larger than any number.
        Value isNan =
            arith::CmpFOp::create(b, l, arith::CmpFPredicate::UNO, a[0], a[0]);
        Value other =
            arith::CmpFOp::create(b, l, arith::CmpFPredicate::ORD, c[0], c[0]);
        Value nan = arith::AndIOp::create(b, l, isNan, other);
        Value larger =
            arith::CmpFOp::create(b, l, arith::CmpFPredicate::OGT, a[0], c[0]);
        return arith::OrIOp::create(b, l, larger, nan);
      });
  o.out = emitPlaced(o.e, ranks, x, {x, nullptr}, dim, k);
}

void convertTopK(Op &o) {
  o.requireOperands(1);
  topK(o, o.integer("k"));
}

/// The same, with k as a scalar operand.
void convertDynamicTopK(Op &o) {
  o.requireOperands(2);
  if (o.in[1]->rank() != 0 || !import::isInteger(o.in[1]->type))
    fail("its k is no scalar integer");
  topK(o, o.e.someElements(o.in[1])[0]);
}

} // namespace heed::stablehlo

ArrayRef<Entry> sortOps() {
  static const Entry ops[] = {
      {"stablehlo.sort", convertSort},
      {"chlo.top_k", convertTopK},
      {"stablehlo.custom_call @ApproxTopK", convertApproxTopK},
      {"stablehlo.custom_call @stablehlo.dynamic_top_k", convertDynamicTopK}};
  return ops;
}

} // namespace heed::stablehlo
