// Softmax.cpp - Softmax, LogSoftmax and Hardmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace heed::import {

namespace {

Tensor softmax(Emitter &e, const Tensor &x, int64_t axis) {
  auto op = linalg::SoftmaxOp::create(
      e.b, e.loc, TypeRange{e.typeOf(x->type, x->shape)}, e.ir(x),
      e.empty(x->type, x->shape), static_cast<uint64_t>(axis));
  return e.computed(op->getResult(0), x->type, x->shape);
}

/// x - max, then minus log Σ exp.
Tensor logSoftmax(Emitter &e, const Tensor &x, int64_t axis) {
  auto subtract = [&](const Tensor &a, const Tensor &c) {
    return e.elementwise(
        {a, c}, x->type,
        [](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
          return arith::SubFOp::create(b, l, v[0], v[1]);
        });
  };
  Tensor shifted = subtract(x, e.reduce(x, {axis}, true, ReduceKind::Max));
  Tensor exps =
      e.elementwise({shifted}, x->type,
                    [](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                      return math::ExpOp::create(b, l, v[0]);
                    });
  Tensor sum = e.reduce(exps, {axis}, true, ReduceKind::Sum);
  Tensor log = e.elementwise(
      {sum}, x->type, [](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        return math::LogOp::create(b, l, v[0]);
      });
  return subtract(shifted, log);
}

void importSoftmax(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 1);
  const Tensor &x = n.floatInput(0);
  auto apply = n.op() == "Softmax" ? softmax : logSoftmax;
  int64_t rank = x->rank();
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", n.opset < 13 ? 1 : -1),
                                      rank == 1 && n.opset < 13 ? 2 : rank);
  axis = std::min(axis, rank - 1);
  if (n.opset >= 13 || axis == rank - 1)
    return n.set(apply(e, x, axis));
  // Below opset 13 all dims from the axis on are one.
  ArrayRef<Sym> dims(x->shape);
  Tensor flat = e.reshape(
      x, {e.product(dims.take_front(axis)), e.product(dims.drop_front(axis))});
  n.set(e.reshape(apply(e, flat, 1), x->shape));
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

llvm::ArrayRef<OpEntry> softmaxOps() {
  static const OpEntry ops[] = {
      {"Softmax", 1, 1, 1, importSoftmax},
      {"LogSoftmax", 1, 1, 1, importSoftmax},
      {"Hardmax", 1, 1, 1, importHardmax},
  };
  return ops;
}

} // namespace heed::import
