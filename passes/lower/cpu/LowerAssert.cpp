// LowerAssert.cpp - cf.assert to an early return with the runtime's status.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/lower/cpu/RuntimeCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERASSERT
#include "passes/lower/cpu/Passes.h.inc"

namespace {
struct LowerAssert : impl::LowerAssertBase<LowerAssert> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      SmallVector<cf::AssertOp> asserts;
      function.walk([&](cf::AssertOp op) { asserts.push_back(op); });
      for (cf::AssertOp op : asserts) {
        if (op->getParentOp() != function) {
          op.emitOpError(
              "inside a loop: expected at the level of its function");
          return signalPassFailure();
        }
        lower(function, op);
      }
    }
  }

  /// ^a: …; cond_br %condition, ^rest, ^fail     ^fail: heed_fail(ctx,
  /// message); return heed_status(ctx)
  void lower(func::FuncOp function, cf::AssertOp op) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    Value context = heed::lower::getContext(function);
    Block *block = op->getBlock();
    Block *rest = block->splitBlock(op->getNextNode());
    Block *fail = b.createBlock(&function.getBody());
    Value message = stringConstant(b, loc, op.getMsg());
    callRuntime(b, loc, "heed_fail", Type(), {context, message});
    Value status =
        callRuntime(b, loc, "heed_status", b.getI32Type(), {context});
    func::ReturnOp::create(b, loc, status);
    b.setInsertionPointToEnd(block);
    cf::CondBranchOp::create(b, loc, op.getArg(), rest, ValueRange{}, fail,
                             ValueRange{});
    op.erase();
  }
};
} // namespace
} // namespace heed::lower
