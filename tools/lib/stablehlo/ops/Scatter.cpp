// Scatter.cpp - scatter: updates at computed places, by any scalar body.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// for each index u of the updates, in order:
//   at[scatter_dims_to_operand_dims[k]] = indices[u's scatter dims, k]
//   at[batching dims] = u there;  at[window dims] += u there
//   result[at] = body(result[at], updates[u])      unless at is outside
// The order is fixed, so that bodies that are not commutative give one result.

#include "tools/lib/import/ops/Loop.h"
#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {

/// The dimension numbers, checked.
struct Places {
  Ints windowDims;  // of the updates: run over a slice
  Ints scatterDims; // of the updates: pick an index vector
  Ints indexDims;   // of the indices, in the order of scatterDims
  Ints slicedDims;  // of the operand, in the order of windowDims
  Ints batching, indexBatching;
  Ints target; // operand dim of each entry of an index vector
  int64_t vectorDim = 0;
  bool scalarIndex = false;
};

Places readPlaces(Op &o, const Shape &operand, const Shape &at,
                  const Shape &updates) {
  DictionaryAttr numbers = o.fields("scatter_dimension_numbers");
  auto list = [&](StringRef name, size_t limit) {
    Attribute a = numbers.get(name);
    auto r = a ? intsOf(a) : Ints();
    if (!r)
      fail("'" + name + "' is no list of integers");
    checkDims(*r, limit, "'" + name + "'");
    return *r;
  };
  Places p;
  p.windowDims = list("update_window_dims", updates.size());
  Ints inserted = list("inserted_window_dims", operand.size());
  p.batching = list("input_batching_dims", operand.size());
  p.indexBatching = list("scatter_indices_batching_dims", at.size());
  p.target = list("scatter_dims_to_operand_dims", operand.size());
  if (auto i = dyn_cast_or_null<IntegerAttr>(numbers.get("index_vector_dim")))
    p.vectorDim = i.getInt();
  if (p.vectorDim < 0 || p.vectorDim > int64_t(at.size()))
    fail("'index_vector_dim' is " + Twine(p.vectorDim));
  p.scalarIndex = p.vectorDim == int64_t(at.size());
  if (Sym(p.target.size()) != (p.scalarIndex ? Sym(1) : at[p.vectorDim]))
    fail("'scatter_dims_to_operand_dims' does not fit the indices");
  for (int64_t d = 0; d < int64_t(operand.size()); ++d)
    if (!llvm::is_contained(inserted, d) && !llvm::is_contained(p.batching, d))
      p.slicedDims.push_back(d);
  for (int64_t d = 0; d < int64_t(updates.size()); ++d)
    if (!llvm::is_contained(p.windowDims, d))
      p.scatterDims.push_back(d);
  for (int64_t d = 0; d < int64_t(at.size()); ++d)
    if (d != p.vectorDim)
      p.indexDims.push_back(d);
  if (p.slicedDims.size() != p.windowDims.size() ||
      p.scatterDims.size() != p.indexDims.size() ||
      p.batching.size() != p.indexBatching.size())
    fail("its dimension numbers do not fit the ranks");
  for (auto [u, i] : llvm::zip(p.scatterDims, p.indexDims))
    o.e.require(updates[u], at[i], "the sizes of its updates and indices");
  for (auto [u, d] : llvm::zip(p.windowDims, p.slicedDims))
    requireFits(o.e, updates[u], operand[d]);
  for (auto [d, i] : llvm::zip(p.batching, p.indexBatching)) {
    if (i == p.vectorDim || llvm::is_contained(p.target, d))
      fail("its batching dimensions do not fit");
    o.e.require(operand[d], at[i], "its batching dimensions");
  }
  return p;
}

void convertScatter(Op &o) {
  size_t count = o.in.size() / 2;
  if (o.in.size() % 2 == 0 || count == 0 || o.op->getNumResults() != count)
    fail("it has " + Twine(o.in.size()) + " operands and " +
         Twine(o.op->getNumResults()) + " results");
  Emitter &e = o.e;
  ArrayRef<Tensor> operands = ArrayRef(o.in).take_front(count),
                   updates = ArrayRef(o.in).drop_front(count + 1);
  const Tensor &indices = o.in[count];
  if (!import::isInteger(indices->type))
    fail("its indices are " + import::name(indices->type));
  const Shape sizes = operands[0]->shape, at = indices->shape,
              from = updates[0]->shape;
  Region &body = o.body();
  checkScalarRegion(body, 2 * count, count);
  for (size_t i = 0; i < count; ++i) {
    requireShape(e, operands[i]->shape, sizes, "the sizes of its operands");
    requireShape(e, updates[i]->shape, from, "the sizes of its updates");
    if (operands[i]->type != updates[i]->type)
      fail("its operands and updates differ in types");
    for (Value v :
         {Value(body.getArgument(i)), Value(body.getArgument(count + i)),
          body.front().back().getOperand(i)})
      if (dtypeOf(getElementTypeOrSelf(v.getType())) != operands[i]->type)
        fail("unsupported: a body on other element types than the operands'");
  }
  Places p = readPlaces(o, sizes, at, from);
  o.out.assign(operands.begin(), operands.end());
  if (isEmpty(from) || isEmpty(sizes))
    return;

  import::Code c{e, e.b, e.loc};
  SmallVector<Value> state, sources;
  for (size_t i = 0; i < count; ++i) {
    state.push_back(e.ir(operands[i]));
    sources.push_back(e.ir(updates[i]));
  }
  Value table = e.ir(indices);
  SmallVector<Value> ends, limits;
  for (const Sym &size : from)
    ends.push_back(e.size(size));
  for (const Sym &size : sizes)
    limits.push_back(e.size(size));
  bool u = import::isUnsigned(indices->type);
  import::Code::Values results = c.repeat(
      e.size(e.product(from)), state, [&](Value flat, import::Code::Values carried) {
        SmallVector<Value> place(from.size()), where(at.size()),
            to(sizes.size(), c.index(0));
  for (size_t d = from.size(); d-- > 0;) {
    place[d] = d ? c.rem(flat, ends[d]) : flat;
    if (d)
      flat = c.div(flat, ends[d]);
  }
  for (auto [d, i] : llvm::zip(p.scatterDims, p.indexDims))
    where[i] = place[d];
  for (auto [k, d] : llvm::enumerate(p.target)) {
    if (!p.scalarIndex)
      where[p.vectorDim] = c.index(k);
    Value v = c.get(table, where);
    to[d] = u ? arith::IndexCastUIOp::create(c.b, c.l, c.b.getIndexType(), v)
                    .getResult()
              : c.fromI64(v);
  }
  for (auto [d, i] : llvm::zip(p.batching, p.indexBatching))
    to[d] = where[i];
  for (auto [w, d] : llvm::zip(p.windowDims, p.slicedDims))
    to[d] = c.add(to[d], place[w]);
  // Outside: read and written back at a place that is inside.
  Value inside;
  for (auto [d, limit] : llvm::enumerate(limits)) {
    Value fits = arith::CmpIOp::create(c.b, c.l, arith::CmpIPredicate::ult,
                                       to[d], limit);
    inside = inside ? c.both(inside, fits) : fits;
    to[d] = c.select(fits, to[d], c.index(0));
  }
  SmallVector<Value> operandsAt;
  for (Value tensor : carried)
    operandsAt.push_back(c.get(tensor, to));
  for (Value source : sources)
    operandsAt.push_back(c.get(source, place));
  SmallVector<Value> next = scalarRegion(c.b, c.l, body, operandsAt);
  import::Code::Values written;
  for (size_t i = 0; i < count; ++i) {
    Value v = inside ? c.select(inside, next[i], operandsAt[i]) : next[i];
    written.push_back(c.put(v, carried[i], to));
  }
  return written;
});
for (size_t i = 0; i < count; ++i)
  o.out[i] = e.computed(results[i], operands[i]->type, operands[i]->shape);
} // namespace

} // namespace heed::stablehlo

ArrayRef<Entry> scatterOps() {
  static const Entry ops[] = {{"stablehlo.scatter", convertScatter}};
  return ops;
}

} // namespace heed::stablehlo
