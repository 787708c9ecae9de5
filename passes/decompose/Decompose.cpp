// Decompose.cpp - replaces every attn op by its definition in linalg.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/decompose/Passes.h"

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace heed::decompose {
#define GEN_PASS_DEF_DECOMPOSE
#include "passes/decompose/Passes.h.inc"

namespace {
struct Decompose : impl::DecomposeBase<Decompose> {
  void runOnOperation() override {
    // Inner ops first: an attn op may stand in the region of another.
    SmallVector<linalg::AggregatedOpInterface> ops;
    getOperation()->walk([&](linalg::AggregatedOpInterface op) {
      if (isa<attn::AttnDialect>(op->getDialect()) && op->getNumResults() > 0)
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::AggregatedOpInterface op : ops) {
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
} // namespace heed::decompose
