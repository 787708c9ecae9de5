// SharedTile.h - a matrix of 16- or 32-bit elements in shared memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row is a multiple of 32 bytes, the step of a product, and one chunk of 16
// bytes of padding. Its chunks are an odd number, so that eight rows at one
// column lie in eight different groups of four banks: ldmatrix, which reads
// eight rows of 16 bytes at a time, never meets a conflict. Unlike an xor of the
// chunk with the row, that holds for every size, and the address of a fragment
// is the lane's own plus a constant.
//
// ldmatrix transposes elements of 16 bits only. Columns of floats are loaded by
// ordinary loads of pairs: rows 2t and 2t + 1 (see Fragment.h), columns 2g and
// 2g + 1 for a pair of tiles. In multiples of 64 bytes a row is 4 or 20 words
// past a multiple of 32: the rows 2t of a half warp are 8 banks apart, in which
// the pairs of four g lie.
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_SHAREDTILE_H
#define HEED_PASSES_LOWER_GPU_KERNEL_SHAREDTILE_H

#include "passes/lower/gpu/kernel/Fragment.h"

namespace heed::cuda {

constexpr int64_t kChunkBytes = 16;

/// Where a tile lies in the block's shared memory.
struct SharedTile {
  int64_t rows, columns; // of a row: a multiple of 32 bytes
  int64_t elementBytes;  // 2 or 4
  int64_t offset;        // bytes

  int64_t rowBytes() const { return columns * elementBytes; }
  int64_t pitch() const { return rowBytes() + kChunkBytes; }
  int64_t bytes() const { return rows * pitch(); }
};

/// The rows of a tensor that a tile is filled with.
struct TileSource {
  Value pointer;     // row 0, !llvm.ptr<1>
  Value rowBytes;    // i64, from a row to the next
  Value columnBytes; // i64, from a column to the next; null: contiguous
  int64_t columns;   // up to the tile's are zeros
  Value rows;        // i32, those from here on are zeros; null: all exist
  /// What is copied at a time: 16, 8, 4 or, by ordinary loads and stores, 2
  /// bytes. Divides addresses, strides and the bytes of a row; those of an
  /// element where columns are not contiguous.
  int64_t unitBytes;
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

/// Step `step` of the rows of `addressOfA`.
FragmentA loadA(KernelBuilder &k, Value address, int64_t step);
/// Rows 16·pair … of the tile as two B, each of eight of them; step `step` of
/// their columns.
std::array<FragmentB, 2> loadRows(KernelBuilder &k, Value address,
                                  const SharedTile &tile, int64_t pair,
                                  int64_t step);
/// Columns 16·pair … of the tile as two B, each of eight of them; step `step`
/// of its rows.
std::array<FragmentB, 2> loadColumns(KernelBuilder &k, Value address,
                                     const SharedTile &tile, int64_t pair,
                                     int64_t step);

/// Where the columns of a product A·T lie in its tiles of C: a lane has
/// `width` columns beside each other, in `tiles` tiles: 2t, 2t + 1 of one tile,
/// or 4t … 4t + 3 of two that interleave.
struct LaneColumns {
  int64_t width, tiles;
  /// The tile, and the element of row 0 in it, of the lane's i-th column.
  int64_t tileOf(int64_t i) const { return i % tiles; }
  int64_t elementOf(int64_t i) const { return i / tiles; }
};
inline LaneColumns columnsOfLane(int64_t elementBytes) {
  return elementBytes == 4 ? LaneColumns{4, 2} : LaneColumns{2, 1};
}

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_SHAREDTILE_H
