// Scatter.h - writing at computed indices, for the ops that do.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_SCATTER_H
#define HEED_TOOLS_LIB_IMPORT_OPS_SCATTER_H

#include "tools/lib/import/Node.h"

namespace heed::import {

/// What becomes of the old element.
enum class Reduction { None, Add, Mul, Min, Max };
Reduction readReduction(Node &n);

/// Where the update at a position goes: indices of x, inside of it.
using ScatterTarget = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// A copy of x with every element of `updates` written or reduced into it, in
/// row-major order.
Tensor scatterElementwise(Emitter &e, const Tensor &x, const Tensor &updates,
                          Reduction reduction, ScatterTarget target);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_SCATTER_H
