// RecognizeRecurrent.cpp - recurrent layers that the model spells as one op.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Passes.h"

#include "dialect/recurrent/RecurrentOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "passes/recognize/Unfused.h"

using namespace mlir;
using heed::attn::RecurrentOp;

namespace heed::recognize {
#define GEN_PASS_DEF_RECOGNIZERECURRENT
#include "passes/recognize/Passes.h.inc"

namespace {
struct RecognizeRecurrent : impl::RecognizeRecurrentBase<RecognizeRecurrent> {
  void runOnOperation() override {
    SmallVector<RecurrentOp> ops;
    getOperation()->walk([&](RecurrentOp op) {
      if (op->getNumResults() > 0)
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (RecurrentOp op : ops) {
      if (!isLeftUnfused(op)) {
        report(op);
        continue;
      }
      rewriter.setInsertionPoint(op);
      FailureOr<SmallVector<Value>> values = op.decomposeOperation(rewriter);
      if (failed(values)) {
        op.emitOpError("cannot be decomposed into linalg");
        return signalPassFailure();
      }
      rewriter.replaceOp(op, *values);
    }
  }

  static void report(RecurrentOp op) {
    std::string facts;
    auto fact = [&](bool holds, StringRef name) {
      if (holds)
        facts += (facts.empty() ? "" : ", ") + name.str();
    };
    fact(static_cast<bool>(op.getLengths()), "lengths");
    fact(static_cast<bool>(op.getPeephole()), "peephole");
    fact(op.getActivations().has_value(), "activations");
    fact(op.getClip().has_value(), "clip");
    fact(op.getLinearBeforeReset(), "linear_before_reset");
    fact(op.getCoupled(), "coupled");
    remark::passed(
        op.getLoc(),
        remark::RemarkOpts::name("recurrent").category("heed-recognize"))
        << "recurrent layer" << remark::metric("kind", "recurrent")
        << remark::metric("cell", attn::stringifyRecurrentKind(op.getKind()))
        << remark::metric("direction",
                          attn::stringifyDirection(op.getDirection()))
        << remark::metric("hidden", op.getHidden())
        << remark::metric("facts", facts.empty() ? "none" : facts);
  }
};
} // namespace
} // namespace heed::recognize
