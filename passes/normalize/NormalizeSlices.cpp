// NormalizeSlices.cpp - slices of moved data as slices of what was moved.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   slice(transpose(reshape(x)))  →  transpose(reshape(slice(x)))
//
// Packed projections are split after they were reshaped and transposed; sliced
// first, each part is a view of the product, and the movement after it can go
// into the maps of the op that reads it.
#include "passes/normalize/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/recognize/Reshape.h"

using namespace mlir;

namespace heed::normalize {
#define GEN_PASS_DEF_NORMALIZESLICES
#include "passes/normalize/Passes.h.inc"

namespace {
using recognize::Access;
using recognize::Factor;
using recognize::Factors;
using recognize::FactorTable;
using recognize::Size;
using recognize::TensorView;

/// offset ≤ index < offset + size along one dimension, all of the others.
struct Range {
  int64_t dim, offset, size;
};

std::optional<Range> matchRange(tensor::ExtractSliceOp slice) {
  std::optional<Range> range;
  RankedTensorType type = slice.getSourceType();
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    std::optional<int64_t> offset =
        getConstantIntValue(slice.getMixedOffsets()[dim]);
    std::optional<int64_t> stride =
        getConstantIntValue(slice.getMixedStrides()[dim]);
    OpFoldResult size = slice.getMixedSizes()[dim];
    if (!offset || stride != 1)
      return std::nullopt;
    if (*offset == 0 && Size::of(size) == Size::of(slice.getSource(), dim))
      continue;
    std::optional<int64_t> number = getConstantIntValue(size);
    if (range || !number || type.isDynamicDim(dim))
      return std::nullopt;
    range = Range{dim, *offset, *number};
  }
  return range;
}

/// The slice taken from the root of its source's movement; null if there is
/// none, or the range is no range of the root.
Value sliceEarlier(OpBuilder &b, tensor::ExtractSliceOp slice) {
  std::optional<Range> range = matchRange(slice);
  if (!range)
    return {};
  FactorTable table;
  TensorView source = recognize::makeView(slice.getSource(), table);
  TensorView root = recognize::peel(source, table);
  if (root.value == source.value ||
      getElementTypeOrSelf(root.value.getType()) !=
          getElementTypeOrSelf(source.value.getType()))
    return {};
  Factors order = table.flatten(source.dims);
  if (order.size() != table.flatten(root.dims).size())
    return {}; // broadcast on the way
  Factors list = table.leaves(source.dims[range->dim]);
  if (list.empty())
    return {};
  int64_t inner = 1;
  for (Factor other : ArrayRef(list).drop_front())
    inner *= table.getSize(other).number;
  if (range->offset % inner != 0 || range->size % inner != 0)
    return {};
  Factors kept = table.create(Size::of(range->size / inner));
  std::optional<TensorView> sliced = recognize::sliceRoot(
      b, slice.getLoc(), root, list.front(), range->offset / inner,
      range->size / inner, kept, table);
  if (!sliced)
    return {};
  Access wanted;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  for (auto [dim, factors] : llvm::enumerate(source.dims)) {
    if (dropped.test(dim))
      continue;
    Factors mine = table.leaves(factors);
    if (int64_t(dim) == range->dim) {
      mine.erase(mine.begin());
      mine.insert(mine.begin(), kept.begin(), kept.end());
    }
    wanted.push_back(mine);
  }
  Value value = recognize::reshapeTo(b, slice.getLoc(), *sliced, wanted, table);
  if (value && value.getType() != slice.getType())
    return tensor::CastOp::create(b, slice.getLoc(), slice.getType(), value);
  return value;
}

struct NormalizeSlices : impl::NormalizeSlicesBase<NormalizeSlices> {
  void runOnOperation() override {
    SmallVector<tensor::ExtractSliceOp> slices;
    getOperation()->walk(
        [&](tensor::ExtractSliceOp op) { slices.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (tensor::ExtractSliceOp slice : slices) {
      rewriter.setInsertionPoint(slice);
      if (Value value = sliceEarlier(rewriter, slice))
        rewriter.replaceOp(slice, value);
    }
  }
};
} // namespace
} // namespace heed::normalize
