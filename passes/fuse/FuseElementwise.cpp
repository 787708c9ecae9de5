// FuseElementwise.cpp - chains of elementwise ops as one, but none into a row
// product.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's linalg-fuse-elementwise-ops with one exception. It takes an
// elementwise producer into any op and splits the dims of any op by the
// reshapes around it; linalg.vecmat would then be no product that
// heed-lower-row-product knows, and the producer be computed once a column.
#include "passes/fuse/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace heed::fuse {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "passes/fuse/Passes.h.inc"

namespace {
bool mayFuse(OpOperand *operand) {
  Operation *producer = operand->get().getDefiningOp();
  return producer && producer->hasOneUse() &&
         !isa<linalg::VecmatOp>(producer) &&
         !isa<linalg::VecmatOp>(operand->getOwner());
}

struct FuseElementwise : impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    linalg::populateElementwiseOpsFusionPatterns(patterns, mayFuse);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, mayFuse);
    tensor::populateBubbleUpExpandShapePatterns(patterns);
    affine::AffineApplyOp::getCanonicalizationPatterns(patterns, context);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
    context->getLoadedDialect<linalg::LinalgDialect>()
        ->getCanonicalizationPatterns(patterns);
    linalg::populateConstantFoldLinalgOperations(patterns, mayFuse);
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal();
    // What is not done after the last iteration is no error.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), config);
  }
};
} // namespace
} // namespace heed::fuse
