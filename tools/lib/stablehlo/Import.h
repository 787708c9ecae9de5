// Import.h - StableHLO text, as JAX prints it, as a module of linalg.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_STABLEHLO_IMPORT_H
#define HEED_TOOLS_LIB_STABLEHLO_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace heed::stablehlo {

/// Whether the text of an MLIR file may hold ops of StableHLO.
bool namesStableHlo(llvm::StringRef text);

/// The module of the file `path`, whose text is given: its public function,
/// with all that it calls. A module without StableHLO comes back as it is. Null
/// on any error, with `error` saying the file, the line, the op and the reason.
mlir::OwningOpRef<mlir::ModuleOp> importStableHlo(llvm::StringRef path,
                                                  llvm::StringRef text,
                                                  mlir::MLIRContext &context,
                                                  std::string &error);

} // namespace heed::stablehlo

#endif // HEED_TOOLS_LIB_STABLEHLO_IMPORT_H
