// NormalizeBroadcasts.cpp - computes before it repeats: elementwise ops of
// broadcast values, as broadcasts of elementwise ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   f(broadcast(a), broadcast(b), …)  →  broadcast(f(a, b, …))
//
// where all operands are repeated along the same dimensions. A gate that is
// expanded (or resized from 1x1) before its sigmoid is then one value a channel
// again.
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

/// Along a dimension an operand is repeated, or read whole.
std::optional<Input> readInput(linalg::LinalgOp op, OpOperand *operand) {
  if (recognize::constantValue(operand->get()))
    return Input{};
  if (!isa<RankedTensorType>(operand->get().getType()))
    return std::nullopt;
  AffineMap in = op.getMatchingIndexingMap(operand);
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  View view = recognize::peelMovement(operand->get(), /*broadcasts=*/true);
  Input input{view.root, {}};
  Layout kept;
  for (auto [dim, expr] : llvm::enumerate(out.getResults())) {
    std::optional<unsigned> position = in.getResultPosition(expr);
    int64_t size = type.getDimSize(dim);
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

class Sink {
public:
  Sink(RewriterBase &rewriter, linalg::LinalgOp op)
      : b(rewriter), op(op), loc(op.getLoc()),
        type(cast<RankedTensorType>(op->getResult(0).getType())) {}

  bool run() {
    SmallVector<int64_t> repeated;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      repeated.push_back(dim);
    bool any = false;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      std::optional<Input> input = readInput(op, operand);
      if (!input)
        return false;
      if (input->root) {
        any = true;
        llvm::erase_if(repeated, [&](int64_t dim) {
          return !isRepeated(input->axes[dim]);
        });
      }
      inputs.push_back(*input);
    }
    if (!any || repeated.empty())
      return false;
    build(repeated);
    return true;
  }

private:
  void build(ArrayRef<int64_t> repeated) {
    b.setInsertionPoint(op);
    SmallVector<int64_t> place(type.getRank(), -1), shape;
    SmallVector<OpFoldResult> full =
        tensor::getMixedSizes(b, loc, op.getDpsInits()[0]);
    SmallVector<OpFoldResult> small;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (!llvm::is_contained(repeated, dim)) {
        place[dim] = shape.size();
        shape.push_back(type.getDimSize(dim));
        small.push_back(full[dim]);
      }
    SmallVector<Value> operands;
    SmallVector<AffineMap> maps;
    unsigned rank = shape.size();
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
      for (auto [dim, axis] : llvm::enumerate(input.axes))
        if (!isRepeated(axis)) {
          axes.push_back(axis);
          exprs.push_back(b.getAffineDimExpr(place[dim]));
          inner.push_back(type.getDimSize(dim));
        }
      operands.push_back(recognize::emitRelayout(
          b, loc, input.root, recognize::identityLayout(input.root.getType()),
          axes,
          RankedTensorType::get(
              inner, getElementTypeOrSelf(operand->get().getType()))));
      maps.push_back(AffineMap::get(rank, 0, exprs, b.getContext()));
    }
    maps.push_back(b.getMultiDimIdentityMap(rank));
    Value init = tensor::EmptyOp::create(b, loc, small, type.getElementType());
    auto generic = linalg::GenericOp::create(
        b, loc, init.getType(), operands, init, maps,
        SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel));
    b.cloneRegionBefore(op->getRegion(0), generic.getRegion(),
                        generic.getRegion().end());
    b.setInsertionPoint(op);
    Value empty = tensor::EmptyOp::create(b, loc, full, type.getElementType());
    Value result = linalg::BroadcastOp::create(b, loc, generic.getResult(0),
                                               empty, repeated)
                       ->getResult(0);
    if (result.getType() != type)
      result = tensor::CastOp::create(b, loc, type, result);
    b.replaceOp(op, result);
  }

  RewriterBase &b;
  linalg::LinalgOp op;
  Location loc;
  RankedTensorType type;
  SmallVector<Input, 2> inputs;
};

struct NormalizeBroadcasts
    : impl::NormalizeBroadcastsBase<NormalizeBroadcasts> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops; // in order: chains sink op by op
    getOperation()->walk([&](linalg::LinalgOp op) {
      // A copy is the movement itself.
      if (recognize::asElementwise(op) && op->getNumResults() == 1 &&
          !recognize::movementSource(op->getResult(0)) &&
          !isa<linalg::FillOp>(op.getOperation()) &&
          op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops)
      Sink(rewriter, op).run();
  }
};
} // namespace
} // namespace heed::normalize
