// RopeBufferize.cpp - bufferisation of attn.rope, in place where x dies.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnBufferize.h"
#include "dialect/rope/RopeOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace heed::attn {
namespace {
struct RopeBufferization
    : DstBufferizableOpInterfaceExternalModel<RopeBufferization, RopeOp> {
  /// A pair of the result is written after the same pair of x was read, and
  /// nothing else reads it. So for x and init the access is as good as
  /// elementwise, and `outs(%x)` needs no copy. A table that is x itself is read
  /// by other pairs, too: out of place.
  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &,
                                     ArrayRef<OpOperand *> operands) const {
    auto rope = cast<RopeOp>(op);
    return llvm::all_of(operands, [&](OpOperand *operand) {
      unsigned number = operand->getOperandNumber();
      return number == rope.getXMutable().getOperandNumber() ||
             rope.isDpsInit(operand);
    });
  }
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationStyle(cast<RopeOp>(op), rewriter, options,
                                     state);
  }
};
} // namespace

void attachRopeBufferization(MLIRContext *context) {
  RopeOp::attachInterface<RopeBufferization>(*context);
}
} // namespace heed::attn
