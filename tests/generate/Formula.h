// Formula.h - one scalar formula, written once, emitted as ops and computed as
// numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_GENERATE_FORMULA_H
#define HEED_TESTS_GENERATE_FORMULA_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>
#include <string>

namespace heed::generate {

/// Emits the ops of a body. `loops`: the labels of the linalg op's loops.
struct Emit {
  mlir::OpBuilder &b;
  mlir::Location loc;
  std::string loops;
  using T = mlir::Value;

  template <typename Float, typename Int> T either(T x, T y) {
    if (mlir::isa<mlir::FloatType>(x.getType()))
      return Float::create(b, loc, x, y);
    return Int::create(b, loc, x, y);
  }
  T compare(mlir::arith::CmpFPredicate f, mlir::arith::CmpIPredicate i, T x,
            T y) {
    if (mlir::isa<mlir::FloatType>(x.getType()))
      return mlir::arith::CmpFOp::create(b, loc, f, x, y);
    return mlir::arith::CmpIOp::create(b, loc, i, x, y);
  }

  T num(double value) {
    return mlir::arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  T integer(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, loc, value);
  }
  T truth(bool value) {
    return mlir::arith::ConstantIntOp::create(b, loc, value, 1);
  }
  T index(char label) {
    return mlir::linalg::IndexOp::create(b, loc, loops.find(label));
  }
  T add(T x, T y) {
    return either<mlir::arith::AddFOp, mlir::arith::AddIOp>(x, y);
  }
  T sub(T x, T y) {
    return either<mlir::arith::SubFOp, mlir::arith::SubIOp>(x, y);
  }
  T mul(T x, T y) {
    return either<mlir::arith::MulFOp, mlir::arith::MulIOp>(x, y);
  }
  T div(T x, T y) {
    return either<mlir::arith::DivFOp, mlir::arith::DivSIOp>(x, y);
  }
  T max(T x, T y) {
    return either<mlir::arith::MaximumFOp, mlir::arith::MaxSIOp>(x, y);
  }
  T min(T x, T y) {
    return either<mlir::arith::MinimumFOp, mlir::arith::MinSIOp>(x, y);
  }
  T exp(T x) { return mlir::math::ExpOp::create(b, loc, x); }
  T exp2(T x) { return mlir::math::Exp2Op::create(b, loc, x); }
  T log(T x) { return mlir::math::LogOp::create(b, loc, x); }
  T tanh(T x) { return mlir::math::TanhOp::create(b, loc, x); }
  T sqrt(T x) { return mlir::math::SqrtOp::create(b, loc, x); }
  T rsqrt(T x) { return mlir::math::RsqrtOp::create(b, loc, x); }
  T neg(T x) { return mlir::arith::NegFOp::create(b, loc, x); }
  T toFloat(T x) {
    if (mlir::isa<mlir::IndexType>(x.getType()))
      x = mlir::arith::IndexCastOp::create(b, loc, b.getI64Type(), x);
    if (x.getType().isInteger(1))
      return mlir::arith::UIToFPOp::create(b, loc, b.getF32Type(), x);
    return mlir::arith::SIToFPOp::create(b, loc, b.getF32Type(), x);
  }
  T lt(T x, T y) {
    return compare(mlir::arith::CmpFPredicate::OLT,
                   mlir::arith::CmpIPredicate::slt, x, y);
  }
  T le(T x, T y) {
    return compare(mlir::arith::CmpFPredicate::OLE,
                   mlir::arith::CmpIPredicate::sle, x, y);
  }
  T gt(T x, T y) {
    return compare(mlir::arith::CmpFPredicate::OGT,
                   mlir::arith::CmpIPredicate::sgt, x, y);
  }
  T ge(T x, T y) {
    return compare(mlir::arith::CmpFPredicate::OGE,
                   mlir::arith::CmpIPredicate::sge, x, y);
  }
  T eq(T x, T y) {
    return compare(mlir::arith::CmpFPredicate::OEQ,
                   mlir::arith::CmpIPredicate::eq, x, y);
  }
  T isNan(T x) {
    return mlir::arith::CmpFOp::create(b, loc, mlir::arith::CmpFPredicate::UNO,
                                       x, x);
  }
  T both(T x, T y) { return mlir::arith::AndIOp::create(b, loc, x, y); }
  T any(T x, T y) { return mlir::arith::OrIOp::create(b, loc, x, y); }
  T no(T x) { return mlir::arith::XOrIOp::create(b, loc, x, truth(true)); }
  T select(T c, T x, T y) {
    return mlir::arith::SelectOp::create(b, loc, c, x, y);
  }
};

/// Computes it: each float op in double, its result rounded as the program's.
struct Eval {
  std::string loops;
  const int64_t *at;
  using T = double;

  static T round(double x) { return static_cast<float>(x); }
  T num(double value) { return round(value); }
  T integer(int64_t value) { return double(value); }
  T truth(bool value) { return value; }
  T index(char label) { return double(at[loops.find(label)]); }
  T add(T x, T y) { return round(x + y); }
  T sub(T x, T y) { return round(x - y); }
  T mul(T x, T y) { return round(x * y); }
  T div(T x, T y) { return round(x / y); }
  T max(T x, T y) {
    return std::isnan(x) || std::isnan(y) ? NAN : std::fmax(x, y);
  }
  T min(T x, T y) {
    return std::isnan(x) || std::isnan(y) ? NAN : std::fmin(x, y);
  }
  T exp(T x) { return round(std::exp(x)); }
  T exp2(T x) { return round(std::exp2(x)); }
  T log(T x) { return round(std::log(x)); }
  T tanh(T x) { return round(std::tanh(x)); }
  T sqrt(T x) { return round(std::sqrt(x)); }
  T rsqrt(T x) { return round(1 / std::sqrt(x)); }
  T neg(T x) { return -x; }
  T toFloat(T x) { return x; }
  T lt(T x, T y) { return x < y; }
  T le(T x, T y) { return x <= y; }
  T gt(T x, T y) { return x > y; }
  T ge(T x, T y) { return x >= y; }
  T eq(T x, T y) { return x == y; }
  T isNan(T x) { return std::isnan(x); }
  T both(T x, T y) { return x != 0 && y != 0; }
  T any(T x, T y) { return x != 0 || y != 0; }
  T no(T x) { return x == 0; }
  T select(T c, T x, T y) { return c != 0 ? x : y; }
};

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_FORMULA_H
