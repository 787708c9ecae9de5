// RecurrentKernel.cpp - attn.recurrent on memrefs: the loop over time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   parallel over directions and rows of the batch:
//     for s < T:
//       for stages:
//         for blocks of hidden units, for tiles of rows:
//           q = h·Rᵀ               in registers: all gates of the same units
//         for rows, for units:
//           h', c' = cell(a[t] + q)
//
// Rows of a batch know nothing of each other, so no thread waits for another.
// The weights of a block are read once for all rows of a task; of states there
// are two, one that a step reads and one that it writes. q passes through
// memory, some kilobytes, so that a cell, by far the longest part, is compiled
// once and not for each shape of a tile.
#include "passes/lower/recurrent/RecurrentKernel.h"
#include "passes/lower/cpu/CostedLoops.h"
#include "passes/lower/cpu/ExpPolynomial.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/recurrent/RecurrentCost.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using heed::attn::buildFloat;
using heed::attn::RecurrentKind;
using heed::attn::RecurrentOp;

namespace heed::lower {

std::string whyNotLowerable(RecurrentOp op) {
  if (Type element = getElementTypeOrSelf(op.getX()); !element.isF32())
    return llvm::formatv("expected f32 elements, got {0}", element).str();
  if (op.getDirections() == 2 &&
      op.getActivationsOf(0) != op.getActivationsOf(1))
    return "expected the same activations in both directions";
  return "";
}

/// 1 / (1 + 2^(−x·log2 e)); beyond 2^126 the quotient is 0 in any case.
static Value buildSigmoid(OpBuilder &b, Location loc, Value x, bool hasFma) {
  Type type = x.getType();
  Value t = arith::MulFOp::create(b, loc, x,
                                  buildFloat(b, loc, type, -1.44269504088896));
  Value most = buildFloat(b, loc, type, 126.0);
  Value above =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, t, most);
  t = arith::SelectOp::create(b, loc, above, most, t);
  Value one = buildFloat(b, loc, type, 1.0);
  Value sum = arith::AddFOp::create(b, loc, buildExp2(b, loc, t, hasFma), one);
  return arith::DivFOp::create(b, loc, one, sum);
}

RecurrentKernel::RecurrentKernel(OpBuilder &b, RecurrentOp op,
                                 const TargetDescriptor &target, Value context)
    : op(op), loc(op.getLoc()), target(target), context(context),
      packing(op, target), cell(op, 0), hidden(op.getHidden()),
      lanes(packing.lanes), type(VectorType::get({lanes}, b.getF32Type())) {
  bool hasFma = target.fma;
  cell.sigmoid = [hasFma](OpBuilder &b, Location loc, Value x) {
    return buildSigmoid(b, loc, x, hasFma);
  };
  steps = b.createOrFold<memref::DimOp>(loc, op.getX(), 0);
  batch = b.createOrFold<memref::DimOp>(loc, op.getH(), 1);
}

Value RecurrentKernel::load(OpBuilder &b, Value buffer, ValueRange at,
                            Value mask) {
  return buildLoad(b, loc, type, buffer, at, mask);
}

Value RecurrentKernel::plus(OpBuilder &b, Value x, int64_t offset) {
  return offset == 0 ? x
                     : b.createOrFold<arith::AddIOp>(
                           loc, x, buildIndex(b, loc, offset));
}

/// Blocks side by side, so that there are sums enough for the latency of a
/// multiply-add.
unsigned RecurrentKernel::vectorsFor(unsigned rows,
                                     const RecurrentStage &stage) const {
  unsigned most = packing.sums / (rows * stage.gates.size());
  return std::clamp<unsigned>(llvm::bit_floor(most), 1, 8);
}

void RecurrentKernel::build(OpBuilder &b) {
  packed = buildPackedWeights(b, op, packing);
  int64_t directions = packing.directions;
  auto hType = cast<MemRefType>(op.getH().getType());
  int64_t rows = hType.getDimSize(1);
  padded = packing.blocks() * lanes;
  auto alloc = [&](SmallVector<int64_t> shape) -> Value {
    Values dynamic;
    if (ShapedType::isDynamic(rows))
      dynamic.push_back(batch);
    return memref::AllocOp::create(
        b, loc, MemRefType::get(shape, b.getF32Type()), dynamic);
  };
  states = alloc({2, directions, rows, hidden});
  products = alloc({directions, rows, op.getGates() * padded});
  if (packing.stages.size() == 2)
    kept = alloc({directions, rows, hidden});

  // Rows of a task: equal parts for the threads of a direction. Whole tiles
  // would be read better, but 8 rows are then 6 and 2.
  Value rowsOfTask = batch, tasks = buildIndex(b, loc, 1);
  if (context && rows != 1) {
    Value threads = arith::IndexCastOp::create(
        b, loc, b.getIndexType(),
        callRuntime(b, loc, "heed_num_threads", b.getI64Type(), context));
    Value share = arith::MaxUIOp::create(
        b, loc,
        arith::DivUIOp::create(b, loc, threads, buildIndex(b, loc, directions)),
        buildIndex(b, loc, 1));
    Value one = buildIndex(b, loc, 1);
    Value some = arith::MaxUIOp::create(b, loc, batch, one);
    rowsOfTask = arith::CeilDivUIOp::create(b, loc, some, share);
    tasks = arith::CeilDivUIOp::create(b, loc, some, rowsOfTask);
  }
  auto body = [&](OpBuilder &b, Value d, Value block) {
    Task task;
    task.d = d;
    task.first = arith::MulIOp::create(b, loc, block, rowsOfTask);
    task.end = arith::MinUIOp::create(
        b, loc, arith::AddIOp::create(b, loc, task.first, rowsOfTask), batch);
    buildTask(b, task);
  };
  // A loop over one is none: it would be folded, and its cost forgotten.
  Value zero = buildIndex(b, loc, 0), one = buildIndex(b, loc, 1);
  bool hasTasks = getConstantIntValue(tasks) != 1;
  Values ends;
  if (directions > 1)
    ends.push_back(buildIndex(b, loc, directions));
  if (hasTasks)
    ends.push_back(tasks);
  if (ends.empty())
    return body(b, zero, zero);
  Values begins(ends.size(), zero), strides(ends.size(), one);
  auto loop =
      scf::ParallelOp::create(b, loc, begins, ends, strides,
                              [&](OpBuilder &b, Location, ValueRange ids) {
                                body(b, directions > 1 ? ids.front() : zero,
                                     hasTasks ? ids.back() : zero);
                              });
  loop->setAttr(kCostAttr, b.getIndexAttr(costOfRecurrentTask(op)));
}

/// h to the first of the states, or the last of them to h.
void RecurrentKernel::copyState(OpBuilder &b, const Task &task, bool out,
                                Value half) {
  buildFor(b, loc, task.first, task.end, 1, {},
           [&](OpBuilder &b, Value row, ValueRange) -> Values {
             buildVectorLoop(
                 b, loc, buildIndex(b, loc, hidden), lanes, 1, {},
                 [&](OpBuilder &b, Value at, Value mask, unsigned,
                     ValueRange) -> Values {
                   Values inH = {task.d, row, at},
                          inStates = {half, task.d, row, at};
                   if (out)
                     buildStore(b, loc, load(b, states, inStates, mask),
                                op.getH(), inH, mask);
                   else
                     buildStore(b, loc, load(b, op.getH(), inH, mask), states,
                                inStates, mask);
                   return {};
                 });
             return {};
           });
}

void RecurrentKernel::buildTask(OpBuilder &b, Task &task) {
  Value zero = buildIndex(b, loc, 0), one = buildIndex(b, loc, 1);
  copyState(b, task, false, zero);
  buildFor(b, loc, zero, steps, 1, {},
           [&](OpBuilder &b, Value s, ValueRange) -> Values {
             task.t = s;
             if (op.getDirection() != attn::Direction::forward) {
               Value last = arith::SubIOp::create(b, loc, steps, one);
               task.t = arith::SubIOp::create(b, loc, last, s);
             }
             if (op.getDirection() == attn::Direction::bidirectional) {
               Value isReverse = arith::CmpIOp::create(
                   b, loc, arith::CmpIPredicate::eq, task.d, one);
               task.t = arith::SelectOp::create(b, loc, isReverse, task.t, s);
             }
             task.current = arith::AndIOp::create(b, loc, s, one);
             task.next = arith::SubIOp::create(b, loc, one, task.current);
             for (const RecurrentStage &stage : packing.stages)
               buildStage(b, task, stage);
             return {};
           });
  copyState(b, task, true, arith::AndIOp::create(b, loc, steps, one));
}

/// One row, as in a stream, has its own tiles: more blocks side by side.
void RecurrentKernel::buildStage(OpBuilder &b, Task &task,
                                 const RecurrentStage &stage) {
  auto single = [&](OpBuilder &b) {
    buildProducts(b, task, stage, vectorsFor(1, stage), true);
  };
  auto many = [&](OpBuilder &b) {
    buildProducts(b, task, stage, vectorsFor(stage.rows, stage), false);
  };
  if (std::optional<int64_t> rows = getConstantIntValue(batch)) {
    *rows == 1 ? single(b) : many(b);
  } else {
    Value count = arith::SubIOp::create(b, loc, task.end, task.first);
    Value isOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, count,
                                        buildIndex(b, loc, 1));
    scf::IfOp::create(
        b, loc, isOne,
        [&](OpBuilder &b, Location loc) {
          single(b);
          scf::YieldOp::create(b, loc);
        },
        [&](OpBuilder &b, Location loc) {
          many(b);
          scf::YieldOp::create(b, loc);
        });
  }
  buildFor(b, loc, task.first, task.end, 1, {},
           [&](OpBuilder &b, Value row, ValueRange) -> Values {
             buildVectorLoop(b, loc, buildIndex(b, loc, hidden), lanes, 1, {},
                             [&](OpBuilder &b, Value unit, Value mask, unsigned,
                                 ValueRange) -> Values {
                               buildCell(b, task, stage, {row, unit, mask, {}});
                               return {};
                             });
             return {};
           });
}

/// All blocks, `vectors` at a time, and in each all rows of the task.
void RecurrentKernel::buildProducts(OpBuilder &b, Task &task,
                                    const RecurrentStage &stage,
                                    unsigned vectors, bool single) {
  auto rowsOf = [&](OpBuilder &b, Value block, unsigned count) {
    if (single)
      return buildTile(b, task, {&stage, task.first, block, 1, count, {}});
    Value begin = task.first;
    for (unsigned rows : {stage.rows, 2u, 1u}) {
      Value left = arith::SubIOp::create(b, loc, task.end, begin);
      Value end =
          arith::AddIOp::create(b, loc, begin, roundDown(b, loc, left, rows));
      buildFor(b, loc, begin, end, rows, {},
               [&](OpBuilder &b, Value row, ValueRange) -> Values {
                 buildTile(b, task, {&stage, row, block, rows, count, {}});
                 return {};
               });
      begin = end;
    }
  };
  int64_t all = packing.blocks(), grouped = all - all % vectors;
  auto blocks = [&](int64_t from, int64_t to, unsigned count) {
    buildFor(b, loc, buildIndex(b, loc, from), buildIndex(b, loc, to), count,
             {}, [&](OpBuilder &b, Value block, ValueRange) -> Values {
               rowsOf(b, block, count);
               return {};
             });
  };
  blocks(0, grouped, vectors);
  blocks(grouped, all, 1);
}

/// h·Rᵀ, or (r ⊙ h)·Rᵀ, of one tile. Its last units may be none: their weights
/// are zeros.
void RecurrentKernel::buildTile(OpBuilder &b, Task &task, Tile tile) {
  const RecurrentStage &stage = *tile.stage;
  unsigned gates = stage.gates.size();
  int64_t width = gates * lanes;
  tile.sums.assign(gates * tile.vectors * tile.rows,
                   buildFloat(b, loc, type, 0));
  // Where the weights of each vector's block begin.
  Values blocks;
  Value direction = arith::MulIOp::create(
      b, loc, task.d, buildIndex(b, loc, packing.ofDirection()));
  for (unsigned vector = 0; vector < tile.vectors; ++vector) {
    Value first = arith::MulIOp::create(b, loc, plus(b, tile.block, vector),
                                        buildIndex(b, loc, hidden * width));
    blocks.push_back(
        plus(b, arith::AddIOp::create(b, loc, direction, first), stage.offset));
  }
  auto stateOf = [&](OpBuilder &b, unsigned gate, Value row, Value k) -> Value {
    Value scalar =
        kept && gate == attn::GateH
            ? memref::LoadOp::create(b, loc, kept, ValueRange{task.d, row, k})
            : memref::LoadOp::create(b, loc, states,
                                     ValueRange{task.current, task.d, row, k});
    return vector::BroadcastOp::create(b, loc, type, scalar);
  };
  tile.sums = buildFor(
      b, loc, buildIndex(b, loc, 0), buildIndex(b, loc, hidden), 1, tile.sums,
      [&](OpBuilder &b, Value k, ValueRange carried) {
        Values sums = llvm::to_vector(carried);
        Value step =
            arith::MulIOp::create(b, loc, k, buildIndex(b, loc, width));
        auto load = [&](unsigned at, unsigned vector) -> Value {
          Value place = arith::AddIOp::create(b, loc, blocks[vector], step);
          return vector::LoadOp::create(b, loc, type, packed,
                                        plus(b, place, at * lanes));
        };
        auto add = [&](unsigned at, unsigned vector, unsigned row, Value state,
                       Value weights) {
          Value &sum = sums[(at * tile.vectors + vector) * tile.rows + row];
          sum = buildMulAdd(b, loc, state, weights, sum, target.fma);
        };
        // Beside the sums registers hold the weights of a step or the states of
        // all rows, whichever is less.
        if (gates * tile.vectors < tile.rows) {
          Values weights;
          for (unsigned at = 0; at < gates; ++at)
            for (unsigned vector = 0; vector < tile.vectors; ++vector)
              weights.push_back(load(at, vector));
          for (unsigned row = 0; row < tile.rows; ++row) {
            Value at = plus(b, tile.row, row), shared;
            for (auto [number, gate] : llvm::enumerate(stage.gates)) {
              if (!shared || (kept && gate == attn::GateH))
                shared = stateOf(b, gate, at, k);
              for (unsigned vector = 0; vector < tile.vectors; ++vector)
                add(number, vector, row, shared,
                    weights[number * tile.vectors + vector]);
            }
          }
          return sums;
        }
        Values states; // the same for all gates, but for r ⊙ h
        for (auto [at, gate] : llvm::enumerate(stage.gates)) {
          if (states.empty() || (kept && gate == attn::GateH)) {
            states.clear();
            for (unsigned row = 0; row < tile.rows; ++row)
              states.push_back(stateOf(b, gate, plus(b, tile.row, row), k));
          }
          for (unsigned vector = 0; vector < tile.vectors; ++vector) {
            Value weights = load(at, vector);
            for (unsigned row = 0; row < tile.rows; ++row)
              add(at, vector, row, states[row], weights);
          }
        }
        return sums;
      });
  Value unit =
      b.createOrFold<arith::MulIOp>(loc, tile.block, buildIndex(b, loc, lanes));
  unsigned next = 0;
  for (unsigned gate : stage.gates)
    for (unsigned vector = 0; vector < tile.vectors; ++vector)
      for (unsigned row = 0; row < tile.rows; ++row, ++next)
        buildStore(b, loc, tile.sums[next], products,
                   {task.d, plus(b, tile.row, row),
                    plus(b, unit, gate * padded + vector * lanes)});
}

/// The new state of one vector of one row.
void RecurrentKernel::buildCell(OpBuilder &b, Task &task,
                                const RecurrentStage &stage, Lane lane) {
  Value unit = lane.unit;
  auto product = [&](unsigned gate) {
    return load(b, products, {task.d, lane.row, plus(b, unit, gate * padded)},
                Value());
  };
  Value ofDirection = arith::MulIOp::create(
      b, loc, task.d, buildIndex(b, loc, op.getGates() * hidden));
  auto input = [&](unsigned gate) {
    Value column = arith::AddIOp::create(b, loc, ofDirection,
                                         plus(b, unit, gate * hidden));
    return load(b, op.getX(), {task.t, lane.row, column}, lane.mask);
  };
  auto sum = [&](unsigned gate) -> Value {
    return arith::AddFOp::create(b, loc, input(gate), product(gate));
  };
  if (op.getKind() != RecurrentKind::lstm)
    lane.h = load(b, states, {task.current, task.d, lane.row, unit}, lane.mask);
  switch (op.getKind()) {
  case RecurrentKind::lstm: {
    Value peephole[3];
    if (op.getPeephole())
      for (int64_t i = 0; i < 3; ++i)
        peephole[i] = load(b, op.getPeephole(),
                           {task.d, plus(b, unit, i * hidden)}, lane.mask);
    Value old = load(b, op.getC(), {task.d, lane.row, unit}, lane.mask);
    Value c = cell.lstmState(b, loc, sum(attn::GateI), sum(attn::GateF),
                             sum(attn::GateC), old, peephole[0], peephole[2]);
    Value h = cell.lstmOutput(b, loc, sum(attn::GateO), c, peephole[1]);
    return finish(b, task, lane, h, old, c);
  }
  case RecurrentKind::gru: {
    if (stage.gates.size() == 1) // r ⊙ h
      return buildStore(b, loc, cell.gruReset(b, loc, sum(attn::GateR), lane.h),
                        kept, {task.d, lane.row, unit}, lane.mask);
    if (stage.gates.size() == 2)
      return finish(
          b, task, lane,
          cell.gruOutput(b, loc, sum(attn::GateZ), sum(attn::GateH), lane.h),
          {}, {});
    Value q = product(attn::GateH);
    if (op.getResetBias())
      q = arith::AddFOp::create(
          b, loc, q, load(b, op.getResetBias(), {task.d, unit}, lane.mask));
    Value reset = cell.gruReset(b, loc, sum(attn::GateR), q);
    Value n = arith::AddFOp::create(b, loc, input(attn::GateH), reset);
    return finish(b, task, lane,
                  cell.gruOutput(b, loc, sum(attn::GateZ), n, lane.h), {}, {});
  }
  case RecurrentKind::rnn:
    return finish(b, task, lane, cell.rnnOutput(b, loc, sum(0)), {}, {});
  }
}

/// Stores h, c and y; beyond a row's length its state stays and y is 0.
void RecurrentKernel::finish(OpBuilder &b, Task &task, const Lane &lane,
                             Value h, Value oldC, Value c) {
  Value y = h;
  if (op.getLengths()) {
    Value length = memref::LoadOp::create(b, loc, op.getLengths(), lane.row);
    Value now = arith::IndexCastOp::create(b, loc, length.getType(), task.t);
    Value runs =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, now, length);
    Value old =
        lane.h ? lane.h
               : load(b, states, {task.current, task.d, lane.row, lane.unit},
                      lane.mask);
    y = arith::SelectOp::create(b, loc, runs, h, buildFloat(b, loc, type, 0));
    h = arith::SelectOp::create(b, loc, runs, h, old);
    if (c)
      c = arith::SelectOp::create(b, loc, runs, c, oldC);
  }
  if (c)
    buildStore(b, loc, c, op.getC(), {task.d, lane.row, lane.unit}, lane.mask);
  buildStore(b, loc, h, states, {task.next, task.d, lane.row, lane.unit},
             lane.mask);
  if (op.getY())
    buildStore(b, loc, y, op.getY(), {task.t, task.d, lane.row, lane.unit},
               lane.mask);
}

} // namespace heed::lower
