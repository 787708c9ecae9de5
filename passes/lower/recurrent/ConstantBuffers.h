// ConstantBuffers.h - weights on memrefs: read, made again, dropped.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_RECURRENT_CONSTANTBUFFERS_H
#define HEED_PASSES_LOWER_RECURRENT_CONSTANTBUFFERS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>

namespace heed::lower {

/// The elements of a constant of f32 that the buffer is, all of it.
std::optional<llvm::SmallVector<float>> readConstantBuffer(mlir::Value buffer);

/// A new constant of the module of `op`, as a resource.
mlir::Value createConstantBuffer(mlir::OpBuilder &b, mlir::Operation *op,
                                 llvm::ArrayRef<int64_t> shape,
                                 llvm::ArrayRef<float> elements);

/// Erases the op, and the constants that nothing else reads: they would still
/// be written into files.
void eraseWithConstants(mlir::Operation *op);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_RECURRENT_CONSTANTBUFFERS_H
