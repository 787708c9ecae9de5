// ElementwiseExtra.cpp - the rarer elementwise ops: BitShift, Shrink, Hardmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Fold.h"
#include "tools/lib/import/ops/Formula.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace heed::import {

namespace {

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

/// x − bias above lambda, x + bias below −lambda, 0 between.
void importShrink(Node &n) {
  Emitter &e = n.e;
  Tensor x = n.input(0);
  DType type = x->type;
  if (type == DType::Bool)
    fail("bool is not supported");
  double bias = n.floatAttr("bias", 0), lambda = n.floatAttr("lambd", 0.5);
  DType in = isFloat(type) ? type : DType::F64; // integers by floats
  x = e.cast(x, in);
  Tensor y =
      e.elementwise({x}, in, [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
        Formula s{e, in, b, l};
        Value low = s.select(s.greater(s.c(-lambda), v[0]),
                             s.add(v[0], s.c(bias)), s.c(0));
        return s.select(s.greater(v[0], s.c(lambda)), s.sub(v[0], s.c(bias)),
                        low);
      });
  n.set(e.cast(y, type));
}

/// 1 at the first largest element along the axis, 0 elsewhere.
void importHardmax(Node &n) {
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  n.requireRank(0, 1);
  Tensor x = n.floatInput(0);
  Shape given = x->shape;
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", n.opset < 13 ? 1 : -1),
                                      n.opset < 13 ? x->rank() + 1 : x->rank());
  if (n.opset < 13) { // all dims from the axis on are one
    ArrayRef<Sym> dims(x->shape);
    x = e.reshape(x, {e.product(dims.take_front(axis)),
                      e.product(dims.drop_front(axis))});
    axis = 1;
  }
  // The first position that holds the maximum: min of those where x = max.
  Tensor largest = e.reduce(x, {axis}, true, ReduceKind::Max);
  Type i64 = b.getI64Type();
  Value never = e.scalarInt(i64, int64_t(1) << 62);
  auto position = [&](OpBuilder &at, Location l) -> Value {
    Value i = linalg::IndexOp::create(at, l, axis);
    return arith::IndexCastOp::create(at, l, i64, i);
  };
  Tensor where = e.elementwise(
      {x, largest}, DType::I64,
      [&](OpBuilder &at, Location l, ArrayRef<Value> v) -> Value {
        Value is =
            arith::CmpFOp::create(at, l, arith::CmpFPredicate::OEQ, v[0], v[1]);
        return arith::SelectOp::create(at, l, is, position(at, l), never);
      });
  Tensor first = e.reduce(where, {axis}, true, ReduceKind::Min);
  Tensor y = e.elementwise(
      {x, first}, x->type,
      [&](OpBuilder &at, Location l, ArrayRef<Value> v) -> Value {
        Value is = arith::CmpIOp::create(at, l, arith::CmpIPredicate::eq,
                                         position(at, l), v[1]);
        return arith::SelectOp::create(at, l, is, e.scalar(x->type, 1),
                                       e.scalar(x->type, 0));
      });
  n.set(e.reshape(y, given));
}

} // namespace

llvm::ArrayRef<OpEntry> elementwiseExtraOps() {
  static const OpEntry ops[] = {
      {"BitShift", 11, 2, 2, importBitShift},
      {"Shrink", 9, 1, 1, importShrink},
      {"Hardmax", 1, 1, 1, importHardmax},
  };
  return ops;
}

} // namespace heed::import
