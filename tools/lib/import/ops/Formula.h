// Formula.h - scalar formulas of a float type, and the activation functions
// written in it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_FORMULA_H
#define HEED_TOOLS_LIB_IMPORT_OPS_FORMULA_H

#include "tools/lib/import/Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace heed::import {

/// Writes a scalar formula: `s.add(x, s.c(1))`.
struct Formula {
  using Value = mlir::Value;
  Emitter &e;
  DType type;
  mlir::OpBuilder &b;
  mlir::Location l;

  template <typename Op> Value make(Value x) { return Op::create(b, l, x); }
  template <typename Op> Value make(Value x, Value y) {
    return Op::create(b, l, x, y);
  }
  Value c(double value) { return e.scalar(type, value); }
  Value add(Value x, Value y) { return make<mlir::arith::AddFOp>(x, y); }
  Value sub(Value x, Value y) { return make<mlir::arith::SubFOp>(x, y); }
  Value mul(Value x, Value y) { return make<mlir::arith::MulFOp>(x, y); }
  Value div(Value x, Value y) { return make<mlir::arith::DivFOp>(x, y); }
  Value max(Value x, Value y) { return make<mlir::arith::MaximumFOp>(x, y); }
  Value min(Value x, Value y) { return make<mlir::arith::MinimumFOp>(x, y); }
  Value neg(Value x) { return make<mlir::arith::NegFOp>(x); }
  Value abs(Value x) { return make<mlir::math::AbsFOp>(x); }
  Value exp(Value x) { return make<mlir::math::ExpOp>(x); }
  Value tanh(Value x) { return make<mlir::math::TanhOp>(x); }
  Value erf(Value x) { return make<mlir::math::ErfOp>(x); }
  Value greater(Value x, Value y) {
    return mlir::arith::CmpFOp::create(b, l, mlir::arith::CmpFPredicate::OGT, x,
                                       y);
  }
  Value select(Value condition, Value x, Value y) {
    return mlir::arith::SelectOp::create(b, l, condition, x, y);
  }
  /// min(max(x, low), high)
  Value clamp(Value x, double low, double high) {
    return min(max(x, c(low)), c(high));
  }
  Value sigmoid(Value x) { return div(c(1), add(c(1), exp(neg(x)))); }
  Value hardSigmoid(Value x, double alpha, double beta) {
    return clamp(add(mul(c(alpha), x), c(beta)), 0, 1);
  }
  /// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)), which does not overflow.
  Value softplus(Value x) {
    return add(max(x, c(0)), make<mlir::math::Log1pOp>(exp(neg(abs(x)))));
  }
  Value softsign(Value x) { return div(x, add(c(1), abs(x))); }
  /// x where x > 0, else alpha·(exp(x) − 1), of the negative part only, so that
  /// it cannot overflow.
  Value elu(Value x, double alpha) {
    Value low = make<mlir::math::ExpM1Op>(min(x, c(0)));
    if (alpha != 1)
      low = mul(c(alpha), low);
    return select(greater(x, c(0)), x, low);
  }
  Value leakyRelu(Value x, double alpha) {
    return select(greater(x, c(0)), x, mul(c(alpha), x));
  }
  Value thresholdedRelu(Value x, double alpha) {
    return select(greater(x, c(alpha)), x, c(0));
  }
};

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_FORMULA_H
