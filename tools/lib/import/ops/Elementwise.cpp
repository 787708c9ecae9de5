// Elementwise.cpp - arithmetic on one or two tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Fold.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

using Scalar = Value (*)(OpBuilder &, Location, Value);
template <typename Op> Value make1(OpBuilder &b, Location l, Value x) {
  return Op::create(b, l, x);
}
template <typename Op> Value make2(OpBuilder &b, Location l, Value x, Value y) {
  return Op::create(b, l, x, y);
}

struct UnaryRow {
  StringRef op;
  Scalar emit; // on floats
  double (*fold)(double);
};

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

const UnaryRow unaryRows[] = {
    {"Abs", make1<math::AbsFOp>, std::fabs},
    {"Acos", make1<math::AcosOp>, std::acos},
    {"Acosh", make1<math::AcoshOp>, std::acosh},
    {"Asin", make1<math::AsinOp>, std::asin},
    {"Asinh", make1<math::AsinhOp>, std::asinh},
    {"Atan", make1<math::AtanOp>, std::atan},
    {"Atanh", make1<math::AtanhOp>, std::atanh},
    {"Ceil", make1<math::CeilOp>, std::ceil},
    {"Cos", make1<math::CosOp>, std::cos},
    {"Cosh", make1<math::CoshOp>, std::cosh},
    {"Erf", make1<math::ErfOp>, std::erf},
    {"Exp", make1<math::ExpOp>, std::exp},
    {"Floor", make1<math::FloorOp>, std::floor},
    {"Log", make1<math::LogOp>, std::log},
    {"Neg", make1<arith::NegFOp>, [](double x) { return -x; }},
    {"Round", make1<math::RoundEvenOp>, std::nearbyint},
    {"Sin", make1<math::SinOp>, std::sin},
    {"Sinh", make1<math::SinhOp>, std::sinh},
    {"Sqrt", make1<math::SqrtOp>, std::sqrt},
    {"Tan", make1<math::TanOp>, std::tan},
    {"Tanh", make1<math::TanhOp>, std::tanh},
};

void importUnary(Node &n) {
  const Tensor &x = n.input(0);
  const UnaryRow *row = nullptr;
  for (const UnaryRow &r : unaryRows)
    if (r.op == n.op())
      row = &r;
  Folds folds;
  auto f = row->fold;
  folds.floats = [f](const double *v) { return f(v[0]); };
  if (isFloat(x->type)) {
    n.set(foldOrEmit(n.e, {x}, x->type, folds,
                     [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                       return row->emit(b, l, v[0]);
                     }));
    return;
  }
  bool isAbs = n.op() == "Abs", isNeg = n.op() == "Neg";
  if (!(isAbs || isNeg) || !isInteger(x->type))
    fail("input 0: " + name(x->type) + " is not supported");
  if (isAbs && isUnsigned(x->type))
    return n.set(x);
  folds.ints = [isAbs](const int64_t *v) {
    return isAbs && v[0] >= 0 ? v[0] : int64_t(0 - uint64_t(v[0]));
  };
  if (isNeg)
    folds.sizes = [](SymTable &, const Sym *v) {
      return std::optional<Sym>(Sym(0) - v[0]);
    };
  n.set(foldOrEmit(n.e, {x}, x->type, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     if (isAbs)
                       return math::AbsIOp::create(b, l, v[0]);
                     return arith::SubIOp::create(b, l, n.e.scalar(x->type, 0),
                                                  v[0]);
                   }));
}

void importReciprocal(Node &n) {
  const Tensor &x = n.floatInput(0);
  Folds folds;
  folds.floats = [](const double *v) { return 1 / v[0]; };
  n.set(foldOrEmit(n.e, {x}, x->type, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     return arith::DivFOp::create(b, l, n.e.scalar(x->type, 1),
                                                  v[0]);
                   }));
}

void importSign(Node &n) {
  const Tensor &x = n.input(0);
  Folds folds;
  folds.floats = [](const double *v) { return sign(v[0]); };
  folds.ints = [](const int64_t *v) {
    return int64_t((v[0] > 0) - (v[0] < 0));
  };
  n.set(foldOrEmit(
      n.e, {x}, x->type, folds,
      [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        Value zero = n.e.scalar(x->type, 0), one = n.e.scalar(x->type, 1);
        if (isFloat(x->type)) {
          Value s = math::CopySignOp::create(b, l, one, v[0]);
          // 0 and NaN stay as they are.
          Value nonZero = arith::CmpFOp::create(b, l, arith::CmpFPredicate::ONE,
                                                v[0], zero);
          return arith::SelectOp::create(b, l, nonZero, s, v[0]);
        }
        Value minusOne = n.e.scalar(x->type, -1);
        auto is = [&](arith::CmpIPredicate p) {
          return arith::CmpIOp::create(b, l, p, v[0], zero);
        };
        if (isUnsigned(x->type))
          return arith::SelectOp::create(b, l, is(arith::CmpIPredicate::ne),
                                         one, zero);
        Value low = arith::SelectOp::create(b, l, is(arith::CmpIPredicate::slt),
                                            minusOne, zero);
        return arith::SelectOp::create(b, l, is(arith::CmpIPredicate::sgt), one,
                                       low);
      }));
}

/// x op y with x = n rows: integer division and remainder, guarded so that no
/// run-time divisor traps.
Value divideInts(Node &n, DType type, OpBuilder &b, Location l, Value x,
                 Value y, bool remainder) {
  Value zero = n.e.scalar(type, 0), one = n.e.scalar(type, 1);
  auto equals = [&](Value a, Value c) {
    return arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, a, c);
  };
  auto select = [&](Value c, Value a, Value d) -> Value {
    return arith::SelectOp::create(b, l, c, a, d);
  };
  if (isUnsigned(type)) {
    Value safe = select(equals(y, zero), one, y);
    return remainder ? arith::RemUIOp::create(b, l, x, safe).getResult()
                     : arith::DivUIOp::create(b, l, x, safe).getResult();
  }
  Value minusOne = n.e.scalar(type, -1), isMinusOne = equals(y, minusOne);
  Value safe = select(equals(y, zero), one, select(isMinusOne, one, y));
  if (remainder) // x mod ±1 = 0
    return arith::RemSIOp::create(b, l, x, safe);
  Value negated = arith::SubIOp::create(b, l, zero, x);
  return select(isMinusOne, negated, arith::DivSIOp::create(b, l, x, safe));
}

std::optional<Sym> divideSizes(SymTable &syms, const Sym *v) {
  if (v[1] == Sym(0))
    return std::nullopt;
  if (auto q = v[0].exactQuotient(v[1]))
    return q;
  auto low = syms.lowerBound(v[0]), divisor = syms.lowerBound(v[1]);
  if (!low || *low < 0 || !divisor || *divisor < (v[1].isConstant() ? 1 : 0))
    return std::nullopt; // ONNX rounds to zero, which is floor only from 0 up
  return syms.floorDiv(v[0], v[1]);
}

/// x + 0, x - 0, x * 1, x / 1 that exporters leave behind.
bool isNeutral(StringRef op, const Tensor &x, const Tensor &y) {
  if (!y->constant || y->constant->count() != 1 || y->rank() > x->rank())
    return false;
  double c = y->constant->asDouble(0);
  return op == "Add" || op == "Sub" ? c == 0 : c == 1;
}

void importArithmetic(Node &n) {
  n.requireSameTypes();
  if (n.opset < 7)
    fail("the broadcast attribute of opset 6 is not supported");
  Tensor x = n.input(0), y = n.input(1);
  DType type = x->type;
  if (type == DType::Bool)
    fail("bool is not supported");
  StringRef op = n.op();
  if (isNeutral(op, x, y))
    return n.set(x);
  if ((op == "Add" || op == "Mul") && isNeutral(op, y, x))
    return n.set(y);
  Folds folds;
  if (op == "Add") {
    folds = {
        [](const double *v) { return v[0] + v[1]; },
        [](const int64_t *v) { return int64_t(uint64_t(v[0]) + v[1]); },
        [](SymTable &, const Sym *v) { return std::optional(v[0] + v[1]); }};
  } else if (op == "Sub") {
    folds = {
        [](const double *v) { return v[0] - v[1]; },
        [](const int64_t *v) { return int64_t(uint64_t(v[0]) - v[1]); },
        [](SymTable &, const Sym *v) { return std::optional(v[0] - v[1]); }};
  } else if (op == "Mul") {
    folds = {
        [](const double *v) { return v[0] * v[1]; },
        [](const int64_t *v) { return int64_t(uint64_t(v[0]) * v[1]); },
        [](SymTable &, const Sym *v) { return std::optional(v[0] * v[1]); }};
  } else {
    folds.floats = [](const double *v) { return v[0] / v[1]; };
    folds.ints = [](const int64_t *v) {
      return v[1] == 0    ? 0
             : v[1] == -1 ? int64_t(0 - uint64_t(v[0]))
                          : v[0] / v[1];
    };
    folds.sizes = divideSizes;
    if (!isFloat(type) && y->constant)
      for (int64_t i = 0; i < y->constant->count(); ++i)
        if (y->constant->asInt(y->constant->isSplat() ? 0 : i) == 0)
          fail("division by the constant 0");
  }
  n.set(foldOrEmit(n.e, {x, y}, type, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     bool f = isFloat(type);
                     if (op == "Add")
                       return f ? make2<arith::AddFOp>(b, l, v[0], v[1])
                                : make2<arith::AddIOp>(b, l, v[0], v[1]);
                     if (op == "Sub")
                       return f ? make2<arith::SubFOp>(b, l, v[0], v[1])
                                : make2<arith::SubIOp>(b, l, v[0], v[1]);
                     if (op == "Mul")
                       return f ? make2<arith::MulFOp>(b, l, v[0], v[1])
                                : make2<arith::MulIOp>(b, l, v[0], v[1]);
                     return f ? make2<arith::DivFOp>(b, l, v[0], v[1])
                              : divideInts(n, type, b, l, v[0], v[1], false);
                   }));
}

void importMod(Node &n) {
  n.requireSameTypes();
  const Tensor &x = n.input(0), &y = n.input(1);
  DType type = x->type;
  bool fmod = n.intAttr("fmod", 0);
  if (isFloat(type) && !fmod)
    fail("fmod = 0 on floats is not allowed");
  if (type == DType::Bool)
    fail("bool is not supported");
  Folds folds;
  folds.floats = [](const double *v) { return std::fmod(v[0], v[1]); };
  folds.ints = [fmod](const int64_t *v) -> int64_t {
    if (v[1] == 0 || v[1] == -1)
      return 0;
    int64_t r = v[0] % v[1];
    return !fmod && r && (r < 0) != (v[1] < 0) ? r + v[1] : r;
  };
  folds.sizes = [](SymTable &syms, const Sym *v) -> std::optional<Sym> {
    auto q = divideSizes(syms, v);
    return q ? std::optional(v[0] - *q * v[1]) : std::nullopt;
  };
  n.set(foldOrEmit(n.e, {x, y}, type, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     if (isFloat(type))
                       return arith::RemFOp::create(b, l, v[0], v[1]);
                     Value r = divideInts(n, type, b, l, v[0], v[1], true);
                     if (fmod || isUnsigned(type))
                       return r;
                     // The sign of the divisor: r ≠ 0 and r, y of unlike signs
                     // add y.
                     Value zero = n.e.scalar(type, 0);
                     Value mixed = arith::XOrIOp::create(b, l, r, v[1]);
                     Value unlike = arith::CmpIOp::create(
                         b, l, arith::CmpIPredicate::slt, mixed, zero);
                     Value nonZero = arith::CmpIOp::create(
                         b, l, arith::CmpIPredicate::ne, r, zero);
                     Value both = arith::AndIOp::create(b, l, unlike, nonZero);
                     Value sum = arith::AddIOp::create(b, l, r, v[1]);
                     return arith::SelectOp::create(b, l, both, sum, r);
                   }));
}

/// x^p of floats.
Tensor power(Emitter &e, const Tensor &x, const Tensor &p) {
  Folds folds;
  folds.floats = [](const double *v) { return std::pow(v[0], v[1]); };
  std::optional<double> c;
  if (p->constant && p->constant->count() == 1 && p->rank() <= x->rank())
    c = p->constant->asDouble(0);
  if (c && *c == 1)
    return x;
  return foldOrEmit(e, {x, p}, x->type, folds,
                    [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                      if (c && *c == 2)
                        return arith::MulFOp::create(b, l, v[0], v[0]);
                      if (c && *c == 0.5)
                        return math::SqrtOp::create(b, l, v[0]);
                      if (c && *c == -0.5)
                        return math::RsqrtOp::create(b, l, v[0]);
                      return math::PowFOp::create(b, l, v[0], v[1]);
                    });
}

void importPow(Node &n) {
  const Tensor &x = n.input(0);
  if (!isFloat(x->type)) {
    if (!isInteger(x->type))
      fail("input 0: " + name(x->type) + " is not supported");
    // By floats, as ONNX's reference does.
    Tensor base = n.e.cast(x, DType::F64), p = n.e.cast(n.input(1), DType::F64);
    return n.set(n.e.cast(power(n.e, base, p), x->type));
  }
  n.set(power(n.e, x, n.e.cast(n.input(1), x->type)));
}

Tensor minOrMax(Node &n, const Tensor &x, const Tensor &y, bool isMin) {
  DType type = x->type;
  Folds folds;
  folds.floats = [isMin](const double *v) {
    if (std::isnan(v[0]) || std::isnan(v[1]))
      return std::nan("");
    return isMin ? std::min(v[0], v[1]) : std::max(v[0], v[1]);
  };
  folds.ints = [isMin](const int64_t *v) {
    return isMin ? std::min(v[0], v[1]) : std::max(v[0], v[1]);
  };
  folds.sizes = [isMin](SymTable &syms, const Sym *v) {
    return std::optional(isMin ? syms.min(v[0], v[1]) : syms.max(v[0], v[1]));
  };
  return foldOrEmit(n.e, {x, y}, type, folds,
                    [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                      if (isFloat(type))
                        return isMin
                                   ? make2<arith::MinimumFOp>(b, l, v[0], v[1])
                                   : make2<arith::MaximumFOp>(b, l, v[0], v[1]);
                      if (isUnsigned(type))
                        return isMin ? make2<arith::MinUIOp>(b, l, v[0], v[1])
                                     : make2<arith::MaxUIOp>(b, l, v[0], v[1]);
                      return isMin ? make2<arith::MinSIOp>(b, l, v[0], v[1])
                                   : make2<arith::MaxSIOp>(b, l, v[0], v[1]);
                    });
}

void importMinMax(Node &n) {
  n.requireSameTypes();
  Tensor r = n.input(0);
  for (size_t i = 1; i < n.numInputs(); ++i)
    r = minOrMax(n, r, n.input(i), n.op() == "Min");
  n.set(r);
}

void importSumMean(Node &n) {
  n.requireSameTypes();
  Tensor r = n.floatInput(0);
  for (size_t i = 1; i < n.numInputs(); ++i)
    r = n.e.elementwise({r, n.input(i)}, r->type,
                        [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                          return make2<arith::AddFOp>(b, l, v[0], v[1]);
                        });
  if (n.op() == "Mean" && n.numInputs() > 1) {
    Value factor = n.e.scalar(r->type, 1.0 / n.numInputs());
    r = n.e.elementwise({r}, r->type,
                        [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                          return make2<arith::MulFOp>(b, l, v[0], factor);
                        });
  }
  n.set(r);
}

void importCast(Node &n) {
  Tensor x = n.input(0);
  Tensor y = n.e.cast(x, checkedDType(n.intAttr("to")));
  if (isInteger(x->type) && isFloat(y->type) && !y->constant)
    y->castOf = n.e.knownElements(x);
  n.set(y);
}

void importCastLike(Node &n) { n.set(n.e.cast(n.input(0), n.input(1)->type)); }

/// Clip: min(max(x, low), high); bounds are attributes below opset 11.
void importClip(Node &n) {
  Tensor x = n.input(0);
  Tensor low = n.optional(1), high = n.optional(2);
  if (n.opset < 11) {
    auto bound = [&](StringRef attr) {
      return n.hasAttr(attr) ? n.e.constant(HostTensor::ofDoubles(
                                   x->type, {}, {n.floatAttr(attr, 0)}))
                             : Tensor();
    };
    low = bound("min");
    high = bound("max");
  }
  for (const Tensor &t : {low, high})
    if (t && (t->type != x->type || t->rank() > 1 ||
              (t->rank() == 1 && t->shape[0] != Sym(1))))
      fail("a bound is not a scalar of the input's type");
  if (low)
    x = minOrMax(n, x, low, /*isMin=*/false);
  if (high)
    x = minOrMax(n, x, high, /*isMin=*/true);
  n.set(x);
}

} // namespace

llvm::ArrayRef<OpEntry> elementwiseOps() {
  static const OpEntry ops[] = {
      {"Abs", 1, 1, 1, importUnary},
      {"Acos", 7, 1, 1, importUnary},
      {"Acosh", 9, 1, 1, importUnary},
      {"Asin", 7, 1, 1, importUnary},
      {"Asinh", 9, 1, 1, importUnary},
      {"Atan", 7, 1, 1, importUnary},
      {"Atanh", 9, 1, 1, importUnary},
      {"Ceil", 1, 1, 1, importUnary},
      {"Cos", 7, 1, 1, importUnary},
      {"Cosh", 9, 1, 1, importUnary},
      {"Erf", 9, 1, 1, importUnary},
      {"Exp", 1, 1, 1, importUnary},
      {"Floor", 1, 1, 1, importUnary},
      {"Log", 1, 1, 1, importUnary},
      {"Neg", 1, 1, 1, importUnary},
      {"Round", 11, 1, 1, importUnary},
      {"Sin", 7, 1, 1, importUnary},
      {"Sinh", 9, 1, 1, importUnary},
      {"Sqrt", 1, 1, 1, importUnary},
      {"Tan", 7, 1, 1, importUnary},
      {"Tanh", 1, 1, 1, importUnary},
      {"Reciprocal", 1, 1, 1, importReciprocal},
      {"Sign", 9, 1, 1, importSign},
      {"Add", 7, 2, 2, importArithmetic},
      {"Sub", 7, 2, 2, importArithmetic},
      {"Mul", 7, 2, 2, importArithmetic},
      {"Div", 7, 2, 2, importArithmetic},
      {"Mod", 10, 2, 2, importMod},
      {"Pow", 7, 2, 2, importPow},
      {"Min", 8, 1, variadic, importMinMax},
      {"Max", 8, 1, variadic, importMinMax},
      {"Sum", 8, 1, variadic, importSumMean},
      {"Mean", 8, 1, variadic, importSumMean},
      {"Cast", 6, 1, 1, importCast},
      {"CastLike", 15, 2, 2, importCastLike},
      {"Clip", 6, 1, 3, importClip},
  };
  return ops;
}

} // namespace heed::import
