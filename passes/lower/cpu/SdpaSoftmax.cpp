// SdpaSoftmax.cpp - the online softmax over one block of keys.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each query of the block, with c = log2 e · scale:
//   m' = max(m, max_j s)          0 in place of −inf: then p = 2^(−inf) = 0
//   p  = 2^(c·(s − m'))           over s
//   l  = l·2^(c·(m − m')) + Σ_j p
//   o  = o·2^(c·(m − m'))
// The exponent is one multiply-add, c·s − M with M = round(c·m'): what rounding
// leaves in M is the same for the whole row, in p, l and o, and cancels in o / l.
// Where a bias may push scores to 10^9, that would be 2^86, so the difference is
// taken first: c·(s − m').
// A block that some query attends only in part (causal, window, kv_length)
// takes a second version of the loop, in which the keys outside [lo, hi) of the
// row become −inf; the columns that pad a block are −inf before.
#include "passes/lower/cpu/ExpPolynomial.h"
#include "passes/lower/cpu/Maximum.h"
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using heed::attn::buildFloat;

namespace heed::lower {

namespace {
constexpr unsigned kUnroll = 4;

struct OnlineSoftmax {
  SdpaKernel &kernel;
  SdpaTask &task;
  SdpaKeyBlock &block;
  Location loc;
  VectorType type, indexType; // f32 and i32 lanes

  OnlineSoftmax(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                SdpaKeyBlock &block)
      : kernel(kernel), task(task), block(block), loc(kernel.loc),
        type(kernel.vectorType(b)), indexType(type.clone(b.getI32Type())) {}

  Value minusInfinity(OpBuilder &b, Type of) {
    return buildFloat(b, loc, of, -std::numeric_limits<double>::infinity());
  }

  /// A NaN in s comes out of the exponentials.
  Value maximum(OpBuilder &b, Value a, Value s) {
    return heed::lower::buildMaximum(b, loc, a, s);
  }

  Value toI32Splat(OpBuilder &b, Value index) {
    Value scalar = arith::IndexCastOp::create(b, loc, b.getI32Type(), index);
    return vector::BroadcastOp::create(b, loc, indexType, scalar);
  }

  /// The attended columns of query i, [lo, hi) as splats; lo null if 0.
  attn::KeyBounds columnBounds(OpBuilder &b, Value i) {
    attn::KeyBounds keys = attn::buildKeyBounds(
        b, loc, kernel.op, i, kernel.sizeQ, kernel.sizeK, task.kvLength);
    Value zero = buildIndex(b, loc, 0);
    auto inBlock = [&](Value key) -> Value { // clamped, so that i32 holds it
      Value column = arith::SubIOp::create(b, loc, key, block.first);
      column = arith::MaxSIOp::create(b, loc, column, zero);
      return arith::MinSIOp::create(b, loc, column, block.count);
    };
    attn::KeyBounds columns;
    columns.end =
        toI32Splat(b, keys.end ? inBlock(keys.end) : Value(block.count));
    if (keys.begin)
      columns.begin = toI32Splat(b, inBlock(keys.begin));
    return columns;
  }

  /// Vectors of the row, four at a time and then one at a time.
  Values forEachVector(
      OpBuilder &b, Values carried,
      function_ref<Value(OpBuilder &, Value column, Value carried)> body) {
    int64_t step = kernel.lanes * kUnroll;
    Value unrolled;
    if (std::optional<int64_t> known = getConstantIntValue(block.columns))
      unrolled = buildIndex(b, loc, *known - *known % step);
    else
      unrolled = arith::SubIOp::create(
          b, loc, block.columns,
          arith::RemUIOp::create(b, loc, block.columns,
                                 buildIndex(b, loc, step)));
    carried = buildFor(b, loc, buildIndex(b, loc, 0), unrolled, step, carried,
                       [&](OpBuilder &b, Value column, ValueRange values) {
                         Values next;
                         for (unsigned k = 0; k < kUnroll; ++k) {
                           Value at =
                               k == 0
                                   ? column
                                   : Value(arith::AddIOp::create(
                                         b, loc, column,
                                         buildIndex(b, loc, k * kernel.lanes)));
                           next.push_back(body(b, at, values[k]));
                         }
                         return next;
                       });
    Values last =
        buildFor(b, loc, unrolled, block.columns, kernel.lanes, carried[0],
                 [&](OpBuilder &b, Value column, ValueRange values) {
                   return Values{body(b, column, values[0])};
                 });
    carried[0] = last[0];
    return carried;
  }

  /// m' of a row; o and l scaled by 2^(c·(m − m')).
  void buildMaximum(OpBuilder &b, Value row, bool clamped) {
    attn::KeyBounds columns;
    Value lanesIota;
    if (clamped) {
      columns = columnBounds(b, placeOfRow(b, kernel, task, row).i);
      lanesIota = vector::StepOp::create(b, loc, type.clone(b.getIndexType()));
      lanesIota = arith::IndexCastOp::create(b, loc, indexType, lanesIota);
    }
    Values maxima = forEachVector(
        b, Values(kUnroll, minusInfinity(b, type)),
        [&](OpBuilder &b, Value column, Value carried) {
          Value s = vector::LoadOp::create(b, loc, type, task.s,
                                           ValueRange{row, column});
          if (clamped) {
            Value at =
                arith::AddIOp::create(b, loc, lanesIota, toI32Splat(b, column));
            Value holds = arith::CmpIOp::create(
                b, loc, arith::CmpIPredicate::slt, at, columns.end);
            if (columns.begin)
              holds = arith::AndIOp::create(
                  b, loc, holds,
                  arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, at,
                                        columns.begin));
            s = arith::SelectOp::create(b, loc, holds, s,
                                        minusInfinity(b, type));
            vector::StoreOp::create(b, loc, s, task.s, ValueRange{row, column});
          }
          return maximum(b, carried, s);
        });
    Value max = maximum(b, maximum(b, maxima[0], maxima[1]),
                        maximum(b, maxima[2], maxima[3]));
    max = buildMaximumOfLanes(b, loc, max);
    if (kernel.isSingleBlock()) {
      memref::StoreOp::create(b, loc, max, task.m, row);
      return;
    }
    Value oldMax = memref::LoadOp::create(b, loc, task.m, row);
    max = maximum(b, oldMax, max);
    memref::StoreOp::create(b, loc, max, task.m, row);
    rescale(b, row, buildRescaling(b, kernel, oldMax, max));
  }

  /// p of a row, and l.
  void buildExponentials(OpBuilder &b, Value row) {
    Value max = memref::LoadOp::create(b, loc, task.m, row);
    Value shift = vector::BroadcastOp::create(
        b, loc, type, scaleMaximum(b, kernel, finiteMaximum(b, loc, max)));
    Value negated = arith::NegFOp::create(b, loc, shift);
    Value factors = buildFloat(b, loc, type, kernel.softmaxFactor());
    Values sums = forEachVector(
        b, Values(kUnroll, buildFloat(b, loc, type, 0.0)),
        [&](OpBuilder &b, Value column, Value carried) -> Value {
          Value s = vector::LoadOp::create(b, loc, type, task.s,
                                           ValueRange{row, column});
          Value t;
          if (kernel.scalesInStage)
            t = arith::MulFOp::create(
                b, loc, arith::SubFOp::create(b, loc, s, shift), factors);
          else
            t = buildMulAdd(b, loc, s, factors, negated, kernel.target.fma);
          Value p =
              buildExp2(b, loc, t, kernel.target.fma,
                        kernel.usesPairs ? ExpGrade::bf16 : ExpGrade::f32);
          storeFloats(b, kernel, p, task.p, {row, column});
          return arith::AddFOp::create(b, loc, carried, p);
        });
    Value sum = arith::AddFOp::create(
        b, loc, arith::AddFOp::create(b, loc, sums[0], sums[1]),
        arith::AddFOp::create(b, loc, sums[2], sums[3]));
    if (kernel.finishesInTile()) {
      Value inverse = buildInverse(b, kernel, buildLaneSum(b, loc, sum));
      memref::StoreOp::create(b, loc, inverse, task.inverse, row);
      return;
    }
    Values place{row, buildIndex(b, loc, 0)};
    if (!kernel.isSingleBlock())
      sum = arith::AddFOp::create(
          b, loc, vector::LoadOp::create(b, loc, type, task.l, place), sum);
    vector::StoreOp::create(b, loc, sum, task.l, place);
  }

  /// o and l times the factor.
  void rescale(OpBuilder &b, Value row, Value factor) {
    Value splat = vector::BroadcastOp::create(b, loc, type, factor);
    auto scale = [&](Value buffer, int64_t column) {
      Values place{row, buildIndex(b, loc, column)};
      Value old = vector::LoadOp::create(b, loc, type, buffer, place);
      vector::StoreOp::create(b, loc, arith::MulFOp::create(b, loc, old, splat),
                              buffer, place);
    };
    for (int64_t v = 0; v < kernel.valueVectors(); ++v)
      scale(task.o, v * kernel.lanes);
    scale(task.l, 0);
  }

  /// All maxima first: a row's exponentials wait for its maximum, which is a
  /// chain of shuffles, and the maxima of other rows do not.
  void buildRows(OpBuilder &b, bool clamped) {
    auto forEachRow = [&](function_ref<void(OpBuilder &, Value)> body) {
      buildFor(b, loc, buildIndex(b, loc, 0), task.rows, 1, {},
               [&](OpBuilder &b, Value row, ValueRange) -> Values {
                 body(b, row);
                 return {};
               });
    };
    forEachRow([&](OpBuilder &b, Value row) { buildMaximum(b, row, clamped); });
    forEachRow([&](OpBuilder &b, Value row) { buildExponentials(b, row); });
  }

  /// −inf in the columns that pad the block to whole vectors.
  void buildTail(OpBuilder &b) {
    std::optional<int64_t> count = getConstantIntValue(block.count);
    if (count && *count % kernel.lanes == 0)
      return;
    auto maskRows = [&](OpBuilder &b) {
      Value column = arith::SubIOp::create(b, loc, block.columns,
                                           buildIndex(b, loc, kernel.lanes));
      Value left = arith::SubIOp::create(b, loc, block.count, column);
      Value mask =
          vector::CreateMaskOp::create(b, loc, type.clone(b.getI1Type()), left);
      buildFor(
          b, loc, buildIndex(b, loc, 0), task.rows, 1, {},
          [&](OpBuilder &b, Value row, ValueRange) -> Values {
            Value s = vector::LoadOp::create(b, loc, type, task.s,
                                             ValueRange{row, column});
            s = arith::SelectOp::create(b, loc, mask, s,
                                        minusInfinity(b, type));
            vector::StoreOp::create(b, loc, s, task.s, ValueRange{row, column});
            return {};
          });
    };
    if (count)
      return maskRows(b);
    Value partial = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                          block.count, block.columns);
    scf::IfOp::create(b, loc, partial, [&](OpBuilder &b, Location loc) {
      maskRows(b);
      scf::YieldOp::create(b, loc);
    });
  }

  /// Every query attends every key of the block: by the last query's begin
  /// and the first query's end. Null: known to hold.
  Value isOpen(OpBuilder &b) {
    Value open;
    auto require = [&](arith::CmpIPredicate predicate, Value x, Value y) {
      Value holds = arith::CmpIOp::create(b, loc, predicate, x, y);
      open = open ? Value(arith::AndIOp::create(b, loc, open, holds)) : holds;
    };
    if (!kernel.hasKeyBounds())
      return open;
    auto bounds = [&](Value i) {
      return attn::buildKeyBounds(b, loc, kernel.op, i, kernel.sizeQ,
                                  kernel.sizeK, task.kvLength);
    };
    Value last = arith::SubIOp::create(
        b, loc, arith::AddIOp::create(b, loc, task.first, task.queries),
        buildIndex(b, loc, 1));
    if (Value begin = bounds(last).begin)
      require(arith::CmpIPredicate::sle, begin, block.first);
    if (Value end = bounds(task.first).end)
      require(arith::CmpIPredicate::sge, end,
              arith::AddIOp::create(b, loc, block.first, block.count));
    return open;
  }
};
} // namespace

Value finiteMaximum(OpBuilder &b, Location loc, Value max) {
  Value least = buildFloat(b, loc, max.getType(),
                           -std::numeric_limits<double>::infinity());
  Value none =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, max, least);
  Value zero = buildFloat(b, loc, max.getType(), 0.0);
  return arith::SelectOp::create(b, loc, none, zero, max);
}

Value scaleMaximum(OpBuilder &b, SdpaKernel &kernel, Value m) {
  if (kernel.scalesInStage)
    return m;
  return arith::MulFOp::create(
      b, kernel.loc, m,
      buildFloat(b, kernel.loc, m.getType(), kernel.softmaxFactor()));
}

Value buildRescaling(OpBuilder &b, SdpaKernel &kernel, Value m, Value max) {
  Location loc = kernel.loc;
  Value t = arith::SubFOp::create(
      b, loc, scaleMaximum(b, kernel, m),
      scaleMaximum(b, kernel, finiteMaximum(b, loc, max)));
  if (kernel.scalesInStage)
    t = arith::MulFOp::create(
        b, loc, t, buildFloat(b, loc, t.getType(), kernel.softmaxFactor()));
  return buildExp2(b, loc, t, kernel.target.fma);
}

void buildOnlineSoftmax(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                        SdpaKeyBlock &block) {
  OnlineSoftmax softmax(b, kernel, task, block);
  softmax.buildTail(b);
  Value open = softmax.isOpen(b);
  if (!open)
    return softmax.buildRows(b, /*clamped=*/false);
  scf::IfOp::create(
      b, kernel.loc, open,
      [&](OpBuilder &b, Location loc) {
        softmax.buildRows(b, /*clamped=*/false);
        scf::YieldOp::create(b, loc);
      },
      [&](OpBuilder &b, Location loc) {
        softmax.buildRows(b, /*clamped=*/true);
        scf::YieldOp::create(b, loc);
      });
}

} // namespace heed::lower
