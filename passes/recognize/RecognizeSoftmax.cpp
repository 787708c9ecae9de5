// RecognizeSoftmax.cpp - the normalised exponential, however it is spelled, as
// linalg.softmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   p[.., j] = e[.., j] / Σ_j e[.., j]          e = exp(x - m),  m does not
//   depend on j o = (Σ_j e[.., j] · v[.., j]) / Σ_j e[.., j]       normalised
//   after the product
//
// The shift m (the row's maximum, or none) cancels, so it is not looked at. One
// op or several, division or product with the reciprocal, any data movement
// between them: elements are compared, not ops.
#include "passes/recognize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/recognize/Element.h"
#include "passes/recognize/Reshape.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {
#define GEN_PASS_DEF_RECOGNIZESOFTMAX
#include "passes/recognize/Passes.h.inc"

namespace {
/// exp(factor · x) normalised over `reduced`.
struct SoftmaxMatch {
  Element x;
  Factors reduced;
  double factor;
};

struct Quotient {
  Element numerator, denominator;
};

/// a / b, or a · (1 / b), in the body of the op that makes the tensor.
SmallVector<Quotient, 2> quotients(const Element &tensor, FactorTable &table) {
  std::optional<Element> root = enterElementwise(tensor);
  if (!root)
    return {};
  while (definedBy<arith::TruncFOp>(*root) || definedBy<arith::ExtFOp>(*root))
    root = root->operand(0);
  if (definedBy<arith::DivFOp>(*root))
    return {{root->operand(0), root->operand(1)}};
  SmallVector<Quotient, 2> result;
  if (definedBy<arith::MulFOp>(*root))
    for (unsigned i : {0, 1}) {
      Element factor = resolve(root->operand(i), table);
      if (definedBy<arith::DivFOp>(factor) &&
          constantOf(factor.operand(0), table) == 1.0)
        result.push_back({root->operand(1 - i), factor.operand(1)});
    }
  return result;
}

/// The denominator is the sum of `numerator` over `reduced`.
bool isSumOf(const Element &denominator, const Element &numerator,
             const Factors &reduced, FactorTable &table) {
  std::optional<ElementReduction> sum =
      matchReduction(resolve(denominator, table), table);
  if (!sum || !isa<arith::AddFOp>(sum->combiner) ||
      constantOf(sum->init, table) != 0.0)
    return false;
  Factors summed = table.leaves(sum->reduced), wanted = table.leaves(reduced);
  if (summed.size() != wanted.size())
    return false;
  Renaming renamed;
  for (auto [from, to] : llvm::zip(summed, wanted)) {
    // Sizes that are not known are equal where both address one dimension of
    // one tensor, which the comparison below demands.
    if (table.getSize(from).isStatic() && table.getSize(to).isStatic() &&
        table.getSize(from) != table.getSize(to))
      return false;
    renamed[from] = to;
  }
  return sameComputation(sum->input, numerator, renamed, table);
}

/// The inner x of c · (x - m), with m the same for all of a row, and c; none
/// without such a shift.
std::optional<std::pair<Element, double>>
matchShifted(Element argument, const Factors &reduced, FactorTable &table) {
  double factor = 1;
  while (true) {
    Element inner = resolve(argument, table);
    if (definedBy<arith::SubFOp>(inner)) {
      for (unsigned i : {0, 1})
        if (!dependsOn(inner.operand(1 - i), reduced, table))
          return std::make_pair(inner.operand(i), i == 0 ? factor : -factor);
      return std::nullopt;
    }
    bool divides = static_cast<bool>(definedBy<arith::DivFOp>(inner));
    if (definedBy<arith::NegFOp>(inner)) {
      factor = -factor;
      argument = inner.operand(0);
      continue;
    }
    if (!divides && !definedBy<arith::MulFOp>(inner))
      return std::nullopt;
    std::optional<double> right = constantOf(inner.operand(1), table);
    std::optional<double> left;
    if (!divides && !right)
      left = constantOf(inner.operand(0), table);
    if (!left && !right)
      return std::nullopt;
    factor *= left ? *left : divides ? 1 / *right : *right;
    argument = inner.operand(left ? 1 : 0);
  }
}

/// exp or 2^ of x or of c · (x - m).
std::optional<SoftmaxMatch> matchExponential(const Element &unresolved,
                                             const Factors &reduced,
                                             FactorTable &table) {
  Element e = resolve(unresolved, table);
  bool base2 = static_cast<bool>(definedBy<math::Exp2Op>(e));
  if (!base2 && !definedBy<math::ExpOp>(e))
    return std::nullopt;
  double factor = base2 ? std::log(2.0) : 1;
  Element argument = e.operand(0);
  if (auto shifted = matchShifted(argument, reduced, table)) {
    argument = shifted->first;
    factor *= shifted->second;
  }
  if (!dependsOn(argument, reduced, table))
    return std::nullopt;
  return SoftmaxMatch{argument, reduced, factor};
}

/// The factors of the tensor that the denominator does not have.
Factors missingFrom(const Element &denominator, const Access &dims,
                    FactorTable &table) {
  Factors kept = table.flatten(resolve(denominator, table).dims);
  Factors result;
  for (Factor factor : table.flatten(dims))
    if (!llvm::is_contained(kept, factor))
      result.push_back(factor);
  return result;
}

/// linalg.softmax of the matched x, in the layout and type of `like`.
Value buildSoftmax(OpBuilder &b, Location loc, const SoftmaxMatch &match,
                   const Element &like, FactorTable &table) {
  // The one dimension that is reduced.
  std::optional<unsigned> dimension;
  for (auto [i, list] : llvm::enumerate(like.dims))
    if (table.leaves(list) == table.leaves(match.reduced))
      dimension = i;
  if (!dimension)
    return {};
  std::optional<TensorView> x = asTensorOrClone(b, match.x, table);
  if (!x)
    return {};
  Value input = reshapeTo(b, loc, *x, like.dims, table);
  if (!input)
    return {};
  // Computed in the type that the source program's exponential has.
  Type wide = match.x.value.getType();
  if (auto tensor = dyn_cast<RankedTensorType>(wide))
    wide = tensor.getElementType();
  input = castElements(b, loc, input, wide);
  if (match.factor != 1) {
    input = mapElements(b, loc, input, wide, [&](OpBuilder &b, Value scalar) {
      Value factor =
          arith::ConstantOp::create(b, loc, b.getFloatAttr(wide, match.factor));
      return arith::MulFOp::create(b, loc, scalar, factor).getResult();
    });
  }
  Value init = emptyLike(b, loc, input, wide);
  Value result = linalg::SoftmaxOp::create(b, loc, input.getType(), input, init,
                                           uint64_t(*dimension))
                     .getResult()[0];
  Type narrow = cast<RankedTensorType>(like.value.getType()).getElementType();
  return castElements(b, loc, result, narrow);
}

/// p = e / Σ e.
Value matchNormalised(OpBuilder &b, Value tensor) {
  FactorTable table;
  Element element(makeView(tensor, table));
  for (Quotient &quotient : quotients(element, table)) {
    Factors reduced = missingFrom(quotient.denominator, element.dims, table);
    if (reduced.empty())
      continue;
    std::optional<SoftmaxMatch> match =
        matchExponential(quotient.numerator, reduced, table);
    if (match &&
        isSumOf(quotient.denominator, quotient.numerator, reduced, table))
      return buildSoftmax(b, tensor.getLoc(), *match, element, table);
  }
  return {};
}

/// Computes values again with another value for one of those that they are made
/// of.
struct Recompute {
  OpBuilder &b;
  IRMapping mapping;
  DenseSet<Value> unchanged = {};

  /// Whether `value` is made of the mapped one by pure ops on tensors.
  bool visit(Value value, unsigned depth = 0) {
    if (mapping.contains(value))
      return true;
    Operation *op = value.getDefiningOp();
    if (!op || depth > 16 || op->getNumResults() != 1 ||
        !isMemoryEffectFree(op) ||
        !isa<linalg::LinalgOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::CastOp>(op) ||
        unchanged.contains(value))
      return false;
    bool changed = false;
    for (Value operand : op->getOperands())
      changed |= visit(operand, depth + 1);
    if (changed)
      b.clone(*op, mapping);
    else
      unchanged.insert(value);
    return changed;
  }
};

/// o = (Σ e · v) / Σ e: the same as Σ (e / Σ e) · v.
Value matchLateNormalised(OpBuilder &b, Value tensor) {
  FactorTable table;
  Element element(makeView(tensor, table));
  for (Quotient &quotient : quotients(element, table)) {
    std::optional<Element> moved = leaveFrame(quotient.numerator);
    Element sum = resolve(quotient.numerator, table);
    std::optional<Product> product = matchProduct(sum, table);
    if (!moved || !product ||
        table.leaves(moved->dims) != table.leaves(element.dims) ||
        moved->value.getType() != tensor.getType())
      continue;
    for (const Element &side : {product->lhs, product->rhs}) {
      // The exponential's own tensor, before movement and broadcasts.
      std::optional<TensorView> weights = asTensor(side, table);
      std::optional<SoftmaxMatch> match =
          matchExponential(side, product->contracted, table);
      if (!match || !weights ||
          !isSumOf(quotient.denominator, side, product->contracted, table))
        continue;
      Value softmax =
          buildSoftmax(b, tensor.getLoc(), *match, Element(*weights), table);
      if (!softmax)
        continue;
      Recompute recompute{b, {}};
      recompute.mapping.map(weights->value, softmax);
      if (!recompute.visit(sum.value))
        continue;
      return cloneMovement(b, moved->value, sum.value,
                           recompute.mapping.lookup(sum.value));
    }
  }
  return {};
}

struct RecognizeSoftmax : impl::RecognizeSoftmaxBase<RecognizeSoftmax> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op.getNumParallelLoops() == op.getNumLoops() &&
          op->getNumResults() == 1 &&
          isa<RankedTensorType>(op->getResult(0).getType()))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      rewriter.setInsertionPoint(op);
      Value softmax = matchNormalised(rewriter, op->getResult(0));
      if (!softmax)
        softmax = matchLateNormalised(rewriter, op->getResult(0));
      if (softmax)
        rewriter.replaceOp(op, softmax);
    }
  }
};
} // namespace
} // namespace heed::recognize
