// RecurrentBufferize.cpp - bufferisation of attn.recurrent: the state lives on
// in its own buffer.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnBufferize.h"
#include "dialect/recurrent/RecurrentOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace heed::attn {
namespace {
struct RecurrentBufferization
    : DstBufferizableOpInterfaceExternalModel<RecurrentBufferization,
                                              RecurrentOp> {
  /// y is written, never read; h and c hold the first state.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return operand.get() != cast<RecurrentOp>(op).getY();
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationStyle(cast<RecurrentOp>(op), rewriter, options,
                                     state);
  }
};
} // namespace

void attachRecurrentBufferization(MLIRContext *context) {
  RecurrentOp::attachInterface<RecurrentBufferization>(*context);
}
} // namespace heed::attn
