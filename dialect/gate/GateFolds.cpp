// GateFolds.cpp - canonicalisations of attn.gate.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   a pool that excite does not read, or that stands twice  → dropped
//   epilogue x·g without extras                             → the default
//   an operand through a cast that forgets sizes            → what is cast
#include "dialect/gate/GateOps.h"

#include "dialect/AttnCasts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace heed::attn;

namespace {
struct DropPool : OpRewritePattern<GateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GateOp op,
                                PatternRewriter &rewriter) const override {
    Block &body = op.getExcite().front();
    for (unsigned k = op.getPools().size(); k-- > 0;) {
      // An earlier pool of the same kind and type stands for this one.
      std::optional<unsigned> same;
      for (unsigned other = 0; other < k && !same; ++other)
        if (op.getPool(other) == op.getPool(k) &&
            body.getArgument(other).getType() == body.getArgument(k).getType())
          same = other;
      bool unused = body.getArgument(k).use_empty() && op.getPools().size() > 1;
      if (!same && !unused)
        continue;
      rewriter.modifyOpInPlace(op, [&] {
        if (same)
          rewriter.replaceAllUsesWith(body.getArgument(k),
                                      body.getArgument(*same));
        body.eraseArgument(k);
        SmallVector<Attribute> pools(op.getPools().getValue());
        pools.erase(pools.begin() + k);
        op.setPoolsAttr(rewriter.getArrayAttr(pools));
      });
      return success();
    }
    return failure();
  }
};

struct DropDefaultEpilogue : OpRewritePattern<GateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GateOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getEpilogue().empty() || !op.getExtras().empty())
      return failure();
    Block &body = op.getEpilogue().front();
    auto product =
        body.getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
    Value x = body.getArgument(0), g = body.getArgument(1);
    if (!product || product->getBlock() != &body ||
        !((product.getLhs() == x && product.getRhs() == g) ||
          (product.getLhs() == g && product.getRhs() == x)))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { rewriter.eraseBlock(&body); });
    return success();
  }
};

struct FoldCasts : OpRewritePattern<GateOp> {
  FoldCasts(MLIRContext *context) : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(GateOp op,
                                PatternRewriter &rewriter) const override {
    if (!foldCastOperands(rewriter, op))
      return failure();
    // What is pooled has the sizes that x has now.
    Block &body = op.getExcite().front();
    Type pooled = op.getPooledType();
    rewriter.modifyOpInPlace(op, [&] {
      for (BlockArgument argument : body.getArguments()) {
        Type before = argument.getType();
        if (before == pooled)
          continue;
        argument.setType(pooled);
        rewriter.setInsertionPointToStart(&body);
        auto cast =
            tensor::CastOp::create(rewriter, op.getLoc(), before, argument);
        rewriter.replaceAllUsesExcept(argument, cast, cast);
      }
    });
    OpOperand &gate = body.getTerminator()->getOpOperand(0);
    if (gate.get().getType() == pooled)
      return success();
    rewriter.setInsertionPoint(body.getTerminator());
    Value cast =
        tensor::CastOp::create(rewriter, op.getLoc(), pooled, gate.get());
    rewriter.modifyOpInPlace(body.getTerminator(), [&] { gate.set(cast); });
    return success();
  }
};
} // namespace

void GateOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropPool, DropDefaultEpilogue, FoldCasts>(context);
}
