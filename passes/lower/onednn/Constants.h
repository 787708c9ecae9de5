// Constants.h - reads and makes constant tensors of floats.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_ONEDNN_CONSTANTS_H
#define HEED_PASSES_LOWER_ONEDNN_CONSTANTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>

namespace heed::lower {

/// The elements of an `arith.constant` of f32, dense or a resource; a splat has
/// one element.
std::optional<llvm::SmallVector<float>> readFloats(mlir::Value value);

/// An `arith.constant` with these elements; a resource when it is large, as
/// large literals are slow in every later step.
mlir::Value createFloats(mlir::OpBuilder &builder, mlir::Location loc,
                         llvm::ArrayRef<int64_t> shape,
                         llvm::ArrayRef<float> elements);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_ONEDNN_CONSTANTS_H
