// RopeOps.cpp - verifier and effects of attn.rope.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/rope/RopeOps.h"

#include "dialect/AttnBufferize.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace heed::attn;

#define GET_OP_CLASSES
#include "dialect/rope/RopeOps.cpp.inc"

FloatType RopeOp::getComputeType() {
  auto element = cast<FloatType>(getElementTypeOrSelf(getX().getType()));
  return element.getWidth() < 32 ? Builder(getContext()).getF32Type() : element;
}

void RopeOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(cast<DestinationStyleOpInterface>(getOperation()),
                             effects);
}

/// rope_c4
static LogicalResult verifyTable(RopeOp op, Value table, ArrayRef<int64_t> over,
                                 ShapedType xType, StringRef name) {
  auto type = dyn_cast<ShapedType>(table.getType());
  if (!type || !type.hasRank() || !isa<FloatType>(type.getElementType()))
    return op.emitOpError()
           << name << ": expected a ranked shape of floats, got "
           << table.getType();
  if (static_cast<int64_t>(over.size()) != type.getRank())
    return op.emitOpError()
           << name << ": expected one dim of x for each of its "
           << type.getRank() << " dims, got " << over.size();
  int64_t dimension = op.getDimension(), rotated = op.getRotated();
  for (auto [i, dim] : llvm::enumerate(over)) {
    if (dim < 0 || dim >= xType.getRank() ||
        llvm::is_contained(over.take_front(i), dim))
      return op.emitOpError()
             << name << ": expected different dims of x in [0, "
             << xType.getRank() << "), got " << dim;
    int64_t size = type.getDimSize(i), of = xType.getDimSize(dim);
    if (dim == dimension) {
      if (size != rotated && size != rotated / 2)
        return op.emitOpError()
               << name << ": dimension " << i << ": expected " << rotated / 2
               << " or " << rotated << ", got "
               << (ShapedType::isDynamic(size) ? std::string("a dynamic size")
                                               : std::to_string(size));
    } else if (failed(verifyCompatibleShape({size}, {of}))) {
      return op.emitOpError() << name << ": dimension " << i << ": expected "
                              << of << " of x, got " << size;
    }
  }
  if (!llvm::is_contained(over, dimension))
    return op.emitOpError() << name << ": expected the rotated dimension "
                            << dimension << " among its dims";
  return success();
}

LogicalResult RopeOp::verify() {
  auto xType = dyn_cast<ShapedType>(getX().getType());
  if (!xType || !xType.hasRank() || !isa<FloatType>(xType.getElementType()))
    return emitOpError("x: expected a ranked shape of floats, got ")
           << getX().getType();
  auto initType = dyn_cast<ShapedType>(getInit().getType()); // rope_c1
  if (!initType || !initType.hasRank() ||
      failed(verifyCompatibleShape(xType.getShape(), initType.getShape())) ||
      initType.getElementType() != xType.getElementType())
    return emitOpError("init: expected the shape and elements of x (")
           << xType << "), got " << getInit().getType();
  int64_t dimension = getDimension(), rotated = getRotated();
  if (dimension < 0 || dimension >= xType.getRank() || // rope_c2
      xType.isDynamicDim(dimension))
    return emitOpError("dimension: expected one of x, of static size, got ")
           << dimension;
  int64_t size = xType.getDimSize(dimension);
  if (rotated < 2 || rotated % 2 != 0 || rotated > size) // rope_c3
    return emitOpError("rotated: expected an even number in [2, ")
           << size << "], got " << rotated;
  if (failed(verifyTable(*this, getCos(), getCosDimensions(), xType, "cos")) ||
      failed(verifyTable(*this, getSin(), getSinDimensions(), xType, "sin")))
    return failure();
  return success();
}
