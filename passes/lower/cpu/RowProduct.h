// RowProduct.h - a row times a matrix, at the speed at which memory is read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_ROWPRODUCT_H
#define HEED_PASSES_LOWER_CPU_ROWPRODUCT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/lower/cpu/VectorLoop.h"

namespace heed::lower {

/// A contraction of f32 y[n] += Σ_k x[k]·w[k, n] of constant sizes, all other
/// dims of size 1, w and y contiguous along n. On tensors or buffers.
class RowProduct {
public:
  static std::optional<RowProduct> match(mlir::linalg::LinalgOp op);

  /// Whether a library has nothing to gain: its weights are a constant that
  /// lies as the kernel reads it.
  bool isOfConstant() const;

  /// The op, which is on tensors, as linalg.vecmat between reshapes: a named op
  /// takes in no elementwise producer and is split by no reshape, after which
  /// it would be no product any more.
  Value createVecmat(mlir::RewriterBase &rewriter) const;

  /// Builds the loops for the op, which is on buffers and stays.
  void build(OpBuilder &b, unsigned length) const;

private:
  Values indices(OpBuilder &b, mlir::OpOperand *operand, Value k,
                 Value n) const;
  Value loadSplat(OpBuilder &b, mlir::VectorType type, Value k) const;
  void addRows(OpBuilder &b, unsigned length, Value first, int64_t count,
               Value sums, ValueRange outer) const;

  mlir::linalg::LinalgOp op;
  mlir::OpOperand *row = nullptr, *matrix = nullptr;
  unsigned k = 0, n = 0;            // dims of the loops
  int64_t numRows = 0, columns = 0; // of the matrix
};

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_ROWPRODUCT_H
