// SdpaFinish.cpp - o / l of a block of queries into the output, and lse.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row that attends no key has l = 0: o / l is 0 · inf = NaN; masked_rows may
// ask for 0, or for the mean of v over all keys.
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using heed::attn::buildFloat;
using heed::attn::MaskedRows;
using heed::attn::SdpaOp;

namespace heed::lower {

Value buildLaneSum(OpBuilder &b, Location loc, Value vector) {
  // Reassociation lets LLVM add the lanes as a tree.
  return vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, vector,
                                     arith::FastMathFlags::reassoc);
}

/// l of a row: the lanes of its partial sums together.
static Value buildSum(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                      Value row) {
  Location loc = kernel.loc;
  return buildLaneSum(
      b, loc,
      vector::LoadOp::create(b, loc, kernel.vectorType(b), task.l,
                             ValueRange{row, buildIndex(b, loc, 0)}));
}

/// o ← Σ_j v_j and l ← Sk where l = 0.
static void buildUniformRow(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                            Value row, Value isMasked) {
  Location loc = kernel.loc;
  scf::IfOp::create(b, loc, isMasked, [&](OpBuilder &b, Location loc) {
    Value zero = buildFloat(b, loc, kernel.vectorType(b), 0.0);
    Values sums(kernel.valueVectors(), zero);
    Value one =
        kernel.usesPairs // 1.0 twice; beyond Sk values are 0
            ? Value(arith::ConstantIntOp::create(b, loc, 0x3F803F80, 32))
            : buildFloat(b, loc, b.getF32Type(), 1.0);
    sums = buildFor(
        b, loc, buildIndex(b, loc, 0), countSteps(b, kernel, kernel.sizeK), 1,
        sums, [&](OpBuilder &b, Value k, ValueRange carried) {
          Values next;
          for (auto [v, sum] : llvm::enumerate(carried))
            next.push_back(buildProductStep(
                b, kernel, one, loadValues(b, kernel, task, k, v), sum));
          return next;
        });
    for (auto [v, sum] : llvm::enumerate(sums))
      vector::StoreOp::create(
          b, loc, sum, task.o,
          ValueRange{row, buildIndex(b, loc, v * kernel.lanes)});
    Value count =
        arith::IndexCastOp::create(b, loc, b.getI64Type(), kernel.sizeK);
    // Sk in one lane: the sum over them is Sk.
    Value inOne = vector::InsertOp::create(
        b, loc, arith::SIToFPOp::create(b, loc, b.getF32Type(), count), zero,
        ArrayRef<int64_t>{0});
    vector::StoreOp::create(b, loc, inOne, task.l,
                            ValueRange{row, buildIndex(b, loc, 0)});
    scf::YieldOp::create(b, loc);
  });
}

/// lse = scale · m + ln l; −inf for a row without a key.
static void buildLogSumExp(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                           Value row) {
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  RowPlace place = placeOfRow(b, kernel, task, row);
  Value m = memref::LoadOp::create(b, loc, task.m, row);
  Value l = buildSum(b, kernel, task, row);
  Value scale =
      buildFloat(b, loc, b.getF32Type(), kernel.softmaxFactor() / kLog2E);
  Value lse =
      arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, m, scale),
                            math::LogOp::create(b, loc, l));
  Point point;
  point.fill(place.i);
  point[SdpaOp::B] = task.b;
  point[SdpaOp::H] = place.h;
  memref::StoreOp::create(
      b, loc,
      attn::buildFloatCast(b, loc, lse,
                           getElementTypeOrSelf(op.getLse().getType())),
      op.getLse(), mapIndices(b, loc, op.getLseMap(), point));
}

static void buildOutputRow(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                           Value row, Value inverse) {
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  Value e = buildIndex(b, loc, kernel.valueDim);
  auto place = [&](OpBuilder &b, Value e) {
    return outputIndices(b, kernel, task, row, e);
  };
  if (isContiguousAlong(op.getInit(), op.getOMap(), SdpaOp::E)) {
    Value splat =
        vector::BroadcastOp::create(b, loc, kernel.vectorType(b), inverse);
    buildVectorLoop(
        b, loc, e, kernel.lanes, 1, {},
        [&](OpBuilder &b, Value at, Value mask, unsigned,
            ValueRange) -> Values {
          // The scratch is padded to whole vectors, the output is not.
          Value o = buildLoad(b, loc, kernel.vectorType(b), task.o, {row, at});
          storeFloats(b, kernel, arith::MulFOp::create(b, loc, o, splat),
                      op.getInit(), place(b, at), mask);
          return {};
        });
    return;
  }
  buildFor(
      b, loc, buildIndex(b, loc, 0), e, 1, {},
      [&](OpBuilder &b, Value at, ValueRange) -> Values {
        Value o = memref::LoadOp::create(b, loc, task.o, ValueRange{row, at});
        storeFloats(b, kernel, arith::MulFOp::create(b, loc, o, inverse),
                    op.getInit(), place(b, at));
        return {};
      });
}

static Value isMaskedRow(OpBuilder &b, Location loc, Value l) {
  Value zero = buildFloat(b, loc, l.getType(), 0.0);
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, l, zero);
}

Value buildInverse(OpBuilder &b, SdpaKernel &kernel, Value l) {
  Location loc = kernel.loc;
  Value inverse =
      arith::DivFOp::create(b, loc, buildFloat(b, loc, l.getType(), 1.0), l);
  if (kernel.op.getMaskedRows() != MaskedRows::zero)
    return inverse;
  return arith::SelectOp::create(b, loc, isMaskedRow(b, loc, l),
                                 buildFloat(b, loc, l.getType(), 0.0), inverse);
}

void buildFinish(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task) {
  if (kernel.finishesInTile())
    return;
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  buildFor(b, loc, buildIndex(b, loc, 0), task.rows, 1, {},
           [&](OpBuilder &b, Value row, ValueRange) -> Values {
             if (op.getLse())
               buildLogSumExp(b, kernel, task, row);
             Value l = buildSum(b, kernel, task, row);
             if (op.getMaskedRows() == MaskedRows::uniform) {
               buildUniformRow(b, kernel, task, row, isMaskedRow(b, loc, l));
               l = buildSum(b, kernel, task, row);
             }
             buildOutputRow(b, kernel, task, row, buildInverse(b, kernel, l));
             return {};
           });
}

} // namespace heed::lower
