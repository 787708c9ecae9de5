// AbsorbExpand.cpp - a product whose rows are taken apart behind it has them as
// dims of its own.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   expand_shape(matmul(a, w)), rows = (b, m)
//
// becomes matmul(expand_shape(a), w) with one batch dim more, so that what
// follows the expansion (a transposition, bias, activation, residual) meets the
// product. Exporters put such reshapes around every linear layer.
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"

using namespace mlir;

namespace heed::lower {

/// `value` with dimension `dim` taken apart into `sizes`.
static Value expandDim(OpBuilder &builder, Location loc, Value value,
                       int64_t dim, ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> all = tensor::getMixedSizes(builder, loc, value);
  SmallVector<OpFoldResult> expanded;
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0, e = all.size(); i < e; ++i) {
    groups.emplace_back();
    ArrayRef<OpFoldResult> parts = i == dim ? sizes : ArrayRef(all[i]);
    for (OpFoldResult size : parts) {
      groups.back().push_back(expanded.size());
      expanded.push_back(size);
    }
  }
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(expanded, dynamic, shape);
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return tensor::ExpandShapeOp::create(builder, loc,
                                       RankedTensorType::get(shape, element),
                                       value, groups, expanded);
}

/// The layout after dimension `dim` became `count` dimensions, the first of
/// which are logical dims in front of row; absent dims stay so.
static Layout expandLayout(ArrayRef<int64_t> layout, size_t row, int64_t dim,
                           int64_t count) {
  Layout expanded(layout.begin(), layout.end());
  for (int64_t &position : expanded)
    if (position > dim)
      position += count - 1;
  bool present = layout[row] >= 0 && layout[row] == dim;
  for (int64_t i = 0; i + 1 < count; ++i)
    expanded.insert(expanded.begin() + row + i, present ? dim + i : -1);
  if (present)
    expanded[row + count - 1] = dim + count - 1;
  return expanded;
}

bool absorbExpand(RewriterBase &rewriter, attn::PrimitiveOp primitive) {
  Value result = primitive->getResult(0);
  if (primitive.getKind() != attn::PrimitiveKind::matmul || !result.hasOneUse())
    return false;
  auto expand = dyn_cast<tensor::ExpandShapeOp>(*result.getUsers().begin());
  if (!expand)
    return false;
  PrimitiveParts parts = PrimitiveParts::of(primitive);
  size_t row = parts.initLayout.size() - 2;
  int64_t dim = parts.initLayout[row];
  SmallVector<ReassociationIndices> groups = expand.getReassociationIndices();
  for (auto [i, group] : llvm::enumerate(groups))
    if ((static_cast<int64_t>(i) == dim) != (group.size() > 1))
      return false;
  if (dim < 0 || parts.sourceLayout[row] < 0)
    return false;
  // A post-op tensor has all rows, or the same for all of them.
  auto type = cast<RankedTensorType>(result.getType());
  for (auto [tensor, layout] : llvm::zip(parts.post, parts.postLayouts))
    if (layout[row] >= 0 &&
        cast<RankedTensorType>(tensor.getType()).getDimSize(layout[row]) !=
            type.getDimSize(dim))
      return false;

  rewriter.setInsertionPoint(expand);
  Location loc = primitive.getLoc();
  SmallVector<OpFoldResult> shape = expand.getMixedOutputShape(), sizes;
  Value empty =
      tensor::EmptyOp::create(rewriter, loc, shape, type.getElementType());
  if (empty.getType() != expand.getType())
    return false;
  for (int64_t i : groups[dim])
    sizes.push_back(shape[i]);
  int64_t count = sizes.size();
  auto expandOperand = [&](Value &value, Layout &layout) {
    int64_t own = layout[row];
    if (own >= 0)
      value = expandDim(rewriter, loc, value, own, sizes);
    layout = expandLayout(layout, row, own < 0 ? layout.size() : own, count);
  };
  expandOperand(parts.source, parts.sourceLayout);
  for (auto [tensor, layout] : llvm::zip(parts.post, parts.postLayouts))
    expandOperand(tensor, layout);
  parts.initLayout = expandLayout(parts.initLayout, row, dim, count);
  for (int64_t i = 0; i + 1 < count; ++i)
    parts.weightsLayout.insert(parts.weightsLayout.begin() + row, -1);
  auto created = parts.create(rewriter, loc, empty);
  rewriter.replaceOp(expand, created->getResults());
  rewriter.eraseOp(primitive);
  return true;
}

} // namespace heed::lower
