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

void convertGather(Op &o) {
  o.requireOperands(2);
  Emitter &e = o.e;
  const Tensor &x = o.in[0], &indices = o.in[1];
  Ints from = sizesOf(x), at = sizesOf(indices), result = o.resultSizes();
  size_t rank = from.size();
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
  if (int64_t(startMap.size()) != (scalarIndex ? 1 : at[vectorDim]))
    fail("'start_index_map' does not fit the indices");
  Ints sizes = o.ints("slice_sizes", rank);
  for (size_t d = 0; d < rank; ++d)
    if (sizes[d] < 0 || sizes[d] > from[d])
      fail("a slice of " + Twine(sizes[d]) + " of a dimension of size " +
           Twine(from[d]));
  // Operand dims that the offsets run over, in order.
  Ints sliced;
  for (int64_t d = 0; d < int64_t(rank); ++d) {
    bool isGone =
        llvm::is_contained(collapsed, d) || llvm::is_contained(batching, d);
    if (isGone && sizes[d] > 1)
      fail("a slice of " + Twine(sizes[d]) + " along a dimension that is gone");
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
    if (result[d] != at[i])
      fail("its result does not have the sizes of its indices");
  for (auto [d, s] : llvm::zip(offsetDims, sliced))
    if (result[d] != sizes[s])
      fail("its result does not have the sizes of its slices");
  for (auto [d, i] : llvm::zip(batching, indexBatching))
    if (i == vectorDim || from[d] != at[i] || llvm::is_contained(startMap, d) ||
        llvm::is_contained(collapsed, d))
      fail("its batching dimensions do not fit");
  if (import::checkedCount(result) == 0) {
    o.out.push_back(e.computed(e.empty(x->type, import::shapeOf(result)),
                               x->type, import::shapeOf(result)));
    return;
  }

  Type index = e.b.getIndexType();
  Value source = e.ir(x), table = e.ir(indices), zero = e.scalarInt(index, 0);
  SmallVector<Value> last(rank), entry(startMap.size());
  for (size_t d = 0; d < rank; ++d)
    last[d] = e.scalarInt(index, from[d] - sizes[d]);
  for (size_t k = 0; k < startMap.size(); ++k)
    entry[k] = e.scalarInt(index, k);
  bool u = import::isUnsigned(indices->type);
  o.out.push_back(
      e.generate(x->type, import::shapeOf(result),
                 [&](OpBuilder &b, Location l, ValueRange i) -> Value {
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

} // namespace

ArrayRef<Entry> gatherOps() {
  static const Entry ops[] = {{"stablehlo.gather", convertGather}};
  return ops;
}

} // namespace heed::stablehlo
