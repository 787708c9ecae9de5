// LowerMath.cpp - exp, tanh, erf and log as polynomials that LLVM can
// vectorise.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call to libm in a loop body costs more than three times the polynomial,
// and keeps LLVM from vectorising the loop.
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERMATH
#include "passes/lower/cpu/Passes.h.inc"

namespace {
struct LowerMath : impl::LowerMathBase<LowerMath> {
  void runOnOperation() override {
    // sin and cos stay with libm: the polynomials lose digits at the large
    // arguments of positional encodings.
    static const llvm::StringSet<> approximated = {
        math::ExpOp::getOperationName(),   math::TanhOp::getOperationName(),
        math::ErfOp::getOperationName(),   math::LogOp::getOperationName(),
        math::ExpM1Op::getOperationName(), math::Log1pOp::getOperationName()};
    auto wanted = [](StringRef name) { return approximated.contains(name); };
    RewritePatternSet patterns(&getContext());
    populateMathF32ExpansionPatterns(patterns, wanted);
    populateMathPolynomialApproximationPatterns(patterns, wanted);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
  }
};
} // namespace
} // namespace heed::lower
