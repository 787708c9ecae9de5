// LoadModel.h - a model file of any kind that Heed reads, as a module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_MODEL_LOADMODEL_H
#define HEED_TOOLS_LIB_MODEL_LOADMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tools/lib/import/Import.h"
#include "llvm/Support/Error.h"

namespace heed {

/// Every dialect that a model may use, with the interfaces that the passes of
/// Heed need.
void registerModelDialects(mlir::DialectRegistry &registry);

/// MLIR text rather than protobuf, by its first bytes.
bool isText(llvm::StringRef bytes);

/// Reads `path` as ONNX, StableHLO text, other MLIR text or MLIR bytecode, told
/// apart by content. `options` are for ONNX.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
loadModel(llvm::StringRef path, mlir::MLIRContext &context,
          const import::ImportOptions &options = {});

} // namespace heed

#endif // HEED_TOOLS_LIB_MODEL_LOADMODEL_H
