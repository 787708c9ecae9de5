// SharedTile.cpp - filling tiles by asynchronous copies, reading fragments.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/SharedTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace heed::cuda {

static Value both(KernelBuilder &k, Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return k.b.createOrFold<arith::AndIOp>(k.loc, x, y);
}

/// One unit; zeros unless `exists` (null: it does).
static void copyUnit(KernelBuilder &k, Value to, Value from, int64_t bytes,
                     Value exists) {
  if (exists && isConstantIntValue(exists, 1))
    exists = Value();
  if (bytes < 4) { // too small for cp.async
    Type type = k.b.getIntegerType(8 * bytes);
    auto load = [&]() -> Value {
      return LLVM::LoadOp::create(k.b, k.loc, type, from);
    };
    Value zero = arith::ConstantIntOp::create(k.b, k.loc, type, 0);
    Value unit =
        exists ? k.ifElse(exists, zero, [&]() -> Values { return {load()}; })[0]
               : load();
    LLVM::StoreOp::create(k.b, k.loc, unit, to);
    return;
  }
  Value copied;
  if (exists)
    copied = k.select(exists, k.i32(bytes), k.i32(0));
  // Whole chunks pass by the first level of cache.
  auto cache = bytes == kChunkBytes ? NVVM::LoadCacheModifierKind::CG
                                    : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(k.b, k.loc, to, from, bytes, cache, copied);
}

/// Threads beside each other walk along rows.
static void copyRows(KernelBuilder &k, const Lane &lane, unsigned threads,
                     Value base, const SharedTile &tile,
                     const TileSource &source) {
  // As many threads beside each other on a row as divide its units evenly:
  // then each of a thread's units is a constant away from its first.
  int64_t unit = source.unitBytes;
  int64_t units = tile.rowBytes() / unit;
  int64_t sourceUnits = source.columns * tile.elementBytes / unit;
  int64_t across = std::min<int64_t>(units & -units, threads);
  int64_t rowsAtOnce = threads / across;
  Value row = k.div(lane.thread, across), column = k.rem(lane.thread, across);
  Value columnBytes = k.mul(column, k.i32(unit));
  Value to =
      k.advance(base, k.add(k.mul(row, k.i32(tile.pitch())), columnBytes));
  to = k.advance(to, tile.offset);
  Value from =
      k.advance(source.pointer, k.add(k.mul(k.widen(row), source.rowBytes),
                                      k.widen(columnBytes)));

  auto copyRow = [&](Value to, Value from, Value rowExists) {
    for (int64_t at = 0; at < units; at += across) {
      Value inside;
      if (at + across > sourceUnits)
        inside = k.lessThan(column, k.i32(sourceUnits - at));
      copyUnit(k, k.advance(to, at * unit), k.advance(from, at * unit), unit,
               both(k, rowExists, inside));
    }
  };
  for (int64_t first = 0; first < tile.rows; first += rowsAtOnce) {
    Value exists;
    if (source.rows)
      exists = k.lessThan(k.add(row, k.i32(first)), source.rows);
    Value rowTo = k.advance(to, first * tile.pitch());
    Value rowFrom = k.advance(from, k.mul(source.rowBytes, k.i64(first)));
    if (first + rowsAtOnce <= tile.rows)
      copyRow(rowTo, rowFrom, exists);
    else
      k.ifThen(k.lessThan(row, k.i32(tile.rows - first)),
               [&] { copyRow(rowTo, rowFrom, exists); });
  }
}

/// Threads beside each other walk along columns, whose elements the source has
/// beside each other.
static void copyColumns(KernelBuilder &k, const Lane &lane, unsigned threads,
                        Value base, const SharedTile &tile,
                        const TileSource &source) {
  int64_t across = std::min<int64_t>(tile.rows & -tile.rows, threads);
  int64_t columnsAtOnce = threads / across;
  Value row = k.rem(lane.thread, across), column = k.div(lane.thread, across);
  int64_t bytes = tile.elementBytes;
  Value to = k.advance(base, k.add(k.mul(row, k.i32(tile.pitch())),
                                   k.mul(column, k.i32(bytes))));
  to = k.advance(to, tile.offset);
  Value from = k.advance(source.pointer,
                         k.add(k.mul(k.widen(row), source.rowBytes),
                               k.mul(k.widen(column), source.columnBytes)));
  auto copyColumn = [&](int64_t first, int64_t at, Value rowExists) {
    Value inside;
    if (at + columnsAtOnce > source.columns)
      inside = k.lessThan(column, k.i32(source.columns - at));
    Value target = k.advance(to, first * tile.pitch() + at * bytes);
    Value offset = k.add(k.mul(source.rowBytes, k.i64(first)),
                         k.mul(source.columnBytes, k.i64(at)));
    copyUnit(k, target, k.advance(from, offset), bytes,
             both(k, rowExists, inside));
  };
  for (int64_t first = 0; first < tile.rows; first += across) {
    Value exists;
    if (source.rows)
      exists = k.lessThan(k.add(row, k.i32(first)), source.rows);
    for (int64_t at = 0; at < tile.columns; at += columnsAtOnce) {
      if (at + columnsAtOnce <= tile.columns)
        copyColumn(first, at, exists);
      else
        k.ifThen(k.lessThan(column, k.i32(tile.columns - at)),
                 [&] { copyColumn(first, at, exists); });
    }
  }
}

void copyTile(KernelBuilder &k, const Lane &lane, unsigned threads, Value base,
              const SharedTile &tile, const TileSource &source) {
  (source.columnBytes ? copyColumns : copyRows)(k, lane, threads, base, tile,
                                                source);
}

void commitCopies(KernelBuilder &k) {
  NVVM::CpAsyncCommitGroupOp::create(k.b, k.loc);
}

void awaitCopies(KernelBuilder &k) {
  NVVM::CpAsyncWaitGroupOp::create(k.b, k.loc, 0);
  NVVM::Barrier0Op::create(k.b, k.loc);
}

/// base + tile + row·pitch + chunk·16.
static Value addressOf(KernelBuilder &k, Value base, const SharedTile &tile,
                       Value row, Value chunk) {
  Value bytes =
      k.add(k.mul(row, k.i32(tile.pitch())), k.mul(chunk, k.i32(kChunkBytes)));
  return k.advance(k.advance(base, bytes), tile.offset);
}

// Matrices 0, 1, 2, 3 of A are (low rows, low columns), (high rows, low
// columns), (low rows, high columns), (high, high).
Value addressOfA(KernelBuilder &k, const Lane &lane, Value base,
                 const SharedTile &tile, Value row) {
  return addressOf(k, base, tile, k.add(row, k.rem(lane.lane, 16)),
                   k.div(lane.lane, 16));
}

// Matrices 0, 1 are the low and high columns of rows 0…7, 2, 3 of rows 8…15.
Value addressOfRows(KernelBuilder &k, const Lane &lane, Value base,
                    const SharedTile &tile) {
  Value row = k.add(k.mul(k.div(lane.lane, 16), k.i32(8)), k.rem(lane.lane, 8));
  return addressOf(k, base, tile, row, k.rem(k.div(lane.lane, 8), 2));
}

// Matrices 0, 1 are rows 0…7 and 8…15 of the low columns, 2, 3 of the high.
Value addressOfColumns(KernelBuilder &k, const Lane &lane, Value base,
                       const SharedTile &tile) {
  if (tile.elementBytes == 2)
    return addressOf(k, base, tile, k.rem(lane.lane, 16), k.div(lane.lane, 16));
  Value row = k.mul(lane.quad, k.i32(2)), pair = lane.group;
  Value bytes = k.add(k.mul(row, k.i32(tile.pitch())), k.mul(pair, k.i32(8)));
  return k.advance(k.advance(base, bytes), tile.offset);
}

FragmentA loadA(KernelBuilder &k, Value address, int64_t step) {
  return loadMatrices(k, k.advance(address, step * kStepBytes),
                      /*transposed=*/false);
}

std::array<FragmentB, 2> loadRows(KernelBuilder &k, Value address,
                                  const SharedTile &tile, int64_t pair,
                                  int64_t step) {
  int64_t offset = pair * 16 * tile.pitch() + step * kStepBytes;
  auto m = loadMatrices(k, k.advance(address, offset), /*transposed=*/false);
  return {FragmentB{m[0], m[1]}, FragmentB{m[2], m[3]}};
}

std::array<FragmentB, 2> loadColumns(KernelBuilder &k, Value address,
                                     const SharedTile &tile, int64_t pair,
                                     int64_t step) {
  int64_t rows = kStepBytes / tile.elementBytes;
  int64_t offset = step * rows * tile.pitch() + pair * 16 * tile.elementBytes;
  if (tile.elementBytes == 2) {
    auto m = loadMatrices(k, k.advance(address, offset), /*transposed=*/true);
    return {FragmentB{m[0], m[1]}, FragmentB{m[2], m[3]}};
  }
  std::array<FragmentB, 2> halves;
  for (unsigned row : {0, 1}) {
    Value at = k.advance(address, offset + row * tile.pitch());
    Values columns = k.loadVector(k.b.getI32Type(), 2, at);
    for (unsigned half : {0, 1})
      halves[half][row] = columns[half];
  }
  return halves;
}

} // namespace heed::cuda
