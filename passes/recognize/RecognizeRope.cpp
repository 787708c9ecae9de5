// RecognizeRope.cpp - finds rotary position embeddings in every spelling:
// attn.rope.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y = x·cos + concat(−x[H:], x[:H])·sin                half-split
//   y = concat(x[:H]·cos − x[H:]·sin, x[H:]·cos + x[:H]·sin)
//   the same by even and odd elements                    interleaved
//
// The anchor is what puts two halves together: a concatenation (or inserted
// slices) of the halves of one tensor exchanged, one of them negated, or of two
// sums of products with the halves (RopeMatch.cpp). Elements that pass through
// beside the rotated ones are taken in (RopeExtend.cpp).
#include "passes/recognize/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/recognize/RopeMatch.h"
#include "passes/recognize/Unfused.h"

using namespace mlir;

namespace heed::recognize {
#define GEN_PASS_DEF_RECOGNIZEROPE
#include "passes/recognize/Passes.h.inc"

namespace {
struct RecognizeRope : impl::RecognizeRopeBase<RecognizeRope> {
  void runOnOperation() override {
    SmallVector<Operation *> candidates;
    getOperation()->walk([&](Operation *op) {
      if (isa<tensor::ConcatOp, tensor::InsertSliceOp>(op) &&
          !isLeftUnfused(op))
        candidates.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : candidates)
      if (std::optional<Parts> anchor = asParts(op->getResult(0)))
        recognize(rewriter, *anchor);
    getOperation()->walk<WalkOrder::PostOrder, ReverseIterator>(
        [&](Operation *op) {
          if (isOpTriviallyDead(op))
            rewriter.eraseOp(op);
        });
  }

  void recognize(IRRewriter &rewriter, const Parts &anchor) {
    FactorTable table;
    Location loc = anchor.whole.getLoc();
    RopeAttempt attempt = matchRope(anchor, table);
    if (attempt.match) {
      rewriter.setInsertionPoint(attempt.match->result.getDefiningOp());
      if (Value y = buildRope(rewriter, loc, *attempt.match, table)) {
        report(loc, *attempt.match);
        rewriter.replaceAllUsesWith(attempt.match->result, y);
        return;
      }
      attempt.refusal =
          Refusal{"expected tables over dimensions of x, the pairs among them, "
                  "got a part of one or none",
                  "give the tables the shape of x, with dimensions of size 1 "
                  "where they are the same"};
    }
    if (!attempt.refusal)
      return;
    remark::missed(loc, options())
        << remark::metric("kind", "rope")
        << remark::reason("{0}", attempt.refusal->reason)
        << remark::suggest("{0}", attempt.refusal->suggestion);
  }

  static remark::RemarkOpts options() {
    return remark::RemarkOpts::name("rope").category("heed-recognize");
  }

  void report(Location loc, const RopeMatch &match) {
    remark::passed(loc, options())
        << remark::metric("kind", "rope")
        << remark::metric("pairs",
                          match.interleaved ? "interleaved" : "half-split")
        << remark::metric("partial", match.whole ? "yes" : "no");
  }
};
} // namespace
} // namespace heed::recognize
