// GatePools.cpp - the pools of a tensor: mean, maximum, sum over whole
// dimensions, in every spelling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/GatePools.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/recognize/Elementwise.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {

/// The kind of `combined` = combine(in, out): a sum, or a maximum spelled as
/// one op or as compare and select.
static std::optional<attn::Pool> combiner(Value combined, Value in, Value out,
                                          bool minima = false) {
  Operation *op = combined.getDefiningOp();
  if (!op)
    return std::nullopt;
  auto isPair = [&](Value a, Value b) {
    return (a == in && b == out) || (a == out && b == in);
  };
  if (isa<arith::AddFOp>(op) && isPair(op->getOperand(0), op->getOperand(1)))
    return attn::Pool::sum;
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(op) &&
      isPair(op->getOperand(0), op->getOperand(1)))
    return attn::Pool::max;
  if (minima && isa<arith::MinimumFOp, arith::MinNumFOp>(op) &&
      isPair(op->getOperand(0), op->getOperand(1)))
    return attn::Pool::max;
  auto select = dyn_cast<arith::SelectOp>(op);
  auto compare =
      select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (!compare || !isPair(compare.getLhs(), compare.getRhs()))
    return std::nullopt;
  using P = arith::CmpFPredicate;
  bool greater = llvm::is_contained({P::OGT, P::OGE, P::UGT, P::UGE},
                                    compare.getPredicate());
  bool less = llvm::is_contained({P::OLT, P::OLE, P::ULT, P::ULE},
                                 compare.getPredicate());
  bool keeps = select.getTrueValue() == compare.getLhs() &&
               select.getFalseValue() == compare.getRhs();
  bool swaps = select.getTrueValue() == compare.getRhs() &&
               select.getFalseValue() == compare.getLhs();
  if ((greater && keeps) || (less && swaps))
    return attn::Pool::max;
  return std::nullopt;
}

/// Sum from 0; maximum from −∞ or from the lowest finite number (a minimum from
/// the other end, `sign` = −1).
static bool isNeutral(attn::Pool kind, Value init, double sign) {
  std::optional<double> value = constantValue(init);
  if (!value)
    return false;
  if (kind == attn::Pool::sum)
    return *value == 0;
  auto type = cast<FloatType>(getElementTypeOrSelf(init.getType()));
  APFloat lowest =
      APFloat::getLargest(type.getFloatSemantics(), /*Negative=*/true);
  return sign * *value <= lowest.convertToDouble();
}

/// The reduction loop of `position + window·dilation` if the window covers the
/// dimension of size `size` in one position.
static std::optional<unsigned>
coveringLoop(AffineExpr expr, ArrayRef<int64_t> ranges, int64_t size,
             ArrayRef<utils::IteratorType> iterators) {
  std::optional<unsigned> window;
  bool covers = true;
  expr.walk([&](AffineExpr e) {
    auto dim = dyn_cast<AffineDimExpr>(e);
    if (!dim)
      return;
    unsigned loop = dim.getPosition();
    if (iterators[loop] == utils::IteratorType::reduction) {
      covers &= !window && ranges[loop] == size && size > 0;
      window = loop;
    } else {
      covers &= ranges[loop] == 1;
    }
  });
  // With one position and size steps inside the size, the step must be 1.
  return window && covers ? window : std::nullopt;
}

/// The loops of `position · window + offset`, where such windows divide the
/// dimension of size `size`: each element is in one of them.
static std::optional<std::pair<unsigned, unsigned>>
tilingLoops(AffineExpr expr, ArrayRef<int64_t> ranges, int64_t size,
            ArrayRef<utils::IteratorType> iterators) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  auto offset = dyn_cast<AffineDimExpr>(sum.getRHS());
  auto start = dyn_cast<AffineBinaryOpExpr>(sum.getLHS());
  if (!offset || !start || start.getKind() != AffineExprKind::Mul)
    return std::nullopt;
  auto position = dyn_cast<AffineDimExpr>(start.getLHS());
  auto step = dyn_cast<AffineConstantExpr>(start.getRHS());
  if (!position || !step)
    return std::nullopt;
  unsigned outer = position.getPosition(), inner = offset.getPosition();
  if (iterators[outer] != utils::IteratorType::parallel ||
      iterators[inner] != utils::IteratorType::reduction ||
      ShapedType::isDynamic(size) || ranges[inner] != step.getValue() ||
      ranges[outer] * ranges[inner] != size)
    return std::nullopt;
  return std::make_pair(outer, inner);
}

/// The sum or maximum `match.kind` of `match.input` by `match.op`: fills in what
/// becomes of its dimensions.
static std::optional<Reduction> placeDimensions(Reduction match, Value value,
                                                bool tiles = false) {
  linalg::LinalgOp op = match.op;
  OpOperand *init =
      op.getDpsInitOperand(cast<OpResult>(value).getResultNumber());
  AffineMap in = op.getMatchingIndexingMap(match.input);
  AffineMap to = op.getMatchingIndexingMap(init);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  auto inType = cast<RankedTensorType>(match.input->get().getType());
  SmallVector<int64_t> inputOf(op.getNumLoops(), -1);
  SmallVector<bool> reduces(op.getNumLoops(), false);
  for (auto [dim, expr] : llvm::enumerate(in.getResults())) {
    int64_t size = inType.getDimSize(dim);
    if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
      inputOf[loop.getPosition()] = dim;
      if (iterators[loop.getPosition()] == utils::IteratorType::reduction) {
        reduces[loop.getPosition()] = true;
        match.reduced.push_back(dim);
      }
    } else if (auto window = coveringLoop(expr, ranges, size, iterators)) {
      reduces[*window] = true;
      match.reduced.push_back(dim);
    } else if (auto loops = tiles ? tilingLoops(expr, ranges, size, iterators)
                                  : std::nullopt) {
      inputOf[loops->first] = dim;
      reduces[loops->second] = true;
      match.tiles.push_back({dim, ranges[loops->second]});
    } else if (size != 1) {
      return std::nullopt;
    }
  }
  // A reduction loop that the input does not know would repeat it.
  for (auto [loop, iterator] : llvm::enumerate(iterators))
    if (iterator == utils::IteratorType::reduction && !reduces[loop] &&
        ranges[loop] != 1)
      return std::nullopt;
  auto outType = cast<RankedTensorType>(value.getType());
  for (auto [dim, expr] : llvm::enumerate(to.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    int64_t from = loop ? inputOf[loop.getPosition()] : -1;
    if (from < 0 && outType.getDimSize(dim) != 1)
      return std::nullopt;
    match.kept.push_back(from);
  }
  return match;
}

/// The op of `value` if it reduces at all.
static linalg::LinalgOp asReducing(Value value) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || op.getNumReductionLoops() == 0 || !op.hasPureTensorSemantics() ||
      !isa<FloatType>(getElementTypeOrSelf(value.getType())))
    return nullptr;
  return op;
}

std::optional<Reduction> matchReduction(Value value, bool minima, bool tiles) {
  linalg::LinalgOp op = asReducing(value);
  if (!op)
    return std::nullopt;
  unsigned index = cast<OpResult>(value).getResultNumber();
  OpOperand *init = op.getDpsInitOperand(index);
  Value out = op.getMatchingBlockArgument(init);
  Value combined = op.getBlock()->getTerminator()->getOperand(index);
  Reduction match{op, nullptr, attn::Pool::sum, {}, {}};
  for (OpOperand *input : op.getDpsInputOperands())
    if (auto kind = combiner(combined, op.getMatchingBlockArgument(input), out,
                             minima)) {
      match.input = input;
      match.kind = *kind;
    }
  bool isMinimum = isa_and_nonnull<arith::MinimumFOp, arith::MinNumFOp>(
      combined.getDefiningOp());
  if (!match.input || !isNeutral(match.kind, init->get(), isMinimum ? -1 : 1))
    return std::nullopt;
  return placeDimensions(match, value, tiles);
}

std::optional<WeightedSum> matchWeightedSum(Value value, Value root) {
  linalg::LinalgOp op = asReducing(value);
  if (!op || op->getNumResults() != 1)
    return std::nullopt;
  OpOperand *init = op.getDpsInitOperand(0);
  Value out = op.getMatchingBlockArgument(init);
  auto sum = op.getBlock()
                 ->getTerminator()
                 ->getOperand(0)
                 .getDefiningOp<arith::AddFOp>();
  if (!sum || !isNeutral(attn::Pool::sum, init->get(), 1))
    return std::nullopt;
  Value term = sum.getLhs() == out ? sum.getRhs() : sum.getLhs();
  auto product = term.getDefiningOp<arith::MulFOp>();
  if (!product || (sum.getLhs() != out && sum.getRhs() != out))
    return std::nullopt;
  for (unsigned side : {0, 1}) {
    OpOperand *x = operandOf(op, product->getOperand(side));
    OpOperand *weights = operandOf(op, product->getOperand(1 - side));
    if (!x || !weights || peelMovement(x->get()).root != root)
      continue;
    std::optional<Reduction> reduction =
        placeDimensions({op, x, attn::Pool::sum, {}, {}}, value);
    if (reduction)
      return WeightedSum{*reduction, weights};
  }
  return std::nullopt;
}

bool isReduction(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  if (!linalgOp || linalgOp.getNumReductionLoops() == 0)
    return false;
  for (int64_t i = 0, e = op->getNumResults(); i < e; ++i) {
    Value out =
        linalgOp.getMatchingBlockArgument(linalgOp.getDpsInitOperand(i));
    Value combined = linalgOp.getBlock()->getTerminator()->getOperand(i);
    for (OpOperand *input : linalgOp.getDpsInputOperands())
      if (combiner(combined, linalgOp.getMatchingBlockArgument(input), out))
        return true;
  }
  return false;
}

bool isWindowPool(Operation *op) {
  return isReduction(op) && llvm::any_of(op->getResults(), [&](Value result) {
           auto linalgOp = cast<linalg::LinalgOp>(op);
           return !matchReduction(result) &&
                  llvm::any_of(linalgOp.getIndexingMapsArray(),
                               [](AffineMap map) {
                                 return !map.isProjectedPermutation(
                                     /*allowZeroInResults=*/true);
                               });
         });
}

namespace {
/// scale · (sum or max over `reduced` of before · root), laid out by `axes`.
struct Pooled {
  attn::Pool kind;
  SizeProduct scale, before;
  Layout axes;
  SmallVector<Atom> reduced;
  SmallVector<int64_t> units;
  bool namesUnits = false;
};
} // namespace

/// Takes the inner part of an axis, of the size of a window, away.
static std::optional<Atom> takeTile(Axis &axis, int64_t size) {
  if (axis.size() != 1 || axis[0].dim < 0 || axis[0].size % size != 0)
    return std::nullopt;
  Atom inner{axis[0].dim, axis[0].stride, size};
  axis[0].stride *= size;
  axis[0].size /= size;
  if (axis[0].size == 1)
    axis.clear();
  return inner;
}

/// Digits that are neighbours in a dimension are one digit.
static void joinDigits(SmallVectorImpl<Atom> &digits) {
  for (size_t i = 0; i < digits.size(); ++i)
    for (size_t k = 0; k < digits.size(); ++k)
      if (i != k && digits[i].dim >= 0 && digits[i].dim == digits[k].dim &&
          digits[i].stride == digits[k].stride * digits[k].size) {
        digits[k].size *= digits[i].size;
        digits.erase(digits.begin() + i);
        return joinDigits(digits);
      }
}

/// c · root below a reduction: the mean may divide first, Σ (x / n); and
/// max (c · x) = c · max x for c > 0.
static std::optional<Pooled> scaledRoot(View view, Value root,
                                        attn::Pool kind) {
  SizeProduct factor;
  while (view.root != root) {
    std::optional<Scaling> scaling = matchScaling(view.root);
    if (!scaling)
      return std::nullopt;
    factor *= scaling->factor;
    View source = peelMovement(scaling->source);
    std::optional<Layout> axes = composeLayouts(view.axes, source.axes);
    if (!axes)
      return std::nullopt;
    view = {source.root, *axes};
  }
  if (kind == attn::Pool::max && !(factor.isConstant() && factor.constant > 0))
    return std::nullopt;
  return Pooled{kind, {}, factor, view.axes, {}, {}};
}

/// Sums of sums, maxima of maxima, means of means, with movement anywhere.
static std::optional<Pooled> pooled(Value value, Value root, int depth) {
  if (depth > 16)
    return std::nullopt;
  View view = peelMovement(value);
  std::optional<Pooled> inner;
  if (std::optional<Scaling> scaling = matchScaling(view.root)) {
    inner = pooled(scaling->source, root, depth + 1);
    if (!inner || inner->kind != attn::Pool::sum)
      return std::nullopt;
    inner->scale *= scaling->factor;
  } else if (std::optional<Reduction> reduction =
                 matchReduction(view.root, /*minima=*/false, /*tiles=*/true)) {
    Value input = reduction->input->get();
    View source = peelMovement(input);
    if (source.root == root)
      inner = Pooled{reduction->kind, {}, {}, source.axes, {}, {}};
    else if (std::optional<Pooled> before =
                 scaledRoot(source, root, reduction->kind))
      inner = before;
    else
      inner = pooled(input, root, depth + 1);
    if (!inner || inner->kind != reduction->kind)
      return std::nullopt;
    inner->namesUnits = input == root;
    for (int64_t dim : reduction->reduced) {
      inner->reduced.append(inner->axes[dim].begin(), inner->axes[dim].end());
      if (input == root && inner->axes[dim].empty())
        inner->units.push_back(dim);
    }
    for (auto [dim, size] : reduction->tiles) {
      std::optional<Atom> tile = takeTile(inner->axes[dim], size);
      if (!tile)
        return std::nullopt;
      inner->reduced.push_back(*tile);
    }
    Layout kept;
    for (int64_t dim : reduction->kept)
      kept.push_back(dim < 0 ? Axis{} : inner->axes[dim]);
    inner->axes = kept;
  } else {
    return std::nullopt;
  }
  std::optional<Layout> axes = composeLayouts(view.axes, inner->axes);
  if (!axes)
    return std::nullopt;
  inner->axes = *axes;
  return inner;
}

/// One unit in the last place of a constant of this type, relative.
static double precision(Type type) {
  unsigned bits =
      APFloat::semanticsPrecision(cast<FloatType>(type).getFloatSemantics());
  return std::ldexp(2.0, -static_cast<int>(bits));
}

std::optional<GatePool> matchPool(Value value, Value root) {
  std::optional<Pooled> match = pooled(value, root, 0);
  if (!match || (match->reduced.empty() && match->units.empty()))
    return std::nullopt;
  joinDigits(match->reduced);
  GatePool pool{value,          match->kind,  match->axes,
                match->reduced, match->units, match->namesUnits};
  auto isOne = [](const SizeProduct &factor) {
    return factor.isConstant() && factor.constant == 1;
  };
  SizeProduct product = match->scale;
  bool scalesInput = match->before.isConstant();
  // A maximum is not scaled outside; a sum that is not is no mean.
  if (isOne(product) && scalesInput && !match->reduced.empty() &&
      (pool.kind == attn::Pool::max || isOne(match->before))) {
    pool.factor = match->before.constant;
    return pool;
  }
  product *= match->before;
  for (Atom atom : match->reduced) {
    SizeProduct size;
    if (ShapedType::isDynamic(atom.size))
      size = dimensionSize(root, atom.dim);
    else
      size.constant = atom.size;
    product *= size;
  }
  // Times the count, a mean's factor is 1.
  bool isMean = product.isConstant() &&
                std::abs(product.constant - 1) <=
                    4 * precision(getElementTypeOrSelf(value.getType()));
  if (!isMean && scalesInput && !isOne(match->before)) {
    // A pool of c · x. Without a factor outside it is a sum.
    if (isOne(match->scale)) {
      pool.factor = match->before.constant;
      return pool;
    }
    if (!product.isConstant())
      return std::nullopt;
    pool.factor = product.constant;
  } else if (!isMean) {
    return std::nullopt;
  }
  if (pool.kind == attn::Pool::sum) // also of one element
    pool.kind = attn::Pool::avg;
  return pool;
}

} // namespace heed::recognize
