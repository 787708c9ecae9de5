// LayerCalls.h - the calls of a layer's function, and what is known at them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_LAYERS_LAYERCALLS_H
#define HEED_PASSES_LOWER_LAYERS_LAYERCALLS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace heed::lower {

/// The calls of a private function with a body; of any other function none.
llvm::SmallVector<mlir::func::CallOp> getCalls(mlir::func::FuncOp function);

/// Whether the op asks the runtime for what stays the same throughout a run: the
/// number of threads.
bool isRunConstant(mlir::Operation *op);

/// Whether a value of the function is arithmetic on its arguments and on their
/// sizes, so that its callers can compute it, too.
bool isKnownAtCalls(mlir::Value value, mlir::func::FuncOp function);

/// A value that is known at calls, computed in front of `call`. `known` holds
/// what was computed there before.
mlir::Value computeAtCall(mlir::OpBuilder &b, mlir::Value value,
                          mlir::func::CallOp call, mlir::IRMapping &known);

/// Writes the function's body in place of each of its calls, and erases it.
void inlineCalls(mlir::func::FuncOp function);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_LAYERS_LAYERCALLS_H
