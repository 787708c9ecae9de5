// Explain.cpp - recognition and fusion on a copy of a module, for what they
// say.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/report/Explain.h"

#include "mlir/IR/OwningOpRef.h"
#include "passes/pipelines/Pipelines.h"

using namespace mlir;

namespace heed {

llvm::Error explainModule(ModuleOp module,
                          llvm::function_ref<void(PassManager &)> configure) {
  OwningOpRef<ModuleOp> copy = module.clone();
  PassManager pm(module.getContext());
  buildNormalizePipeline(pm);
  buildRecognizePipeline(pm);
  buildFusePipeline(pm);
  if (configure)
    configure(pm);
  if (failed(pm.run(*copy)))
    return llvm::createStringError("recognition failed");
  return llvm::Error::success();
}

} // namespace heed
