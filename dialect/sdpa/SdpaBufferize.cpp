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
    FailureOr<SmallVector<Value>> operands =
        getBuffers(rewriter, op->getOperands(), options, state);
    if (failed(operands))
      return failure();
    OperationState created(sdpa.getLoc(), SdpaOp::getOperationName(), *operands,
                           TypeRange{}, op->getAttrs());
    created.addRegion()->takeBody(sdpa.getScore());
    rewriter.create(created);
    // The inits stand last, one a result.
    replaceOpWithBufferizedValues(
        rewriter, sdpa, ArrayRef(*operands).take_back(sdpa->getNumResults()));
    return success();
  }
};
} // namespace

void attachSdpaBufferization(MLIRContext *context) {
  SdpaOp::attachInterface<SdpaBufferization>(*context);
}
} // namespace heed::attn
