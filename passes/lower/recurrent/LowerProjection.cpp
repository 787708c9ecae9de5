// LowerProjection.cpp - the input's product of a recurrent layer -> one
// contraction for all time steps.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   a[t, b, n] = bias[n] + Σ_i x[t, b, i] · W[n, i]
//
// n counts the gates of all directions. Nothing in it waits for a state: it is
// a large product, which a library does best, and what is left to the loop
// over time is half the work.
#include "passes/lower/recurrent/Passes.h"
#include "passes/lower/recurrent/RecurrentCost.h"
#include "passes/lower/recurrent/RecurrentKernel.h"

#include "dialect/recurrent/RecurrentOps.h"
#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using heed::attn::RecurrentOp;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERPROJECTION
#include "passes/lower/recurrent/Passes.h.inc"

/// a of all directions.
static Value buildProjection(OpBuilder &b, RecurrentOp op) {
  Location loc = op.getLoc();
  auto element = cast<FloatType>(getElementTypeOrSelf(op.getX()));
  Value weights = tensor::CollapseShapeOp::create(
      b, loc, op.getInputWeights(),
      SmallVector<ReassociationIndices>{{0, 1}, {2}});
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, op.getX());
  sizes[2] =
      b.getIndexAttr(op.getDirections() * op.getGates() * op.getHidden());
  Value init = tensor::EmptyOp::create(b, loc, sizes, element);
  if (op.getBias()) {
    Value bias = tensor::CollapseShapeOp::create(
        b, loc, op.getBias(), SmallVector<ReassociationIndices>{{0, 1}});
    init =
        linalg::BroadcastOp::create(b, loc, bias, init, ArrayRef<int64_t>{0, 1})
            ->getResult(0);
  } else {
    init = linalg::FillOp::create(b, loc, attn::buildFloat(b, loc, element, 0),
                                  init)
               .getResult(0);
  }
  AffineExpr t, row, n, k;
  bindDims(b.getContext(), t, row, n, k);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(4, 0, exprs, b.getContext());
  };
  SmallVector<utils::IteratorType> loops(3, utils::IteratorType::parallel);
  loops.push_back(utils::IteratorType::reduction);
  return linalg::GenericOp::create(
             b, loc, init.getType(), ValueRange{op.getX(), weights}, init,
             ArrayRef<AffineMap>{map({t, row, k}), map({n, k}),
                                 map({t, row, n})},
             loops,
             [](OpBuilder &b, Location loc, ValueRange args) {
               Value product = arith::MulFOp::create(b, loc, args[0], args[1]);
               Value sum = arith::AddFOp::create(b, loc, args[2], product);
               linalg::YieldOp::create(b, loc, sum);
             })
      .getResult(0);
}

/// A layer that the kernel does not hold becomes its definition.
static void decompose(RewriterBase &rewriter, RecurrentOp op) {
  remark::analysis(op.getLoc(),
                   remark::RemarkOpts::name("recurrent").category("heed-lower"))
      << remark::metric("schedule", "decomposed")
      << remark::reason("{0}", whyNotLowerable(op))
      << remark::suggest("give the layer f32 elements and both directions the "
                         "same activations to run it as one kernel");
  rewriter.setInsertionPoint(op);
  rewriter.replaceOp(op, *op.decomposeOperation(rewriter));
}

namespace {
struct LowerProjection : impl::LowerProjectionBase<LowerProjection> {
  using LowerProjectionBase::LowerProjectionBase;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<RecurrentOp> ops, beyond;
    getOperation().walk([&](RecurrentOp op) {
      if (op->getNumResults() == 0)
        return;
      if (!whyNotLowerable(op).empty()) {
        beyond.push_back(op);
        return;
      }
      if (!op.getInputWeights())
        return;
      // What the library does not hold stays here, marked or not.
      op.setLibrary(onednn && op.getLibrary() && isHeldByLibrary(op));
      if (!op.getLibrary())
        ops.push_back(op);
    });
    for (RecurrentOp op : beyond)
      decompose(rewriter, op);
    for (RecurrentOp op : ops) {
      rewriter.setInsertionPoint(op);
      Value a = buildProjection(rewriter, op);
      rewriter.modifyOpInPlace(op, [&] {
        op.getXMutable().assign(a);
        op.getInputWeightsMutable().clear();
        op.getBiasMutable().clear();
      });
    }
  }
};
} // namespace
} // namespace heed::lower
