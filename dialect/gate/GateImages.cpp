// GateImages.cpp - which of a gate's excitation is computed image by image.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/gate/GateImages.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace heed::attn {

/// The first size of `buffer`, as one value for all buffers that have it by their
/// making: the buffer itself stands for it where nothing says what it is.
static Value getFirstSize(Value buffer) {
  Value size;
  Operation *op = buffer.getDefiningOp();
  if (auto alloc = dyn_cast_or_null<memref::AllocOp>(op))
    size = alloc.getDynamicSizes().front();
  else if (auto view = dyn_cast_or_null<memref::ViewOp>(op))
    size = view.getSizes().front();
  else if (auto expand = dyn_cast_or_null<memref::ExpandShapeOp>(op))
    size = expand.getOutputShape().front();
  else if (auto slice = dyn_cast_or_null<memref::SubViewOp>(op);
           slice && !slice.getDroppedDims().test(0))
    size = slice.getSizes().front();
  else if (auto cast = dyn_cast_or_null<memref::CastOp>(op);
           cast && cast.getSource().getType().hasRank() &&
           cast.getSource().getType().isDynamicDim(0))
    return getFirstSize(cast.getSource());
  if (!size)
    return buffer;
  auto dim = size.getDefiningOp<memref::DimOp>();
  return dim && dim.getConstantIndex() == 0 ? getFirstSize(dim.getSource())
                                            : size;
}

/// Whether the first dim of a buffer is that of the images.
bool GateImages::hasImages(Value buffer) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type || type.getRank() == 0)
    return false;
  if (!type.isDynamicDim(0) || images > 0)
    return type.getDimSize(0) == images;
  Value size = getFirstSize(buffer);
  return isBatched(size) || size == getFirstSize(gate.getX());
}

/// Whether all dims of the first group but the first have size 1.
static bool isAlone(ArrayRef<ReassociationIndices> groups, MemRefType type) {
  return llvm::all_of(ArrayRef(groups[0]).drop_front(),
                      [&](int64_t dim) { return type.getDimSize(dim) == 1; });
}

/// Whether the view keeps the first dim as it is.
bool GateImages::keepsImages(Operation *op) {
  if (auto subview = dyn_cast<memref::SubViewOp>(op))
    return getConstantIntValue(subview.getMixedOffsets()[0]) == 0 &&
           getConstantIntValue(subview.getMixedStrides()[0]) == 1 &&
           !subview.getDroppedDims().test(0) && hasImages(subview);
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op))
    return isAlone(expand.getReassociationIndices(), expand.getResultType());
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op))
    return isAlone(collapse.getReassociationIndices(), collapse.getSrcType());
  return isa<memref::CastOp>(op);
}

std::optional<unsigned> GateImages::findLoop(linalg::LinalgOp op) const {
  std::optional<unsigned> dim;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isBatched(operand.get()))
      continue;
    auto expr = dyn_cast<AffineDimExpr>(
        op.getMatchingIndexingMap(&operand).getResult(0));
    if (!expr || (dim && *dim != expr.getPosition()))
      return std::nullopt;
    dim = expr.getPosition();
  }
  if (!dim || !isBatched(op.getDpsInitOperand(0)->get()) ||
      op.getIteratorTypesArray()[*dim] != utils::IteratorType::parallel)
    return std::nullopt;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    ArrayRef<AffineExpr> others = map.getResults();
    if (isBatched(operand.get()))
      others = others.drop_front();
    for (AffineExpr expr : others)
      if (expr.isFunctionOfDim(*dim))
        return std::nullopt;
  }
  return dim;
}

/// Takes in the results of one op; false where it forbids to go image by image.
bool GateImages::classify(Operation *op) {
  bool isView = isa<ViewLikeOpInterface>(op);
  if (isa<memref::AllocOp>(op) || isView || isPure(op)) {
    if (isa<memref::AllocOp>(op) && hasImages(op->getResult(0)))
      batched.insert(op->getResult(0));
    if (!isView || !isBatched(op->getOperand(0)))
      return true;
    if (!keepsImages(op))
      return false;
    batched.insert(op->getResult(0));
    return true;
  }
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return isBatched(copy.getSource()) && isBatched(copy.getTarget());
  auto linalg = dyn_cast<linalg::LinalgOp>(op);
  return linalg && findLoop(linalg);
}

GateImages::GateImages(GateOp gate) : gate(gate) {
  Block &body = gate.getExcite().front();
  auto type = cast<MemRefType>(gate.getX().getType());
  images = type.isDynamicDim(0) ? 0 : type.getDimSize(0);
  for (BlockArgument pool : body.getArguments())
    batched.insert(pool);
  for (Operation &op : body.without_terminator()) {
    separate &= classify(&op);
    // What the region reads of x beside its pools is not cut into images.
    op.walk([&](Operation *inner) {
      separate &= !llvm::is_contained(inner->getOperands(), gate.getX());
    });
  }
  separate &= isBatched(body.getTerminator()->getOperand(0));
}

} // namespace heed::attn
