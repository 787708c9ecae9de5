// EmitBranch.cpp - one of two branches, as scf.if.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ControlFlow.h"
#include "tools/lib/import/Error.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

/// The sizes that both tensors have.
static Emitter::OpenShape commonShape(Emitter &e, const Tensor &x,
                                      const Tensor &y) {
  Emitter::OpenShape shape;
  for (auto [s, t] : llvm::zip(x->shape, y->shape)) {
    Sym size = e.canonical(s);
    bool isCommon = e.same(s, t) && e.isKnownHere(size);
    shape.push_back(isCommon ? std::optional(size) : std::nullopt);
  }
  return shape;
}

SmallVector<Tensor>
emitBranch(Emitter &e, const Tensor &condition,
           llvm::function_ref<SmallVector<Tensor>(bool)> branch) {
  Location loc = e.loc;
  Value zero = e.scalarInt(e.b.getIndexType(), 0);
  Value flag = tensor::ExtractOp::create(
      e.b, loc, e.ir(condition), SmallVector<Value>(condition->rank(), zero));
  // The types of the results follow from both branches: a draft first.
  auto draft = scf::IfOp::create(e.b, loc, TypeRange(), flag,
                                 /*addThenBlock=*/true, /*addElseBlock=*/true);
  SmallVector<Tensor> tensors[2];
  SmallVector<Value> values[2];
  for (unsigned i : {0, 1}) {
    Block *block = &draft->getRegion(i).front();
    block->clear();
    e.inRegion(block, [&] {
      tensors[i] = branch(i == 0);
      for (const Tensor &t : tensors[i])
        values[i].push_back(e.ir(t));
    });
  }

  SmallVector<Type> types;
  SmallVector<Emitter::OpenShape> shapes;
  for (auto [x, y] : llvm::zip_equal(tensors[0], tensors[1])) {
    if (x->type != y->type)
      fail("its branches give " + name(x->type) + " and " + name(y->type));
    if (x->rank() != y->rank())
      fail("unsupported: its branches give tensors of rank " +
           Twine(x->rank()) + " and of rank " + Twine(y->rank()));
    shapes.push_back(commonShape(e, x, y));
    types.push_back(e.openType(x->type, shapes.back()));
  }
  auto op = scf::IfOp::create(e.b, loc, types, flag, /*addThenBlock=*/false,
                              /*addElseBlock=*/false);
  for (unsigned i : {0, 1}) {
    op->getRegion(i).takeBody(draft->getRegion(i));
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToEnd(&op->getRegion(i).front());
    for (auto [value, type] : llvm::zip(values[i], types))
      if (value.getType() != type)
        value = tensor::CastOp::create(e.b, loc, type, value);
    scf::YieldOp::create(e.b, loc, values[i]);
  }
  draft->erase();
  SmallVector<Tensor> results;
  for (auto [i, value] : llvm::enumerate(op.getResults()))
    results.push_back(e.openResult(value, tensors[0][i]->type, shapes[i]));
  return results;
}

} // namespace heed::import
