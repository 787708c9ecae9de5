// NormalizeCalls.cpp - functions are written out where they are called.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/normalize/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace heed::normalize {
#define GEN_PASS_DEF_NORMALIZECALLS
#include "passes/normalize/Passes.h.inc"

namespace {
struct NormalizeCalls : impl::NormalizeCallsBase<NormalizeCalls> {
  NormalizeCalls() : inliner(ModuleOp::getOperationName()) {
    inliner.addPass(createInlinerPass({}, [](OpPassManager &) {}));
  }
  NormalizeCalls(const NormalizeCalls &other)
      : NormalizeCallsBase(other), inliner(other.inliner) {}

  void runOnOperation() override {
    // Upstream's inliner looks for symbols in the attributes of every op.
    bool hasCalls =
        getOperation()
            .walk([](CallOpInterface) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (hasCalls && failed(runPipeline(inliner, getOperation())))
      signalPassFailure();
  }

private:
  OpPassManager inliner;
};
} // namespace
} // namespace heed::normalize
