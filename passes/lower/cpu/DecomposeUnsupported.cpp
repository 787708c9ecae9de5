// DecomposeUnsupported.cpp - attn.sdpa and attn.rope beyond their kernels ->
// definition.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/LowerRope.h"
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/SdpaKernel.h"
#include "passes/lower/cpu/SdpaShape.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using heed::attn::RopeOp;
using heed::attn::SdpaOp;

namespace heed::lower {
#define GEN_PASS_DEF_DECOMPOSEUNSUPPORTED
#include "passes/lower/cpu/Passes.h.inc"

namespace {
std::string flashSchedule(SdpaOp op) {
  cost::Attention shape = getShape(op);
  std::optional<SdpaBlockMap> map = analyzeBlocks(
      op, cost::chooseQueryBlock(shape), cost::chooseKeyBlock(shape));
  return map ? "flash, " + map->describe() : "flash";
}

struct DecomposeUnsupported
    : impl::DecomposeUnsupportedBase<DecomposeUnsupported> {
  void runOnOperation() override {
    SmallVector<linalg::AggregatedOpInterface> ops;
    getOperation().walk([&](SdpaOp op) {
      if (op->getNumResults() == 0)
        return;
      std::string why = whyNotLowerable(op);
      if (!why.empty())
        ops.push_back(op);
      // Which schedule an attention gets, for those who ask.
      auto options = remark::RemarkOpts::name("sdpa").category("heed-lower");
      if (why.empty())
        remark::analysis(op.getLoc(), options)
            << remark::metric("schedule", flashSchedule(op));
      else
        remark::analysis(op.getLoc(), options)
            << remark::metric("schedule", "decomposed")
            << remark::reason("{0}", why)
            << remark::suggest(
                   "give the attention f32, f16 or bf16 operands of static "
                   "head sizes to run it as one kernel");
    });
    getOperation().walk([&](RopeOp op) {
      std::string why = whyNotLowerable(op);
      if (op->getNumResults() == 0 || why.empty())
        return;
      ops.push_back(op);
      remark::analysis(op.getLoc(),
                       remark::RemarkOpts::name("rope").category("heed-lower"))
          << remark::metric("schedule", "decomposed")
          << remark::reason("{0}", why)
          << remark::suggest("keep the head's elements in f32 and last to turn "
                             "them in one pass");
    });
    IRRewriter rewriter(&getContext());
    for (linalg::AggregatedOpInterface op : ops) {
      rewriter.setInsertionPoint(op);
      FailureOr<SmallVector<Value>> values = op.decomposeOperation(rewriter);
      if (failed(values)) {
        op->emitOpError("cannot be decomposed into linalg");
        return signalPassFailure();
      }
      rewriter.replaceOp(op, *values);
    }
  }
};
} // namespace
} // namespace heed::lower
