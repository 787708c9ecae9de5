// Elementwise.cpp - ops that work on each element alone, conversions, constants
// and iota.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {

void convertElementwise(Op &o) {
  checkScalar(o.op);
  StringRef name = o.name();
  // The condition of select, the bounds of clamp may be scalars.
  auto mayBeScalar = [&](size_t i) {
    return (name == "stablehlo.select" && i == 0) ||
           (name == "stablehlo.clamp" && i != 1);
  };
  const Tensor &like = o.in[o.in.size() > 1 ? 1 : 0];
  for (auto [i, t] : llvm::enumerate(o.in))
    if (!mayBeScalar(i) || t->rank() != 0)
      requireShape(o.e, t->shape, like->shape, "operand " + Twine(i));
  if (Tensor folded = foldElementwise(o.e, o.op, o.in, o.resultType())) {
    o.out.push_back(folded);
    return;
  }
  Operation *op = o.op;
  o.out.push_back(o.e.elementwise(
      o.in, o.resultType(), [op](OpBuilder &b, Location l, ArrayRef<Value> v) {
        return scalarOp(b, l, op, v);
      }));
}

/// Floats to integers: toward zero, NaN to 0, beyond the range its ends.
Tensor floatToInt(Emitter &e, const Tensor &x, DType to) {
  unsigned bits = 8 * import::byteSize(to);
  bool u = import::isUnsigned(to);
  Type type = import::irType(to, e.b.getContext());
  APInt low = u ? APInt::getZero(bits) : APInt::getSignedMinValue(bits),
        high = u ? APInt::getMaxValue(bits) : APInt::getSignedMaxValue(bits);
  // In f64 every limit up to 32 bits is exact; 2^63 and 2^64 stand for those
  // above them, which f64 does not have.
  double least = low.roundToDouble(!u), most = high.roundToDouble(!u);
  Tensor wide = e.cast(x, DType::F64);
  return e.elementwise(
      {wide}, to, [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        auto f = [&](double c) -> Value {
          return arith::ConstantOp::create(b, l, b.getF64FloatAttr(c));
        };
        auto n = [&](const APInt &c) -> Value {
          return arith::ConstantOp::create(b, l, b.getIntegerAttr(type, c));
        };
        auto is = [&](arith::CmpFPredicate p, Value y) -> Value {
          return arith::CmpFOp::create(b, l, p, v[0], y);
        };
        Value above = is(arith::CmpFPredicate::OGE, f(most)),
              below = is(arith::CmpFPredicate::OLE, f(least)),
              nan = is(arith::CmpFPredicate::UNO, v[0]);
        Value out = arith::OrIOp::create(
            b, l, arith::OrIOp::create(b, l, above, below), nan);
        Value safe = arith::SelectOp::create(b, l, out, f(0), v[0]);
        Value i = u ? arith::FPToUIOp::create(b, l, type, safe).getResult()
                    : arith::FPToSIOp::create(b, l, type, safe).getResult();
        i = arith::SelectOp::create(b, l, above, n(high), i);
        return arith::SelectOp::create(b, l, below, n(low), i);
      });
}

void convertConvert(Op &o) {
  o.requireOperands(1);
  DType from = o.in[0]->type, to = o.resultType();
  // Sizes as floats, which means divide by, are remembered.
  const Tensor &x = o.in[0];
  bool isReal = to == DType::F32 || to == DType::F64;
  if (x->castOf && (isReal || to == DType::I32 || to == DType::I64)) {
    Tensor whole =
        o.e.integers(DType::I64, *import::staticShape(x->shape), *x->castOf);
    o.out.push_back(o.e.cast(whole, to));
    if (isReal)
      o.out[0]->castOf = x->castOf;
    return;
  }
  o.out.push_back(import::isFloat(from) && import::isInteger(to)
                      ? floatToInt(o.e, x, to)
                      : o.e.cast(x, to));
  if (x->elements && isReal)
    o.out[0]->castOf = o.e.knownElements(x);
}

void convertConstant(Op &o) {
  o.requireOperands(0);
  Ints sizes = o.resultSizes();
  DType type = o.resultType();
  int64_t count = import::checkedCount(sizes);
  Attribute value = o.op->getAttr("value");
  auto matches = [&](ShapedType t) {
    return t == o.op->getResult(0).getType();
  };
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!matches(resource.getType()) || type == DType::Bool || !blob)
      fail("its resource is missing or of another type");
    ArrayRef<char> data = blob->getData();
    if (int64_t(data.size()) != count * int64_t(import::byteSize(type)))
      fail("its resource has " + Twine(data.size()) + " bytes");
    o.out.push_back(o.e.constant(import::HostTensor(
        type, sizes,
        import::Bytes::copy(StringRef(data.data(), data.size())))));
    return;
  }
  auto dense = dyn_cast_or_null<DenseElementsAttr>(value);
  if (!dense || !matches(dense.getType()))
    fail("its value is missing or of another type");
  bool splat = dense.isSplat() && count > 0;
  std::string bytes;
  if (type == DType::Bool) {
    if (splat)
      bytes.assign(1, dense.getSplatValue<bool>());
    else
      for (bool bit : dense.getValues<bool>())
        bytes.push_back(bit);
  } else {
    ArrayRef<char> raw = dense.getRawData();
    bytes.assign(raw.data(), count == 0 ? 0 : raw.size());
  }
  o.out.push_back(o.e.constant(import::HostTensor(
      type, sizes, import::Bytes::copy(bytes), splat && count != 1)));
}

/// One row of numbers, seen along the other dims.
void emitIota(Op &o, const Shape &sizes) {
  Emitter &e = o.e;
  DType type = o.resultType();
  if (type == DType::Bool)
    fail("unsupported: iota of bool");
  int64_t dim = o.integer("iota_dimension", {}, 0, int64_t(sizes.size()) - 1);
  Tensor row;
  if (auto known = sizes[dim].constant(); known && *known <= 1 << 26) {
    std::vector<int64_t> numbers(*known);
    for (int64_t i = 0; i < *known; ++i)
      numbers[i] = i;
    row = e.constant(import::HostTensor::ofInts(DType::I64, {*known}, numbers));
  } else {
    row = e.generate(DType::I64, {sizes[dim]},
                     [](OpBuilder &b, Location l, ValueRange i) -> Value {
                       return arith::IndexCastOp::create(b, l, b.getI64Type(),
                                                         i[0]);
                     });
  }
  Shape unit(sizes.size(), Sym(1));
  unit[dim] = sizes[dim];
  o.out.push_back(e.broadcast(e.reshape(e.cast(row, type), unit), sizes));
}

void convertIota(Op &o) {
  o.requireOperands(0);
  emitIota(o, import::shapeOf(o.resultSizes()));
}

void convertDynamicIota(Op &o) {
  o.requireOperands(1);
  if (o.op->getNumResults() != 1)
    fail("it has " + Twine(o.op->getNumResults()) + " results");
  emitIota(o,
           o.elements(0, declaredSizes(o.op->getResult(0).getType()).size()));
}

void convertBarrier(Op &o) { o.out = o.in; }

} // namespace

ArrayRef<Entry> elementwiseOps() {
  static const Entry ops[] = {
      {"", convertElementwise}, // of every scalar op
      {"stablehlo.convert", convertConvert},
      {"stablehlo.constant", convertConstant},
      {"stablehlo.iota", convertIota},
      {"stablehlo.dynamic_iota", convertDynamicIota},
      {"stablehlo.optimization_barrier", convertBarrier},
  };
  return ops;
}

} // namespace heed::stablehlo
