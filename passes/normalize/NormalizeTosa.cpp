// NormalizeTosa.cpp - tosa to linalg, tensor and arith.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/normalize/Passes.h"

#include "mlir/Conversion/TosaToArith/TosaToArith.h"
#include "mlir/Conversion/TosaToLinalg/TosaToLinalg.h"
#include "mlir/Conversion/TosaToTensor/TosaToTensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace heed::normalize {
#define GEN_PASS_DEF_NORMALIZETOSA
#include "passes/normalize/Passes.h.inc"

namespace {
/// Upstream's four steps, each of which handles some of the ops only.
struct NormalizeTosa : impl::NormalizeTosaBase<NormalizeTosa> {
  NormalizeTosa() : steps(func::FuncOp::getOperationName()) {
    steps.addPass(tosa::createTosaToLinalgNamed());
    steps.addPass(tosa::createTosaToLinalg());
    steps.addPass(createTosaToTensorPass());
    steps.addPass(createTosaToArithPass());
  }
  NormalizeTosa(const NormalizeTosa &other)
      : NormalizeTosaBase(other), steps(other.steps) {}

  void getDependentDialects(DialectRegistry &registry) const override {
    steps.getDependentDialects(registry);
  }

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (hasTosa(function) && failed(runPipeline(steps, function)))
        return signalPassFailure();
  }

private:
  /// A conversion visits every op: most models have none to convert.
  static bool hasTosa(func::FuncOp function) {
    return function
        .walk([](Operation *op) {
          return isa<tosa::TosaDialect>(op->getDialect())
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  }

  OpPassManager steps;
};
} // namespace
} // namespace heed::normalize
