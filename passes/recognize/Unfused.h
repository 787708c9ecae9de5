// Unfused.h - places of the program that recognition leaves as they are.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_UNFUSED_H
#define HEED_PASSES_RECOGNIZE_UNFUSED_H

#include "mlir/IR/BuiltinOps.h"

namespace heed::recognize {

/// Makes the recognisers pass over ops at these locations: the attribute
/// attn.unfused of the module. To find out which block makes a difference.
void leaveUnfused(mlir::ModuleOp module,
                  llvm::ArrayRef<mlir::Location> locations);

bool isLeftUnfused(mlir::Operation *op);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_UNFUSED_H
