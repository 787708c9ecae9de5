// Invariant.h - what a decoder's step computes from its source alone.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_DECODE_INVARIANT_H
#define HEED_TOOLS_LIB_DECODE_INVARIANT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"

namespace heed {

/// Takes out of @main what follows from the arguments `fixed` alone, which are
/// the same in every step. The module that is returned computes it: its @main
/// takes those arguments, in their order, and its results are new last
/// arguments of the step, named "invariant.0" and so on. Null where there is
/// nothing to take out.
mlir::OwningOpRef<mlir::ModuleOp>
takeInvariants(mlir::ModuleOp step, llvm::ArrayRef<unsigned> fixed);

} // namespace heed

#endif // HEED_TOOLS_LIB_DECODE_INVARIANT_H
