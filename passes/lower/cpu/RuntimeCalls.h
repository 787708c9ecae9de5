// RuntimeCalls.h - calls from compiled code into the runtime (runtime/support/Runtime.h).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_RUNTIMECALLS_H
#define HEED_PASSES_LOWER_CPU_RUNTIMECALLS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace heed::lower {

/// The HeedContext of a lowered function: its first argument, `!llvm.ptr`
/// (heed-lower-entry makes it so); null before that.
mlir::Value getContext(mlir::func::FuncOp function);

/// Calls `name` of the runtime, declaring it in the module on first use. The
/// result is null for a void function (`resultType` null).
mlir::Value callRuntime(mlir::OpBuilder &builder, mlir::Location loc,
                        llvm::StringRef name, mlir::Type resultType,
                        mlir::ValueRange arguments);

/// `bytes` bytes at `pointer` as memref<?xi8>, the form that memref.view takes.
mlir::Value bytesAt(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value pointer, mlir::Value bytes);

/// Compiled code stops with the runtime's status where `pointer` is null (no
/// memory, or a caller's buffer that is too small).
void assertNotNull(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value pointer);

/// The size in bytes of a contiguous memref of `type`, as an index value;
/// `dynamicSizes` as for memref.alloc.
mlir::Value sizeInBytes(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::MemRefType type, mlir::ValueRange dynamicSizes);

/// The contiguous memory at `pointer` as a memref of `type`.
mlir::Value viewAt(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value pointer, mlir::MemRefType type,
                   mlir::ValueRange dynamicSizes);

/// Size in bytes of one element; i1 and odd integers take whole bytes.
int64_t elementBytes(mlir::Type elementType);

/// The address of a NUL-terminated string constant of the module.
mlir::Value stringConstant(mlir::OpBuilder &builder, mlir::Location loc,
                           llvm::StringRef text);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_RUNTIMECALLS_H
