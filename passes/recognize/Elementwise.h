// Elementwise.h - elementwise ops, their scalar bodies and constants, in every
// spelling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_ELEMENTWISE_H
#define HEED_PASSES_RECOGNIZE_ELEMENTWISE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/recognize/SizeProduct.h"
#include <optional>

namespace heed::recognize {

/// A linalg op on tensors, named or generic, whose every result element comes
/// from one element of each input: `op`, or null. Initial values are not read.
mlir::linalg::LinalgOp asElementwise(mlir::Operation *op);

/// The value of a constant: a scalar, or a tensor of equal elements.
std::optional<double> constantValue(mlir::Value value);

/// The same for a scalar in the body of `op`, where a block argument stands for
/// an element of an operand.
std::optional<double> constantInBody(mlir::linalg::LinalgOp op,
                                     mlir::Value scalar);

/// The operand that block argument `scalar` of the body stands for, or null.
mlir::OpOperand *operandOf(mlir::linalg::LinalgOp op, mlir::Value scalar);

/// Whether element i of the result reads element i of `operand`.
bool isAligned(mlir::linalg::LinalgOp op, mlir::OpOperand *operand);

/// v = factor · source, elementwise.
struct Scaling {
  mlir::Value source;
  SizeProduct factor;
};
std::optional<Scaling> matchScaling(mlir::Value value);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_ELEMENTWISE_H
