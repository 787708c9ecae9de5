// Bits.cpp - the bits of numbers: bitcast_convert and reduce_precision.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Loop.h"
#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {

Type bitsOf(OpBuilder &b, DType type) {
  return b.getIntegerType(8 * import::byteSize(type));
}

/// The operand's bits as another type. Where its elements are wider, each gives
/// a row of the result, the lowest bits first; where they are narrower, a row
/// gives one.
void convertBitcast(Op &o) {
  o.requireOperands(1);
  Emitter &e = o.e;
  const Tensor &x = o.in[0];
  DType from = x->type, to = o.resultType();
  if (from == DType::Bool || to == DType::Bool)
    fail("unsupported: the bits of bool");
  int64_t have = import::byteSize(from), want = import::byteSize(to);
  Type resultType = import::irType(to, e.b.getContext());
  if (have == want) {
    o.out.push_back(e.elementwise(
        {x}, to, [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
          return arith::BitcastOp::create(b, l, resultType, v[0]);
        }));
    return;
  }
  Value source = e.ir(x);
  Shape shape = x->shape;
  if (have > want) {
    shape.push_back(have / want);
    o.out.push_back(e.generate(
        to, shape, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
          Type wide = bitsOf(b, from);
          Value v = tensor::ExtractOp::create(b, l, source, i.drop_back());
          v = arith::BitcastOp::create(b, l, wide, v);
          Value by = arith::MulIOp::create(
              b, l, arith::IndexCastOp::create(b, l, wide, i.back()),
              arith::ConstantOp::create(b, l,
                                        b.getIntegerAttr(wide, 8 * want)));
          v = arith::ShRUIOp::create(b, l, v, by);
          v = arith::TruncIOp::create(b, l, bitsOf(b, to), v);
          return arith::BitcastOp::create(b, l, resultType, v);
        }));
    return;
  }
  int64_t count = want / have;
  if (shape.empty())
    fail("its operand is a scalar of a smaller type");
  e.require(shape.back(), count, "the last dimension");
  shape.pop_back();
  SmallVector<Value> places;
  for (int64_t k = 0; k < count; ++k)
    places.push_back(e.scalarInt(e.b.getIndexType(), k));
  o.out.push_back(e.generate(
      to, shape, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        Type wide = bitsOf(b, to);
        Value sum;
        for (int64_t k = 0; k < count; ++k) {
          SmallVector<Value> at(i);
          at.push_back(places[k]);
          Value v = tensor::ExtractOp::create(b, l, source, at);
          v = arith::BitcastOp::create(b, l, bitsOf(b, from), v);
          v = arith::ExtUIOp::create(b, l, wide, v);
          v = arith::ShLIOp::create(
              b, l, v,
              arith::ConstantOp::create(b, l,
                                        b.getIntegerAttr(wide, 8 * have * k)));
          sum = sum ? arith::OrIOp::create(b, l, sum, v).getResult() : v;
        }
        return arith::BitcastOp::create(b, l, resultType, sum);
      }));
}

/// A float of `exponent` and `mantissa` bits near x, as XLA has it: rounded to
/// the nearest even, ∞ beyond the largest, ±0 below the smallest normal number.
///
///   bits = (bits + last kept bit + half − 1) without those that are not kept
///
/// By bits, as casts there and back are one that nothing needs to some passes.
Value reducePrecision(OpBuilder &b, Location l, Value x, unsigned exponent,
                      unsigned mantissa) {
  auto type = cast<FloatType>(x.getType());
  unsigned width = type.getWidth(), kept = type.getFPMantissaWidth() - 1,
           bias = (1u << (width - 2 - kept)) - 1;
  Type ints = b.getIntegerType(width);
  auto c = [&](uint64_t value) -> Value {
    return arith::ConstantOp::create(
        b, l, b.getIntegerAttr(ints, APInt(64, value).trunc(width)));
  };
  auto isAbove = [&](Value v, Value limit) -> Value {
    return arith::CmpIOp::create(b, l, arith::CmpIPredicate::ugt, v, limit);
  };
  uint64_t signBit = uint64_t(1) << (width - 1);
  Value bits = arith::BitcastOp::create(b, l, ints, x);
  Value sign = arith::AndIOp::create(b, l, bits, c(signBit));
  Value y = arith::AndIOp::create(b, l, bits, c(signBit - 1));
  if (unsigned lost = kept - std::min(kept, mantissa)) {
    Value last = arith::AndIOp::create(
        b, l, arith::ShRUIOp::create(b, l, y, c(lost)), c(1));
    y = arith::AddIOp::create(b, l, y, last);
    y = arith::AddIOp::create(b, l, y, c((uint64_t(1) << (lost - 1)) - 1));
    y = arith::AndIOp::create(b, l, y, c(~((uint64_t(1) << lost) - 1)));
  }
  unsigned smaller = (1u << (exponent - 1)) - 1;
  if (smaller < bias) {
    Value infinity = c(uint64_t(2 * bias + 1) << kept);
    Value largest = c((uint64_t(bias + smaller + 1) << kept) - 1);
    Value normal = c((uint64_t(bias - smaller + 1) << kept) - 1);
    Value over = isAbove(y, largest), inside = isAbove(y, normal);
    y = arith::SelectOp::create(b, l, over, infinity, y);
    y = arith::SelectOp::create(b, l, inside, y, c(0));
  }
  y = arith::BitcastOp::create(b, l, type, arith::OrIOp::create(b, l, y, sign));
  Value isNan = arith::CmpFOp::create(b, l, arith::CmpFPredicate::UNO, x, x);
  return arith::SelectOp::create(b, l, isNan, x, y);
}

void convertReducePrecision(Op &o) {
  o.requireOperands(1);
  int64_t exponent, mantissa;
  StringRef format = o.word("format"); // e5m10, the short form
  if (format.empty()) {
    exponent = o.integer("exponent_bits");
    mantissa = o.integer("mantissa_bits");
  } else if (!format.consume_front("e") ||
             format.consumeInteger(10, exponent) ||
             !format.consume_front("m") || format.getAsInteger(10, mantissa)) {
    fail("attribute 'format' is not understood");
  }
  const Tensor &x = o.in[0];
  if (!import::isFloat(x->type) || exponent < 2 || exponent > 11 ||
      mantissa < 1 || mantissa > 52)
    fail("unsupported: " + Twine(exponent) + " exponent and " +
         Twine(mantissa) + " mantissa bits of " + import::name(x->type));
  o.out.push_back(o.e.elementwise(
      {x}, x->type, [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
        return reducePrecision(b, l, v[0], exponent, mantissa);
      }));
}

} // namespace

ArrayRef<Entry> bitOps() {
  static const Entry ops[] = {
      {"stablehlo.bitcast_convert", convertBitcast},
      {"stablehlo.reduce_precision", convertReducePrecision},
  };
  return ops;
}

} // namespace heed::stablehlo
