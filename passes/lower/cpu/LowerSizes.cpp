// LowerSizes.cpp - memref.dim of a view becomes the size that the view was made of.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The memory planner asks for all sizes before the first buffer exists, so a
// size must not hang on a buffer:
//   dim(alloc(n), 0) = n;   dim(expand_shape(x) to [a, b], 1) = b
//   dim(collapse_shape(x : [a, b]), 0) = dim(x, 0) · dim(x, 1)
// Upstream's patterns stop at collapse_shape.
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERSIZES
#include "passes/lower/cpu/Passes.h.inc"

namespace {
/// The size of dimension `dim` of `buffer`; null where its producer says
/// nothing about it.
Value sizeOf(OpBuilder &b, Location loc, Value buffer, int64_t dim) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(dim))
    return arith::ConstantIndexOp::create(b, loc, type.getDimSize(dim));
  auto materialise = [&](OpFoldResult size) {
    return getValueOrCreateConstantIndexOp(b, loc, size);
  };
  Operation *op = buffer.getDefiningOp();
  if (auto alloc = dyn_cast_or_null<memref::AllocOp>(op))
    return materialise(alloc.getMixedSizes()[dim]);
  if (auto view = dyn_cast_or_null<memref::ViewOp>(op))
    return view.getDynamicSizes()[type.getDynamicDimIndex(dim)];
  if (auto expand = dyn_cast_or_null<memref::ExpandShapeOp>(op))
    return materialise(expand.getMixedOutputShape()[dim]);
  if (auto cast = dyn_cast_or_null<memref::CastOp>(op);
      cast && isa<MemRefType>(cast.getSource().getType()))
    return sizeOf(b, loc, cast.getSource(), dim);
  if (auto slice = dyn_cast_or_null<memref::SubViewOp>(op);
      slice && slice.getDroppedDims().none())
    return materialise(slice.getMixedSizes()[dim]);
  if (auto collapse = dyn_cast_or_null<memref::CollapseShapeOp>(op)) {
    Value product;
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t inner : group) {
      Value size = sizeOf(b, loc, collapse.getSrc(), inner);
      if (!size)
        return {};
      product = product ? arith::MulIOp::create(b, loc, product, size) : size;
    }
    return product;
  }
  return {};
}

struct LowerSizes : impl::LowerSizesBase<LowerSizes> {
  void runOnOperation() override {
    SmallVector<memref::DimOp> dims;
    getOperation()->walk([&](memref::DimOp dim) { dims.push_back(dim); });
    for (memref::DimOp dim : dims) {
      std::optional<int64_t> index = dim.getConstantIndex();
      if (!index || !isa<MemRefType>(dim.getSource().getType()))
        continue;
      OpBuilder b(dim);
      if (Value size = sizeOf(b, dim.getLoc(), dim.getSource(), *index)) {
        dim.replaceAllUsesWith(size);
        dim.erase();
      }
    }
  }
};
} // namespace
} // namespace heed::lower
