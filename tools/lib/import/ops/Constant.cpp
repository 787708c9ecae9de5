// Constant.cpp - tensors that an op makes out of nothing: constants, fills,
// triangles.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

void importConstant(Node &n) {
  if (auto t = n.tensorAttr("value"))
    return n.set(n.e.constant(*t, n.proto.output_size() ? n.proto.output(0)
                                                        : std::string()));
  if (n.hasAttr("value_float"))
    return n.set(n.e.constant(HostTensor::ofDoubles(
        DType::F32, {}, {n.floatAttr("value_float", 0)})));
  if (n.hasAttr("value_int"))
    return n.set(n.e.constant(
        HostTensor::ofInts(DType::I64, {}, {n.intAttr("value_int")})));
  if (auto f = n.floatsAttr("value_floats"))
    return n.set(n.e.constant(
        HostTensor::ofDoubles(DType::F32, {int64_t(f->size())}, *f)));
  if (auto i = n.intsAttr("value_ints"))
    return n.set(
        n.e.constant(HostTensor::ofInts(DType::I64, {int64_t(i->size())}, *i)));
  fail("it has no value, or a sparse or string one");
}

void importConstantOfShape(Node &n) {
  HostTensor value = HostTensor::ofDoubles(DType::F32, {}, {0});
  if (auto given = n.tensorAttr("value"))
    value = *given;
  if (value.count() != 1)
    fail("attribute 'value' has " + Twine(value.count()) + " elements");
  if (n.input(0)->rank() != 1)
    fail("the shape is not a vector");
  Shape shape;
  for (const Sym &s : n.e.someElements(n.input(0))) {
    n.e.requireAtLeast(s, 0, "shape");
    shape.push_back(s);
  }
  n.set(n.e.broadcast(n.e.constant(value.reshaped({})), shape));
}

/// x where the column is at or above (below) the diagonal k, else 0.
void importTrilu(Node &n) {
  n.requireRank(0, 2);
  const Tensor &x = n.input(0);
  bool upper = n.intAttr("upper", 1);
  Sym k(0);
  if (n.has(1)) {
    if (n.input(1)->rank() > 1)
      fail("input 1 is no scalar");
    auto all = n.e.someElements(n.input(1));
    if (all.size() != 1)
      fail("input 1 is no scalar");
    k = all[0];
  }
  size_t rank = x->rank();
  if (auto dims = n.e.foldable(x->shape, 1 << 20);
      dims && x->constant && k.isConstant()) {
    int64_t rows = (*dims)[rank - 2], columns = (*dims)[rank - 1];
    const HostTensor &host = *x->constant;
    std::string bytes;
    size_t width = byteSize(host.type());
    for (int64_t i = 0; i < host.count(); ++i) {
      int64_t row = i / columns % rows, column = i % columns;
      int64_t above = column - row - *k.constant();
      if (upper ? above >= 0 : above <= 0)
        bytes += host.bytes().substr(host.isSplat() ? 0 : i * width, width);
      else
        bytes.append(width, '\0');
    }
    return n.set(
        n.e.constant(HostTensor(host.type(), *dims, std::move(bytes))));
  }
  Value diagonal = n.e.size(k), zero = n.e.scalar(x->type, 0);
  n.set(n.e.elementwise(
      {x}, x->type, [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        Value row = linalg::IndexOp::create(b, l, rank - 2);
        Value column = linalg::IndexOp::create(b, l, rank - 1);
        if (k != Sym(0))
          row = arith::AddIOp::create(b, l, row, diagonal);
        Value keep = arith::CmpIOp::create(
            b, l, upper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle,
            column, row);
        return arith::SelectOp::create(b, l, keep, v[0], zero);
      }));
}

void importEyeLike(Node &n) {
  n.requireRank(0, 2, 2);
  const Tensor &x = n.input(0);
  DType type = n.hasAttr("dtype") ? checkedDType(n.intAttr("dtype")) : x->type;
  Value k = n.e.scalarInt(n.e.b.getIndexType(), n.intAttr("k", 0));
  Value zero = n.e.scalar(type, 0), one = n.e.scalar(type, 1);
  n.set(n.e.generate(
      type, x->shape, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        Value at = arith::AddIOp::create(b, l, i[0], k);
        Value on =
            arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, i[1], at);
        return arith::SelectOp::create(b, l, on, one, zero);
      }));
}

} // namespace

llvm::ArrayRef<OpEntry> constantOps() {
  static const OpEntry ops[] = {
      {"Constant", 1, 0, 0, importConstant},
      {"ConstantOfShape", 9, 1, 1, importConstantOfShape},
      {"Trilu", 14, 1, 2, importTrilu},
      {"EyeLike", 9, 1, 1, importEyeLike},
  };
  return ops;
}

} // namespace heed::import
