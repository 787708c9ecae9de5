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
    return bufferizeDestinationStyle(cast<SdpaOp>(op), rewriter, options,
                                     state);
  }
};
} // namespace

void attachSdpaBufferization(MLIRContext *context) {
  SdpaOp::attachInterface<SdpaBufferization>(*context);
}
} // namespace heed::attn
