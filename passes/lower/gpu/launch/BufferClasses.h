// BufferClasses.h - which values of a function may be the same memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_LAUNCH_BUFFERCLASSES_H
#define HEED_PASSES_LOWER_GPU_LAUNCH_BUFFERCLASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace heed::lower {

bool isMemRef(mlir::Value value);

/// Sets of values that may be the same memory: by views, and by what loops and
/// branches take and give.
class BufferClasses {
public:
  explicit BufferClasses(mlir::func::FuncOp function);

  /// The value that stands for the set of `value`.
  mlir::Value find(mlir::Value value);

private:
  void unite(mlir::Value a, mlir::Value b);
  llvm::DenseMap<mlir::Value, mlir::Value> parents;
};

/// What the value is a view of.
mlir::Value rootOf(mlir::Value value);

/// The buffers whose address a pointer is computed from.
llvm::SmallVector<mlir::Value> buffersOf(mlir::Value pointer);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_GPU_LAUNCH_BUFFERCLASSES_H
