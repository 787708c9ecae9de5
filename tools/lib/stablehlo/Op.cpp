// Op.cpp - attributes of a StableHLO op, checked.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/SymbolTable.h"

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

Ints declaredSizes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    fail("unsupported: a value of type " + printed(type));
  Ints known;
  for (int64_t size : tensor.getShape())
    known.push_back(ShapedType::isDynamic(size) ? 1 : size);
  import::checkedCount(known);
  return Ints(tensor.getShape());
}

void requireShape(Emitter &e, ArrayRef<Sym> shape, ArrayRef<Sym> expected,
                  const Twine &what) {
  if (shape.size() != expected.size())
    fail(what + ": rank " + Twine(shape.size()) + ", expected " +
         Twine(expected.size()));
  for (auto [x, y] : llvm::zip(shape, expected))
    e.require(x, y, what);
}

bool isEmpty(ArrayRef<Sym> shape) { return llvm::is_contained(shape, Sym(0)); }

void requireFits(Emitter &e, const Sym &size, const Sym &whole) {
  Sym room = e.canonical(whole - size);
  if (auto known = room.constant(); known && *known < 0)
    fail("a slice of a size that is " + Twine(-*known) +
         " larger than its dimension");
}

StringRef Op::name() const { return op->getName().getStringRef(); }

Ints Op::resultSizes(unsigned i) const {
  if (i >= op->getNumResults())
    fail("it has " + Twine(op->getNumResults()) + " results");
  Ints sizes = declaredSizes(op->getResult(i).getType());
  if (llvm::is_contained(sizes, ShapedType::kDynamic))
    fail("unsupported: dynamic sizes, " + printed(op->getResult(i).getType()));
  return sizes;
}

SmallVector<Sym> Op::elements(unsigned i, size_t count) const {
  const Tensor &t = in[i];
  if (!import::isInteger(t->type) || t->rank() != 1)
    fail("operand " + Twine(i) + " is no vector of integers");
  e.require(t->shape[0], Sym(count), "operand " + Twine(i) + ": entries");
  auto list = e.someElements(t);
  return SmallVector<Sym>(list.begin(), list.end());
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

Region &Op::body() const {
  if (auto list =
          dyn_cast_or_null<ArrayAttr>(op->getAttr("called_computations"))) {
    auto name = list.size() == 1 ? dyn_cast<FlatSymbolRefAttr>(list[0])
                                 : FlatSymbolRefAttr();
    auto f = name ? SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, name)
                  : func::FuncOp();
    if (!f || f.isExternal())
      fail("its computation is not in the file");
    return f.getBody();
  }
  if (op->getNumRegions() != 1)
    fail("it has " + Twine(op->getNumRegions()) + " regions, expected 1");
  return op->getRegion(0);
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

SmallVector<std::pair<Sym, Sym>> Op::pads(size_t count) const {
  SmallVector<std::pair<Sym, Sym>> r(count, {0, 0});
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
    for (int64_t p : {flat[2 * i], flat[2 * i + 1]})
      if (p < -(1 << 30) || p > 1 << 30)
        fail("attribute 'padding' holds " + Twine(p));
  }
  return r;
}

Value scalarOf(Emitter &e, const Tensor &x) {
  for (const Sym &size : x->shape)
    e.require(size, 1, "expected one element");
  if (x->constant)
    return import::isFloat(x->type)
               ? e.scalar(x->type, x->constant->asDouble(0))
               : e.scalarInt(import::irType(x->type, e.b.getContext()),
                             x->constant->asInt(0));
  SmallVector<Value> zeros(x->rank(), e.scalarInt(e.b.getIndexType(), 0));
  return tensor::ExtractOp::create(e.b, e.loc, e.ir(x), zeros);
}

} // namespace heed::stablehlo
