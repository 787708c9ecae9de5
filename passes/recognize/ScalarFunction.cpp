// ScalarFunction.cpp - a scalar op of arith or math as a function of numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/ScalarFunction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {
namespace {

using Numbers = ArrayRef<double>;

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

/// A division whose divisor is checked.
template <typename F> ScalarFunction dividing(F f) {
  return [f](Numbers x) -> std::optional<double> {
    if (x[1] == 0)
      return std::nullopt;
    return f(x);
  };
}

/// Null where the result is not the same in any order of computation.
ScalarFunction functionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, ScalarFunction>(op)
      .Case<arith::AddFOp, arith::AddIOp>(
          [](auto) { return [](Numbers x) { return x[0] + x[1]; }; })
      .Case<arith::SubFOp, arith::SubIOp>(
          [](auto) { return [](Numbers x) { return x[0] - x[1]; }; })
      .Case<arith::MulFOp, arith::MulIOp>(
          [](auto) { return [](Numbers x) { return x[0] * x[1]; }; })
      .Case<arith::DivFOp>(
          [](auto) { return [](Numbers x) { return x[0] / x[1]; }; })
      .Case<arith::DivSIOp, arith::DivUIOp>([](auto) {
        return dividing(
            [](Numbers x) { return double(integer(x[0]) / integer(x[1])); });
      })
      .Case<arith::FloorDivSIOp>([](auto) {
        return dividing([](Numbers x) { return std::floor(x[0] / x[1]); });
      })
      .Case<arith::RemSIOp, arith::RemUIOp>([](auto) {
        return dividing(
            [](Numbers x) { return double(integer(x[0]) % integer(x[1])); });
      })
      .Case<arith::NegFOp>([](auto) { return [](Numbers x) { return -x[0]; }; })
      .Case<math::AbsFOp, math::AbsIOp>(
          [](auto) { return [](Numbers x) { return std::fabs(x[0]); }; })
      .Case<math::FloorOp>(
          [](auto) { return [](Numbers x) { return std::floor(x[0]); }; })
      .Case<math::CeilOp>(
          [](auto) { return [](Numbers x) { return std::ceil(x[0]); }; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>(
          [](auto) { return [](Numbers x) { return std::max(x[0], x[1]); }; })
      .Case<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>(
          [](auto) { return [](Numbers x) { return std::min(x[0], x[1]); }; })
      .Case<arith::AndIOp>([](auto) {
        return [](Numbers x) { return double(integer(x[0]) & integer(x[1])); };
      })
      .Case<arith::OrIOp>([](auto) {
        return [](Numbers x) { return double(integer(x[0]) | integer(x[1])); };
      })
      .Case<arith::XOrIOp>([](arith::XOrIOp op) {
        int64_t bits = op.getType().isInteger(1) ? 1 : -1;
        return [bits](Numbers x) {
          return double((integer(x[0]) ^ integer(x[1])) & bits);
        };
      })
      .Case<arith::SelectOp>([](auto) {
        return [](Numbers x) { return x[0] != 0 ? x[1] : x[2]; };
      })
      .Case<arith::CmpIOp, arith::CmpFOp>([](auto op) {
        auto predicate = op.getPredicate();
        return [predicate](Numbers x) {
          return double(compare(predicate, x[0], x[1]));
        };
      })
      .Case<arith::SIToFPOp, arith::UIToFPOp, arith::ExtFOp, arith::ExtSIOp,
            arith::ExtUIOp, arith::IndexCastOp, arith::TruncFOp>(
          [](auto) { return [](Numbers x) { return x[0]; }; })
      .Case<arith::TruncIOp>([](arith::TruncIOp op) {
        bool toBool = op.getType().isInteger(1);
        return [toBool](Numbers x) {
          return toBool ? double(integer(x[0]) & 1) : x[0];
        };
      })
      .Case<arith::FPToSIOp, arith::FPToUIOp>([](auto) {
        return [](Numbers x) -> std::optional<double> {
          if (!std::isfinite(x[0]))
            return std::nullopt;
          return std::trunc(x[0]);
        };
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
  return [function](Numbers x) -> std::optional<double> {
    std::optional<double> value = function(x);
    return value ? std::optional<double>(float(*value)) : value;
  };
}

} // namespace heed::recognize
