// Explain.h - recognition and fusion on a copy of a module, for what they say.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_REPORT_EXPLAIN_H
#define HEED_TOOLS_LIB_REPORT_EXPLAIN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

namespace heed {

/// Runs the stages before the lowering on a copy of `module`, which stays as it
/// is. Their remarks go to whom the context tells; `configure`, if given, sees
/// the pass manager before it runs.
llvm::Error explainModule(
    mlir::ModuleOp module,
    llvm::function_ref<void(mlir::PassManager &)> configure = nullptr);

} // namespace heed

#endif // HEED_TOOLS_LIB_REPORT_EXPLAIN_H
