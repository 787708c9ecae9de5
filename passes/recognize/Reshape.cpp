// Reshape.cpp - tensors brought into a wanted layout, and small elementwise ops
// on them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Reshape.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace heed::recognize {

std::optional<TensorView> asTensorOrClone(OpBuilder &b, const Element &element,
                                          FactorTable &table) {
  if (!element.frame)
    return element.isTensor()
               ? std::optional<TensorView>({element.value, element.dims})
               : std::nullopt;
  if (std::optional<Element> outside = leaveFrame(element))
    return asTensorOrClone(b, *outside, table);
  linalg::LinalgOp op = element.frame;
  if (op.getNumReductionLoops() != 0 || op->getNumResults() != 1)
    return std::nullopt;
  AffineMap map = op.getIndexingMapMatchingResult(op->getResult(0));
  if (!map.isPermutation())
    return std::nullopt;
  // A copy whose body ends at the scalar.
  Value init =
      emptyLike(b, op.getLoc(), op->getResult(0), element.value.getType());
  SmallVector<Value> inputs = op.getDpsInputs();
  auto copy = linalg::GenericOp::create(
      b, op.getLoc(), init.getType(), inputs, init, op.getIndexingMapsArray(),
      op.getIteratorTypesArray(),
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        IRMapping mapping;
        for (auto [from, to] :
             llvm::zip(op.getBlock()->getArguments(), arguments))
          mapping.map(from, to);
        for (Operation &inner : op.getBlock()->without_terminator())
          nested.clone(inner, mapping);
        linalg::YieldOp::create(nested, loc,
                                mapping.lookupOrDefault(element.value));
      });
  Access dims;
  for (AffineExpr expr : map.getResults())
    dims.push_back(element.dims[cast<AffineDimExpr>(expr).getPosition()]);
  return TensorView{copy.getResult(0), dims};
}

/// Reassociation of `fine` lists into `coarse` ones; both have the same factors
/// in the same order. Lists of no factor go with a neighbour.
static std::optional<SmallVector<ReassociationIndices>>
reassociate(const Access &fine, const Access &coarse) {
  SmallVector<ReassociationIndices> groups(coarse.size());
  size_t next = 0;
  for (size_t i = 0; i < coarse.size(); ++i) {
    size_t need = coarse[i].size(), got = 0;
    if (next == fine.size())
      return std::nullopt;
    do {
      if (next == fine.size() || got + fine[next].size() > need)
        return std::nullopt;
      got += fine[next].size();
      groups[i].push_back(next++);
    } while (got < need);
    // Units that follow: leave one for each unit dimension still to come.
    size_t unitsToCome = 0;
    for (size_t k = i + 1; k < coarse.size() && coarse[k].empty(); ++k)
      ++unitsToCome;
    size_t units = 0;
    while (next + units < fine.size() && fine[next + units].empty())
      ++units;
    for (; units > unitsToCome; --units)
      groups[i].push_back(next++);
  }
  if (next != fine.size())
    return std::nullopt;
  return groups;
}

SmallVector<OpFoldResult> sizesOf(OpBuilder &b, Location loc,
                                  const Access &dims, FactorTable &table) {
  SmallVector<OpFoldResult> sizes;
  for (const Factors &list : dims) {
    int64_t number = 1;
    Value symbol;
    for (Factor factor : table.leaves(list)) {
      OpFoldResult size = table.getSize(factor).materialize(b, loc);
      if (std::optional<int64_t> known = getConstantIntValue(size)) {
        number *= *known;
        continue;
      }
      Value value = cast<Value>(size);
      symbol = symbol ? arith::MulIOp::create(b, loc, symbol, value).getResult()
                      : value;
    }
    if (symbol && number != 1)
      symbol = arith::MulIOp::create(
          b, loc, symbol, arith::ConstantIndexOp::create(b, loc, number));
    sizes.push_back(symbol ? OpFoldResult(symbol)
                           : OpFoldResult(b.getIndexAttr(number)));
  }
  return sizes;
}

/// `value` with the dims static that are the product of static ones of `shape`,
/// and the others dynamic. What the table knows of a size, the type may not: the
/// model's author may have fixed it in a reshape of another tensor. Null where
/// they contradict each other.
static Value castToProducts(OpBuilder &b, Location loc, Value value,
                            ArrayRef<ReassociationIndices> groups,
                            ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> products;
  for (const ReassociationIndices &group : groups) {
    int64_t product = 1;
    for (int64_t dim : group)
      product =
          ShapedType::isDynamic(product) || ShapedType::isDynamic(shape[dim])
              ? ShapedType::kDynamic
              : product * shape[dim];
    products.push_back(product);
  }
  auto wanted = RankedTensorType::get(products, type.getElementType());
  if (wanted == type)
    return value;
  if (!tensor::CastOp::areCastCompatible(type, wanted))
    return {};
  return tensor::CastOp::create(b, loc, wanted, value);
}

Value reshapeTo(OpBuilder &b, Location loc, const TensorView &view,
                const Access &wantedDims, FactorTable &table) {
  Access have = table.leaves(view.dims), wanted = table.leaves(wantedDims);
  if (have == wanted)
    return view.value;
  Factors order = table.flatten(have), wantedOrder = table.flatten(wanted);
  if (order.size() != wantedOrder.size() ||
      !std::is_permutation(order.begin(), order.end(), wantedOrder.begin()))
    return {};
  auto type = cast<RankedTensorType>(view.value.getType());
  Value value = view.value;
  auto withShape = [&](ArrayRef<OpFoldResult> sizes) {
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes, dynamic, shape);
    return RankedTensorType::get(shape, type.getElementType());
  };
  // To one dimension a factor (and none for units), ...
  Access single;
  for (Factor factor : order)
    single.push_back({factor});
  bool moved = order != wantedOrder;
  auto expandTo = [&](const Access &from, const Access &to) {
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, to, table);
    std::optional<SmallVector<ReassociationIndices>> groups =
        from.empty() ? SmallVector<ReassociationIndices>()
                     : reassociate(to, from);
    if (!groups)
      return false;
    RankedTensorType expanded = withShape(sizes);
    Value collapsed =
        castToProducts(b, loc, value, *groups, expanded.getShape());
    if (!collapsed)
      return false;
    value = tensor::ExpandShapeOp::create(b, loc, expanded, collapsed, *groups,
                                          sizes);
    return true;
  };
  auto collapseTo = [&](const Access &from, const Access &to) {
    std::optional<SmallVector<ReassociationIndices>> groups =
        to.empty() ? SmallVector<ReassociationIndices>()
                   : reassociate(from, to);
    if (!groups)
      return false;
    value = tensor::CollapseShapeOp::create(b, loc, value, *groups);
    return true;
  };
  if (!moved) {
    // One expansion or collapse often is enough.
    if (!wanted.empty() && !have.empty()) {
      if (wanted.size() > have.size() && reassociate(wanted, have) &&
          expandTo(have, wanted))
        return value;
      if (wanted.size() < have.size() && collapseTo(have, wanted))
        return value;
    }
  }
  // Units away, factors apart, reordered, then together again.
  Access dense;
  for (const Factors &list : have)
    if (!list.empty())
      dense.push_back(list);
  if (dense != have && !collapseTo(have, dense))
    return {};
  if (single != dense && !expandTo(dense, single))
    return {};
  if (moved) {
    SmallVector<int64_t> permutation;
    Access permuted;
    for (Factor factor : wantedOrder) {
      permutation.push_back(llvm::find(order, factor) - order.begin());
      permuted.push_back({factor});
    }
    Value init = tensor::EmptyOp::create(
        b, loc, sizesOf(b, loc, permuted, table), type.getElementType());
    value = linalg::TransposeOp::create(b, loc, value, init, permutation)
                ->getResult(0);
    single = permuted;
  }
  Access wantedDense;
  for (const Factors &list : wanted)
    if (!list.empty())
      wantedDense.push_back(list);
  if (single != wantedDense && !collapseTo(single, wantedDense))
    return {};
  if (wantedDense != wanted && !expandTo(wantedDense, wanted))
    return {};
  return value;
}

std::optional<TensorView> sliceRoot(OpBuilder &b, Location loc, TensorView root,
                                    Factor factor, int64_t offset, int64_t size,
                                    Factors kept, FactorTable &table) {
  Access dims = table.leaves(root.dims);
  int64_t at = -1;
  for (auto [dim, list] : llvm::enumerate(dims))
    if (llvm::is_contained(list, factor))
      at = dim;
  if (at < 0)
    return std::nullopt;
  if (dims[at].front() != factor) {
    // Inside a dimension: that is divided first.
    Access divided;
    for (auto [dim, list] : llvm::enumerate(dims)) {
      if (int64_t(dim) != at) {
        divided.push_back(list);
        continue;
      }
      auto place = llvm::find(list, factor);
      divided.push_back(Factors(list.begin(), place));
      divided.push_back(Factors(place, list.end()));
    }
    Value value = reshapeTo(b, loc, root, divided, table);
    if (!value)
      return std::nullopt;
    root.value = value;
    dims = divided;
    ++at;
  }
  int64_t inner = 1;
  for (Factor other : ArrayRef(dims[at]).drop_front()) {
    Size width = table.getSize(other);
    if (!width.isStatic())
      return std::nullopt;
    inner *= width.number;
  }
  SmallVector<OpFoldResult> sizes = sizesOf(b, loc, dims, table);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets[at] = b.getIndexAttr(offset * inner);
  sizes[at] = b.getIndexAttr(size * inner);
  dims[at].erase(dims[at].begin());
  dims[at].insert(dims[at].begin(), kept.begin(), kept.end());
  Value value = tensor::ExtractSliceOp::create(b, loc, root.value, offsets,
                                               sizes, strides);
  return TensorView{value, dims};
}

Value emptyLike(OpBuilder &b, Location loc, Value tensor, Type elementType) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0, e = cast<RankedTensorType>(tensor.getType()).getRank();
       i < e; ++i)
    sizes.push_back(Size::of(tensor, i).materialize(b, loc));
  return tensor::EmptyOp::create(b, loc, sizes, elementType);
}

Value mapElements(OpBuilder &b, Location loc, Value tensor, Type elementType,
                  function_ref<Value(OpBuilder &, Value)> body) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
  Value init = emptyLike(b, loc, tensor, elementType);
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), tensor, init,
      ArrayRef<AffineMap>{identity, identity}, loops,
      [&](OpBuilder &inner, Location, ValueRange arguments) {
        linalg::YieldOp::create(inner, loc, body(inner, arguments[0]));
      });
  return generic.getResult(0);
}

Value castElements(OpBuilder &b, Location loc, Value tensor, Type to) {
  Type from = getElementTypeOrSelf(tensor.getType());
  if (from == to)
    return tensor;
  return mapElements(b, loc, tensor, to, [&](OpBuilder &nested, Value scalar) {
    if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(nested, loc, to, scalar).getResult();
    return arith::TruncFOp::create(nested, loc, to, scalar).getResult();
  });
}

Value cloneMovement(OpBuilder &b, Value value, Value root, Value newRoot) {
  if (value == root)
    return newRoot;
  Operation *op = value.getDefiningOp();
  FactorTable table;
  std::optional<TensorView> source = stepUp(makeView(value, table), table);
  Value inner = cloneMovement(b, source->value, root, newRoot);
  IRMapping mapping;
  mapping.map(source->value, inner);
  return b.clone(*op, mapping)->getResult(0);
}

Value combineElements(OpBuilder &b, Location loc, ArrayRef<TensorView> views,
                      const Access &shape, Type type, FactorTable &table,
                      function_ref<Value(OpBuilder &, ValueRange)> body) {
  MLIRContext *context = b.getContext();
  // One loop a factor, so that a tensor may have some factors of a dim only.
  Factors loops = table.flatten(shape);
  Access single;
  for (Factor factor : loops)
    single.push_back({factor});
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs;
  for (const TensorView &view : views) {
    Access dims;
    SmallVector<AffineExpr> results;
    for (Factor factor : table.flatten(view.dims)) {
      dims.push_back({factor});
      results.push_back(
          getAffineDimExpr(llvm::find(loops, factor) - loops.begin(), context));
    }
    inputs.push_back(reshapeTo(b, loc, view, dims, table));
    if (!inputs.back())
      return {};
    maps.push_back(AffineMap::get(loops.size(), 0, results, context));
  }
  maps.push_back(b.getMultiDimIdentityMap(loops.size()));
  Value init =
      tensor::EmptyOp::create(b, loc, sizesOf(b, loc, single, table), type);
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), inputs, init, maps,
      SmallVector<utils::IteratorType>(loops.size(),
                                       utils::IteratorType::parallel),
      [&](OpBuilder &nested, Location, ValueRange arguments) {
        linalg::YieldOp::create(nested, loc, body(nested, arguments));
      });
  return reshapeTo(b, loc, TensorView{generic.getResult(0), single}, shape,
                   table);
}

} // namespace heed::recognize
