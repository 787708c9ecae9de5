// Loop.cpp - loops whose bodies read and write single elements.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

Value Code::add(Value x, Value y) { return arith::AddIOp::create(b, l, x, y); }
Value Code::sub(Value x, Value y) { return arith::SubIOp::create(b, l, x, y); }
Value Code::mul(Value x, Value y) { return arith::MulIOp::create(b, l, x, y); }
Value Code::div(Value x, Value y) { return arith::DivUIOp::create(b, l, x, y); }
Value Code::rem(Value x, Value y) { return arith::RemUIOp::create(b, l, x, y); }
Value Code::min(Value x, Value y) { return arith::MinSIOp::create(b, l, x, y); }
Value Code::max(Value x, Value y) { return arith::MaxSIOp::create(b, l, x, y); }
Value Code::less(Value x, Value y) {
  return arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, x, y);
}
Value Code::equal(Value x, Value y) {
  return arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, x, y);
}
Value Code::both(Value x, Value y) { return arith::AndIOp::create(b, l, x, y); }
Value Code::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, l, condition, x, y);
}
Value Code::i64(Value index) {
  return arith::IndexCastOp::create(b, l, b.getI64Type(), index);
}
Value Code::fromI64(Value integer) {
  return arith::IndexCastOp::create(b, l, b.getIndexType(), integer);
}
Value Code::toFloat(Value index, DType type) {
  return arith::SIToFPOp::create(b, l, irType(type, b.getContext()),
                                 i64(index));
}
Value Code::fromFloat(Value real) {
  return fromI64(arith::FPToSIOp::create(b, l, b.getI64Type(), real));
}
Value Code::get(Value tensor, ArrayRef<Value> at) {
  return tensor::ExtractOp::create(b, l, tensor, at);
}
Value Code::put(Value element, Value tensor, ArrayRef<Value> at) {
  return tensor::InsertOp::create(b, l, element, tensor, at);
}

Code::Values
Code::repeat(Value end, ArrayRef<Value> carried,
             llvm::function_ref<Values(Value i, Values carried)> body) {
  Value zero = index(0), one = index(1);
  auto loop = scf::ForOp::create(b, l, zero, end, one, ValueRange(carried));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  Values next =
      body(loop.getInductionVar(), Values(loop.getRegionIterArgs().begin(),
                                          loop.getRegionIterArgs().end()));
  scf::YieldOp::create(b, l, next);
  return Values(loop.getResults());
}

Tensor positionsWhere(Emitter &e, const Sym &n,
                      llvm::function_ref<Value(Code &, Value i)> holds) {
  Code c{e, e.b, e.loc};
  Value end = e.size(n), list = e.empty(DType::I64, {n}), zero = c.index(0),
        one = c.index(1);
  auto found = c.repeat(end, {list, zero}, [&](Value i, Code::Values carried) {
    // Written whether it holds or not: where it does not, the next one is
    // written over it.
    Value next = c.put(c.i64(i), carried[0], {carried[1]});
    Value grown = c.add(carried[1], c.select(holds(c, i), one, zero));
    return Code::Values{next, grown};
  });
  Sym count = e.sizeOf(found[1], 0);
  return e.slice(e.computed(found[0], DType::I64, {n}), {Sym(0)}, {count}, {1});
}

} // namespace heed::import
