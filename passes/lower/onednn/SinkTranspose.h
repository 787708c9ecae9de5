// SinkTranspose.h - moves a transposition behind the ops that use its result.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_ONEDNN_SINKTRANSPOSE_H
#define HEED_PASSES_LOWER_ONEDNN_SINKTRANSPOSE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

namespace heed::lower {

/// Rewrites users of transpositions so that they compute on the untransposed
/// tensor. Result dimension i of a transposition is input dimension
/// permutation[i].
class TransposeSinker {
public:
  explicit TransposeSinker(mlir::RewriterBase &rewriter) : rewriter(rewriter) {}

  /// A transposition to be sunk.
  mlir::Value transpose(mlir::Location loc, mlir::Value input,
                        llvm::ArrayRef<int64_t> permutation);
  /// Sinks all of them as far as they go. Some are left without users.
  void run();

  /// The empty destination of an op whose result has the order of dims before a
  /// transposition by `permutation`.
  mlir::Value untransposedEmpty(mlir::Location loc, mlir::Value init,
                                llvm::ArrayRef<int64_t> permutation);

private:
  mlir::Value createTranspose(mlir::Location loc, mlir::Value input,
                              llvm::ArrayRef<int64_t> permutation);
  bool sinkInto(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoDim(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoTranspose(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoPrimitive(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoElementwise(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoReduction(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoGate(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoNorm(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoConcat(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoPad(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoSlice(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoExpand(mlir::linalg::TransposeOp op, mlir::OpOperand &use);
  bool sinkIntoCollapse(mlir::linalg::TransposeOp op, mlir::OpOperand &use);

  /// `value` with its dims in the order that they have before a transposition
  /// by `permutation`: through the transposition that made it, or by another,
  /// which is not sunk: it would come back.
  mlir::Value untransposed(mlir::Value value,
                           llvm::ArrayRef<int64_t> permutation);
  void replace(mlir::Operation *op, mlir::Value value,
               llvm::ArrayRef<int64_t> permutation);

  mlir::RewriterBase &rewriter;
  llvm::SetVector<mlir::linalg::TransposeOp> work;
};

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_ONEDNN_SINKTRANSPOSE_H
