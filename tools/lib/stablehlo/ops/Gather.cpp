// Gather.cpp - gather: slices at computed places.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// result[i] = operand[start + batch + offset], where
//   the result's offset_dims are the offsets into a slice, its other dims pick
//   an index vector; start_index_map says which operand dim each of its entries
//   is for, clamped so that the slice lies inside.

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {

void gather(Op &o, const Shape &sizes) {
  Emitter &e = o.e;
  const Tensor &x = o.in[0], &indices = o.in[1];
  const Shape &from = x->shape, &at = indices->shape;
  size_t rank = from.size();
  if (o.op->getNumResults() != 1)
    fail("it has " + Twine(o.op->getNumResults()) + " results");
  // Of the declared sizes only the rank counts: the others follow.
  Shape result(declaredSizes(o.op->getResult(0).getType()).size(), Sym(0));
  if (!import::isInteger(indices->type))
    fail("its indices are " + import::name(indices->type));
  DictionaryAttr numbers = o.fields("dimension_numbers");
  auto list = [&](StringRef name, size_t limit) {
    Attribute a = numbers.get(name);
    auto r = a ? intsOf(a) : Ints();
    if (!r)
      fail("'" + name + "' is no list of integers");
    checkDims(*r, limit, "'" + name + "'");
    return *r;
  };
  Ints offsetDims = list("offset_dims", result.size()),
       collapsed = list("collapsed_slice_dims", rank),
       batching = list("operand_batching_dims", rank),
       indexBatching = list("start_indices_batching_dims", at.size()),
       startMap = list("start_index_map", rank);
  int64_t vectorDim = 0; // absent: 0
  if (auto i = dyn_cast_or_null<IntegerAttr>(numbers.get("index_vector_dim")))
    vectorDim = i.getInt();
  if (vectorDim < 0 || vectorDim > int64_t(at.size()))
    fail("'index_vector_dim' is " + Twine(vectorDim));
  bool scalarIndex = vectorDim == int64_t(at.size());
  if (Sym(startMap.size()) != (scalarIndex ? Sym(1) : at[vectorDim]))
    fail("'start_index_map' does not fit the indices");
  for (size_t d = 0; d < rank; ++d) {
    if (auto known = sizes[d].constant(); known && *known < 0)
      fail("a slice of size " + Twine(*known));
    requireFits(e, sizes[d], from[d]);
  }
  // Operand dims that the offsets run over, in order.
  Ints sliced;
  for (int64_t d = 0; d < int64_t(rank); ++d) {
    bool isGone =
        llvm::is_contained(collapsed, d) || llvm::is_contained(batching, d);
    if (isGone && sizes[d] != Sym(1) && sizes[d] != Sym(0))
      fail("a slice of another size than 1 along a dimension that is gone");
    if (!isGone)
      sliced.push_back(d);
  }
  Ints batchDims; // of the result, in the order of the indices' dims
  for (int64_t d = 0; d < int64_t(result.size()); ++d)
    if (!llvm::is_contained(offsetDims, d))
      batchDims.push_back(d);
  Ints indexDims; // of the indices, without the vectors
  for (int64_t d = 0; d < int64_t(at.size()); ++d)
    if (d != vectorDim)
      indexDims.push_back(d);
  if (sliced.size() != offsetDims.size() ||
      batchDims.size() != indexDims.size() ||
      batching.size() != indexBatching.size())
    fail("its dimension numbers do not fit the ranks");
  for (auto [d, i] : llvm::zip(batchDims, indexDims))
    result[d] = e.canonical(at[i]);
  for (auto [d, s] : llvm::zip(offsetDims, sliced))
    result[d] = e.canonical(sizes[s]);
  for (auto [d, i] : llvm::zip(batching, indexBatching)) {
    if (i == vectorDim || llvm::is_contained(startMap, d) ||
        llvm::is_contained(collapsed, d))
      fail("its batching dimensions do not fit");
    e.require(from[d], at[i], "its batching dimensions");
  }
  if (isEmpty(result)) {
    o.out.push_back(e.computed(e.empty(x->type, result), x->type, result));
    return;
  }
  if (indexDims.empty() && (scalarIndex || vectorDim == 0)) {
    // One slice, without the dims that are gone.
    Shape starts(rank, Sym(0)), kept;
    for (auto [k, d] : llvm::enumerate(startMap)) {
      Tensor index =
          scalarIndex
              ? indices
              : e.reshape(e.slice(indices, {Sym(k)}, {Sym(1)}, {1}), {});
      starts[d] = clampedStart(e, index, sizes[d], from[d]);
    }
    Tensor slice = e.slice(x, starts, sizes, Ints(rank, 1));
    for (int64_t d : sliced)
      kept.push_back(sizes[d]);
    slice = e.reshape(slice, kept);
    Ints order(result.size());
    for (auto [k, d] : llvm::enumerate(offsetDims))
      order[d] = k;
    o.out.push_back(e.transpose(slice, order));
    return;
  }

  Type index = e.b.getIndexType();
  Value source = e.ir(x), table = e.ir(indices), zero = e.scalarInt(index, 0);
  SmallVector<Value> last(rank), entry(startMap.size());
  for (size_t d = 0; d < rank; ++d)
    last[d] = e.size(e.canonical(from[d] - sizes[d]));
  for (size_t k = 0; k < startMap.size(); ++k)
    entry[k] = e.scalarInt(index, k);
  bool u = import::isUnsigned(indices->type);
  o.out.push_back(e.generate(
      x->type, result, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        SmallVector<Value> where(at.size()), read(rank, zero);
        for (auto [d, to] : llvm::zip(batchDims, indexDims))
          where[to] = i[d];
        for (auto [k, d] : llvm::enumerate(startMap)) {
          if (!scalarIndex)
            where[vectorDim] = entry[k];
          Value v = tensor::ExtractOp::create(b, l, table, where);
          if (u) {
            v = arith::IndexCastUIOp::create(b, l, index, v);
            v = arith::MinUIOp::create(b, l, v, last[d]);
          } else {
            v = arith::IndexCastOp::create(b, l, index, v);
            v = arith::MinSIOp::create(b, l, v, last[d]);
            v = arith::MaxSIOp::create(b, l, v, zero);
          }
          read[d] = v;
        }
        for (auto [d, from] : llvm::zip(batching, indexBatching))
          read[d] = where[from];
        for (auto [d, s] : llvm::zip(offsetDims, sliced))
          read[s] = arith::AddIOp::create(b, l, read[s], i[d]);
        return tensor::ExtractOp::create(b, l, source, read);
      }));
}

void convertGather(Op &o) {
  o.requireOperands(2);
  gather(o, import::shapeOf(o.ints("slice_sizes", o.in[0]->rank())));
}

/// The same with the sizes of a slice as an operand.
void convertDynamicGather(Op &o) {
  o.requireOperands(3);
  gather(o, o.elements(2, o.in[0]->rank()));
}

} // namespace

ArrayRef<Entry> gatherOps() {
  static const Entry ops[] = {
      {"stablehlo.gather", convertGather},
      {"stablehlo.dynamic_gather", convertDynamicGather}};
  return ops;
}

} // namespace heed::stablehlo
