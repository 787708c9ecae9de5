// NormBufferize.cpp - bufferisation of attn.norm, in place where x dies.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnBufferize.h"
#include "dialect/norm/NormOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace heed::attn {
namespace {
struct NormBufferization
    : DstBufferizableOpInterfaceExternalModel<NormBufferization, NormOp> {
  /// An element of the result is written after all of x that its statistics
  /// need (its own slice over D, which no other slice reads) was read, and
  /// reads x at its own position then. So for x and init the access is as good
  /// as elementwise, and `outs(%x)` needs no copy. A weight or bias that is x
  /// itself is read by every slice: out of place.
  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &,
                                     ArrayRef<OpOperand *> operands) const {
    auto norm = cast<NormOp>(op);
    return llvm::all_of(operands, [&](OpOperand *operand) {
      unsigned number = operand->getOperandNumber();
      return number == norm.getXMutable().getOperandNumber() ||
             norm.isDpsInit(operand);
    });
  }
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationStyle(cast<NormOp>(op), rewriter, options,
                                     state);
  }
};
} // namespace

void attachNormBufferization(MLIRContext *context) {
  NormOp::attachInterface<NormBufferization>(*context);
}
} // namespace heed::attn
