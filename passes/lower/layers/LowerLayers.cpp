// LowerLayers.cpp - which functions stay functions: layers without windows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each later pass then sees a layer once, however often it is called. What that
// costs is what passes would do across calls:
//   - blocked layouts go from convolution to convolution, and batch norms into
//     their weights: a layer that slides a window is not kept;
//   - a chain of elementwise ops that crosses the border of a layer stays two.
#include "passes/lower/layers/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "passes/lower/layers/LayerCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERLAYERS
#include "passes/lower/layers/Passes.h.inc"

namespace {
/// Whether the op reads elements around each place: convolutions, pools.
bool hasWindow(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp &&
         llvm::any_of(linalgOp.getIndexingMapsArray(), [](AffineMap map) {
           return !map.isProjectedPermutation(/*allowZeroInResults=*/true);
         });
}

struct LowerLayers : impl::LowerLayersBase<LowerLayers> {
  using LowerLayersBase::LowerLayersBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      SmallVector<func::CallOp> calls = getCalls(function);
      if (!calls.empty())
        function.setNoInline(!inlineAll && isKept(function, calls));
    }
  }

  static bool isKept(func::FuncOp function, ArrayRef<func::CallOp> calls) {
    auto reject = [&](const char *reason, const char *suggestion) {
      remark::missed(function.getLoc(),
                     remark::RemarkOpts::name("layer").category("heed-lower"))
          << remark::metric("function", function.getName())
          << remark::reason("{0}", reason)
          << remark::suggest("{0}", suggestion);
      return false;
    };
    if (calls.size() < 2)
      return reject("expected a layer that is called again, got one call",
                    "none: one call costs what the body does");
    bool isPlain = function.getBody().hasOneBlock() &&
                   llvm::all_of(calls, [](func::CallOp call) {
                     auto caller = dyn_cast<func::FuncOp>(call->getParentOp());
                     return caller && caller.isPublic();
                   });
    if (!isPlain)
      return reject("expected calls outside of loops and of other layers",
                    "call the layer from @main itself");
    WalkResult windows = function.walk([](Operation *op) {
      return hasWindow(op) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (windows.wasInterrupted())
      return reject("expected a layer without convolutions and pools",
                    "none: their layouts go from layer to layer");
    return true;
  }
};
} // namespace
} // namespace heed::lower
