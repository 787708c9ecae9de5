// LowerOnednn.cpp - linalg to primitives, with what they can take in.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/onednn/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/lower/cpu/GateExcitation.h"
#include "passes/lower/cpu/RowProduct.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERONEDNN
#include "passes/lower/onednn/Passes.h.inc"

/// Named elementwise ops and broadcasts as generics, which alone fuse.
static void generalizeElementwise(RewriterBase &rewriter, ModuleOp module) {
  SmallVector<linalg::LinalgOp> ops;
  module.walk([&](linalg::LinalgOp op) {
    bool elementwise = linalg::isElementwise(op) || isa<linalg::MapOp>(op);
    if (op.hasPureTensorSemantics() && !isa<linalg::GenericOp>(op) &&
        (isa<linalg::BroadcastOp>(op) || elementwise) &&
        !isa<linalg::TransposeOp, linalg::FillOp, linalg::CopyOp>(op))
      ops.push_back(op);
  });
  for (linalg::LinalgOp op : ops) {
    rewriter.setInsertionPoint(op);
    (void)linalg::generalizeNamedOp(rewriter, op);
  }
}

/// An op that only repeats elements of its one input.
static bool isCopy(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getNumDpsInputs() == 1 &&
         generic.getBody()->getTerminator()->getOperand(0) ==
             generic.getBody()->getArgument(0);
}

/// Joins chains of elementwise ops, so that an activation spelled in several
/// ops is one body. Only along the same iterations: fusing a producer that is
/// broadcast would compute it again for each element. A mere broadcast is no
/// computation.
static LogicalResult fuseElementwise(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  linalg::populateElementwiseOpsFusionPatterns(patterns, [](OpOperand *use) {
    auto consumer = cast<linalg::LinalgOp>(use->getOwner());
    Operation *producer = use->get().getDefiningOp();
    if (!producer)
      return false;
    return isCopy(producer) ||
           (consumer.getMatchingIndexingMap(use).isPermutation() &&
            llvm::all_of(producer->getUsers(), [&](Operation *user) {
              return user == consumer.getOperation();
            }));
  });
  return applyPatternsGreedily(module, std::move(patterns));
}

/// Lowering puts reshapes around some primitives, which meet those of the
/// program.
static LogicalResult foldReshapes(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                       module.getContext());
  tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns,
                                                     module.getContext());
  return applyPatternsGreedily(module, std::move(patterns));
}

/// A row times constant weights takes the time of reading them, for which
/// heed-lower-row-product has the better order.
static FailureOr<Value> keepRowNative(RewriterBase &rewriter,
                                      linalg::LinalgOp op) {
  if (op->getParentOfType<attn::GateOp>())
    return failure();
  std::optional<RowProduct> product = RowProduct::match(op);
  if (!product || !product->isOfConstant())
    return failure();
  if (isa<linalg::VecmatOp>(op))
    return op->getResult(0);
  return product->createVecmat(rewriter);
}

/// oneDNN has code for f32 on every CPU; libraries of GPUs for halves, too.
static bool isOfElements(linalg::LinalgOp op, bool device) {
  return device || (op->getNumResults() == 1 &&
                    getElementTypeOrSelf(op->getResult(0).getType()).isF32());
}

namespace {
struct LowerOnednn : impl::LowerOnednnBase<LowerOnednn> {
  using LowerOnednnBase::LowerOnednnBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    IRRewriter rewriter(&getContext());
    generalizeElementwise(rewriter, module);
    if (failed(fuseElementwise(module)))
      return signalPassFailure();

    // Fusion copies a producer into each operand that reads it: once is enough.
    DominanceInfo dominance(module);
    eliminateCommonSubExpressions(rewriter, dominance, module);

    SmallVector<linalg::LinalgOp> ops;
    module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      // Products as small as a gate's are over before a library has begun.
      // On a GPU the gate's kernel has all of it.
      auto gate = dyn_cast<attn::GateOp>(op);
      if (gate && (device || keepsExcitationNative(gate)))
        return WalkResult::skip();
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      if (linalgOp && isOfElements(linalgOp, device))
        ops.push_back(linalgOp);
      return WalkResult::advance();
    });
    for (linalg::LinalgOp op : ops) {
      rewriter.setInsertionPoint(op);
      FailureOr<Value> value = failure();
      if (!device)
        value = keepRowNative(rewriter, op);
      if (failed(value))
        value = lowerDeconvolution(rewriter, op);
      if (failed(value))
        value = lowerContraction(rewriter, op);
      if (failed(value))
        value = lowerConvolution(rewriter, op);
      if (succeeded(value) && value->getDefiningOp() != op)
        rewriter.replaceOp(op, *value);
    }

    if (failed(foldReshapes(module)))
      return signalPassFailure();
    // Elementwise ops are kernels of the GPU.
    if (device)
      return;

    // Absorbing makes a new primitive, which may absorb again.
    bool changed = true;
    while (changed) {
      changed = false;
      SmallVector<attn::PrimitiveOp> primitives;
      module.walk([&](attn::PrimitiveOp op) {
        if (op->getNumResults() == 1)
          primitives.push_back(op);
      });
      for (attn::PrimitiveOp op : primitives)
        changed |= absorbPostOps(rewriter, op) || absorbExpand(rewriter, op);
    }
    if (failed(foldReshapes(module)))
      return signalPassFailure();
    SmallVector<attn::PrimitiveOp> primitives;
    module.walk([&](attn::PrimitiveOp op) { primitives.push_back(op); });
    for (attn::PrimitiveOp op : primitives)
      (void)foldChannelConstants(rewriter, op);
  }
};
} // namespace
} // namespace heed::lower
