// NormalizeBroadcasts.cpp - computes before it repeats: elementwise ops and
// reductions of broadcast values, as broadcasts of those.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   f(broadcast(a), broadcast(b), …)  →  broadcast(f(a, b, …))
//   Σ_d broadcast(a)                  →  broadcast(Σ_d a)
//
// where all operands are repeated along the same dimensions, of which none is
// reduced. A gate that is expanded (or resized from 1x1) before its sigmoid is
// then one value a channel again, and the norms of queries that were paired
// with all keys are norms of queries.
#include "passes/normalize/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/recognize/Elementwise.h"
#include "passes/recognize/Movement.h"

using namespace mlir;

namespace heed::normalize {
#define GEN_PASS_DEF_NORMALIZEBROADCASTS
#include "passes/normalize/Passes.h.inc"

namespace {
using recognize::Atom;
using recognize::Axis;
using recognize::Layout;
using recognize::View;

/// An operand by the dimensions of the result; no root for constants.
struct Input {
  Value root;
  Layout axes;
};

bool isRepeated(const Axis &axis) {
  return !axis.empty() &&
         llvm::all_of(axis, [](Atom atom) { return atom.dim < 0; });
}

/// Along a loop an operand is repeated, or read whole.
std::optional<Input> readInput(linalg::LinalgOp op, OpOperand *operand,
                               ArrayRef<int64_t> sizes) {
  if (recognize::constantValue(operand->get()))
    return Input{};
  if (!isa<RankedTensorType>(operand->get().getType()))
    return std::nullopt;
  AffineMap in = op.getMatchingIndexingMap(operand);
  View view = recognize::peelMovement(operand->get(), /*broadcasts=*/true);
  Input input{view.root, {}};
  Layout kept;
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    std::optional<unsigned> position =
        in.getResultPosition(getAffineDimExpr(unsigned(loop), op.getContext()));
    Axis axis = position    ? view.axes[*position]
                : size == 1 ? Axis{}
                            : Axis{Atom{-1, 1, size}};
    if (position && size != 1 && axis.empty())
      return std::nullopt;
    if (!isRepeated(axis))
      kept.push_back(axis);
    input.axes.push_back(axis);
  }
  if (recognize::hasBroadcast(kept) ||
      !recognize::canRelayout(recognize::identityLayout(view.root.getType()),
                              kept))
    return std::nullopt;
  return input;
}

/// A reduction from a number, each loop a dimension of some operand; or null.
linalg::LinalgOp asReduction(Operation *operation) {
  auto op = dyn_cast<linalg::LinalgOp>(operation);
  if (!op || !op.hasPureTensorSemantics() || op->getNumResults() != 1 ||
      op.getNumReductionLoops() == 0 || op.hasIndexSemantics() ||
      !op.getDpsInits()[0].getDefiningOp<linalg::FillOp>())
    return nullptr;
  auto isIndexed = [](AffineExpr expr) {
    return isa<AffineDimExpr, AffineConstantExpr>(expr);
  };
  for (AffineMap map : op.getIndexingMapsArray())
    if (!llvm::all_of(map.getResults(), isIndexed))
      return nullptr;
  return op.getMatchingIndexingMap(op.getDpsInitOperand(0))
                 .isProjectedPermutation()
             ? op
             : nullptr;
}

class Sink {
public:
  Sink(RewriterBase &rewriter, linalg::LinalgOp op)
      : b(rewriter), op(op), loc(op.getLoc()),
        type(cast<RankedTensorType>(op->getResult(0).getType())),
        out(op.getMatchingIndexingMap(op.getDpsInitOperand(0))) {}

  bool run() {
    SmallVector<int64_t> sizes = op.getStaticLoopRanges();
    SmallVector<unsigned> repeated;
    for (AffineExpr expr : out.getResults())
      repeated.push_back(cast<AffineDimExpr>(expr).getPosition());
    bool any = false;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      std::optional<Input> input = readInput(op, operand, sizes);
      if (!input)
        return false;
      if (input->root) {
        any = true;
        llvm::erase_if(repeated, [&](unsigned loop) {
          return !isRepeated(input->axes[loop]);
        });
      }
      inputs.push_back(*input);
    }
    // A size that only data knows is checked where the buffer is made.
    if (op.getNumReductionLoops() != 0)
      llvm::erase_if(repeated, [&](unsigned loop) {
        return ShapedType::isDynamic(sizes[loop]);
      });
    if (!any || repeated.empty() || !isEachReducedLoopRead())
      return false;
    build(repeated, sizes);
    return true;
  }

private:
  /// A sum over what all operands repeat has no operand that knows its size.
  bool isEachReducedLoopRead() {
    SmallVector<unsigned> reduced;
    op.getReductionDims(reduced);
    return llvm::all_of(reduced, [&](unsigned loop) {
      return llvm::any_of(inputs, [&](const Input &input) {
        return input.root && !input.axes[loop].empty() &&
               !isRepeated(input.axes[loop]);
      });
    });
  }

  void build(ArrayRef<unsigned> repeated, ArrayRef<int64_t> sizes) {
    b.setInsertionPoint(op);
    SmallVector<int64_t> place(sizes.size(), -1);
    SmallVector<utils::IteratorType> iterators;
    for (auto [loop, iterator] : llvm::enumerate(op.getIteratorTypesArray()))
      if (!llvm::is_contained(repeated, loop)) {
        place[loop] = iterators.size();
        iterators.push_back(iterator);
      }
    unsigned rank = iterators.size();
    SmallVector<int64_t> shape, added;
    SmallVector<OpFoldResult> full =
        tensor::getMixedSizes(b, loc, op.getDpsInits()[0]);
    SmallVector<OpFoldResult> small;
    SmallVector<AffineExpr> outExprs;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      unsigned loop = out.getDimPosition(dim);
      if (place[loop] < 0) {
        added.push_back(dim);
        continue;
      }
      outExprs.push_back(b.getAffineDimExpr(place[loop]));
      shape.push_back(type.getDimSize(dim));
      small.push_back(full[dim]);
    }
    SmallVector<Value> operands;
    SmallVector<AffineMap> maps;
    for (auto [operand, input] : llvm::zip(op.getDpsInputOperands(), inputs)) {
      if (!input.root) { // the same everywhere: any element will do
        operands.push_back(operand->get());
        AffineMap map = op.getMatchingIndexingMap(operand);
        maps.push_back(
            AffineMap::get(rank, 0,
                           SmallVector<AffineExpr>(map.getNumResults(),
                                                   b.getAffineConstantExpr(0)),
                           b.getContext()));
        continue;
      }
      Layout axes;
      SmallVector<AffineExpr> exprs;
      SmallVector<int64_t> inner;
      for (auto [loop, axis] : llvm::enumerate(input.axes))
        if (!isRepeated(axis)) {
          axes.push_back(axis);
          exprs.push_back(b.getAffineDimExpr(place[loop]));
          inner.push_back(sizes[loop]);
        }
      operands.push_back(recognize::emitRelayout(
          b, loc, input.root, recognize::identityLayout(input.root.getType()),
          axes,
          RankedTensorType::get(
              inner, getElementTypeOrSelf(operand->get().getType()))));
      maps.push_back(AffineMap::get(rank, 0, exprs, b.getContext()));
    }
    maps.push_back(AffineMap::get(rank, 0, outExprs, b.getContext()));
    Value init = tensor::EmptyOp::create(b, loc, small, type.getElementType());
    if (auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
        fill && op.getNumReductionLoops() != 0)
      init = linalg::FillOp::create(b, loc, fill.getInputs()[0], init)
                 .getResult(0);
    auto generic = linalg::GenericOp::create(b, loc, init.getType(), operands,
                                             init, maps, iterators);
    b.cloneRegionBefore(op->getRegion(0), generic.getRegion(),
                        generic.getRegion().end());
    b.setInsertionPoint(op);
    Value empty = tensor::EmptyOp::create(b, loc, full, type.getElementType());
    Value result =
        linalg::BroadcastOp::create(b, loc, generic.getResult(0), empty, added)
            ->getResult(0);
    if (result.getType() != type)
      result = tensor::CastOp::create(b, loc, type, result);
    b.replaceOp(op, result);
  }

  RewriterBase &b;
  linalg::LinalgOp op;
  Location loc;
  RankedTensorType type;
  AffineMap out;
  SmallVector<Input, 2> inputs;
};

struct NormalizeBroadcasts
    : impl::NormalizeBroadcastsBase<NormalizeBroadcasts> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops; // in order: chains sink op by op
    getOperation()->walk([&](linalg::LinalgOp op) {
      // A copy is the movement itself.
      bool isElementwise =
          recognize::asElementwise(op) && op->getNumResults() == 1 &&
          !recognize::movementSource(op->getResult(0)) &&
          !isa<linalg::FillOp>(op.getOperation()) &&
          op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity();
      if (isElementwise || asReduction(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops)
      Sink(rewriter, op).run();
  }
};
} // namespace
} // namespace heed::normalize
