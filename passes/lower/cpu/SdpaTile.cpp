// SdpaTile.cpp - the two matrix products of attention as register tiles.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is `rows` × `vectors` accumulators, carried by a loop over k:
//   c[r][v] += a[r][k] · b[k][v]
// 6 × 4 vectors on AVX-512 (24 of 32 registers), 6 × 2 on AVX2 (12 of 16), 12
// rows where there are half as many vectors. Rows that are left are done six and
// then four at a time: 2 mod 6 = 4 + 4 instead of the last 6.
#include "passes/lower/cpu/ExpPolynomial.h"
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <functional>

using namespace mlir;

namespace heed::lower {

namespace {
/// The operands of one register tile; r and v are constants of the builder.
struct Tile {
  unsigned rows, vectors;
  Value depth;                                              // steps of k
  std::function<Value(OpBuilder &, unsigned r, Value k)> a; // scalar
  std::function<Value(OpBuilder &, Value k, unsigned v)> b; // vector
};
} // namespace

static Value buildOffset(OpBuilder &b, Location loc, Value base,
                         int64_t offset) {
  if (offset == 0)
    return base;
  return arith::AddIOp::create(b, loc, base, buildIndex(b, loc, offset));
}

/// The accumulators fill the registers: unrolled by LLVM, the loop would spill.
static void disableUnrolling(OpBuilder &b, Value result) {
  auto loop = result.getDefiningOp<scf::ForOp>();
  if (!loop) // no trip: none was built
    return;
  auto unroll = LLVM::LoopUnrollAttr::get(b.getContext(), b.getBoolAttr(true),
                                          {}, {}, {}, {}, {}, {});
  loop->setAttr("loop_annotation", LLVM::LoopAnnotationAttr::get(
                                       b.getContext(), {}, {}, {}, unroll, {},
                                       {}, {}, {}, {}, {}, {}, {}, {}, {}, {}));
}

/// c + a·b over all of k.
static Values buildTile(OpBuilder &builder, SdpaKernel &kernel,
                        const Tile &tile, ValueRange c) {
  Location loc = kernel.loc;
  Values sums =
      buildFor(builder, loc, buildIndex(builder, loc, 0), tile.depth, 1, c,
               [&](OpBuilder &b, Value k, ValueRange carried) {
                 Values sums = llvm::to_vector(carried), columns;
                 for (unsigned v = 0; v < tile.vectors; ++v)
                   columns.push_back(tile.b(b, k, v));
                 for (unsigned r = 0; r < tile.rows; ++r) {
                   Value a = tile.a(b, r, k);
                   for (unsigned v = 0; v < tile.vectors; ++v) {
                     Value &sum = sums[r * tile.vectors + v];
                     sum = buildProductStep(b, kernel, a, columns[v], sum);
                   }
                 }
                 return sums;
               });
  disableUnrolling(builder, sums.front());
  return sums;
}

/// `body(first row, rows of the tile)` over all padded rows: twelves if there
/// are registers for them with `vectors` vectors a row, sixes, then fours.
static void
buildRowTiles(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
              unsigned vectors,
              function_ref<void(OpBuilder &, Value, unsigned)> body) {
  Location loc = kernel.loc;
  Value zero = buildIndex(b, loc, 0), all = task.paddedRows;
  if (kernel.fewQueries) {
    for (int64_t row = 0; row < kernel.queryBlock; row += 6)
      body(b, buildIndex(b, loc, row),
           std::min<int64_t>(6, kernel.queryBlock - row));
    return;
  }
  Value endOfSixes;
  if (std::optional<int64_t> known = getConstantIntValue(all)) {
    int64_t rest = *known % 6;
    endOfSixes = buildIndex(b, loc, *known - (rest == 2 ? 8 : rest));
  } else {
    // all mod 6 is 0, 2 or 4.
    Value rest = arith::RemUIOp::create(b, loc, all, buildIndex(b, loc, 6));
    Value isTwo = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest,
                                        buildIndex(b, loc, 2));
    Value inFours =
        arith::SelectOp::create(b, loc, isTwo, buildIndex(b, loc, 8), rest);
    endOfSixes = arith::SubIOp::create(b, loc, all, inFours);
  }
  auto tiles = [&](Value begin, Value end, int64_t rows) {
    buildFor(b, loc, begin, end, rows, {},
             [&](OpBuilder &b, Value row, ValueRange) -> Values {
               body(b, row, rows);
               return {};
             });
  };
  Value endOfTwelves = zero;
  if (2 * vectors <= kernel.panelVectors) {
    endOfTwelves = roundDown(b, loc, endOfSixes, 12);
    tiles(zero, endOfTwelves, 12);
  }
  tiles(endOfTwelves, endOfSixes, 6);
  tiles(endOfSixes, all, 4);
}

/// `vectors` columns of scores from `column` (in floats) of the block.
static void buildScoreColumns(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                              SdpaKeyBlock &block, Value column,
                              unsigned vectors) {
  Location loc = kernel.loc;
  Value panelSize = buildIndex(b, loc, kernel.panel());
  Value key = arith::AddIOp::create(b, loc, block.first, column);
  Value panel = arith::DivUIOp::create(b, loc, key, panelSize);
  Value inPanel = arith::RemUIOp::create(b, loc, key, panelSize);
  Values inner;
  for (unsigned v = 0; v < vectors; ++v)
    inner.push_back(buildOffset(b, loc, inPanel, v * kernel.lanes));
  buildRowTiles(
      b, kernel, task, vectors, [&](OpBuilder &b, Value row, unsigned rows) {
        // Rows that pad the tile repeat the last query.
        Value last =
            arith::SubIOp::create(b, loc, kernel.sizeQ, buildIndex(b, loc, 1));
        Values q, queries;
        for (unsigned r = 0; r < rows; ++r) {
          q.push_back(buildOffset(b, loc, row, r));
          Value i = arith::AddIOp::create(b, loc, task.first, q[r]);
          queries.push_back(arith::MinSIOp::create(b, loc, i, last));
        }
        Tile tile{rows, vectors,
                  countSteps(b, kernel, buildIndex(b, loc, kernel.headDim)),
                  [&](OpBuilder &b, unsigned r, Value k) -> Value {
                    return loadQueryStep(b, kernel, task, queries[r], k);
                  },
                  [&](OpBuilder &b, Value k, unsigned v) -> Value {
                    return vector::LoadOp::create(
                        b, loc,
                        kernel.vectorType(b).clone(kernel.packedType(b)),
                        kernel.packedK,
                        ValueRange{task.keyHead[0], task.keyHead[1], panel, k,
                                   inner[v]});
                  }};
        Value zero = attn::buildFloat(b, loc, kernel.vectorType(b), 0.0);
        Values sums = buildTile(b, kernel, tile, Values(rows * vectors, zero));
        for (unsigned r = 0; r < rows; ++r)
          for (unsigned v = 0; v < vectors; ++v)
            vector::StoreOp::create(
                b, loc, sums[r * vectors + v], task.s,
                ValueRange{q[r],
                           buildOffset(b, loc, column, v * kernel.lanes)});
      });
}

void buildScoreTiles(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                     SdpaKeyBlock &block) {
  if (kernel.fewQueries)
    return buildFewQueryScores(b, kernel, task, block);
  // Whole panels, of which the last may be a vector short (its columns beyond
  // the block are masked), then what is left vector by vector: half a panel at
  // most.
  Location loc = kernel.loc;
  int64_t panel = kernel.panel(), half = panel / 2;
  Value whole;
  if (std::optional<int64_t> known = getConstantIntValue(block.columns)) {
    int64_t rest = *known % panel;
    whole = buildIndex(b, loc, *known - rest + (rest > half ? panel : 0));
  } else {
    Value shifted = arith::AddIOp::create(
        b, loc, block.columns, buildIndex(b, loc, half - kernel.lanes));
    if (kernel.panelVectors ==
        2) // one vector is half a panel: never rounded up
      shifted = block.columns;
    whole = arith::SubIOp::create(
        b, loc, shifted,
        arith::RemUIOp::create(b, loc, shifted, buildIndex(b, loc, panel)));
  }
  buildFor(b, loc, buildIndex(b, loc, 0), whole, panel, {},
           [&](OpBuilder &b, Value column, ValueRange) -> Values {
             buildScoreColumns(b, kernel, task, block, column,
                               kernel.panelVectors);
             return {};
           });
  buildFor(b, loc, whole, block.columns, kernel.lanes, {},
           [&](OpBuilder &b, Value column, ValueRange) -> Values {
             buildScoreColumns(b, kernel, task, block, column, 1);
             return {};
           });
}

Value loadValues(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task, Value step,
                 unsigned column) {
  Location loc = kernel.loc;
  Value e = buildIndex(b, loc, column * kernel.lanes);
  if (kernel.packedV)
    return vector::LoadOp::create(
        b, loc, kernel.vectorType(b).clone(kernel.packedType(b)),
        kernel.packedV,
        ValueRange{task.valueHead[0], task.valueHead[1], step, e});
  Point point;
  point.fill(e);
  point[attn::SdpaOp::B] = task.b;
  point[attn::SdpaOp::H] = task.h;
  point[attn::SdpaOp::J] = step;
  attn::SdpaOp op = kernel.op;
  buildPrefetch(b, kernel, op.getV(), op.getVMap(), point);
  return loadFloats(b, kernel, op.getV(),
                    mapIndices(b, loc, op.getVMap(), point));
}

namespace {
/// Keys [from, from + count) of a block, in `vectors` columns of values from
/// vector `firstVector` on.
struct ValuePiece {
  Value from, count;
  unsigned firstVector, vectors;
  bool startsAtZero; // o is not read: these are the first keys
  bool finishes;     // o / l goes to the output: these are the last keys
};
} // namespace

/// Row `row` of the task, divided by l, to the output; not rows that pad it.
static void storeOutputRow(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                           const ValuePiece &piece, Value row,
                           ValueRange sums) {
  Location loc = kernel.loc;
  auto store = [&](OpBuilder &b) {
    Value inverse = vector::BroadcastOp::create(
        b, loc, kernel.vectorType(b),
        memref::LoadOp::create(b, loc, task.inverse, row));
    for (auto [v, sum] : llvm::enumerate(sums)) {
      Value e = buildIndex(b, loc, (piece.firstVector + v) * kernel.lanes);
      storeFloats(b, kernel, arith::MulFOp::create(b, loc, sum, inverse),
                  kernel.op.getInit(), outputIndices(b, kernel, task, row, e));
    }
  };
  if (task.rows == task.paddedRows)
    return store(b);
  Value isRow =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, row, task.rows);
  scf::IfOp::create(b, loc, isRow, [&](OpBuilder &b, Location loc) {
    store(b);
    scf::YieldOp::create(b, loc);
  });
}

/// o += p·V over a piece of the block.
static void buildValuePiece(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                            SdpaKeyBlock &block, const ValuePiece &piece) {
  Location loc = kernel.loc;
  unsigned vectors = piece.vectors;
  // Pieces begin at an even key: whole steps.
  Value step = buildIndex(b, loc, kernel.step());
  auto toSteps = [&](Value key) {
    return b.createOrFold<arith::DivUIOp>(loc, key, step);
  };
  Value firstStep = toSteps(piece.from);
  Value keyStep =
      toSteps(arith::AddIOp::create(b, loc, block.first, piece.from));
  buildRowTiles(
      b, kernel, task, vectors, [&](OpBuilder &b, Value row, unsigned rows) {
        Values r;
        for (unsigned k = 0; k < rows; ++k)
          r.push_back(buildOffset(b, loc, row, k));
        Tile tile{rows, vectors, countSteps(b, kernel, piece.count),
                  [&](OpBuilder &b, unsigned at, Value k) -> Value {
                    return loadProbabilityStep(
                        b, kernel, task, r[at],
                        arith::AddIOp::create(b, loc, firstStep, k));
                  },
                  [&](OpBuilder &b, Value k, unsigned v) -> Value {
                    return loadValues(b, kernel, task,
                                      arith::AddIOp::create(b, loc, keyStep, k),
                                      piece.firstVector + v);
                  }};
        auto place = [&](unsigned k) {
          unsigned column = (piece.firstVector + k % vectors) * kernel.lanes;
          return Values{r[k / vectors], buildIndex(b, loc, column)};
        };
        Values sums;
        for (unsigned k = 0; k < rows * vectors; ++k)
          sums.push_back(
              piece.startsAtZero
                  ? attn::buildFloat(b, loc, kernel.vectorType(b), 0.0)
                  : vector::LoadOp::create(b, loc, kernel.vectorType(b), task.o,
                                           place(k)));
        sums = buildTile(b, kernel, tile, sums);
        if (piece.finishes)
          for (unsigned k = 0; k < rows; ++k)
            storeOutputRow(b, kernel, task, piece, r[k],
                           ValueRange(sums).slice(k * vectors, vectors));
        else
          for (unsigned k = 0; k < rows * vectors; ++k)
            vector::StoreOp::create(b, loc, sums[k], task.o, place(k));
      });
}

/// Keys whose values, in the columns of one tile, fill most of the L1: all rows
/// of the task then find them there.
static int64_t chooseValueChunk(const SdpaKernel &kernel, unsigned vectors) {
  int64_t bytes = int64_t(vectors) * kernel.target.vectorBytes / kernel.step();
  int64_t keys = llvm::bit_floor<uint64_t>(
      std::max<int64_t>(1, 3 * kernel.target.l1Bytes / 4 / bytes));
  return std::max<int64_t>(keys, 64);
}

void buildValueTiles(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                     SdpaKeyBlock &block) {
  // Vectors of e in equal groups of at most the width of a tile: 5 = 3 + 2.
  Location loc = kernel.loc;
  Value zero = buildIndex(b, loc, 0);
  unsigned all = kernel.valueVectors(), most = kernel.panelVectors;
  // Few rows leave registers for whole rows of V, read in order.
  if (kernel.fewQueries)
    most = std::max<unsigned>(
        most, 6 * most / std::min<int64_t>(6, kernel.queryBlock));
  unsigned groups = (all + most - 1) / most;
  std::optional<int64_t> known = getConstantIntValue(block.count);
  for (unsigned group = 0, first = 0; group < groups; ++group) {
    unsigned vectors = (all - first + groups - group - 1) / (groups - group);
    int64_t chunk = chooseValueChunk(kernel, vectors);
    bool whole = kernel.finishesInTile(); // then the block's size is known
    auto build = [&](OpBuilder &b, Value from, Value count, bool starts,
                     bool finishes) {
      buildValuePiece(b, kernel, task, block,
                      {from, count, first, vectors, starts, finishes});
    };
    auto chunks = [&](Value begin, Value end) {
      buildFor(b, loc, begin, end, chunk, {},
               [&](OpBuilder &b, Value from, ValueRange) -> Values {
                 Value count = buildIndex(b, loc, chunk);
                 if (!known || *known % chunk != 0)
                   count = arith::MinSIOp::create(
                       b, loc, arith::SubIOp::create(b, loc, end, from), count);
                 build(b, from, count, false, false);
                 return {};
               });
    };
    if (kernel.fewQueries || chunk >= kernel.keyBlock ||
        (known && *known <= chunk)) {
      build(b, zero, block.count, whole, whole);
    } else if (whole) {
      int64_t last = llvm::alignDown(*known - 1, chunk);
      build(b, zero, buildIndex(b, loc, chunk), true, false);
      chunks(buildIndex(b, loc, chunk), buildIndex(b, loc, last));
      build(b, buildIndex(b, loc, last), buildIndex(b, loc, *known - last),
            false, true);
    } else {
      chunks(zero, block.count);
    }
    first += vectors;
  }
}

} // namespace heed::lower
