// ScalarMatch.h - what a scalar expression is as a function of one value.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_ONEDNN_SCALARMATCH_H
#define HEED_PASSES_LOWER_ONEDNN_SCALARMATCH_H

#include "mlir/IR/Operation.h"
#include "passes/lower/onednn/PostOpMatch.h"
#include "llvm/ADT/DenseMap.h"

namespace heed::lower {

/// scale · x + offset, both constant or constant for each channel.
struct Affine {
  Constants scale, offset;
  bool isUniform() const { return scale.size() == 1 && offset.size() == 1; }
  bool isIdentity() const {
    return isUniform() && scale[0] == 1 && offset[0] == 0;
  }
};

/// Views of the values of one body as functions of x.
class ScalarMatcher {
public:
  ScalarMatcher(mlir::Block &body, mlir::Value x, ArgumentConstants constants)
      : body(body), x(x), argumentConstants(constants) {}

  bool dependsOnX(mlir::Value value);
  /// The value of an expression of constants.
  std::optional<Constants> constants(mlir::Value value);
  std::optional<double> constant(mlir::Value value);
  std::optional<Affine> affine(mlir::Value value);
  /// The coefficients of a cubic polynomial, lowest degree first.
  std::optional<std::array<double, 4>> cubic(mlir::Value value);

  /// Whether everything between x and `value` is used for `value` alone.
  bool encloses(mlir::Value value);

  mlir::Block &body;
  mlir::Value x;

private:
  ArgumentConstants argumentConstants;
  llvm::DenseMap<mlir::Value, bool> dependent;
};

/// The operands of a binary op of type Op that defines `value`.
template <typename Op>
std::optional<std::pair<mlir::Value, mlir::Value>>
operandsOf(mlir::Value value) {
  auto op = value.getDefiningOp<Op>();
  if (!op)
    return std::nullopt;
  return std::make_pair(op->getOperand(0), op->getOperand(1));
}

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_ONEDNN_SCALARMATCH_H
