// GateExcitation.cpp - from the pools of a gate to its values, on buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/GateExcitation.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/lower/cpu/GateLayout.h"
#include "runtime/cost/CostModel.h"

using namespace mlir;
using heed::attn::GateOp;

namespace heed::lower {

//===----------------------------------------------------------------------===//
// On tensors
//===----------------------------------------------------------------------===//

/// Whether the innermost dims of an op's work are a product or a convolution.
static bool isContraction(linalg::LinalgOp op) {
  return llvm::any_of(op.getIteratorTypesArray(),
                      [](utils::IteratorType iterator) {
                        return iterator == utils::IteratorType::reduction;
                      }) &&
         op.getNumDpsInputs() == 2;
}

bool keepsExcitationNative(GateOp gate) {
  int64_t work = 0, weightBytes = 0;
  for (Operation &op : gate.getExcite().front().without_terminator()) {
    auto linalg = dyn_cast<linalg::LinalgOp>(op);
    if (!linalg)
      continue;
    if (!isContraction(linalg))
      continue;
    std::optional<SmallLinalg> small = SmallLinalg::match(linalg);
    if (!small || small->getWork() == 0)
      return false;
    work += small->getWork();
    auto weight = cast<ShapedType>(linalg.getDpsInputs()[1].getType());
    weightBytes += weight.getNumElements() * 4;
  }
  auto type = cast<ShapedType>(gate.getX().getType());
  int64_t images =
      llvm::is_contained(gate.getDimensions(), 0) ? 1 : type.getDimSize(0);
  return cost::isNativeExcitation(work, weightBytes, images);
}

//===----------------------------------------------------------------------===//
// On buffers
//===----------------------------------------------------------------------===//

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
bool GateExcitation::hasImages(Value buffer) {
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
bool GateExcitation::keepsImages(Operation *op) {
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

std::optional<unsigned> GateExcitation::findImageDim(linalg::LinalgOp op) {
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

/// Sorts one op in; false where it forbids to go image by image.
bool GateExcitation::classify(Operation *op) {
  bool isView = isa<ViewLikeOpInterface>(op);
  if (isa<memref::AllocOp>(op) || isView || isPure(op)) {
    prologue.push_back(op);
    if (isa<memref::AllocOp>(op) && hasImages(op->getResult(0)))
      batched.insert(op->getResult(0));
    if (!isView || !isBatched(op->getOperand(0)))
      return true;
    if (!keepsImages(op))
      return false;
    batched.insert(op->getResult(0));
    return true;
  }
  steps.push_back({op, std::nullopt});
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return isBatched(copy.getSource()) && isBatched(copy.getTarget());
  auto linalg = dyn_cast<linalg::LinalgOp>(op);
  if (!linalg || !SmallLinalg::match(linalg))
    return false;
  steps.back().imageDim = findImageDim(linalg);
  return steps.back().imageDim.has_value();
}

GateExcitation::GateExcitation(GateOp gate) : gate(gate) {
  Block &body = gate.getExcite().front();
  auto type = cast<MemRefType>(gate.getX().getType());
  images = type.isDynamicDim(0) ? 0 : type.getDimSize(0);
  perImage = images != 1 && !llvm::is_contained(gate.getDimensions(), 0);
  for (BlockArgument pool : body.getArguments())
    batched.insert(pool);
  // What the region reads of x beside its pools is not cut into images.
  for (Operation &op : body.without_terminator()) {
    perImage &= classify(&op);
    op.walk([&](Operation *inner) {
      perImage &= !llvm::is_contained(inner->getOperands(), gate.getX());
    });
  }
  perImage &= isBatched(body.getTerminator()->getOperand(0));
}

Value GateExcitation::buildPrologue(OpBuilder &b, ValueRange pools) {
  Block &body = gate.getExcite().front();
  for (auto [pool, argument] : llvm::zip_equal(pools, body.getArguments())) {
    Value value = pool;
    if (value.getType() != argument.getType())
      value =
          memref::CastOp::create(b, gate.getLoc(), argument.getType(), pool);
    mapping.map(argument, value);
  }
  // An op that needs what a step makes is a step itself.
  DenseSet<Operation *> later;
  for (const Step &step : steps)
    later.insert(step.op);
  for (Operation *op : prologue) {
    bool waits = llvm::any_of(op->getOperands(), [&](Value operand) {
      return later.contains(operand.getDefiningOp());
    });
    if (waits)
      later.insert(op);
    else
      b.clone(*op, mapping);
  }
  SmallVector<Step> all;
  for (Operation &op : body.without_terminator())
    if (later.contains(&op)) {
      Step step{&op, std::nullopt};
      for (const Step &known : steps)
        if (known.op == &op)
          step = known;
      all.push_back(step);
    }
  steps = all;
  return mapping.lookupOrNull(body.getTerminator()->getOperand(0));
}

Value GateExcitation::build(OpBuilder &b, unsigned length, Value image) {
  IRMapping local = mapping;
  for (const Step &step : steps) {
    if (auto copy = dyn_cast<memref::CopyOp>(step.op)) {
      Value source = local.lookupOrDefault(copy.getSource());
      Value target = local.lookupOrDefault(copy.getTarget());
      if (image) {
        source = sliceImage(b, copy.getLoc(), source, image);
        target = sliceImage(b, copy.getLoc(), target, image);
      }
      auto op = linalg::CopyOp::create(b, copy.getLoc(), source, target);
      auto small = SmallLinalg::match(cast<linalg::LinalgOp>(*op));
      if (small) {
        small->build(b, length);
        op.erase();
      }
      continue;
    }
    Operation *clone = b.clone(*step.op, local);
    auto linalg = dyn_cast<linalg::LinalgOp>(clone);
    if (!linalg)
      continue;
    std::optional<SmallLinalg> small = SmallLinalg::match(linalg);
    if (!small)
      continue;
    small->build(b, length, image, step.imageDim.value_or(0));
    clone->erase();
  }
  return local.lookupOrDefault(
      gate.getExcite().front().getTerminator()->getOperand(0));
}

} // namespace heed::lower
