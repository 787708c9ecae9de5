// DecomposeUnsupported.cpp - attn.sdpa beyond the kernel -> definition.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {
#define GEN_PASS_DEF_DECOMPOSEUNSUPPORTED
#include "passes/lower/cpu/Passes.h.inc"

namespace {
std::string flashSchedule(SdpaOp op) {
  std::optional<SdpaBlockMap> map =
      analyzeBlocks(op, chooseQueryBlock(op), chooseKeyBlock(op));
  return map ? "flash, " + map->describe() : "flash";
}

struct DecomposeUnsupported
    : impl::DecomposeUnsupportedBase<DecomposeUnsupported> {
  void runOnOperation() override {
    SmallVector<SdpaOp> ops;
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
    IRRewriter rewriter(&getContext());
    for (SdpaOp op : ops) {
      rewriter.setInsertionPoint(op);
      FailureOr<SmallVector<Value>> values = op.decomposeOperation(rewriter);
      if (failed(values)) {
        op.emitOpError("cannot be decomposed into linalg");
        return signalPassFailure();
      }
      rewriter.replaceOp(op, *values);
    }
  }
};
} // namespace
} // namespace heed::lower
