// AttnCasts.cpp - ops read through casts that forget sizes
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnCasts.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::attn {

bool foldCastOperands(PatternRewriter &rewriter,
                      DestinationStyleOpInterface op) {
  if (!tensor::hasFoldableTensorCastOperand(op))
    return false;
  rewriter.modifyOpInPlace(op, [&] {
    for (OpOperand &operand : op->getOpOperands()) {
      auto cast = operand.get().getDefiningOp<tensor::CastOp>();
      if (cast && tensor::canFoldIntoConsumerOp(cast))
        operand.set(cast.getSource());
    }
  });
  rewriter.setInsertionPointAfter(op);
  for (OpResult result : op->getResults()) {
    Type before = result.getType(),
         after = op.getTiedOpOperand(result)->get().getType();
    if (before == after)
      continue;
    rewriter.modifyOpInPlace(op, [&] { result.setType(after); });
    auto cast = tensor::CastOp::create(rewriter, op.getLoc(), before, result);
    rewriter.replaceAllUsesExcept(result, cast, cast);
  }
  return true;
}

} // namespace heed::attn
