// GateBufferize.cpp - bufferisation of attn.gate, in place where x dies.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnBufferize.h"
#include "dialect/gate/GateOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/Bufferize.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace heed::attn {
namespace {
struct GateBufferization
    : DstBufferizableOpInterfaceExternalModel<GateBufferization, GateOp> {
  /// An element of the result is written after every pool has read all of x,
  /// and reads x, and the extras, at its own position only. So for x and init
  /// the access is elementwise, and `outs(%x)` needs no copy. For anything that
  /// `excite` captures it is not: a region that reads x itself stays out of
  /// place.
  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &,
                                     ArrayRef<OpOperand *> operands) const {
    auto gate = cast<GateOp>(op);
    bool captured = false;
    gate.getExcite().walk([&](Operation *inner) {
      captured |= llvm::is_contained(inner->getOperands(), gate.getX());
    });
    return !captured && llvm::all_of(operands, [&](OpOperand *operand) {
      return operand->get() == gate.getX() || operand->get() == gate.getInit();
    });
  }
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }
  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return true;
  }
  FailureOr<BufferLikeType> getBufferType(Operation *op, Value value,
                                          const BufferizationOptions &options,
                                          const BufferizationState &state,
                                          SmallVector<Value> &stack) const {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto type = cast<RankedTensorType>(argument.getType());
      return cast<BufferLikeType>(BaseMemRefType(
          MemRefType::get(type.getShape(), type.getElementType())));
    }
    return bufferization::getBufferType(cast<GateOp>(op).getInit(), options,
                                        state, stack);
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto gate = cast<GateOp>(op);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(gate);
    FailureOr<Value> x = getBuffer(rewriter, gate.getX(), options, state);
    FailureOr<Value> init = getBuffer(rewriter, gate.getInit(), options, state);
    if (failed(x) || failed(init))
      return failure();
    FailureOr<SmallVector<Value>> extras =
        getBuffers(rewriter, gate.getExtras(), options, state);
    if (failed(extras))
      return failure();
    auto bufferized =
        GateOp::create(rewriter, gate.getLoc(), TypeRange{}, *x, *extras, *init,
                       gate.getDimensionsAttr(), gate.getPoolsAttr());
    bufferized->setDiscardableAttrs(
        llvm::to_vector(gate->getDiscardableAttrs()));
    for (auto [index, region] : llvm::enumerate(gate->getRegions()))
      bufferized->getRegion(index).takeBody(region);
    if (failed(bufferizeBlockSignature(&bufferized.getExcite().front(),
                                       rewriter, options, state)))
      return failure();
    replaceOpWithBufferizedValues(rewriter, gate, *init);
    return success();
  }
};
} // namespace

void attachGateBufferization(MLIRContext *context) {
  GateOp::attachInterface<GateBufferization>(*context);
}
} // namespace heed::attn
