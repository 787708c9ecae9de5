// AttnBufferize.cpp - bufferisation of attn.yield, and registration for all
// attn ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnBufferize.h"

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace heed::attn {

void getDestinationStyleEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<BaseMemRefType>(operand.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

FailureOr<SmallVector<Value>> getBuffers(RewriterBase &rewriter,
                                         ValueRange values,
                                         const BufferizationOptions &options,
                                         BufferizationState &state) {
  SmallVector<Value> buffers;
  for (Value value : values) {
    if (!isa<TensorType>(value.getType())) {
      buffers.push_back(value);
      continue;
    }
    FailureOr<Value> buffer = getBuffer(rewriter, value, options, state);
    if (failed(buffer))
      return failure();
    buffers.push_back(*buffer);
  }
  return buffers;
}

LogicalResult bufferizeDestinationStyle(DestinationStyleOpInterface op,
                                        RewriterBase &rewriter,
                                        const BufferizationOptions &options,
                                        BufferizationState &state) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  FailureOr<SmallVector<Value>> operands =
      getBuffers(rewriter, op->getOperands(), options, state);
  if (failed(operands))
    return failure();
  OperationState created(op->getLoc(), op->getName().getStringRef(), *operands,
                         TypeRange{}, op->getAttrs());
  for (Region &region : op->getRegions())
    created.addRegion()->takeBody(region);
  rewriter.create(created);
  replaceOpWithBufferizedValues(
      rewriter, op, ArrayRef(*operands).take_back(op->getNumResults()));
  return success();
}

namespace {
/// A yielded tensor is handed to the op that owns the region: read, not
/// written, no result of its own.
struct YieldBufferization
    : BufferizableOpInterface::ExternalModel<YieldBufferization, YieldOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &,
                              const AnalysisState &) const {
    return true;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *, OpOperand &,
                                      const AnalysisState &) const {
    return {};
  }
  bool mustBufferizeInPlace(Operation *, OpOperand &,
                            const AnalysisState &) const {
    return true;
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    FailureOr<SmallVector<Value>> buffers =
        getBuffers(rewriter, op->getOperands(), options, state);
    if (failed(buffers))
      return failure();
    replaceOpWithNewBufferizedOp<YieldOp>(rewriter, op, *buffers);
    return success();
  }
};
} // namespace

void attachYieldBufferization(MLIRContext *context) {
  YieldOp::attachInterface<YieldBufferization>(*context);
}

void registerAttnBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AttnDialect *) {
    attachYieldBufferization(context);
    attachGateBufferization(context);
    attachSdpaBufferization(context);
    attachNormBufferization(context);
    attachRopeBufferization(context);
    attachPrimitiveBufferization(context);
    attachRecurrentBufferization(context);
  });
}

} // namespace heed::attn
