// GateMatch.cpp - decides whether a multiplication is a gate: pure, complete,
// with a reason.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/GateMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/recognize/Elementwise.h"
#include "passes/recognize/Normaliser.h"

using namespace mlir;

namespace heed::recognize {

/// The operands whose elements `scalar` is computed from.
static void operandsUnder(linalg::LinalgOp op, Value scalar,
                          llvm::SmallPtrSetImpl<OpOperand *> &operands) {
  if (OpOperand *operand = operandOf(op, scalar)) {
    if (!constantValue(operand->get()))
      operands.insert(operand);
    return;
  }
  Operation *def = scalar.getDefiningOp();
  if (def && def->getBlock() == op.getBlock())
    for (Value inner : def->getOperands())
      operandsUnder(op, inner, operands);
}

/// `operand` by the dimensions of the result, looking through broadcasts.
static View viewByResult(linalg::LinalgOp op, OpOperand *operand,
                         bool broadcasts = true) {
  View view = peelMovement(operand->get(), broadcasts);
  AffineMap in = op.getMatchingIndexingMap(operand);
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Layout axes;
  for (auto [dim, expr] : llvm::enumerate(out.getResults())) {
    int64_t size = type.getDimSize(dim);
    std::optional<unsigned> position = in.getResultPosition(expr);
    if (position)
      axes.push_back(view.axes[*position]);
    else
      axes.push_back(size == 1 ? Axis{} : Axis{Atom{-1, 1, size}});
  }
  view.axes = axes;
  return view;
}

static bool isBroadcastAxis(const Axis &axis) {
  return !axis.empty() &&
         llvm::all_of(axis, [](Atom atom) { return atom.dim < 0; });
}

static bool hasUnitDimension(Value x) {
  auto shape = cast<RankedTensorType>(x.getType()).getShape();
  return shape.size() > 1 && llvm::is_contained(shape.drop_front(), 1);
}

/// The ways to read an elementwise op as an anchor.
static SmallVector<GateAnchor, 2> findGateAnchors(Operation *root) {
  linalg::LinalgOp op = asElementwise(root);
  if (!op || !isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType())))
    return {};
  SmallVector<GateAnchor, 2> broadcast, whole;
  op.getBlock()->walk([&](Operation *product) {
    if (!isa<arith::MulFOp, arith::DivFOp>(product))
      return;
    for (int side : {0, 1}) {
      GateAnchor anchor;
      anchor.op = op;
      anchor.divides = isa<arith::DivFOp>(product);
      if (anchor.divides && side == 1)
        return;
      anchor.x = operandOf(op, product->getOperand(side));
      llvm::SmallPtrSet<OpOperand *, 4> factors;
      operandsUnder(op, product->getOperand(1 - side), factors);
      if (!anchor.x || factors.size() != 1 || !isAligned(op, anchor.x) ||
          hasBroadcast(viewByResult(op, anchor.x).axes))
        continue;
      anchor.gate = *factors.begin();
      if (anchor.gate == anchor.x ||
          !isa<RankedTensorType>(anchor.gate->get().getType()))
        continue;
      View view = viewByResult(op, anchor.gate);
      // Values that repeat within a dimension stay so in the excitation.
      if (llvm::any_of(view.axes, [](const Axis &axis) {
            return hasBroadcast({axis}) && !isBroadcastAxis(axis);
          }))
        if (View whole = viewByResult(op, anchor.gate, false);
            llvm::any_of(whole.axes, isBroadcastAxis))
          view = whole;
      anchor.core = view.root;
      anchor.gateAxes = view.axes;
      for (auto [dim, axis] : llvm::enumerate(view.axes))
        if (isBroadcastAxis(axis))
          anchor.broadcast.push_back(dim);
      if (!anchor.broadcast.empty())
        broadcast.push_back(anchor);
      else if (hasUnitDimension(anchor.x->get()))
        whole.push_back(anchor);
    }
  });
  return broadcast.empty() ? whole : broadcast;
}

static std::string list(ArrayRef<int64_t> values) {
  std::string text = "[";
  for (auto [index, value] : llvm::enumerate(values))
    text += (index ? ", " : "") + std::to_string(value);
  return text + "]";
}

/// The dimensions of x that hold a digit of `reduced`.
static SmallVector<int64_t> dimensionsOf(const Layout &x,
                                         ArrayRef<Atom> reduced) {
  SmallVector<int64_t> dimensions;
  for (auto [dim, axis] : llvm::enumerate(x))
    if (llvm::any_of(axis, [&](Atom a) {
          return llvm::any_of(reduced, [&](Atom r) { return overlap(a, r); });
        }))
      dimensions.push_back(dim);
  return dimensions;
}

/// The axes of x outside D.
static Layout keptAxes(const Layout &axes, ArrayRef<int64_t> dimensions) {
  Layout kept;
  for (auto [dim, axis] : llvm::enumerate(axes))
    if (!llvm::is_contained(dimensions, static_cast<int64_t>(dim)))
      kept.push_back(axis);
  return kept;
}

/// Whether x is e^(...): its products with a reciprocal are a softmax.
static bool isExponential(Value x) {
  linalg::LinalgOp op = asElementwise(peelMovement(x).root.getDefiningOp());
  Operation *last =
      op ? op.getBlock()->getTerminator()->getOperand(0).getDefiningOp()
         : nullptr;
  return isa_and_nonnull<math::ExpOp, math::Exp2Op>(last);
}

/// The shapes that make an attn.gate of an excitation with pools; fills in the
/// dimensions and the extra operands.
static std::optional<Refusal> check(GateMatch &match) {
  const GateAnchor &anchor = match.anchor;
  linalg::LinalgOp op = anchor.op;
  ArrayRef<GatePool> pools = match.excitation.pools;
  match.dimensions = dimensionsOf(match.xAxes, pools.front().reduced);
  llvm::SmallSetVector<int64_t, 2> units;
  for (const GatePool &pool : pools) {
    if (peelMovement(match.x).root == match.x)
      for (int64_t dim : pool.units)
        if (dim != 0) // a batch of one is still the batch
          units.insert(dim);
    SmallVector<int64_t> other = dimensionsOf(match.xAxes, pool.reduced);
    if (other != match.dimensions)
      return Refusal{"expected pools over the same dimensions, got " +
                         list(match.dimensions) + " and " + list(other),
                     "gate by each pool on its own, or pool over the same "
                     "dimensions"};
  }
  match.dimensions.append(units.begin(), units.end());
  llvm::sort(match.dimensions);
  if (match.dimensions.empty()) // only of size 1, somewhere behind a reshape
    return std::nullopt;
  Layout kept = keptAxes(match.xAxes, match.dimensions);
  for (const GatePool &pool : pools)
    if (!canRelayout(kept, pool.axes))
      return Refusal{"expected pools over whole dimensions of the scaled "
                     "tensor, got a part of " +
                         list(match.dimensions),
                     "reshape the tensor so that the pooled part is a "
                     "dimension, before pooling and scaling"};
  for (int64_t dim : match.dimensions)
    if (!anchor.gateAxes[dim].empty() && !isBroadcastAxis(anchor.gateAxes[dim]))
      return Refusal{"expected a gate that is constant along the pooled "
                     "dimensions " +
                         list(match.dimensions) + ", got one broadcast over " +
                         list(anchor.broadcast),
                     "pool over the dimensions that the gate is broadcast "
                     "over"};
  // Dimensions that x keeps and the gate does not have are broadcast inside.
  Layout gate;
  for (const Axis &axis : keptAxes(anchor.gateAxes, match.dimensions))
    if (!isBroadcastAxis(axis))
      gate.push_back(axis);
  if (!canRelayout(identityLayout(anchor.core.getType()), gate))
    return Refusal{"expected a gate with the dimensions of the pooled tensor, "
                   "got repeated or reordered parts of one",
                   "compute one gate value for each pooled value"};
  Type element = getElementTypeOrSelf(match.x.getType());
  if (getElementTypeOrSelf(anchor.core.getType()) != element)
    return Refusal{"expected a gate of the scaled tensor's element type, got "
                   "another",
                   "cast inside the gate's branch, before its last "
                   "operation"};
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (input == anchor.x || input == anchor.gate ||
        constantValue(input->get()))
      continue;
    if (!isAligned(op, input))
      return Refusal{"expected further operands of the shape of the scaled "
                     "tensor, got a broadcast one",
                     "apply it in an operation of its own"};
    match.extras.push_back(input);
  }
  return std::nullopt;
}

/// Whether all that is made of the product is a sum of it.
static bool isInnerProduct(Value product) {
  SmallVector<Operation *> users(product.getUsers());
  for (size_t i = 0; i < users.size() && users.size() < 16; ++i) {
    Value moved =
        users[i]->getNumResults() == 1 ? users[i]->getResult(0) : Value();
    if (moved && movementSource(moved))
      users.append(moved.getUsers().begin(), moved.getUsers().end());
    else if (!isReduction(users[i]))
      return false;
  }
  return !users.empty();
}

/// Whether the pools say that they leave a spatial dimension out: one of size
/// 1, as it is for coordinate and strip gates of small images.
static bool poolsOneAxis(const GateMatch &match) {
  Layout others = keptAxes(match.xAxes, match.dimensions);
  bool keepsUnit = llvm::any_of(ArrayRef(others).drop_front(),
                                [](const Axis &axis) { return axis.empty(); });
  for (const GatePool &pool : match.excitation.pools) {
    if (!pool.namesUnits || peelMovement(match.x).root != match.x)
      continue;
    SmallVector<int64_t> own = dimensionsOf(match.xAxes, pool.reduced);
    for (int64_t dim : pool.units)
      if (dim != 0)
        own.push_back(dim);
    if (own.size() < match.dimensions.size() ||
        (others.size() > 2 && keepsUnit))
      return true;
  }
  return false;
}

static std::optional<GateMatch> match(const GateAnchor &anchor, Value x) {
  View view = peelMovement(x);
  GateMatch match;
  match.anchor = anchor;
  match.x = x;
  match.xAxes = view.axes;
  match.dimensions = anchor.broadcast;
  // Of an anchor that is not fused: what it would have been.
  match.kind = classifyGate(view.axes, anchor.broadcast, Mixing(), 0);
  Operation *reduction = nearestReduction(anchor.core);
  if (reduction && isReciprocalOfReduction(anchor.core)) {
    if (isExponential(x))
      return std::nullopt; // a softmax: an anchor of attention
    match.kind = GateKind::Norm;
    match.refusal = Refusal{
        "expected a gate, got a normalisation: the factor is a reciprocal of "
        "a reduction",
        "none needed: a norm is not a gate"};
    return match;
  }
  Excitation &excitation = match.excitation;
  SmallVector<Atom> over;
  for (int64_t dim : anchor.broadcast)
    over.append(view.axes[dim].begin(), view.axes[dim].end());
  excitation =
      findExcitation(anchor.core, view.root, anchor.op->getBlock(), over);
  if (excitation.refusal) {
    if (!reduction && !excitation.readsRoot)
      return std::nullopt;
    if (excitation.refusal->isNorm)
      match.kind = GateKind::Norm;
    match.refusal = excitation.refusal;
    return match;
  }
  if (excitation.pools.empty()) {
    if (!reduction)
      return std::nullopt;
    match.refusal = Refusal{
        "expected the pooled tensor to be the scaled tensor, got a pool of "
        "another one (" +
            describe(reduction) + ")",
        "scale the tensor that is pooled"};
    return match;
  }
  for (const GatePool &pool : excitation.pools)
    if (!pool.isCaptured && !llvm::is_contained(match.pools, pool.kind))
      match.pools.push_back(pool.kind);
  match.refusal = check(match);
  if (match.dimensions.empty())
    return std::nullopt;
  if (excitation.ops.empty() && isInnerProduct(anchor.op->getResult(0)))
    match.refusal = Refusal{
        "expected a scaled tensor, got an inner product of the tensor with its "
        "own pool",
        "none needed: a similarity is not a gate"};
  if (match.refusal)
    return match;
  match.kind = classifyGate(view.axes, match.dimensions, findMixing(excitation),
                            excitation.pools.size());
  if (match.kind == GateKind::Channel && poolsOneAxis(match))
    match.kind = GateKind::Axis;
  return match;
}

/// Whether the body multiplies x by the gate and uses neither elsewhere.
static bool isPlainProduct(GateAnchor anchor) {
  auto isOnly = [&](Value scalar, OpOperand *operand) {
    return operandOf(anchor.op, scalar) == operand && scalar.hasOneUse();
  };
  return llvm::any_of(
      anchor.op.getBlock()->getOps<arith::MulFOp>(), [&](arith::MulFOp mul) {
        Value lhs = mul.getLhs(), rhs = mul.getRhs();
        return (isOnly(lhs, anchor.x) && isOnly(rhs, anchor.gate)) ||
               (isOnly(rhs, anchor.x) && isOnly(lhs, anchor.gate));
      });
}

/// (c · x) · g with a weight c, where g is made of pools of x: x · (c · g).
static std::optional<GateMatch> matchMultiple(const GateAnchor &anchor) {
  Value multiple = anchor.x->get();
  if (!isPlainProduct(anchor))
    return std::nullopt;
  if (std::optional<Scaling> scaling = matchScaling(multiple)) {
    if (!scaling->factor.isConstant())
      return std::nullopt;
    std::optional<GateMatch> found = match(anchor, scaling->source);
    if (found)
      found->scale = scaling->factor.constant;
    return found;
  }
  linalg::LinalgOp op = asElementwise(multiple.getDefiningOp());
  auto times = op ? op.getBlock()
                        ->getTerminator()
                        ->getOperand(0)
                        .getDefiningOp<arith::MulFOp>()
                  : arith::MulFOp();
  for (int side : {0, 1}) {
    OpOperand *x = times ? operandOf(op, times->getOperand(side)) : nullptr;
    OpOperand *factor =
        times ? operandOf(op, times->getOperand(1 - side)) : nullptr;
    if (!x || !factor || !isAligned(op, x))
      continue;
    View view = viewByResult(op, factor);
    Operation *def = view.root.getDefiningOp();
    if ((def && !def->hasTrait<OpTrait::ConstantLike>()) ||
        view.root == peelMovement(x->get()).root)
      continue;
    std::optional<GateMatch> found = match(anchor, x->get());
    auto isConstantAlong = [&](int64_t dim) {
      return view.axes[dim].empty() || isBroadcastAxis(view.axes[dim]);
    };
    auto isWhole = [](const Axis &axis) {
      return isBroadcastAxis(axis) || !hasBroadcast({axis});
    };
    if (!found || !llvm::all_of(found->dimensions, isConstantAlong) ||
        !llvm::all_of(view.axes, isWhole))
      continue;
    found->factor = view;
    return found;
  }
  return std::nullopt;
}

std::optional<GateMatch> matchGate(Operation *op) {
  std::optional<GateMatch> best;
  for (const GateAnchor &anchor : findGateAnchors(op)) {
    std::optional<GateMatch> found = match(anchor, anchor.x->get());
    if (!found)
      continue;
    if (found->refusal)
      if (std::optional<GateMatch> multiple = matchMultiple(anchor);
          multiple && !multiple->refusal)
        return multiple;
    // x / h: a gate that is learnt or bounded, else some normalisation.
    if (anchor.divides && (found->refusal || !found->excitation.hasActivation))
      continue;
    if (!found->refusal)
      return found;
    // Two tensors of one shape are a gate or nothing.
    if (!best && !anchor.broadcast.empty())
      best = found;
  }
  if (best && isMissedNorm(best->anchor.core))
    return std::nullopt; // an anchor of a norm, whose remark says why
  return best;
}

} // namespace heed::recognize
