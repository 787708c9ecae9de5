// SharedTile.cpp - filling tiles by asynchronous copies, reading fragments.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/SharedTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace heed::cuda {

/// One chunk; zeros unless `exists` (null: it does).
static void copyChunk(KernelBuilder &k, Value to, Value from, Value exists) {
  Value bytes;
  if (exists && !isConstantIntValue(exists, 1))
    bytes = k.select(exists, k.i32(kChunkBytes), k.i32(0));
  NVVM::CpAsyncOp::create(k.b, k.loc, to, from, kChunkBytes,
                          NVVM::LoadCacheModifierKind::CG, bytes);
}

void copyTile(KernelBuilder &k, const Lane &lane, unsigned threads, Value base,
              const SharedTile &tile, const TileSource &source) {
  // As many threads beside each other on a row as divide its chunks evenly:
  // then each of a thread's chunks is a constant away from its first.
  int64_t chunks = tile.columns / kChunkElements;
  int64_t across = std::min<int64_t>(chunks & -chunks, threads);
  int64_t rowsAtOnce = threads / across;
  Value row = k.div(lane.thread, across), column = k.rem(lane.thread, across);
  Value columnBytes = k.mul(column, k.i32(kChunkBytes));
  Value to =
      k.advance(base, k.add(k.mul(row, k.i32(tile.pitch())), columnBytes));
  to = k.advance(to, tile.offset);
  Value from =
      k.advance(source.pointer, k.add(k.mul(k.widen(row), source.rowBytes),
                                      k.widen(columnBytes)));

  auto copyRow = [&](Value to, Value from, Value rowExists) {
    for (int64_t chunk = 0; chunk < chunks; chunk += across) {
      Value exists = rowExists;
      if ((chunk + across) * kChunkElements > source.columns) {
        int64_t left = source.columns / kChunkElements - chunk;
        Value inside = k.lessThan(column, k.i32(left));
        exists = exists ? k.b.createOrFold<arith::AndIOp>(k.loc, exists, inside)
                        : inside;
      }
      copyChunk(k, k.advance(to, chunk * kChunkBytes),
                k.advance(from, chunk * kChunkBytes), exists);
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
  return addressOf(k, base, tile, k.rem(lane.lane, 16), k.div(lane.lane, 16));
}

FragmentA loadA(KernelBuilder &k, Value address, int64_t step) {
  return loadMatrices(k, k.advance(address, step * 2 * kChunkBytes),
                      /*transposed=*/false);
}

std::array<FragmentB, 2> loadRows(KernelBuilder &k, Value address,
                                  const SharedTile &tile, int64_t pair,
                                  int64_t step) {
  int64_t offset = pair * 16 * tile.pitch() + step * 2 * kChunkBytes;
  auto m = loadMatrices(k, k.advance(address, offset), /*transposed=*/false);
  return {FragmentB{m[0], m[1]}, FragmentB{m[2], m[3]}};
}

std::array<FragmentB, 2> loadColumns(KernelBuilder &k, Value address,
                                     const SharedTile &tile, int64_t pair,
                                     int64_t step) {
  int64_t offset = step * 16 * tile.pitch() + pair * 2 * kChunkBytes;
  auto m = loadMatrices(k, k.advance(address, offset), /*transposed=*/true);
  return {FragmentB{m[0], m[1]}, FragmentB{m[2], m[3]}};
}

} // namespace heed::cuda
