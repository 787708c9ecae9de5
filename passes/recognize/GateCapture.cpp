// GateCapture.cpp - pools that attn.gate has no name for: its excitation reads
// the tensor itself.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/GateCapture.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/recognize/Elementwise.h"

using namespace mlir;

namespace heed::recognize {

namespace {
/// What an elementwise chain computes of the root x.
enum class Form {
  Plain,      // x, −x, c·x
  Clamped,    // max(x, ε), x + ε: of use below a power only
  Weighted,   // w·x with a constant tensor w
  Difference, // x − m
  Absolute,   // |x|, |x − m|
  Power,      // x², |x|^p, (x − m)²
  Exponential // e^(x − m)
};

/// An elementwise value in terms of the root.
struct Chain {
  Form form;
  Layout axes;                            // the root's digits, by dimension
  SmallVector<Operation *, 2> readers;    // of the root
  llvm::SmallBitVector weighted;          // dimensions that the weights have
  SmallVector<OpOperand *, 2> subtracted; // must not vary along the reduced
};
} // namespace

static bool isConstant(Value value) {
  Operation *def = peelMovement(value, true).root.getDefiningOp();
  return def && def->hasTrait<OpTrait::ConstantLike>();
}

/// The dimensions of the result along which `operand` varies.
static llvm::SmallBitVector varying(linalg::LinalgOp op, OpOperand *operand) {
  AffineMap in = op.getMatchingIndexingMap(operand);
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  View view = peelMovement(operand->get(), /*broadcasts=*/true);
  llvm::SmallBitVector dims(out.getNumResults());
  for (auto [dim, expr] : llvm::enumerate(out.getResults()))
    if (std::optional<unsigned> position = in.getResultPosition(expr))
      if (llvm::any_of(view.axes[*position], [](Atom a) { return a.dim >= 0; }))
        dims.set(dim);
  return dims;
}

namespace {
class Follow {
public:
  explicit Follow(Value root) : root(root) {}

  std::optional<CapturedPool> pool(Value value, int depth = 0) {
    View view = peelMovement(value);
    std::optional<CapturedPool> match;
    if (depth > 8)
      return std::nullopt;
    if (std::optional<Reduction> sum = matchWeightedSum(view.root))
      match = reduce(*sum, Chain{Form::Weighted,
                                 peelMovement(sum->input->get()).axes,
                                 {sum->op},
                                 {},
                                 {}});
    else if (auto reduction = matchReduction(view.root, /*minima=*/true))
      match = reduceOrNest(*reduction, depth);
    if (!match)
      return std::nullopt;
    std::optional<Layout> axes = composeLayouts(view.axes, match->axes);
    if (!axes)
      return std::nullopt;
    match->axes = *axes;
    return match;
  }

private:
  std::optional<CapturedPool> reduceOrNest(const Reduction &reduction,
                                           int depth) {
    Value input = reduction.input->get();
    if (std::optional<Chain> chain = follow(input, 0)) {
      bool sum = reduction.kind == attn::Pool::sum;
      bool fits =
          sum ? chain->form == Form::Weighted ||
                    chain->form == Form::Absolute ||
                    chain->form == Form::Power ||
                    chain->form == Form::Exponential
              : chain->form == Form::Plain || chain->form == Form::Absolute;
      if (!fits)
        return std::nullopt;
      if (chain->readers.empty()) // min x
        chain->readers.push_back(reduction.op);
      return reduce(reduction, *chain);
    }
    // A sum of sums, one dimension after the other; means between them.
    std::optional<Scaling> scaling = matchScaling(peelMovement(input).root);
    std::optional<CapturedPool> inner =
        scaling ? std::nullopt : pool(input, depth + 1);
    if (!inner || reduction.kind != attn::Pool::sum)
      return std::nullopt;
    return finish(reduction, inner->axes, inner->reduced, inner->readers,
                  inner->isPower);
  }

  std::optional<CapturedPool> reduce(const Reduction &reduction,
                                     const Chain &chain) {
    for (OpOperand *operand : chain.subtracted) {
      llvm::SmallBitVector dims =
          varying(cast<linalg::LinalgOp>(operand->getOwner()), operand);
      for (int64_t dim : reduction.reduced)
        if (dims.test(dim))
          return std::nullopt;
    }
    // With weights for each channel it is a pool of channels; with the same for
    // all it would be a convolution that looks for a pattern.
    if (chain.form == Form::Weighted && !chain.weighted.empty()) {
      bool perChannel = false;
      for (int64_t dim : reduction.kept)
        if (dim > 0 && !chain.axes[dim].empty()) {
          if (!chain.weighted.test(dim))
            return std::nullopt;
          perChannel = true;
        }
      if (!perChannel)
        return std::nullopt;
    }
    return finish(reduction, chain.axes, {}, chain.readers,
                  chain.form == Form::Power || chain.form == Form::Absolute);
  }

  CapturedPool finish(const Reduction &reduction, const Layout &source,
                      ArrayRef<Atom> reduced, ArrayRef<Operation *> readers,
                      bool isPower) {
    CapturedPool result;
    result.reduced.append(reduced.begin(), reduced.end());
    for (int64_t dim : reduction.reduced)
      result.reduced.append(source[dim].begin(), source[dim].end());
    for (int64_t dim : reduction.kept)
      result.axes.push_back(dim < 0 ? Axis{} : source[dim]);
    result.readers.assign(readers.begin(), readers.end());
    result.isPower = isPower;
    return result;
  }

  /// Σ w·x in one op: a contraction, or a convolution whose window covers x.
  std::optional<Reduction> matchWeightedSum(Value value) {
    std::optional<WeightedSum> sum = recognize::matchWeightedSum(value, root);
    if (!sum || !isConstant(sum->weights->get()))
      return std::nullopt;
    if (constantValue(sum->weights->get()))
      return sum->reduction;
    // The loops of what is kept must be the weights' too, but for the batch.
    AffineMap weights = sum->reduction.op.getMatchingIndexingMap(sum->weights);
    AffineMap out = sum->reduction.op.getMatchingIndexingMap(
        sum->reduction.op.getDpsInitOperand(0));
    Layout axes = peelMovement(sum->reduction.input->get()).axes;
    bool perChannel = false;
    for (auto [expr, from] : llvm::zip(out.getResults(), sum->reduction.kept))
      if (from > 0 && !axes[from].empty()) {
        if (!weights.getResultPosition(expr))
          return std::nullopt;
        perChannel = true;
      }
    return perChannel ? std::optional(sum->reduction) : std::nullopt;
  }

  std::optional<Chain> follow(Value value, int depth) {
    View view = peelMovement(value);
    if (view.root == root)
      return Chain{Form::Plain, view.axes, {}, {}, {}};
    linalg::LinalgOp op = asElementwise(view.root.getDefiningOp());
    if (!op || depth > 12)
      return std::nullopt;
    std::optional<Chain> chain =
        scalar(op, op.getBlock()->getTerminator()->getOperand(0), depth);
    if (!chain)
      return std::nullopt;
    // Only an op that stands before any movement says which dimensions its
    // weights and subtrahends have.
    bool moved = view.root != value;
    if (moved && (!chain->subtracted.empty() || !chain->weighted.empty()) &&
        !isIdentity(view))
      return std::nullopt;
    std::optional<Layout> axes = composeLayouts(view.axes, chain->axes);
    if (!axes)
      return std::nullopt;
    chain->axes = *axes;
    return chain;
  }

  static bool isIdentity(const View &view) {
    return view.axes == identityLayout(view.root.getType());
  }

  std::optional<Chain> scalar(linalg::LinalgOp op, Value value, int depth) {
    if (OpOperand *operand = operandOf(op, value)) {
      if (!isAligned(op, operand))
        return std::nullopt;
      std::optional<Chain> chain = follow(operand->get(), depth + 1);
      if (chain && peelMovement(operand->get()).root == root &&
          !llvm::is_contained(chain->readers, op.getOperation()))
        chain->readers.push_back(op);
      return chain;
    }
    Operation *def = value.getDefiningOp();
    if (!def || def->getBlock() != op.getBlock() || depth > 12)
      return std::nullopt;
    auto to = [](std::optional<Chain> chain, ArrayRef<Form> from, Form form) {
      if (!chain || !llvm::is_contained(from, chain->form))
        return std::optional<Chain>();
      chain->form = form;
      return chain;
    };
    auto operand = [&](unsigned i) {
      return scalar(op, def->getOperand(i), depth + 1);
    };
    const Form bases[] = {Form::Plain, Form::Clamped, Form::Difference,
                          Form::Absolute, Form::Power};
    if (isa<arith::NegFOp, arith::ExtFOp, arith::TruncFOp>(def))
      return operand(0);
    if (isa<math::AbsFOp>(def))
      return to(operand(0), bases, Form::Absolute);
    if (isa<math::SqrtOp>(def)) // |x| as √x²
      return to(operand(0), {Form::Power}, Form::Absolute);
    if (isa<math::ExpOp>(def))
      return to(operand(0), {Form::Difference}, Form::Exponential);
    if (isa<math::PowFOp, math::FPowIOp>(def))
      return to(operand(0), bases, Form::Power);
    if (def->getNumOperands() != 2)
      return std::nullopt;
    Value a = def->getOperand(0), b = def->getOperand(1);
    if (isa<arith::MulFOp>(def) && isSame(op, a, b))
      return to(operand(0), bases, Form::Power);
    bool aConstant = constantInBody(op, a).has_value(),
         bConstant = constantInBody(op, b).has_value();
    if (isa<arith::MulFOp>(def) && (aConstant || bConstant))
      return operand(aConstant ? 1 : 0);
    if (isa<arith::DivFOp>(def) && bConstant)
      return operand(0);
    if (isa<arith::MaximumFOp, arith::MaxNumFOp, arith::AddFOp>(def) &&
        (aConstant || bConstant)) {
      std::optional<Chain> chain = operand(aConstant ? 1 : 0);
      if (chain && chain->form == Form::Plain)
        chain->form = Form::Clamped;
      return chain;
    }
    if (isa<arith::SubFOp>(def))
      return difference(op, def, depth);
    if (isa<arith::MulFOp>(def))
      for (unsigned i : {0, 1})
        if (OpOperand *weights = operandOf(op, def->getOperand(i));
            weights && isConstant(weights->get())) {
          std::optional<Chain> chain =
              to(operand(1 - i), {Form::Plain}, Form::Weighted);
          if (chain)
            chain->weighted = varying(op, weights);
          return chain;
        }
    return std::nullopt;
  }

  std::optional<Chain> difference(linalg::LinalgOp op, Operation *def,
                                  int depth) {
    for (unsigned i : {0, 1}) {
      OpOperand *other = operandOf(op, def->getOperand(1 - i));
      if (!other)
        continue;
      std::optional<Chain> chain = scalar(op, def->getOperand(i), depth + 1);
      if (!chain || chain->form != Form::Plain)
        continue;
      chain->form = Form::Difference;
      chain->subtracted.push_back(other);
      return chain;
    }
    return std::nullopt;
  }

  static bool isSame(linalg::LinalgOp op, Value a, Value b) {
    if (a == b)
      return true;
    OpOperand *first = operandOf(op, a), *second = operandOf(op, b);
    return first && second && first->get() == second->get() &&
           op.getMatchingIndexingMap(first) ==
               op.getMatchingIndexingMap(second);
  }

  Value root;
};
} // namespace

std::optional<CapturedPool> matchCapturedPool(Value value, Value root) {
  return Follow(root).pool(value);
}

} // namespace heed::recognize
