// SizeProduct.h - products of run-time sizes, to prove that a factor is one
// over a count.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_SIZEPRODUCT_H
#define HEED_PASSES_RECOGNIZE_SIZEPRODUCT_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace heed::recognize {

/// constant · Π over / Π under, of index or scalar values.
struct SizeProduct {
  double constant = 1;
  llvm::SmallVector<mlir::Value, 4> over, under;

  SizeProduct &operator*=(const SizeProduct &other);
  SizeProduct inverse() const;
  /// Nothing but the constant is left.
  bool isConstant() const { return over.empty() && under.empty(); }
};

/// `scalar` taken apart into factors, through conversions.
SizeProduct sizeProduct(mlir::Value scalar);
/// The size of dimension `dim` of `tensor`.
SizeProduct dimensionSize(mlir::Value tensor, int64_t dim);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_SIZEPRODUCT_H
