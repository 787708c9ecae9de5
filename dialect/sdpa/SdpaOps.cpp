// SdpaOps.cpp - verifier, effects and map accessors of attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/sdpa/SdpaOps.h"

#include "dialect/AttnBufferize.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace heed::attn;

#define GET_OP_CLASSES
#include "dialect/sdpa/SdpaOps.cpp.inc"

MutableOperandRange SdpaOp::getDpsInitsMutable() {
  auto [initStart, initCount] = getODSOperandIndexAndLength(6);
  auto [lseStart, lseCount] = getODSOperandIndexAndLength(7);
  return MutableOperandRange(getOperation(), initStart, initCount + lseCount);
}

AffineMap SdpaOp::getMapOf(OpOperand &operand) {
  return cast<AffineMapAttr>(getMaps()[operand.getOperandNumber()]).getValue();
}

/// The map of the operand group `index`, null where the operand is absent.
static AffineMap mapOfGroup(SdpaOp op, unsigned index) {
  auto [start, count] = op.getODSOperandIndexAndLength(index);
  return count ? op.getMapOf(op->getOpOperand(start)) : AffineMap();
}

AffineMap SdpaOp::getQMap() { return mapOfGroup(*this, 0); }
AffineMap SdpaOp::getKMap() { return mapOfGroup(*this, 1); }
AffineMap SdpaOp::getVMap() { return mapOfGroup(*this, 2); }
AffineMap SdpaOp::getBiasMap() { return mapOfGroup(*this, 3); }
AffineMap SdpaOp::getMaskMap() { return mapOfGroup(*this, 4); }
AffineMap SdpaOp::getKvLengthMap() { return mapOfGroup(*this, 5); }
AffineMap SdpaOp::getOMap() { return mapOfGroup(*this, 6); }
AffineMap SdpaOp::getLseMap() { return mapOfGroup(*this, 7); }

void SdpaOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(
      cast<DestinationStyleOpInterface>(getOperation()), effects);
}

LogicalResult SdpaOp::verify() {
  if (getMaps().size() != getNumOperands()) // sdpa_c1
    return emitOpError("maps: expected ")
           << getNumOperands() << " (one per tensor), got " << getMaps().size();
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    AffineMap map = getMapOf(operand);
    auto type = dyn_cast<ShapedType>(operand.get().getType());
    if (!type || !type.hasRank() || map.getNumDims() != NumDims ||
        map.getNumResults() != static_cast<unsigned>(type.getRank()))
      return emitOpError("maps: map ")
             << operand.getOperandNumber() << ": expected six dims and "
             << (type && type.hasRank() ? type.getRank() : 0)
             << " results, got " << AffineMapAttr::get(map);
  }
  return success();
}
