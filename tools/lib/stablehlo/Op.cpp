// Op.cpp - attributes of a StableHLO op, checked.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace heed::stablehlo {

static std::string printed(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

DType dtypeOf(Type element) {
  if (element.isF32())
    return DType::F32;
  if (element.isF64())
    return DType::F64;
  if (element.isF16())
    return DType::F16;
  if (element.isBF16())
    return DType::BF16;
  if (auto i = dyn_cast<IntegerType>(element)) {
    bool u = i.isUnsigned();
    switch (i.getWidth()) {
    case 1:
      if (!u)
        return DType::Bool;
      break;
    case 8:
      return u ? DType::U8 : DType::I8;
    case 16:
      return u ? DType::U16 : DType::I16;
    case 32:
      return u ? DType::U32 : DType::I32;
    case 64:
      return u ? DType::U64 : DType::I64;
    }
  }
  fail("unsupported: elements of type " + printed(element));
}

Ints sizesOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    fail("unsupported: a value of type " + printed(type));
  if (!tensor.hasStaticShape())
    fail("unsupported: dynamic sizes, " + printed(type));
  import::checkedCount(tensor.getShape());
  return Ints(tensor.getShape());
}

Ints sizesOf(const Tensor &tensor) {
  auto dims = import::staticShape(tensor->shape);
  if (!dims)
    fail("unsupported: dynamic sizes");
  return *dims;
}

StringRef Op::name() const { return op->getName().getStringRef(); }

Ints Op::resultSizes(unsigned i) const {
  if (i >= op->getNumResults())
    fail("it has " + Twine(op->getNumResults()) + " results");
  return sizesOf(op->getResult(i).getType());
}

DType Op::resultType(unsigned i) const {
  if (i >= op->getNumResults())
    fail("it has " + Twine(op->getNumResults()) + " results");
  return dtypeOf(getElementTypeOrSelf(op->getResult(i).getType()));
}

void Op::requireOperands(size_t count) const {
  if (in.size() != count)
    fail("it has " + Twine(in.size()) + " operands, expected " + Twine(count));
}

std::optional<Ints> intsOf(Attribute attr) {
  if (auto array = dyn_cast_or_null<DenseI64ArrayAttr>(attr))
    return Ints(array.asArrayRef());
  if (auto array = dyn_cast_or_null<DenseBoolArrayAttr>(attr))
    return Ints(array.asArrayRef());
  Ints r;
  if (auto array = dyn_cast_or_null<ArrayAttr>(attr)) {
    for (Attribute entry : array) {
      auto i = dyn_cast<IntegerAttr>(entry);
      if (!i || i.getValue().getSignificantBits() > 64)
        return std::nullopt;
      r.push_back(i.getValue().getBitWidth() == 1
                      ? i.getValue().getZExtValue()
                      : i.getValue().getSExtValue());
    }
    return r;
  }
  auto dense = dyn_cast_or_null<DenseIntElementsAttr>(attr);
  if (!dense || dense.getNumElements() > 4096 ||
      dense.getElementType().getIntOrFloatBitWidth() > 64)
    return std::nullopt;
  for (const APInt &i : dense.getValues<APInt>())
    r.push_back(i.getBitWidth() == 1 ? i.getZExtValue() : i.getSExtValue());
  return r;
}

std::optional<Ints> Op::ints(StringRef attr) const {
  Attribute a = op->getAttr(attr);
  if (!a)
    return std::nullopt;
  auto r = intsOf(a);
  if (!r)
    fail("attribute '" + attr + "' is no list of integers");
  for (int64_t i : *r)
    if (i > int64_t(1) << 40 || i < -(int64_t(1) << 40))
      fail("attribute '" + attr + "' holds " + Twine(i));
  return r;
}

Ints Op::ints(StringRef attr, size_t count) const {
  auto r = ints(attr);
  if (!r)
    fail("attribute '" + attr + "' is missing");
  if (r->size() != count)
    fail("attribute '" + attr + "' has " + Twine(r->size()) +
         " entries, expected " + Twine(count));
  return *r;
}

Ints Op::intsOr(StringRef attr, size_t count, int64_t fallback) const {
  return op->getAttr(attr) ? ints(attr, count) : Ints(count, fallback);
}

void checkDims(ArrayRef<int64_t> dims, size_t rank, const Twine &what) {
  SmallVector<bool> seen(rank, false);
  for (int64_t d : dims) {
    if (d < 0 || d >= int64_t(rank))
      fail(what + " names dimension " + Twine(d) + " of a tensor of rank " +
           Twine(rank));
    if (seen[d])
      fail(what + " names dimension " + Twine(d) + " twice");
    seen[d] = true;
  }
}

Ints Op::dims(StringRef attr, size_t rank) const {
  auto r = ints(attr);
  if (!r)
    fail("attribute '" + attr + "' is missing");
  checkDims(*r, rank, "attribute '" + attr + "'");
  return *r;
}

int64_t Op::integer(StringRef attr, std::optional<int64_t> fallback,
                    int64_t low, int64_t high) const {
  Attribute a = op->getAttr(attr);
  if (!a && fallback)
    return *fallback;
  auto i = dyn_cast_or_null<IntegerAttr>(a);
  if (!i || i.getValue().getSignificantBits() > 64)
    fail("attribute '" + attr + "' is missing or no integer");
  int64_t value = i.getValue().getSExtValue();
  if (value < low || value > high)
    fail("attribute '" + attr + "' is " + Twine(value));
  return value;
}

StringRef Op::word(StringRef attr) const {
  auto s = dyn_cast_or_null<StringAttr>(op->getAttr(attr));
  return s ? s.getValue() : StringRef();
}

DictionaryAttr Op::fields(StringRef attr) const {
  auto d = dyn_cast_or_null<DictionaryAttr>(op->getAttr(attr));
  if (!d)
    fail("attribute '" + attr + "' is missing");
  return d;
}

SmallVector<std::pair<int64_t, int64_t>> Op::pads(size_t count) const {
  SmallVector<std::pair<int64_t, int64_t>> r(count, {0, 0});
  Attribute a = op->getAttr("padding");
  Ints flat;
  if (!a)
    return r;
  if (auto rows = dyn_cast<ArrayAttr>(a)) { // the short form
    for (Attribute row : rows) {
      auto pair = intsOf(row);
      if (!pair || pair->size() != 2)
        fail("attribute 'padding' is no list of pairs");
      flat.append(*pair);
    }
  } else {
    flat = *ints("padding");
  }
  if (flat.size() != 2 * count)
    fail("attribute 'padding' has " + Twine(flat.size()) +
         " entries, expected " + Twine(2 * count));
  for (size_t i = 0; i < count; ++i) {
    r[i] = {flat[2 * i], flat[2 * i + 1]};
    for (int64_t p : {r[i].first, r[i].second})
      if (p < -(1 << 30) || p > 1 << 30)
        fail("attribute 'padding' holds " + Twine(p));
  }
  return r;
}

Value scalarOf(Emitter &e, const Tensor &x) {
  for (int64_t size : sizesOf(x))
    if (size != 1)
      fail("expected one element, got " + Twine(size));
  if (x->constant)
    return import::isFloat(x->type)
               ? e.scalar(x->type, x->constant->asDouble(0))
               : e.scalarInt(import::irType(x->type, e.b.getContext()),
                             x->constant->asInt(0));
  SmallVector<Value> zeros(x->rank(), e.scalarInt(e.b.getIndexType(), 0));
  return tensor::ExtractOp::create(e.b, e.loc, e.ir(x), zeros);
}

} // namespace heed::stablehlo
