// ScalarFunction.cpp - a scalar op of arith or math as a function of numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/ScalarFunction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <optional>

using namespace mlir;

namespace heed::recognize {
namespace {

bool compare(arith::CmpIPredicate predicate, double a, double b) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return a < b;
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return a <= b;
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return a > b;
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return a >= b;
  }
  return false;
}

bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::AlwaysTrue:
    return true;
  case P::ORD:
    return !unordered;
  case P::UNO:
    return unordered;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return a != b;
  }
  return false;
}

int64_t integer(double value) { return static_cast<int64_t>(value); }

/// y[i] = f(i); false where one of them is none.
template <typename F> bool fill(MutableArrayRef<double> y, F f) {
  for (size_t i = 0; i < y.size(); ++i)
    if constexpr (std::is_convertible_v<decltype(f(i)), double>) {
      y[i] = f(i);
    } else {
      std::optional<double> value = f(i);
      if (!value)
        return false;
      y[i] = *value;
    }
  return true;
}

/// f of numbers, for a line of them; its result may be std::nullopt.
template <typename F> ScalarFunction unary(F f) {
  return [f](ArrayRef<Operand> x, MutableArrayRef<double> y) {
    return fill(y, [&](size_t i) { return f(x[0][i]); });
  };
}
template <typename F> ScalarFunction binary(F f) {
  return [f](ArrayRef<Operand> x, MutableArrayRef<double> y) {
    return fill(y, [&](size_t i) { return f(x[0][i], x[1][i]); });
  };
}

/// A division whose divisor is checked.
template <typename F> ScalarFunction division(F f) {
  return binary([f](double a, double b) -> std::optional<double> {
    if (b == 0)
      return std::nullopt;
    return f(a, b);
  });
}

/// A comparison; the predicate is read once a line.
template <typename Predicate> ScalarFunction comparison(Predicate predicate) {
  return binary([predicate](double a, double b) {
    return double(compare(predicate, a, b));
  });
}

/// Null where the result is not the same in any order of computation.
ScalarFunction functionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, ScalarFunction>(op)
      .Case<arith::AddFOp, arith::AddIOp>(
          [](auto) { return binary([](double a, double b) { return a + b; }); })
      .Case<arith::SubFOp, arith::SubIOp>(
          [](auto) { return binary([](double a, double b) { return a - b; }); })
      .Case<arith::MulFOp, arith::MulIOp>(
          [](auto) { return binary([](double a, double b) { return a * b; }); })
      .Case<arith::DivFOp>(
          [](auto) { return binary([](double a, double b) { return a / b; }); })
      .Case<arith::DivSIOp, arith::DivUIOp>([](auto) {
        return division(
            [](double a, double b) { return double(integer(a) / integer(b)); });
      })
      .Case<arith::FloorDivSIOp>([](auto) {
        return division([](double a, double b) { return std::floor(a / b); });
      })
      .Case<arith::RemSIOp, arith::RemUIOp>([](auto) {
        return division(
            [](double a, double b) { return double(integer(a) % integer(b)); });
      })
      .Case<arith::NegFOp>(
          [](auto) { return unary([](double a) { return -a; }); })
      .Case<math::AbsFOp, math::AbsIOp>(
          [](auto) { return unary([](double a) { return std::fabs(a); }); })
      .Case<math::FloorOp>(
          [](auto) { return unary([](double a) { return std::floor(a); }); })
      .Case<math::CeilOp>(
          [](auto) { return unary([](double a) { return std::ceil(a); }); })
      .Case<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>([](auto) {
        return binary([](double a, double b) { return std::max(a, b); });
      })
      .Case<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>([](auto) {
        return binary([](double a, double b) { return std::min(a, b); });
      })
      .Case<arith::AndIOp>([](auto) {
        return binary(
            [](double a, double b) { return double(integer(a) & integer(b)); });
      })
      .Case<arith::OrIOp>([](auto) {
        return binary(
            [](double a, double b) { return double(integer(a) | integer(b)); });
      })
      .Case<arith::XOrIOp>([](arith::XOrIOp op) {
        int64_t bits = op.getType().isInteger(1) ? 1 : -1;
        return binary([bits](double a, double b) {
          return double((integer(a) ^ integer(b)) & bits);
        });
      })
      .Case<arith::SelectOp>([](auto) {
        return [](ArrayRef<Operand> x, MutableArrayRef<double> y) {
          return fill(
              y, [&](size_t i) { return x[0][i] != 0 ? x[1][i] : x[2][i]; });
        };
      })
      .Case<arith::CmpIOp, arith::CmpFOp>(
          [](auto op) { return comparison(op.getPredicate()); })
      .Case<arith::SIToFPOp, arith::UIToFPOp, arith::ExtFOp, arith::ExtSIOp,
            arith::ExtUIOp, arith::IndexCastOp, arith::TruncFOp>(
          [](auto) { return unary([](double a) { return a; }); })
      .Case<arith::TruncIOp>([](arith::TruncIOp op) {
        bool toBool = op.getType().isInteger(1);
        return unary(
            [toBool](double a) { return toBool ? double(integer(a) & 1) : a; });
      })
      .Case<arith::FPToSIOp, arith::FPToUIOp>([](auto) {
        return unary([](double a) -> std::optional<double> {
          if (!std::isfinite(a))
            return std::nullopt;
          return std::trunc(a);
        });
      })
      .Default([](Operation *) { return nullptr; });
}

} // namespace

ScalarFunction scalarFunctionOf(Operation *op) {
  ScalarFunction function = functionOf(op);
  Type type = op->getResult(0).getType();
  if (!function || !isa<FloatType>(type) || type.isF64())
    return function;
  if (!type.isF32())
    return nullptr;
  return [function](ArrayRef<Operand> x, MutableArrayRef<double> y) {
    if (!function(x, y))
      return false;
    for (double &value : y)
      value = float(value);
    return true;
  };
}

} // namespace heed::recognize
