// LowerGpuMath.cpp - functions of kernels by the ones that the GPU has.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPUMATH
#include "passes/lower/gpu/Passes.h.inc"

namespace {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kLn2 = 0.6931471805599453;

Value constant(OpBuilder &b, Location loc, double value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}

/// 2^(factor·x).
Value power(OpBuilder &b, Location loc, Value x, double factor) {
  Value exponent = arith::MulFOp::create(b, loc, x, constant(b, loc, factor));
  return math::Exp2Op::create(b, loc, exponent, arith::FastMathFlags::afn);
}

/// log2 x: LLVM has no instruction of the GPU for its own intrinsic.
Value log2(OpBuilder &b, Location loc, Value x) {
  return LLVM::CallIntrinsicOp::create(
             b, loc, b.getF32Type(), b.getStringAttr("llvm.nvvm.lg2.approx.f"),
             ValueRange{x})
      .getResult(0);
}

/// tanh x = 1 − 2 / (1 + e^2x): e^2x of inf and 0 give 1 and −1. Near 0 the
/// error is that of 1, absolute: enough for what is added to other scores.
Value hyperbolicTangent(OpBuilder &b, Location loc, Value x) {
  Value one = constant(b, loc, 1);
  Value sum = arith::AddFOp::create(b, loc, power(b, loc, x, 2 * kLog2E), one);
  Value quotient = arith::DivFOp::create(b, loc, constant(b, loc, 2), sum,
                                         arith::FastMathFlags::afn |
                                             arith::FastMathFlags::arcp);
  return arith::SubFOp::create(b, loc, one, quotient);
}

struct LowerGpuMath : impl::LowerGpuMathBase<LowerGpuMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::ErfOp::getOperationName();
    });
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    SmallVector<Operation *> functions;
    getOperation().walk([&](Operation *op) {
      if (isa<math::ExpOp, math::LogOp, math::TanhOp, math::Log2Op,
              math::Exp2Op>(op) &&
          op->getResult(0).getType().isF32())
        functions.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : functions) {
      Location loc = op->getLoc();
      Value x = op->getOperand(0);
      rewriter.setInsertionPoint(op);
      if (auto known = dyn_cast<math::Exp2Op>(op)) {
        known.setFastmath(arith::FastMathFlags::afn);
      } else if (isa<math::Log2Op>(op)) {
        rewriter.replaceOp(op, log2(rewriter, loc, x));
      } else if (isa<math::ExpOp>(op)) {
        rewriter.replaceOp(op, power(rewriter, loc, x, kLog2E));
      } else if (isa<math::LogOp>(op)) {
        rewriter.replaceOpWithNewOp<arith::MulFOp>(
            op, log2(rewriter, loc, x), constant(rewriter, loc, kLn2));
      } else {
        rewriter.replaceOp(op, hyperbolicTangent(rewriter, loc, x));
      }
    }
  }
};
} // namespace
} // namespace heed::lower
