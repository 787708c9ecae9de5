// RecognizeSoftmax.cpp - the normalised exponential, however it is spelled, as
// linalg.softmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   p[.., j] = e[.., j] / Σ_j e[.., j]          e = exp(x - m), m not of j
//   o = (Σ_j e[.., j] · v[.., j]) / Σ_j e[.., j]    after the product
//   p[.., j] = exp(x - log Σ_j exp(x))          any shifts, as they cancel
//   e = exp(x - m) · open                       open is 0 or 1: x is −∞ at 0
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
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/recognize/Element.h"
#include "passes/recognize/Reshape.h"
#include <cmath>
#include <limits>

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
  /// Where the exponential is kept, not zero: a condition, or 0 and 1.
  std::optional<Element> open = std::nullopt;
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

/// The indices of a sum by those of the tensor that it normalises.
std::optional<Renaming> renameSummed(const ElementReduction &sum,
                                     const Factors &reduced,
                                     FactorTable &table) {
  Factors summed = table.leaves(sum.reduced), wanted = table.leaves(reduced);
  if (summed.size() != wanted.size())
    return std::nullopt;
  Renaming renamed;
  for (auto [from, to] : llvm::zip(summed, wanted)) {
    // Sizes that are not known are equal where both address one dimension of
    // one tensor, which the comparison that follows demands.
    if (table.getSize(from).isStatic() && table.getSize(to).isStatic() &&
        table.getSize(from) != table.getSize(to))
      return std::nullopt;
    renamed[from] = to;
  }
  return renamed;
}

/// The denominator is the sum of `numerator` over `reduced`.
bool isSumOf(const Element &denominator, const Element &numerator,
             const Factors &reduced, FactorTable &table) {
  std::optional<ElementReduction> sum =
      matchReduction(resolve(denominator, table), table);
  if (!sum || !isa<arith::AddFOp>(sum->combiner) ||
      constantOf(sum->init, table) != 0.0)
    return false;
  std::optional<Renaming> renamed = renameSummed(*sum, reduced, table);
  return renamed && sameComputation(sum->input, numerator, *renamed, table);
}

/// The inner x of c · (x - m - ..), with m the same for all of a row, and c;
/// none without such a shift.
std::optional<std::pair<Element, double>>
matchShifted(Element argument, const Factors &reduced, FactorTable &table) {
  double factor = 1;
  std::optional<std::pair<Element, double>> shifted;
  while (true) {
    Element inner = resolve(argument, table);
    if (definedBy<arith::SubFOp>(inner)) {
      bool left = !dependsOn(inner.operand(1), reduced, table);
      if (!left && dependsOn(inner.operand(0), reduced, table))
        return shifted;
      argument = inner.operand(left ? 0 : 1);
      factor = left ? factor : -factor;
      shifted = std::make_pair(argument, factor);
      continue;
    }
    bool divides = static_cast<bool>(definedBy<arith::DivFOp>(inner));
    if (definedBy<arith::NegFOp>(inner)) {
      factor = -factor;
      argument = inner.operand(0);
      continue;
    }
    if (!divides && !definedBy<arith::MulFOp>(inner))
      return shifted;
    std::optional<double> right = constantOf(inner.operand(1), table);
    std::optional<double> left;
    if (!divides && !right)
      left = constantOf(inner.operand(0), table);
    if (!left && !right)
      return shifted;
    factor *= left ? *left : divides ? 1 / *right : *right;
    argument = inner.operand(left ? 1 : 0);
  }
}

/// The x of base^x and the base's logarithm.
std::optional<std::pair<Element, double>> matchPower(const Element &e,
                                                     FactorTable &table) {
  if (definedBy<math::ExpOp>(e))
    return std::make_pair(e.operand(0), 1.0);
  if (definedBy<math::Exp2Op>(e))
    return std::make_pair(e.operand(0), std::log(2.0));
  if (!definedBy<math::PowFOp>(e))
    return std::nullopt;
  std::optional<double> base = constantOf(e.operand(0), table);
  if (!base || !(*base > 0) || *base == 1 || !std::isfinite(*base))
    return std::nullopt;
  return std::make_pair(e.operand(1), std::log(*base));
}

/// 0 or 1, whatever the indices.
bool isZeroOrOne(const Element &unresolved, FactorTable &table) {
  Element element = resolve(unresolved, table);
  if (definedBy<arith::UIToFPOp>(element))
    return element.operand(0).value.getType().isInteger(1);
  DenseFPElementsAttr numbers;
  return element.isTensor() &&
         matchPattern(element.value, m_Constant(&numbers)) &&
         llvm::all_of(numbers.getValues<APFloat>(), [](const APFloat &number) {
           return number.isZero() || number.isExactlyValue(1.0);
         });
}

/// base^ of x or of c · (x - m), or zero where it is not open.
std::optional<SoftmaxMatch> matchExponential(const Element &unresolved,
                                             const Factors &reduced,
                                             FactorTable &table) {
  Element e = resolve(unresolved, table);
  std::optional<Element> open;
  if (definedBy<arith::MulFOp>(e)) {
    unsigned kept = isZeroOrOne(e.operand(1), table) ? 0 : 1;
    open = e.operand(1 - kept);
    if (kept == 1 && !isZeroOrOne(*open, table))
      return std::nullopt;
    e = resolve(e.operand(kept), table);
  } else if (definedBy<arith::SelectOp>(e) &&
             constantOf(e.operand(2), table) == 0.0) {
    open = e.operand(0);
    e = resolve(e.operand(1), table);
  }
  std::optional<std::pair<Element, double>> power = matchPower(e, table);
  if (!power)
    return std::nullopt;
  auto [argument, factor] = *power;
  if (auto shifted = matchShifted(argument, reduced, table)) {
    argument = shifted->first;
    factor *= shifted->second;
  }
  if (!dependsOn(argument, reduced, table))
    return std::nullopt;
  return SoftmaxMatch{argument, reduced, factor, open};
}

/// A sum as its terms and what each is multiplied by.
using Terms = SmallVector<std::pair<Element, double>, 4>;

bool addTerms(const Element &unresolved, double coefficient, Terms &terms,
              FactorTable &table, unsigned depth = 0) {
  if (depth > 8 || terms.size() > 8)
    return false;
  Element element = resolve(unresolved, table);
  auto add = [&](unsigned i, double by) {
    return addTerms(element.operand(i), coefficient * by, terms, table,
                    depth + 1);
  };
  if (definedBy<arith::AddFOp>(element))
    return add(0, 1) && add(1, 1);
  if (definedBy<arith::SubFOp>(element))
    return add(0, 1) && add(1, -1);
  if (definedBy<arith::NegFOp>(element))
    return add(0, -1);
  bool divides = static_cast<bool>(definedBy<arith::DivFOp>(element));
  if (divides || definedBy<arith::MulFOp>(element)) {
    if (std::optional<double> by = constantOf(element.operand(1), table))
      return add(0, divides ? 1 / *by : *by);
    std::optional<double> by;
    if (!divides)
      by = constantOf(element.operand(0), table);
    if (by)
      return add(1, *by);
  }
  terms.push_back({element, coefficient});
  return true;
}

bool areClose(double a, double b) {
  return std::abs(a - b) <= 1e-6 * std::abs(b);
}

/// Every term of `some` is a term of `all`, the same as often as there.
bool sameTerms(const Terms &some, Terms all, Renaming &renamed,
               FactorTable &table) {
  for (const auto &term : some) {
    auto *same = llvm::find_if(all, [&](const auto &other) {
      return areClose(term.second, other.second) &&
             sameComputation(term.first, other.first, renamed, table);
    });
    if (same == all.end())
      return false;
    all.erase(same);
  }
  return all.empty();
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
  if (match.open) {
    std::optional<TensorView> open = asTensorOrClone(b, *match.open, table);
    if (!open)
      return {};
    auto mask = [&](OpBuilder &b, ValueRange v) -> Value {
      Value closed = arith::ConstantOp::create(
          b, loc,
          b.getFloatAttr(wide, -std::numeric_limits<double>::infinity()));
      Value holds = v[1];
      if (!holds.getType().isInteger(1)) {
        Value zero = arith::ConstantOp::create(
            b, loc, b.getFloatAttr(holds.getType(), 0));
        holds = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, holds,
                                      zero);
      }
      return arith::SelectOp::create(b, loc, holds, v[0], closed);
    };
    input = combineElements(b, loc, {TensorView{input, like.dims}, *open},
                            like.dims, wide, table, mask);
    if (!input)
      return {};
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

/// p = exp(x - log Σ exp x): the terms of both exponents are the same but for
/// the logarithm, so that their quotient is e / Σ e.
Value matchLogNormalised(OpBuilder &b, Value tensor) {
  FactorTable table;
  Element element(makeView(tensor, table));
  std::optional<Element> root = enterElementwise(element);
  if (!root)
    return {};
  while (definedBy<arith::TruncFOp>(*root) || definedBy<arith::ExtFOp>(*root))
    root = root->operand(0);
  std::optional<std::pair<Element, double>> power = matchPower(*root, table);
  Terms terms;
  if (!power || !addTerms(power->first, power->second, terms, table))
    return {};
  for (size_t i = 0; i < terms.size(); ++i) {
    auto [log, coefficient] = terms[i];
    bool base2 = static_cast<bool>(definedBy<math::Log2Op>(log));
    if ((!base2 && !definedBy<math::LogOp>(log)) ||
        !areClose(coefficient, base2 ? -std::log(2.0) : -1))
      continue;
    Factors reduced = missingFrom(log.operand(0), element.dims, table);
    std::optional<ElementReduction> sum =
        matchReduction(resolve(log.operand(0), table), table);
    if (reduced.empty() || !sum || !isa<arith::AddFOp>(sum->combiner) ||
        constantOf(sum->init, table) != 0.0)
      continue;
    std::optional<Renaming> renamed = renameSummed(*sum, reduced, table);
    std::optional<std::pair<Element, double>> summed =
        matchPower(resolve(sum->input, table), table);
    Terms inner, outer = terms;
    outer.erase(outer.begin() + i);
    if (!renamed || !summed ||
        !addTerms(summed->first, summed->second, inner, table) ||
        !sameTerms(inner, outer, *renamed, table))
      continue;
    std::optional<SoftmaxMatch> match = matchExponential(*root, reduced, table);
    if (match)
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
        softmax = matchLogNormalised(rewriter, op->getResult(0));
      if (!softmax)
        softmax = matchLateNormalised(rewriter, op->getResult(0));
      if (softmax)
        rewriter.replaceOp(op, softmax);
    }
  }
};
} // namespace
} // namespace heed::recognize
