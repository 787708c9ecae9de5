// Reshape.h - tensors brought into a wanted layout, and small elementwise ops
// on them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_RESHAPE_H
#define HEED_PASSES_RECOGNIZE_RESHAPE_H

#include "passes/recognize/Element.h"

namespace heed::recognize {

/// The tensor that holds the element, without looking through data movement; a
/// scalar inside a body gets a copy of its op that yields it.
std::optional<TensorView>
asTensorOrClone(mlir::OpBuilder &b, const Element &element, FactorTable &table);

/// The view's tensor with the dimensions `wanted`: the same factors in any
/// order and division. Null if they are not the same.
mlir::Value reshapeTo(mlir::OpBuilder &b, mlir::Location loc,
                      const TensorView &view, const Access &wanted,
                      FactorTable &table);

/// The slice of `root` that keeps a range of one factor, and its dimensions:
/// `kept` stands for the factor (nothing where one index is left).
std::optional<TensorView> sliceRoot(mlir::OpBuilder &b, mlir::Location loc,
                                    TensorView root, Factor factor,
                                    int64_t offset, int64_t size, Factors kept,
                                    FactorTable &table);

/// The sizes of a tensor with these dimensions.
llvm::SmallVector<mlir::OpFoldResult> sizesOf(mlir::OpBuilder &b,
                                              mlir::Location loc,
                                              const Access &dims,
                                              FactorTable &table);

/// tensor.empty of the tensor's sizes with another element type.
mlir::Value emptyLike(mlir::OpBuilder &b, mlir::Location loc,
                      mlir::Value tensor, mlir::Type elementType);

/// A generic that applies `body` to each element.
mlir::Value mapElements(
    mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
    mlir::Type elementType,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Value)> body);

/// An elementwise function of several tensors; the result has the dims `shape`.
/// Null where a tensor has an index that `shape` lacks.
mlir::Value combineElements(
    mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<TensorView> views,
    const Access &shape, mlir::Type type, FactorTable &table,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)> body);

/// The tensor with its floats extended or truncated to the type.
mlir::Value castElements(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value tensor, mlir::Type elementType);

/// The chain of movement ops from `root` to `value`, repeated on another root.
mlir::Value cloneMovement(mlir::OpBuilder &b, mlir::Value value,
                          mlir::Value root, mlir::Value newRoot);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_RESHAPE_H
