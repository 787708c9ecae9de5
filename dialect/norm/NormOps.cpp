// NormOps.cpp - verifier and effects of attn.norm.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/norm/NormOps.h"

#include "dialect/AttnBufferize.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace heed::attn;

#define GET_OP_CLASSES
#include "dialect/norm/NormOps.cpp.inc"

FloatType NormOp::getComputeType() {
  auto element = cast<FloatType>(getElementTypeOrSelf(getX().getType()));
  return element.getWidth() < 32 ? Builder(getContext()).getF32Type() : element;
}

void NormOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(cast<DestinationStyleOpInterface>(getOperation()),
                             effects);
}

/// A strictly increasing list of dims of x.
static LogicalResult verifyDims(NormOp op, ArrayRef<int64_t> dims, int64_t rank,
                                StringRef name) {
  int64_t previous = -1;
  for (int64_t dim : dims) {
    if (dim <= previous || dim >= rank)
      return op.emitOpError()
             << name << ": expected strictly increasing values in [0, " << rank
             << "), got " << dim;
    previous = dim;
  }
  return success();
}

/// norm_c3
static LogicalResult verifyParameter(NormOp op, Value value,
                                     std::optional<ArrayRef<int64_t>> over,
                                     ShapedType xType, StringRef name) {
  if (!value) {
    if (over)
      return op.emitOpError() << name << ": expected an operand for its dims";
    return success();
  }
  auto type = dyn_cast<ShapedType>(value.getType());
  if (!type || !type.hasRank() || !isa<FloatType>(type.getElementType()))
    return op.emitOpError()
           << name << ": expected a ranked shape of floats, got "
           << value.getType();
  if (!over || static_cast<int64_t>(over->size()) != type.getRank())
    return op.emitOpError()
           << name << ": expected one dim of x for each of its "
           << type.getRank() << " dims, got " << (over ? over->size() : 0);
  if (failed(verifyDims(op, *over, xType.getRank(), name)))
    return failure();
  SmallVector<int64_t> expected;
  for (int64_t dim : *over)
    expected.push_back(xType.getDimSize(dim));
  if (failed(verifyCompatibleShape(type.getShape(), expected)))
    return op.emitOpError() << name << ": expected the sizes [" << expected
                            << "] of x, got " << value.getType();
  return success();
}

LogicalResult NormOp::verify() {
  auto xType = dyn_cast<ShapedType>(getX().getType());
  if (!xType || !xType.hasRank() || xType.getRank() == 0)
    return emitOpError("x: expected a ranked shape of rank 1 or more, got ")
           << getX().getType();
  if (!isa<FloatType>(xType.getElementType()))
    return emitOpError("x: element type: expected a float, got ")
           << xType.getElementType();
  auto initType = dyn_cast<ShapedType>(getInit().getType()); // norm_c1
  if (!initType || !initType.hasRank() ||
      failed(verifyCompatibleShape(xType.getShape(), initType.getShape())) ||
      initType.getElementType() != xType.getElementType())
    return emitOpError("init: expected the shape and elements of x (")
           << xType << "), got " << getInit().getType();
  if (getDimensions().empty()) // norm_c2
    return emitOpError("dimensions: expected at least one, got none");
  if (failed(verifyDims(*this, getDimensions(), xType.getRank(), "dimensions")))
    return failure();
  if (failed(verifyParameter(*this, getWeight(), getWeightDimensions(), xType,
                             "weight")) ||
      failed(verifyParameter(*this, getBias(), getBiasDimensions(), xType,
                             "bias")))
    return failure();
  if (!(getEpsilon().convertToDouble() >= 0)) // norm_c4
    return emitOpError("epsilon: expected 0 or more, got ")
           << getEpsilon().convertToDouble();
  return success();
}
