// LowerSoftmax.cpp - linalg.softmax on memrefs: one pass over each row while it
// is in cache.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   m = max_j x_j;  y_j = exp(x_j − m);  s = Σ_j y_j;  y_j = y_j · (1/s)
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERSOFTMAX
#include "passes/lower/cpu/Passes.h.inc"

namespace {
/// Emits `for j: body(j, accumulator)` and returns the last accumulator.
Value reduceRow(OpBuilder &b, Location loc, Value size, Value initial,
                llvm::function_ref<Value(Value, Value)> body) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  auto loop = scf::ForOp::create(b, loc, zero, size, one, ValueRange{initial});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b, loc,
                       body(loop.getInductionVar(), loop.getRegionIterArg(0)));
  return loop.getResult(0);
}

void lower(OpBuilder &b, linalg::SoftmaxOp op) {
  Location loc = op.getLoc();
  auto type = cast<MemRefType>(op.getInput().getType());
  Type element = type.getElementType();
  SmallVector<OpFoldResult> mixed =
      memref::getMixedSizes(b, loc, op.getInput());
  SmallVector<Value> sizes = getValueOrCreateConstantIndexOp(b, loc, mixed);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  unsigned axis = op.getDimension();

  Value rows = one;
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (dim != axis)
      rows = arith::MulIOp::create(b, loc, rows, size);
  auto parallel = scf::ParallelOp::create(b, loc, zero, rows, one);
  b.setInsertionPointToStart(parallel.getBody());
  SmallVector<Value> indices(sizes.size());
  Value rest = parallel.getInductionVars().front();
  for (unsigned dim = sizes.size(); dim-- > 0;) {
    if (dim == axis)
      continue;
    indices[dim] = arith::RemUIOp::create(b, loc, rest, sizes[dim]);
    rest = arith::DivUIOp::create(b, loc, rest, sizes[dim]);
  }
  auto at = [&](Value j) {
    SmallVector<Value> result = indices;
    result[axis] = j;
    return result;
  };
  Value size = sizes[axis];
  auto reassoc = arith::FastMathFlags::reassoc | arith::FastMathFlags::nsz;
  Value lowest = arith::ConstantOp::create(
      b, loc,
      b.getFloatAttr(
          element, APFloat::getInf(cast<FloatType>(element).getFloatSemantics(),
                                   /*Negative=*/true)));
  Value max = reduceRow(b, loc, size, lowest, [&](Value j, Value m) -> Value {
    Value x = memref::LoadOp::create(b, loc, op.getInput(), at(j));
    return arith::MaximumFOp::create(b, loc, m, x, reassoc);
  });
  Value none = arith::ConstantOp::create(b, loc, b.getFloatAttr(element, 0.0));
  reduceRow(b, loc, size, none, [&](Value j, Value unused) -> Value {
    Value x = memref::LoadOp::create(b, loc, op.getInput(), at(j));
    Value shifted = arith::SubFOp::create(b, loc, x, max);
    Value e = math::ExpOp::create(b, loc, shifted);
    memref::StoreOp::create(b, loc, e, op.getOutput(), at(j));
    return unused;
  });
  Value sum = reduceRow(b, loc, size, none, [&](Value j, Value s) -> Value {
    Value e = memref::LoadOp::create(b, loc, op.getOutput(), at(j));
    return arith::AddFOp::create(b, loc, s, e, reassoc);
  });
  Value unit = arith::ConstantOp::create(b, loc, b.getFloatAttr(element, 1.0));
  Value inverse = arith::DivFOp::create(b, loc, unit, sum);
  reduceRow(b, loc, size, none, [&](Value j, Value unused) -> Value {
    Value e = memref::LoadOp::create(b, loc, op.getOutput(), at(j));
    Value y = arith::MulFOp::create(b, loc, e, inverse);
    memref::StoreOp::create(b, loc, y, op.getOutput(), at(j));
    return unused;
  });
}

struct LowerSoftmax : impl::LowerSoftmaxBase<LowerSoftmax> {
  void runOnOperation() override {
    SmallVector<linalg::SoftmaxOp> ops;
    getOperation()->walk([&](linalg::SoftmaxOp op) { ops.push_back(op); });
    OpBuilder b(&getContext());
    for (linalg::SoftmaxOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected memref operands; bufferise first");
        return signalPassFailure();
      }
      b.setInsertionPoint(op);
      lower(b, op);
      op.erase();
    }
  }
};
} // namespace
} // namespace heed::lower
