// RecurrentFolds.cpp - canonicalisations of attn.recurrent.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y that nobody reads          → none
//   bias, peephole of zeros      → none
//   the default activations      → none
#include "dialect/recurrent/RecurrentOps.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace heed::attn;

namespace {
/// The layer's last state is all that is asked for.
struct DropUnusedSequence : OpRewritePattern<RecurrentOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RecurrentOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getY() || op->getNumResults() == 0 || !op->getResult(0).use_empty())
      return failure();
    auto created = RecurrentOp::create(
        rewriter, op.getLoc(), TypeRange(op->getResultTypes()).drop_front(),
        op.getKind(), op.getX(), op.getInputWeights(), op.getWeights(),
        op.getBias(), op.getResetBias(), op.getPeephole(), op.getLengths(),
        Value(), op.getH(), op.getC(), op.getDirection(),
        op.getActivationsAttr(), op.getAlphasAttr(), op.getBetasAttr(),
        op.getClipAttr(), op.getLinearBeforeReset(), op.getCoupled(),
        op.getLibrary());
    rewriter.replaceAllUsesWith(op->getResults().drop_front(),
                                created->getResults());
    rewriter.eraseOp(op);
    return success();
  }
};

bool isZeros(Value value) {
  DenseFPElementsAttr dense;
  return value && matchPattern(value, m_Constant(&dense)) && dense.isSplat() &&
         dense.getSplatValue<APFloat>().isPosZero();
}

struct DropNeutralParameter : OpRewritePattern<RecurrentOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RecurrentOp op,
                                PatternRewriter &rewriter) const override {
    bool changed = false;
    // One after the other: operands move when one before them goes.
    auto drop = [&](MutableOperandRange range) {
      if (range.empty() || !isZeros(range[0].get()))
        return;
      rewriter.modifyOpInPlace(op, [&] { range.clear(); });
      changed = true;
    };
    drop(op.getBiasMutable());
    drop(op.getResetBiasMutable());
    drop(op.getPeepholeMutable());
    return success(changed);
  }
};

struct DropDefaultActivations : OpRewritePattern<RecurrentOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RecurrentOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getActivations() || !op.getAlphas().empty() ||
        !op.getBetas().empty())
      return failure();
    for (int64_t d = 0; d < op.getDirections(); ++d)
      if (op.getActivationsOf(d) != op.getDefaultActivations())
        return failure();
    rewriter.modifyOpInPlace(op, [&] { op.removeActivationsAttr(); });
    return success();
  }
};
} // namespace

void RecurrentOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns
      .add<DropUnusedSequence, DropNeutralParameter, DropDefaultActivations>(
          context);
}
