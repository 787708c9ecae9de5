// SdpaBufferize.cpp - bufferisation of attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnBufferize.h"
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace heed::attn {
namespace {
struct SdpaBufferization
    : DstBufferizableOpInterfaceExternalModel<SdpaBufferization, SdpaOp> {
  /// The inits are written, never read.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto sdpa = cast<SdpaOp>(op);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(sdpa);
    SmallVector<Value> operands, inits;
    for (OpOperand &operand : op->getOpOperands()) {
      FailureOr<Value> buffer =
          getBuffer(rewriter, operand.get(), options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
      if (cast<DestinationStyleOpInterface>(op).isDpsInit(&operand))
        inits.push_back(*buffer);
    }
    OperationState created(sdpa.getLoc(), SdpaOp::getOperationName(), operands,
                           TypeRange{}, op->getAttrs());
    created.addRegion()->takeBody(sdpa.getScore());
    rewriter.create(created);
    replaceOpWithBufferizedValues(rewriter, sdpa, inits);
    return success();
  }
};
} // namespace

void attachSdpaBufferization(MLIRContext *context) {
  SdpaOp::attachInterface<SdpaBufferization>(*context);
}
} // namespace heed::attn
