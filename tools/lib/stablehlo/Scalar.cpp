// Scalar.cpp - what an elementwise op does to one element.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>

using namespace mlir;

namespace heed::stablehlo {

namespace {

/// Which element types an op takes.
enum Kinds { Floats = 1, Ints_ = 2, Bools = 4, Numbers = 3, Any = 7 };

struct Code {
  OpBuilder &b;
  Location l;
  Operation *op;
  Type type; // of the operands' elements, signless
  bool f, u; // float; unsigned or bool

  template <typename T> Value make(Value x) const { return T::create(b, l, x); }
  template <typename T> Value make(Value x, Value y) const {
    return T::create(b, l, x, y);
  }
  Value c(double value) const {
    TypedAttr attr = f ? TypedAttr(b.getFloatAttr(type, value))
                       : TypedAttr(b.getIntegerAttr(type, int64_t(value)));
    return arith::ConstantOp::create(b, l, attr);
  }
  Value c(const APInt &value) const {
    return arith::ConstantOp::create(b, l, b.getIntegerAttr(type, value));
  }
  Value equal(Value x, Value y) const {
    return arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, x, y);
  }
  Value select(Value p, Value x, Value y) const {
    return arith::SelectOp::create(b, l, p, x, y);
  }
  bool isBool() const { return type.isInteger(1); }
};

using V = ArrayRef<Value>;
using Make = Value (*)(const Code &, V);

/// The op that fits the element type.
template <typename F, typename S, typename U> Value by(const Code &s, V v) {
  return s.f   ? s.make<F>(v[0], v[1])
         : s.u ? s.make<U>(v[0], v[1])
               : s.make<S>(v[0], v[1]);
}
template <typename F> Value unary(const Code &s, V v) {
  return s.make<F>(v[0]);
}
template <typename F> Value binary(const Code &s, V v) {
  return s.make<F>(v[0], v[1]);
}

Value add(const Code &s, V v) {
  if (s.isBool())
    return s.make<arith::OrIOp>(v[0], v[1]);
  return by<arith::AddFOp, arith::AddIOp, arith::AddIOp>(s, v);
}
Value multiply(const Code &s, V v) {
  if (s.isBool())
    return s.make<arith::AndIOp>(v[0], v[1]);
  return by<arith::MulFOp, arith::MulIOp, arith::MulIOp>(s, v);
}

/// Integer division as XLA has it where the hardware would trap: x / 0 = -1,
/// x % 0 = x, lowest / -1 = lowest, lowest % -1 = 0.
Value divide(const Code &s, V v) {
  if (s.f)
    return s.make<arith::DivFOp>(v[0], v[1]);
  unsigned bits = s.type.getIntOrFloatBitWidth();
  Value zero = s.equal(v[1], s.c(0.0)), one = s.c(1.0);
  Value divisor = s.select(zero, one, v[1]);
  Value all = s.c(APInt::getAllOnes(bits));
  if (s.u)
    return s.select(zero, all, s.make<arith::DivUIOp>(v[0], divisor));
  Value lowest = s.c(APInt::getSignedMinValue(bits));
  Value over = s.make<arith::AndIOp>(s.equal(v[0], lowest), s.equal(v[1], all));
  divisor = s.select(over, one, divisor);
  return s.select(zero, all, s.make<arith::DivSIOp>(v[0], divisor));
}
Value remainder(const Code &s, V v) {
  if (s.f)
    return s.make<arith::RemFOp>(v[0], v[1]);
  unsigned bits = s.type.getIntOrFloatBitWidth();
  Value zero = s.equal(v[1], s.c(0.0)), one = s.c(1.0);
  if (s.u)
    return s.select(zero, v[0],
                    s.make<arith::RemUIOp>(v[0], s.select(zero, one, v[1])));
  Value minus = s.equal(v[1], s.c(APInt::getAllOnes(bits)));
  Value unsafe = s.make<arith::OrIOp>(zero, minus);
  Value r = s.make<arith::RemSIOp>(v[0], s.select(unsafe, one, v[1]));
  return s.select(zero, v[0], r); // x % 1 = 0 = x % -1
}

/// Shifts by the width or more give 0, or the sign.
template <typename Shift> Value shift(const Code &s, V v) {
  unsigned bits = s.type.getIntOrFloatBitWidth();
  Value within = arith::CmpIOp::create(s.b, s.l, arith::CmpIPredicate::ult,
                                       v[1], s.c(double(bits)));
  if (std::is_same_v<Shift, arith::ShRSIOp>)
    return s.make<Shift>(v[0], s.select(within, v[1], s.c(double(bits - 1))));
  return s.select(within, s.make<Shift>(v[0], s.select(within, v[1], s.c(0.0))),
                  s.c(0.0));
}

Value negate(const Code &s, V v) {
  return s.f ? s.make<arith::NegFOp>(v[0])
             : s.make<arith::SubIOp>(s.c(0.0), v[0]);
}
Value abs(const Code &s, V v) {
  return s.f ? s.make<math::AbsFOp>(v[0]) : s.make<math::AbsIOp>(v[0]);
}
/// -1, 0 or 1; zeros and NaN stay as they are.
Value sign(const Code &s, V v) {
  if (!s.f) {
    Value low = s.make<arith::MaxSIOp>(v[0], s.c(-1.0));
    return s.make<arith::MinSIOp>(low, s.c(1.0));
  }
  Value one = s.make<math::CopySignOp>(s.c(1.0), v[0]);
  Value same = arith::CmpFOp::create(s.b, s.l, arith::CmpFPredicate::UEQ, v[0],
                                     s.c(0.0));
  return s.select(same, v[0], one);
}
Value logistic(const Code &s, V v) {
  Value e = s.make<math::ExpOp>(s.make<arith::NegFOp>(v[0]));
  return s.make<arith::DivFOp>(s.c(1.0), s.make<arith::AddFOp>(s.c(1.0), e));
}
Value isFinite(const Code &s, V v) {
  return arith::CmpFOp::create(s.b, s.l, arith::CmpFPredicate::OLT,
                               s.make<math::AbsFOp>(v[0]), s.c(INFINITY));
}
Value logicalNot(const Code &s, V v) {
  unsigned bits = s.type.getIntOrFloatBitWidth();
  return s.make<arith::XOrIOp>(v[0], s.c(APInt::getAllOnes(bits)));
}
Value square(const Code &s, V v) { return s.make<arith::MulFOp>(v[0], v[0]); }
Value clamp(const Code &s, V v) { // min(max(x, low), high)
  Value x =
      by<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(s, {v[1], v[0]});
  return by<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(s, {x, v[2]});
}
Value select(const Code &s, V v) { return s.select(v[0], v[1], v[2]); }

using FP = arith::CmpFPredicate;
using IP = arith::CmpIPredicate;
struct Comparison {
  StringRef name;
  FP floats;
  IP ints, unsignedInts;
};
const Comparison comparisons[] = {
    {"EQ", FP::OEQ, IP::eq, IP::eq},   {"NE", FP::UNE, IP::ne, IP::ne},
    {"GE", FP::OGE, IP::sge, IP::uge}, {"GT", FP::OGT, IP::sgt, IP::ugt},
    {"LE", FP::OLE, IP::sle, IP::ule}, {"LT", FP::OLT, IP::slt, IP::ult},
};
const Comparison *comparisonOf(Operation *op) {
  auto word = dyn_cast_or_null<StringAttr>(op->getAttr("comparison_direction"));
  for (const Comparison &c : comparisons)
    if (word && c.name == word.getValue())
      return &c;
  return nullptr;
}
bool isTotalOrder(Operation *op) {
  auto order = dyn_cast_or_null<StringAttr>(op->getAttr("compare_type"));
  return order && order.getValue() == "TOTALORDER";
}
/// An integer that orders as IEEE 754's totalOrder does: −NaN, −∞, …, −0, +0, …,
/// ∞, NaN. The bits of negative numbers are turned around.
Value totalOrder(const Code &s, Value x) {
  unsigned width = x.getType().getIntOrFloatBitWidth();
  Type type = s.b.getIntegerType(width);
  Value bits = arith::BitcastOp::create(s.b, s.l, type, x);
  auto number = [&](APInt i) -> Value {
    return arith::ConstantOp::create(s.b, s.l, s.b.getIntegerAttr(type, i));
  };
  Value sign =
      arith::ShRSIOp::create(s.b, s.l, bits, number(APInt(width, width - 1)));
  Value rest = arith::AndIOp::create(s.b, s.l, sign,
                                     number(APInt::getSignedMaxValue(width)));
  return arith::XOrIOp::create(s.b, s.l, bits, rest);
}
Value compare(const Code &s, V v) {
  const Comparison *c = comparisonOf(s.op);
  if (s.f && isTotalOrder(s.op))
    return arith::CmpIOp::create(s.b, s.l, c->ints, totalOrder(s, v[0]),
                                 totalOrder(s, v[1]));
  if (s.f)
    return arith::CmpFOp::create(s.b, s.l, c->floats, v[0], v[1]);
  return arith::CmpIOp::create(s.b, s.l, s.u ? c->unsignedInts : c->ints, v[0],
                               v[1]);
}

struct Row {
  Make make;
  unsigned operands, kinds;
};

const llvm::StringMap<Row> &table() {
  static const llvm::StringMap<Row> rows = {
      {"stablehlo.add", {add, 2, Any}},
      {"stablehlo.subtract",
       {by<arith::SubFOp, arith::SubIOp, arith::SubIOp>, 2, Numbers}},
      {"stablehlo.multiply", {multiply, 2, Any}},
      {"stablehlo.divide", {divide, 2, Numbers}},
      {"stablehlo.remainder", {remainder, 2, Numbers}},
      {"stablehlo.maximum",
       {by<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>, 2, Any}},
      {"stablehlo.minimum",
       {by<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>, 2, Any}},
      {"stablehlo.power", {binary<math::PowFOp>, 2, Floats}},
      {"stablehlo.atan2", {binary<math::Atan2Op>, 2, Floats}},
      {"stablehlo.and", {binary<arith::AndIOp>, 2, Ints_ | Bools}},
      {"stablehlo.or", {binary<arith::OrIOp>, 2, Ints_ | Bools}},
      {"stablehlo.xor", {binary<arith::XOrIOp>, 2, Ints_ | Bools}},
      {"stablehlo.shift_left", {shift<arith::ShLIOp>, 2, Ints_}},
      {"stablehlo.shift_right_logical", {shift<arith::ShRUIOp>, 2, Ints_}},
      {"stablehlo.shift_right_arithmetic", {shift<arith::ShRSIOp>, 2, Ints_}},
      {"stablehlo.not", {logicalNot, 1, Ints_ | Bools}},
      {"stablehlo.popcnt", {unary<math::CtPopOp>, 1, Ints_}},
      {"stablehlo.count_leading_zeros",
       {unary<math::CountLeadingZerosOp>, 1, Ints_}},
      {"stablehlo.negate", {negate, 1, Numbers}},
      {"stablehlo.abs", {abs, 1, Numbers}},
      {"stablehlo.sign", {sign, 1, Numbers}},
      {"stablehlo.exponential", {unary<math::ExpOp>, 1, Floats}},
      {"stablehlo.exponential_minus_one", {unary<math::ExpM1Op>, 1, Floats}},
      {"stablehlo.log", {unary<math::LogOp>, 1, Floats}},
      {"stablehlo.log_plus_one", {unary<math::Log1pOp>, 1, Floats}},
      {"stablehlo.logistic", {logistic, 1, Floats}},
      {"stablehlo.tanh", {unary<math::TanhOp>, 1, Floats}},
      {"stablehlo.sine", {unary<math::SinOp>, 1, Floats}},
      {"stablehlo.cosine", {unary<math::CosOp>, 1, Floats}},
      {"stablehlo.tan", {unary<math::TanOp>, 1, Floats}},
      {"stablehlo.sqrt", {unary<math::SqrtOp>, 1, Floats}},
      {"stablehlo.rsqrt", {unary<math::RsqrtOp>, 1, Floats}},
      {"stablehlo.cbrt", {unary<math::CbrtOp>, 1, Floats}},
      {"stablehlo.floor", {unary<math::FloorOp>, 1, Floats}},
      {"stablehlo.ceil", {unary<math::CeilOp>, 1, Floats}},
      {"stablehlo.round_nearest_even", {unary<math::RoundEvenOp>, 1, Floats}},
      {"stablehlo.round_nearest_afz", {unary<math::RoundOp>, 1, Floats}},
      {"stablehlo.is_finite", {isFinite, 1, Floats}},
      {"stablehlo.compare", {compare, 2, Any}},
      {"stablehlo.select", {select, 3, Any}},
      {"stablehlo.clamp", {clamp, 3, Any}},
      {"chlo.erf", {unary<math::ErfOp>, 1, Floats}},
      {"chlo.erfc", {unary<math::ErfcOp>, 1, Floats}},
      {"chlo.square", {square, 1, Floats}},
      {"chlo.tan", {unary<math::TanOp>, 1, Floats}},
      {"chlo.sinh", {unary<math::SinhOp>, 1, Floats}},
      {"chlo.cosh", {unary<math::CoshOp>, 1, Floats}},
  };
  return rows;
}

/// The operand whose element type the op works on.
Type elementOf(Operation *op) {
  bool isSelect = op->getName().getStringRef() == "stablehlo.select";
  return getElementTypeOrSelf(op->getOperand(isSelect ? 1 : 0).getType());
}

} // namespace

bool isScalarOp(StringRef name) { return table().count(name); }

void checkScalar(Operation *op) {
  StringRef name = op->getName().getStringRef();
  auto row = table().find(name);
  if (row == table().end())
    fail("unsupported: " + name + " in a region");
  if (op->getNumOperands() != row->second.operands || op->getNumResults() != 1)
    fail("it has " + Twine(op->getNumOperands()) + " operands and " +
         Twine(op->getNumResults()) + " results, expected " +
         Twine(row->second.operands) + " and 1");
  DType type = dtypeOf(elementOf(op));
  unsigned kind = import::isFloat(type) ? Floats
                  : type == DType::Bool ? Bools
                                        : Ints_;
  if (!(row->second.kinds & kind))
    fail("unsupported: " + name + " of " + import::name(type));
  bool isSelect = name == "stablehlo.select";
  bool toBool = name == "stablehlo.compare" || name == "stablehlo.is_finite";
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (dtypeOf(getElementTypeOrSelf(op->getOperand(i).getType())) !=
        (isSelect && i == 0 ? DType::Bool : type))
      fail("the element types of its operands differ");
  if (dtypeOf(getElementTypeOrSelf(op->getResult(0).getType())) !=
      (toBool ? DType::Bool : type))
    fail("its result has another element type than its operands give");
  if (name != "stablehlo.compare")
    return;
  if (!comparisonOf(op))
    fail("its comparison_direction is missing or not known");
}

Value scalarOp(OpBuilder &b, Location loc, Operation *op,
               ArrayRef<Value> operands) {
  Type element = elementOf(op);
  DType type = dtypeOf(element);
  Code code{b,
            loc,
            op,
            import::irType(type, b.getContext()),
            import::isFloat(type),
            import::isUnsigned(type)};
  return table()
      .find(op->getName().getStringRef())
      ->second.make(code, operands);
}

static bool isConstant(Operation *op) {
  return op->getName().getStringRef() == "stablehlo.constant";
}

/// JAX puts constants of a comparison in front of its region.
static bool isScalarConstant(Operation *op) {
  if (!op || !isConstant(op))
    return false;
  auto value = dyn_cast_or_null<DenseElementsAttr>(op->getAttr("value"));
  return value && value.getNumElements() == 1;
}

static Value buildConstant(OpBuilder &b, Location loc, Operation *op) {
  auto dense = cast<DenseElementsAttr>(op->getAttr("value"));
  Type type = import::irType(dtypeOf(dense.getElementType()), b.getContext());
  TypedAttr value;
  if (isa<FloatType>(type))
    value = b.getFloatAttr(type, *dense.getValues<APFloat>().begin());
  else
    value = b.getIntegerAttr(type, *dense.getValues<APInt>().begin());
  return arith::ConstantOp::create(b, loc, value);
}

void checkScalarRegion(Region &region, size_t args, size_t results) {
  if (!region.hasOneBlock())
    fail("its region has not one block");
  Block &block = region.front();
  if (block.getNumArguments() != args)
    fail("its region has " + Twine(block.getNumArguments()) +
         " arguments, expected " + Twine(args));
  auto isScalar = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 0;
  };
  for (Value v : block.getArguments())
    if (!isScalar(v.getType()))
      fail("an argument of its region is no scalar");
  for (Operation &op : block) {
    for (Value v : op.getOperands())
      if (v.getParentBlock() != &block && !isScalarConstant(v.getDefiningOp()))
        fail("its region uses a value from outside");
    for (Value v : op.getResults())
      if (!isScalar(v.getType()))
        fail("unsupported: an op on tensors in its region");
    if (&op == &block.back()) {
      StringRef name = op.getName().getStringRef();
      if ((name != "stablehlo.return" && name != "func.return") ||
          op.getNumOperands() != results)
        fail("its region does not return " + Twine(results) + " values");
      return;
    }
    if (!isConstant(&op)) {
      checkScalar(&op);
      continue;
    }
    if (!isScalarConstant(&op))
      fail("a constant in its region is no scalar");
    dtypeOf(cast<DenseElementsAttr>(op.getAttr("value")).getElementType());
  }
  fail("its region is empty");
}

SmallVector<Value> scalarRegion(OpBuilder &b, Location loc, Region &region,
                                ArrayRef<Value> args) {
  DenseMap<Value, Value> values;
  for (auto [from, to] : llvm::zip(region.front().getArguments(), args))
    values[from] = to;
  SmallVector<Value> operands;
  for (Operation &op : region.front()) {
    operands.clear();
    for (Value v : op.getOperands()) {
      Value &value = values[v];
      if (!value) // from outside
        value = buildConstant(b, loc, v.getDefiningOp());
      operands.push_back(value);
    }
    if (&op == &region.front().back())
      break;
    values[op.getResult(0)] = isConstant(&op) ? buildConstant(b, loc, &op)
                                              : scalarOp(b, loc, &op, operands);
  }
  return operands;
}

} // namespace heed::stablehlo
