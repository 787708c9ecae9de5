// LowerExpandShape.cpp - memref.expand_shape as a new view of the same buffer.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's expand-strided-metadata crashes on a group with two dynamic sizes.
// Within a group [s, ..., z] that stands for a source dim of stride t:
//   stride(z) = t,  stride(k) = stride(k + 1) · size(k + 1).
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace heed::lower {
#define GEN_PASS_DEF_LOWEREXPANDSHAPE
#include "passes/lower/cpu/Passes.h.inc"

using namespace mlir;

static void rewrite(memref::ExpandShapeOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  MemRefType type = op.getResultType();
  auto source = memref::ExtractStridedMetadataOp::create(b, loc, op.getSrc());

  // What the type says is static stays an attribute.
  SmallVector<int64_t> staticStrides;
  int64_t staticOffset;
  if (failed(type.getStridesAndOffset(staticStrides, staticOffset)))
    return;
  auto folded = [&](int64_t known, Value value) -> OpFoldResult {
    if (!ShapedType::isDynamic(known))
      return b.getIndexAttr(known);
    return value;
  };
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    OpFoldResult stride =
        folded(staticStrides[group.back()], source.getStrides()[dim]);
    for (int64_t k : llvm::reverse(group)) {
      strides[k] = folded(staticStrides[k],
                          getValueOrCreateConstantIndexOp(b, loc, stride));
      if (k == group.front())
        break;
      stride = affine::makeComposedFoldedAffineApply(
          b, loc, b.getAffineSymbolExpr(0) * b.getAffineSymbolExpr(1),
          {stride, sizes[k]});
    }
  }
  OpFoldResult offset = folded(staticOffset, source.getOffset());
  auto view = memref::ReinterpretCastOp::create(
      b, loc, type, source.getBaseBuffer(), offset, sizes, strides);
  op.replaceAllUsesWith(view.getResult());
  op.erase();
}

namespace {
struct LowerExpandShape : impl::LowerExpandShapeBase<LowerExpandShape> {
  void runOnOperation() override {
    getOperation().walk([](memref::ExpandShapeOp op) {
      bool severalDynamic = false;
      for (const ReassociationIndices &group : op.getReassociationIndices())
        severalDynamic |= llvm::count_if(group, [&](int64_t k) {
                            return op.getResultType().isDynamicDim(k);
                          }) > 1;
      if (severalDynamic)
        rewrite(op);
    });
  }
};
} // namespace

} // namespace heed::lower
