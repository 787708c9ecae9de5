// Import.h - an ONNX file as an MLIR module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_IMPORT_H
#define HEED_TOOLS_LIB_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/ArrayRef.h"

#include <functional>
#include <optional>
#include <string>

namespace heed::import {

/// Gets the name of an input and its sizes as the model has them (-1: any). May
/// set those, which holds for every size of the same name, and the one element
/// of a boolean input, which is a constant then and no argument.
using NarrowInput = std::function<void(
    llvm::StringRef, llvm::MutableArrayRef<int64_t>, std::optional<bool> &)>;

struct ImportOptions {
  /// Called with the number of nodes done and of all nodes, for a progress
  /// line.
  void (*progress)(size_t done, size_t all) = nullptr;
  /// Asked about each input, where given.
  NarrowInput narrow;
};

/// Loads every dialect that imported modules use.
void loadDialects(mlir::MLIRContext &context);

/// Reads the model at `path`. Null on any error, with `error` saying the file,
/// the node and the reason. The module is verified.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(const std::string &path,
                                             mlir::MLIRContext &context,
                                             std::string &error,
                                             const ImportOptions &options = {});

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_IMPORT_H
