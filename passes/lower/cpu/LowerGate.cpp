// LowerGate.cpp - attn.gate on memrefs -> pools, excitation, scaling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/GateLayout.h"
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/TargetDescriptor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "passes/lower/cpu/VectorLoop.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGATE
#include "passes/lower/cpu/Passes.h.inc"

namespace {
void lowerGate(IRRewriter &rewriter, attn::GateOp gate,
               const TargetDescriptor &target) {
  rewriter.setInsertionPoint(gate);
  Values pools = lowerGatePools(rewriter, gate, target.vectorBytes);
  Block &body = gate.getExcite().front();
  for (auto [pool, argument] : llvm::zip_equal(pools, body.getArguments()))
    if (pool.getType() != argument.getType())
      pool = memref::CastOp::create(rewriter, gate.getLoc(), argument.getType(),
                                    pool);
  Operation *yield = body.getTerminator();
  rewriter.inlineBlockBefore(&body, gate, pools);
  Value gateValue = yield->getOperand(0);
  rewriter.eraseOp(yield);
  rewriter.setInsertionPoint(gate);
  lowerGateScale(rewriter, gate, gateValue, target.vectorBytes);
  rewriter.eraseOp(gate);
}

struct LowerGate : impl::LowerGateBase<LowerGate> {
  using LowerGateBase::LowerGateBase;
  void runOnOperation() override {
    std::optional<TargetDescriptor> target =
        requireTargetDescriptor(getOperation(), mcpu);
    if (!target)
      return signalPassFailure();
    SmallVector<attn::GateOp> gates;
    getOperation().walk([&](attn::GateOp gate) {
      if (isa<MemRefType>(gate.getX().getType()))
        gates.push_back(gate);
    });
    IRRewriter rewriter(&getContext());
    for (attn::GateOp gate : gates) {
      remark::analysis(gate.getLoc(),
                       remark::RemarkOpts::name("gate").category("heed-lower"))
          << remark::metric("schedule", "kernel");
      lowerGate(rewriter, gate, *target);
    }
  }
};
} // namespace
} // namespace heed::lower
