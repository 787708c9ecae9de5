// GateFolds.cpp - canonicalisations of attn.gate.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   a pool that excite does not read, or that stands twice  → dropped
//   epilogue x·g without extras                             → the default
#include "dialect/gate/GateOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
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
} // namespace

void GateOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropPool, DropDefaultEpilogue>(context);
}
