// Logic.cpp - comparisons, boolean and bitwise ops, Where, IsNaN.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Fold.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

struct Comparison {
  StringRef op;
  arith::CmpFPredicate onFloats;
  arith::CmpIPredicate onInts, onUnsigned;
  bool (*fold)(int sign); // of x - y
};

using FP = arith::CmpFPredicate;
using IP = arith::CmpIPredicate;
const Comparison comparisons[] = {
    {"Equal", FP::OEQ, IP::eq, IP::eq, [](int s) { return s == 0; }},
    {"Less", FP::OLT, IP::slt, IP::ult, [](int s) { return s < 0; }},
    {"LessOrEqual", FP::OLE, IP::sle, IP::ule, [](int s) { return s <= 0; }},
    {"Greater", FP::OGT, IP::sgt, IP::ugt, [](int s) { return s > 0; }},
    {"GreaterOrEqual", FP::OGE, IP::sge, IP::uge, [](int s) { return s >= 0; }},
};

/// x ? y for sizes, if bounds of the difference decide it.
std::optional<Sym> compareSizes(const Comparison &c, SymTable &syms,
                                const Sym &x, const Sym &y) {
  Sym d = x - y;
  if (auto k = d.constant())
    return Sym(c.fold(*k < 0 ? -1 : *k > 0));
  auto low = syms.lowerBound(d), high = syms.lowerBound(y - x);
  auto decided = [&](std::initializer_list<int> signs) -> std::optional<Sym> {
    bool first = c.fold(*signs.begin());
    for (int s : signs)
      if (c.fold(s) != first)
        return std::nullopt;
    return Sym(first);
  };
  if (low && *low > 0)
    return decided({1});
  if (high && *high > 0)
    return decided({-1});
  if (low && *low == 0)
    return decided({0, 1});
  if (high && *high == 0)
    return decided({-1, 0});
  return std::nullopt;
}

void importComparison(Node &n) {
  n.requireSameTypes();
  const Tensor &x = n.input(0), &y = n.input(1);
  const Comparison *c = nullptr;
  for (const Comparison &row : comparisons)
    if (row.op == n.op())
      c = &row;
  bool f = isFloat(x->type), u = isUnsigned(x->type);
  Folds folds;
  folds.floats = [c](const double *v) -> double {
    return !std::isnan(v[0]) && !std::isnan(v[1]) &&
           c->fold(v[0] < v[1] ? -1 : v[0] > v[1]);
  };
  folds.ints = [c](const int64_t *v) -> int64_t {
    return c->fold(v[0] < v[1] ? -1 : v[0] > v[1]);
  };
  folds.sizes = [c](SymTable &syms, const Sym *v) {
    return compareSizes(*c, syms, v[0], v[1]);
  };
  n.set(foldOrEmit(n.e, {x, y}, DType::Bool, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     if (f)
                       return arith::CmpFOp::create(b, l, c->onFloats, v[0],
                                                    v[1]);
                     return arith::CmpIOp::create(
                         b, l, u ? c->onUnsigned : c->onInts, v[0], v[1]);
                   }));
}

void importBoolean(Node &n) {
  const Tensor &x = n.input(0), &y = n.input(1);
  if (x->type != DType::Bool || y->type != DType::Bool)
    fail("expected bool inputs");
  StringRef op = n.op();
  Folds folds;
  if (op == "And")
    folds.ints = [](const int64_t *v) { return int64_t(v[0] && v[1]); };
  else if (op == "Or")
    folds.ints = [](const int64_t *v) { return int64_t(v[0] || v[1]); };
  else
    folds.ints = [](const int64_t *v) { return int64_t(!v[0] != !v[1]); };
  n.set(foldOrEmit(n.e, {x, y}, DType::Bool, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     if (op == "And")
                       return arith::AndIOp::create(b, l, v[0], v[1]);
                     if (op == "Or")
                       return arith::OrIOp::create(b, l, v[0], v[1]);
                     return arith::XOrIOp::create(b, l, v[0], v[1]);
                   }));
}

void importNot(Node &n) {
  const Tensor &x = n.input(0);
  if (x->type != DType::Bool)
    fail("expected a bool input, got " + name(x->type));
  Folds folds;
  folds.ints = [](const int64_t *v) { return int64_t(!v[0]); };
  n.set(foldOrEmit(n.e, {x}, DType::Bool, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     return arith::XOrIOp::create(b, l, v[0],
                                                  n.e.scalar(DType::Bool, 1));
                   }));
}

void importBitwise(Node &n) {
  n.requireSameTypes();
  const Tensor &x = n.input(0);
  if (!isInteger(x->type))
    fail("expected integer inputs");
  StringRef op = n.op();
  Tensor y = n.numInputs() > 1
                 ? n.input(1)
                 : n.e.constant(HostTensor::ofInts(x->type, {}, {-1}));
  n.set(n.e.elementwise(
      {x, y}, x->type,
      [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        if (op == "BitwiseAnd")
          return arith::AndIOp::create(b, l, v[0], v[1]);
        if (op == "BitwiseOr")
          return arith::OrIOp::create(b, l, v[0], v[1]);
        return arith::XOrIOp::create(b, l, v[0], v[1]);
      }));
}

void importIsNaN(Node &n) {
  const Tensor &x = n.floatInput(0);
  Folds folds;
  folds.floats = [](const double *v) -> double { return std::isnan(v[0]); };
  n.set(foldOrEmit(n.e, {x}, DType::Bool, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     return arith::CmpFOp::create(b, l, FP::UNO, v[0], v[0]);
                   }));
}

void importIsInf(Node &n) {
  const Tensor &x = n.floatInput(0);
  bool negative = n.intAttr("detect_negative", 1),
       positive = n.intAttr("detect_positive", 1);
  double infinity = std::numeric_limits<double>::infinity();
  n.set(n.e.elementwise(
      {x}, DType::Bool,
      [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        Value low = arith::CmpFOp::create(b, l, FP::OEQ, v[0],
                                          n.e.scalar(x->type, -infinity));
        Value high = arith::CmpFOp::create(b, l, FP::OEQ, v[0],
                                           n.e.scalar(x->type, infinity));
        if (!positive)
          return negative ? low : n.e.scalar(DType::Bool, 0);
        return negative ? arith::OrIOp::create(b, l, low, high).getResult()
                        : high;
      }));
}

void importWhere(Node &n) {
  const Tensor &c = n.input(0), &x = n.input(1), &y = n.input(2);
  if (c->type != DType::Bool)
    fail("input 0: expected bool, got " + name(c->type));
  if (x->type != y->type)
    fail("input types differ: " + name(x->type) + " and " + name(y->type));
  // A condition that is known and uniform chooses one side, broadcast.
  if (c->constant && c->constant->count()) {
    bool first = c->constant->asInt(0), uniform = true;
    for (int64_t i = 1; !c->constant->isSplat() && i < c->constant->count();
         ++i)
      uniform &= bool(c->constant->asInt(i)) == first;
    if (uniform)
      return n.set(n.e.broadcast(first ? x : y, n.e.broadcastShape({c, x, y})));
  }
  Folds folds;
  folds.floats = [](const double *v) { return v[0] != 0 ? v[1] : v[2]; };
  folds.ints = [](const int64_t *v) { return v[0] ? v[1] : v[2]; };
  folds.sizes = [](SymTable &, const Sym *v) -> std::optional<Sym> {
    auto c = v[0].constant();
    return c ? std::optional(*c ? v[1] : v[2]) : std::nullopt;
  };
  n.set(foldOrEmit(n.e, {c, x, y}, x->type, folds,
                   [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                     return arith::SelectOp::create(b, l, v[0], v[1], v[2]);
                   }));
}

/// x << y or x >> y of unsigned integers; 0 from the width on.
void importBitShift(Node &n) {
  n.requireSameTypes();
  const Tensor &x = n.input(0);
  DType type = x->type;
  if (!isInteger(type) || !isUnsigned(type))
    fail("input 0: expected an unsigned type, got " + name(type));
  std::string direction = n.stringAttr("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    fail("attribute 'direction' is " + quoted(direction));
  bool left = direction == "LEFT";
  Value zero = n.e.scalar(type, 0),
        width = n.e.scalar(type, 8.0 * byteSize(type));
  n.set(n.e.elementwise(
      {x, n.input(1)}, type,
      [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        Value fits =
            arith::CmpIOp::create(b, l, arith::CmpIPredicate::ult, v[1], width);
        Value by = arith::SelectOp::create(b, l, fits, v[1], zero);
        Value r = left ? arith::ShLIOp::create(b, l, v[0], by).getResult()
                       : arith::ShRUIOp::create(b, l, v[0], by).getResult();
        return arith::SelectOp::create(b, l, fits, r, zero);
      }));
}

} // namespace

llvm::ArrayRef<OpEntry> logicOps() {
  static const OpEntry ops[] = {
      {"Equal", 7, 2, 2, importComparison},
      {"Less", 7, 2, 2, importComparison},
      {"LessOrEqual", 12, 2, 2, importComparison},
      {"Greater", 7, 2, 2, importComparison},
      {"GreaterOrEqual", 12, 2, 2, importComparison},
      {"And", 7, 2, 2, importBoolean},
      {"Or", 7, 2, 2, importBoolean},
      {"Xor", 7, 2, 2, importBoolean},
      {"Not", 1, 1, 1, importNot},
      {"BitwiseAnd", 18, 2, 2, importBitwise},
      {"BitwiseOr", 18, 2, 2, importBitwise},
      {"BitwiseXor", 18, 2, 2, importBitwise},
      {"BitwiseNot", 18, 1, 1, importBitwise},
      {"IsNaN", 9, 1, 1, importIsNaN},
      {"IsInf", 10, 1, 1, importIsInf},
      {"Where", 9, 3, 3, importWhere},
      {"BitShift", 11, 2, 2, importBitShift},
  };
  return ops;
}

} // namespace heed::import
