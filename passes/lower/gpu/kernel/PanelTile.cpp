// PanelTile.cpp - tensor maps, matrix descriptors, products of a warpgroup.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/PanelTile.h"

#include "dialect/hopper/HopperOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace heed::cuda {

/// Units of addresses in a descriptor, and where they stand in it.
static constexpr int64_t kUnit = 16;
static constexpr int kPanelDistanceBit = 16, kEightRowsBit = 32;
static constexpr int64_t kSwizzle128 = int64_t(1) << 62;
/// Shared memory is addressed by 18 bits.
static constexpr int64_t kAddressMask = 0x3ffff;

Value buildTensorMap(KernelBuilder &k, Value memref, unsigned rowDim,
                     const PanelTile &tile) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<int64_t> box(type.getRank(), 1);
  box[rowDim] = tile.rows;
  box.back() = kPanelColumns;
  return k.tensorMap(memref, box);
}

void copyPanels(KernelBuilder &k, Value map, ArrayRef<Value> at, Value base,
                const PanelTile &tile, Value barrier) {
  auto cluster = LLVM::LLVMPointerType::get(k.b.getContext(), kSharedCluster);
  for (int64_t panel = 0; panel < tile.panels(); ++panel) {
    Value to = k.advance(base, tile.offset + panel * tile.panelBytes());
    to = LLVM::AddrSpaceCastOp::create(k.b, k.loc, cluster, to);
    // TMA counts dims from the innermost.
    Values coordinates{k.i32(panel * kPanelColumns)};
    coordinates.append(at.rbegin(), at.rend());
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
        k.b, k.loc, to, map, coordinates, barrier, ValueRange(), Value(),
        Value(), NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
        NVVM::CTAGroupKindAttr(), Value());
  }
}

static Value describe(KernelBuilder &k, Value base, const PanelTile &tile,
                      Value bytes, int64_t panelDistance) {
  Value start = k.advance(base, tile.offset);
  if (bytes)
    start = k.advance(start, bytes);
  Value address = LLVM::PtrToIntOp::create(k.b, k.loc, k.b.getI64Type(), start);
  address =
      k.b.createOrFold<arith::AndIOp>(k.loc, address, k.i64(kAddressMask));
  constexpr int64_t eightRows = 8 * kPanelRowBytes / kUnit;
  return k.b.createOrFold<arith::OrIOp>(
      k.loc, k.div(address, kUnit),
      k.i64(kSwizzle128 | eightRows << kEightRowsBit |
            panelDistance / kUnit << kPanelDistanceBit));
}

Value describeRows(KernelBuilder &k, Value base, const PanelTile &tile,
                   Value first) {
  Value bytes;
  if (first)
    bytes = k.mul(first, k.i32(kPanelRowBytes));
  // Between panels a descriptor of rows does not go: their distance counts for
  // nothing (1 by convention).
  return describe(k, base, tile, bytes, kUnit);
}

Value describeColumns(KernelBuilder &k, Value base, const PanelTile &tile) {
  return describe(k, base, tile, Value(), tile.panelBytes());
}

static Value move(KernelBuilder &k, Value descriptor, int64_t bytes) {
  return k.add(descriptor, k.i64(bytes / kUnit));
}

Value stepRows(KernelBuilder &k, Value descriptor, const PanelTile &tile,
               int64_t step) {
  constexpr int64_t stepsOfPanel = kPanelColumns / 16;
  return move(k, descriptor,
              step / stepsOfPanel * tile.panelBytes() +
                  step % stepsOfPanel * 32);
}

Value stepColumns(KernelBuilder &k, Value descriptor, int64_t step) {
  return move(k, descriptor, step * 16 * kPanelRowBytes);
}

static Values flatten(ArrayRef<FragmentC> tiles) {
  Values all;
  for (const FragmentC &tile : tiles)
    llvm::append_range(all, tile);
  return all;
}

static SmallVector<FragmentC> unflatten(ValueRange all) {
  SmallVector<FragmentC> tiles(all.size() / 4);
  for (auto [at, value] : llvm::enumerate(all))
    tiles[at / 4][at % 4] = value;
  return tiles;
}

SmallVector<FragmentC> startProduct(KernelBuilder &k, FloatType element,
                                    ValueRange a, ValueRange b,
                                    ArrayRef<FragmentC> c, int64_t columns,
                                    bool byColumns) {
  SmallVector<Type> types(columns / 2, k.b.getF32Type());
  auto product = hopper::WgmmaOp::create(k.b, k.loc, types, a, b, flatten(c),
                                         element, byColumns);
  return unflatten(product.getResults());
}

SmallVector<FragmentC>
awaitProduct(KernelBuilder &k, ArrayRef<FragmentC> product, int64_t pending) {
  Values all = flatten(product);
  auto wait = hopper::WaitOp::create(k.b, k.loc, ValueRange(all).getTypes(),
                                     pending, all);
  return unflatten(wait.getResults());
}

} // namespace heed::cuda
