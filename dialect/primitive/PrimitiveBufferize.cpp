// PrimitiveBufferize.cpp - bufferisation of attn.primitive.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnBufferize.h"
#include "dialect/primitive/PrimitiveOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace heed::attn {
namespace {
struct PrimitiveBufferization
    : DstBufferizableOpInterfaceExternalModel<PrimitiveBufferization,
                                              PrimitiveOp> {
  /// The init is written, never read.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationStyle(cast<PrimitiveOp>(op), rewriter, options,
                                     state);
  }
};
} // namespace

void attachPrimitiveBufferization(MLIRContext *context) {
  PrimitiveOp::attachInterface<PrimitiveBufferization>(*context);
}
} // namespace heed::attn
