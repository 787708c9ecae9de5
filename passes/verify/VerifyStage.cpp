// VerifyStage.cpp - the verifiers of all ops, at the end of a stage.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/verify/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace heed::verify {
#define GEN_PASS_DEF_VERIFYSTAGE
#include "passes/verify/Passes.h.inc"

namespace {
struct VerifyStage : impl::VerifyStageBase<VerifyStage> {
  void runOnOperation() override {
    if (failed(mlir::verify(getOperation())))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
} // namespace heed::verify
