// AttnDecompose.h - what the definitions of several ops in linalg share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_ATTNDECOMPOSE_H
#define HEED_DIALECT_ATTNDECOMPOSE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace heed::attn {

/// The product of the sizes of `dims` as a scalar of `type`: over how many
/// elements a mean goes.
mlir::Value createElementCount(mlir::OpBuilder &b, mlir::Location loc,
                               llvm::ArrayRef<mlir::OpFoldResult> sizes,
                               llvm::ArrayRef<int64_t> dims,
                               mlir::FloatType type);

} // namespace heed::attn

#endif // HEED_DIALECT_ATTNDECOMPOSE_H
