// NormFolds.cpp - canonicalisations of attn.norm.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   a weight of ones, a bias of zeros                     → none
//   a dimension of size 1 beside others in D              → not in D
#include "dialect/norm/NormOps.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace heed::attn;

/// Whether all elements of a constant are `wanted`.
static bool isSplatOf(Value value, double wanted) {
  DenseFPElementsAttr dense;
  return value && matchPattern(value, m_Constant(&dense)) && dense.isSplat() &&
         dense.getSplatValue<APFloat>().convertToDouble() == wanted;
}

namespace {
struct DropNeutralParameter : OpRewritePattern<NormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(NormOp op,
                                PatternRewriter &rewriter) const override {
    bool weight = isSplatOf(op.getWeight(), 1),
         bias = isSplatOf(op.getBias(), 0);
    if (!weight && !bias)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      if (weight) {
        op.getWeightMutable().clear();
        op.removeWeightDimensionsAttr();
      }
      if (bias) {
        op.getBiasMutable().clear();
        op.removeBiasDimensionsAttr();
      }
    });
    return success();
  }
};

/// A mean over one element is that element: the others are what counts.
struct DropUnitDimension : OpRewritePattern<NormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(NormOp op,
                                PatternRewriter &rewriter) const override {
    auto type = cast<ShapedType>(op.getX().getType());
    SmallVector<int64_t> dims;
    for (int64_t dim : op.getDimensions())
      if (type.getDimSize(dim) != 1)
        dims.push_back(dim);
    if (dims.empty() || dims.size() == op.getDimensions().size())
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.setDimensions(dims); });
    return success();
  }
};
} // namespace

void NormOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropNeutralParameter, DropUnitDimension>(context);
}
