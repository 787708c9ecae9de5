// SharedTile.h - a matrix of 16-bit elements in shared memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row of C columns (C a multiple of 16) is C/8 chunks of 16 bytes and one
// chunk of padding. C/8 + 1 is odd, so that eight rows at one column lie in
// eight different groups of four banks: ldmatrix, which reads eight rows of 16
// bytes at a time, never meets a conflict. Unlike an xor of the chunk with the
// row, that holds for every C, and the address of a fragment is the lane's own
// plus a constant.
#ifndef HEED_PASSES_LOWER_GPU_SHAREDTILE_H
#define HEED_PASSES_LOWER_GPU_SHAREDTILE_H

#include "passes/lower/gpu/Fragment.h"

namespace heed::cuda {

constexpr int64_t kChunkBytes = 16;
constexpr int64_t kChunkElements = 8;

/// Where a tile lies in the block's shared memory.
struct SharedTile {
  int64_t rows, columns; // columns: a multiple of 16
  int64_t offset;        // bytes

  int64_t pitch() const { return columns * 2 + kChunkBytes; }
  int64_t bytes() const { return rows * pitch(); }
};

/// The rows of a tensor that a tile is filled with.
struct TileSource {
  Value pointer;   // row 0, !llvm.ptr<1>
  Value rowBytes;  // i64
  int64_t columns; // a multiple of 8; up to the tile's are zeros
  Value rows;      // i32, those from here on are zeros; null: all exist
};

/// Starts to copy the tile by all threads of the block (cp.async). `base` is
/// the shared memory, advanced to the stage of a pipeline that is filled.
void copyTile(KernelBuilder &k, const Lane &lane, unsigned threads, Value base,
              const SharedTile &tile, const TileSource &source);
void commitCopies(KernelBuilder &k);
/// All copies of all threads have arrived, and all threads are done with what
/// they read before.
void awaitCopies(KernelBuilder &k);

/// Addresses of a lane, to which constants are added.
/// A: 16 rows from `row` on.
Value addressOfA(KernelBuilder &k, const Lane &lane, Value base,
                 const SharedTile &tile, Value row);
/// B of A·Tᵀ, whose columns are rows of the tile.
Value addressOfRows(KernelBuilder &k, const Lane &lane, Value base,
                    const SharedTile &tile);
/// B of A·T, transposed as it is loaded.
Value addressOfColumns(KernelBuilder &k, const Lane &lane, Value base,
                       const SharedTile &tile);

/// Columns 16·step … of the rows of `addressOfA`.
FragmentA loadA(KernelBuilder &k, Value address, int64_t step);
/// Rows 16·pair … of the tile as two B, each of eight of them; columns
/// 16·step ….
std::array<FragmentB, 2> loadRows(KernelBuilder &k, Value address,
                                  const SharedTile &tile, int64_t pair,
                                  int64_t step);
/// Columns 16·pair … of the tile as two B, each of eight of them; rows
/// 16·step ….
std::array<FragmentB, 2> loadColumns(KernelBuilder &k, Value address,
                                     const SharedTile &tile, int64_t pair,
                                     int64_t step);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_SHAREDTILE_H
