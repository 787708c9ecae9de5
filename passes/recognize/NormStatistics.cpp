// NormStatistics.cpp - the mean and the variance under a norm's root, in every
// spelling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   v + ε,  v = Σ_D (x − m)² / n          two passes
//           v = Σ_D x² / n − m²           one pass, perhaps max(v, 0)
//           v = Σ_D x² / n                RMS
//   m = Σ_D x / n
//
// Sums may be sums of sums, means of means; n is a number or a run-time size.
#include "passes/recognize/NormMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/recognize/SizeProduct.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {

//===----------------------------------------------------------------------===//
// Equal computations at other indices
//===----------------------------------------------------------------------===//

/// Takes factors off the front of `list` that make up `size`.
static std::optional<Factors> takeSize(ArrayRef<Factor> &list, Size size,
                                       FactorTable &table) {
  Factors taken;
  int64_t product = 1;
  while (!list.empty()) {
    Size next = table.getSize(list.front());
    taken.push_back(list.front());
    list = list.drop_front();
    if (taken.size() == 1 && next == size)
      return taken;
    if (!next.isStatic() || !size.isStatic())
      return std::nullopt;
    product *= next.number;
    if (product == size.number)
      return taken;
  }
  return std::nullopt;
}

static bool unifyAccess(const Access &a, const Access &b, ArrayRef<Factor> free,
                        Binding &bound, FactorTable &table) {
  if (a.size() != b.size())
    return false;
  Factors open = table.leaves(free);
  for (auto [left, right] : llvm::zip(a, b)) {
    Factors l = table.leaves(left), r = table.leaves(right);
    ArrayRef<Factor> rest = r;
    for (auto [i, factor] : llvm::enumerate(l)) {
      if (!llvm::is_contained(open, factor)) {
        if (rest.empty() || rest.front() != factor)
          return false;
        rest = rest.drop_front();
        continue;
      }
      auto known = bound.find(factor);
      if (known == bound.end()) {
        // The last one is all that is left of this dimension, whatever the
        // types know of its size.
        std::optional<Factors> taken;
        if (i + 1 == l.size() && !rest.empty())
          taken = Factors(std::exchange(rest, {}));
        else
          taken = takeSize(rest, table.getSize(factor), table);
        if (!taken)
          return false;
        bound[factor] = *taken;
        continue;
      }
      Factors wanted = table.leaves(known->second);
      if (rest.take_front(wanted.size()) != ArrayRef<Factor>(wanted))
        return false;
      rest = rest.drop_front(wanted.size());
    }
    if (!rest.empty())
      return false;
  }
  return true;
}

static bool unifyInto(const Element &unresolvedA, const Element &unresolvedB,
                      ArrayRef<Factor> free, Binding &bound, FactorTable &table,
                      unsigned depth) {
  Element a = resolve(unresolvedA, table), b = resolve(unresolvedB, table);
  if (a.value == b.value && a.frame == b.frame)
    return unifyAccess(a.dims, b.dims, free, bound, table);
  Operation *opA = scalarOp(a), *opB = scalarOp(b);
  if (!opA || !opB || depth > 16) {
    std::optional<double> x = constantOf(a, table), y = constantOf(b, table);
    return x && y && *x == *y;
  }
  if (opA->getName() != opB->getName() ||
      opA->getNumOperands() != opB->getNumOperands() ||
      opA->getAttrDictionary() != opB->getAttrDictionary() ||
      opA->getNumOperands() == 0)
    return false;
  for (unsigned i = 0; i < opA->getNumOperands(); ++i)
    if (!unifyInto(a.operand(i), b.operand(i), free, bound, table, depth + 1))
      return false;
  return true;
}

bool unify(const Element &a, const Element &b, ArrayRef<Factor> free,
           Binding &bound, FactorTable &table) {
  Binding extended = bound;
  if (!unifyInto(a, b, free, extended, table, 0))
    return false;
  bound = extended;
  return true;
}

//===----------------------------------------------------------------------===//
// Sums and means
//===----------------------------------------------------------------------===//

/// A number that is the same for all elements: a constant or made of sizes.
static std::optional<SizeProduct> uniformFactor(const Element &unresolved,
                                                FactorTable &table) {
  SizeProduct factor;
  if (std::optional<double> number = constantOf(unresolved, table)) {
    factor.constant = *number;
    return factor;
  }
  Element element = resolve(unresolved, table);
  if (element.isTensor()) {
    auto single = element.value.getDefiningOp<tensor::FromElementsOp>();
    if (!single || single.getElements().size() != 1)
      return std::nullopt;
    return sizeProduct(single.getElements()[0]);
  }
  if (element.frame && !scalarOp(element))
    return std::nullopt;
  Operation *op = scalarOp(element);
  if (element.frame)
    return isa<arith::SIToFPOp, arith::UIToFPOp>(op)
               ? uniformFactor(element.operand(0), table)
               : std::nullopt;
  return sizeProduct(element.value);
}

static SizeProduct sizeOf(Factor factor, FactorTable &table) {
  Size size = table.getSize(factor);
  SizeProduct product;
  if (size.isStatic())
    product.constant = static_cast<double>(size.number);
  else
    product = size.dim < 0 ? sizeProduct(size.symbol)
                           : dimensionSize(size.symbol, size.dim);
  return product;
}

namespace {
/// factor · Σ over `reduced` of input; n is the number of elements.
struct ScaledSum {
  Element input;
  Factors reduced;
  SizeProduct factor;

  /// factor · n: 1 for a mean.
  std::optional<double> timesCount(FactorTable &table) {
    SizeProduct product = factor;
    for (Factor one : table.leaves(reduced))
      product *= sizeOf(one, table);
    if (!product.isConstant())
      return std::nullopt;
    return product.constant;
  }
};
} // namespace

/// f · source, f uniform; peels all such factors.
static Element peelFactors(Element element, SizeProduct &factor,
                           FactorTable &table) {
  while (true) {
    element = resolve(element, table);
    if (definedBy<arith::DivFOp>(element)) {
      std::optional<SizeProduct> by = uniformFactor(element.operand(1), table);
      if (!by)
        return element;
      factor *= by->inverse();
      element = element.operand(0);
      continue;
    }
    if (!definedBy<arith::MulFOp>(element))
      return element;
    if (auto by = uniformFactor(element.operand(1), table)) {
      factor *= *by;
      element = element.operand(0);
    } else if (auto first = uniformFactor(element.operand(0), table)) {
      factor *= *first;
      element = element.operand(1);
    } else {
      return element;
    }
  }
}

/// `element` as a scaled sum whose input `accepts` takes.
static std::optional<ScaledSum>
matchScaledSum(const Element &element, FactorTable &table,
               function_ref<bool(const ScaledSum &)> accepts) {
  ScaledSum sum{element, {}, {}};
  for (unsigned depth = 0; depth < 8; ++depth) {
    Element inner = peelFactors(sum.input, sum.factor, table);
    std::optional<ElementReduction> reduction = matchReduction(inner, table);
    if (!reduction || !isa<arith::AddFOp>(reduction->combiner) ||
        constantOf(reduction->init, table) != 0.0)
      return std::nullopt;
    sum.input = reduction->input;
    llvm::append_range(sum.reduced, reduction->reduced);
    if (accepts(sum))
      return sum;
    // The mean may divide first: Σ (x / n).
    ScaledSum inside = sum;
    inside.input = peelFactors(inside.input, inside.factor, table);
    if (accepts(inside))
      return inside;
  }
  return std::nullopt;
}

static bool isOne(std::optional<double> value) {
  return value && std::abs(*value - 1) < 1e-6;
}

bool isMeanOf(const Element &element, const Element &x,
              ArrayRef<Factor> reduced, FactorTable &table) {
  Binding bound;
  std::optional<ScaledSum> sum =
      matchScaledSum(element, table, [&](const ScaledSum &candidate) {
        bound.clear();
        return unify(candidate.input, x, candidate.reduced, bound, table);
      });
  if (!sum || !isOne(sum->timesCount(table)))
    return false;
  // What the sum runs over is exactly what the statistics reduce.
  Factors over, wanted = table.leaves(reduced);
  for (Factor factor : table.leaves(sum->reduced)) {
    auto to = bound.find(factor);
    if (to == bound.end())
      return false;
    llvm::append_range(over, table.leaves(to->second));
  }
  llvm::sort(over);
  llvm::sort(wanted);
  return over == wanted;
}

//===----------------------------------------------------------------------===//
// The variance
//===----------------------------------------------------------------------===//

/// a of a·a or a².
static std::optional<Element> matchSquare(const Element &unresolved,
                                          FactorTable &table) {
  Element element = resolve(unresolved, table);
  if (definedBy<math::PowFOp>(element) || definedBy<math::FPowIOp>(element))
    return constantOf(element.operand(1), table) == 2.0
               ? std::optional<Element>(element.operand(0))
               : std::nullopt;
  Binding none;
  if (definedBy<arith::MulFOp>(element) &&
      unify(element.operand(0), element.operand(1), {}, none, table))
    return element.operand(0);
  return std::nullopt;
}

static std::optional<ScaledSum> matchSumOfSquares(const Element &element,
                                                  FactorTable &table) {
  std::optional<Element> base;
  std::optional<ScaledSum> sum =
      matchScaledSum(element, table, [&](const ScaledSum &candidate) {
        base = matchSquare(candidate.input, table);
        return base.has_value();
      });
  if (sum)
    sum->input = *base;
  return sum;
}

/// A sum of squares that is no mean of them.
static std::optional<Refusal> checkCount(ScaledSum &sum, FactorTable &table) {
  std::optional<double> product = sum.timesCount(table);
  if (isOne(product))
    return std::nullopt;
  if (sum.factor.isConstant() && sum.factor.constant == 1)
    return Refusal{"expected a mean of squares, got a sum of squares: an L2 "
                   "normalisation",
                   "none needed: it stays elementwise"};
  std::optional<double> count;
  if (product && sum.factor.isConstant())
    count = *product / sum.factor.constant;
  if (count && *count > 1 &&
      std::abs(*product - *count / (*count - 1)) < 1e-6 * *product)
    return Refusal{"expected the variance divided by the number of elements, "
                   "got it divided by one less",
                   "use the variance of the population (unbiased=False, "
                   "correction=0)"};
  return Refusal{"expected a mean of squares, got a sum of squares times "
                 "another number than one over the count",
                 "divide by the number of elements that are summed"};
}

std::optional<StatisticsMatch> matchStatistics(const Element &root,
                                               FactorTable &table) {
  bool inverse = !definedBy<math::SqrtOp>(root);
  if (definedBy<math::PowFOp>(root))
    inverse = constantOf(root.operand(1), table) == -0.5;

  double epsilon = 0;
  bool maximum = false;
  Element v = root.operand(0);
  while (true) {
    Element inner = resolve(v, table);
    Operation *op = scalarOp(inner);
    bool isMax = isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp>(op);
    if (!isMax && !isa_and_nonnull<arith::AddFOp>(op))
      break;
    std::optional<double> second = constantOf(inner.operand(1), table);
    std::optional<double> number =
        second ? second : constantOf(inner.operand(0), table);
    if (!number)
      break;
    v = inner.operand(second ? 0 : 1);
    if (!isMax)
      epsilon += *number;
    else
      maximum |= *number > 0;
  }

  StatisticsMatch result;
  std::optional<ScaledSum> squares = matchSumOfSquares(v, table);
  std::optional<Element> mean; // of E[x²] − mean²
  if (!squares) {
    Element difference = resolve(v, table);
    if (definedBy<arith::SubFOp>(difference)) {
      squares = matchSumOfSquares(difference.operand(0), table);
      mean = matchSquare(difference.operand(1), table);
    }
    if (!squares || !mean)
      return std::nullopt;
  }
  if (table.leaves(squares->reduced).empty())
    return std::nullopt;
  result.refusal = checkCount(*squares, table);
  if (result.refusal)
    return result;
  if (maximum) {
    result.refusal = Refusal{"expected epsilon added to the variance, got the "
                             "maximum of both",
                             "write rsqrt(variance + epsilon)"};
    return result;
  }
  if (epsilon < 0) {
    result.refusal = Refusal{"expected epsilon of 0 or more, got a negative "
                             "number",
                             "add epsilon to the variance"};
    return result;
  }
  NormStatistics statistics{attn::NormKind::rms, squares->input,
                            squares->reduced, epsilon, inverse};
  if (mean) {
    if (!isMeanOf(*mean, squares->input, squares->reduced, table)) {
      result.refusal = Refusal{"expected the mean of squares less the squared "
                               "mean of the same, got another subtrahend",
                               "compute both over the same dimensions of one "
                               "tensor"};
      return result;
    }
    statistics.kind = attn::NormKind::layer;
  } else {
    Element centred = resolve(squares->input, table);
    if (definedBy<arith::SubFOp>(centred) &&
        isMeanOf(centred.operand(1), centred.operand(0), squares->reduced,
                 table)) {
      statistics.kind = attn::NormKind::layer;
      statistics.x = centred.operand(0);
    }
  }
  result.statistics = statistics;
  return result;
}

} // namespace heed::recognize
