// PanelTile.h - a matrix in shared memory as TMA writes it and wgmma reads it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels of 64 columns of 16 bits, one after the other; a row of a panel is 128
// bytes, and its chunk c of 16 bytes is at c xor (row mod 8) (SWIZZLE_128B: eight
// rows at one column lie in eight different groups of four banks).
//
// A matrix descriptor (PTX ISA 9.7.15.5.1.2.2) says where 16 columns of the
// tile's rows begin (keys: both factors have their sums along the row), or 16
// rows of its columns (values): start, and the distances of eight rows, and of
// panels, all in units of 16 bytes.
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_PANELTILE_H
#define HEED_PASSES_LOWER_GPU_KERNEL_PANELTILE_H

#include "passes/lower/gpu/kernel/Fragment.h"
#include "llvm/Support/MathExtras.h"

namespace heed::cuda {

constexpr int64_t kPanelColumns = 64;
constexpr int64_t kPanelRowBytes = 128;
/// The alignment of a panel: the swizzle is of the address.
constexpr int64_t kPanelAlignment = 1024;

struct PanelTile {
  int64_t rows;    // a multiple of 8
  int64_t columns; // up to whole panels
  int64_t offset;  // bytes, a multiple of kPanelAlignment

  int64_t panels() const { return llvm::divideCeil(columns, kPanelColumns); }
  int64_t panelBytes() const { return rows * kPanelRowBytes; }
  int64_t bytes() const { return panels() * panelBytes(); }
};

/// A tensor of the host as boxes of one panel of the tile. `rowDim` is the dim
/// of the buffer that the tile's rows are; the last are its columns.
Value buildTensorMap(KernelBuilder &k, Value memref, unsigned rowDim,
                     const PanelTile &tile);

/// Starts the copy of all panels to `base` + the tile's offset, by one thread;
/// the bytes arrive at `barrier`. `at`: indices (i32) of the buffer's dims, the
/// last left out.
void copyPanels(KernelBuilder &k, Value map, llvm::ArrayRef<Value> at,
                Value base, const PanelTile &tile, Value barrier);

/// The descriptors (i64) of 16 columns of rows `first` (i32; null: 0) …, and
/// that of 16 rows: of the first step, in `base`.
Value describeRows(KernelBuilder &k, Value base, const PanelTile &tile,
                   Value first = {});
Value describeColumns(KernelBuilder &k, Value base, const PanelTile &tile);
/// `descriptor` moved to step `step` of such.
Value stepRows(KernelBuilder &k, Value descriptor, const PanelTile &tile,
               int64_t step);
Value stepColumns(KernelBuilder &k, Value descriptor, int64_t step);

/// d = c + a·b begun (hopper.wgmma); `c` empty: 0. In tiles of eight columns.
llvm::SmallVector<FragmentC>
startProduct(KernelBuilder &k, mlir::FloatType element, mlir::ValueRange a,
             mlir::ValueRange b, llvm::ArrayRef<FragmentC> c, int64_t columns,
             bool byColumns);
/// The product, when at most `pending` younger ones are under way.
llvm::SmallVector<FragmentC> awaitProduct(KernelBuilder &k,
                                          llvm::ArrayRef<FragmentC> product,
                                          int64_t pending);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_PANELTILE_H
