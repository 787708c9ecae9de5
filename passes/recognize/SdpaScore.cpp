// SdpaScore.cpp - the chain from the product of queries and keys to the
// softmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   s = mask(region(softcap(scale · Σ_d q·k) + bias))
//
// The chain is walked up once to the product (its spine), then read from the
// product outwards: each step goes into the first of scale, softcap, bias,
// region that is still open, so that the order of the source program is kept.
#include "passes/recognize/SdpaMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {
namespace {

constexpr Missed kNoProduct = {
    "expected the softmax of a product of queries and keys, got another "
    "tensor",
    "compute the scores as Q K^T; attention whose scores come from a layer "
    "stays unfused"};
constexpr Missed kSharedAxis = {
    "expected a softmax over the keys, got one over a dimension that queries "
    "and keys share",
    "take the softmax over the dimension that only the keys have"};
constexpr Missed kLinearLayer = {
    "expected a product of queries and keys, got a linear layer of one "
    "tensor",
    "none needed for a classifier or a router; an attention takes its keys "
    "from a tensor of the model"};
constexpr Missed kMixedHeads = {
    "expected the scores of one head, got a mix of the scores of several "
    "heads",
    "leave out the layer between the heads' scores (talking heads) to fuse "
    "the block"};

bool isConstant(const TensorView &view) {
  return matchPattern(view.value, m_Constant());
}

/// A tensor with the constant factors on the way to it: value = scale · root.
struct Scaled {
  TensorView root;
  double scale;
};

/// Inside a body: constant factors off, as far as the next tensor.
std::optional<std::pair<Element, double>> unscale(Element element,
                                                  FactorTable &table) {
  double scale = 1;
  while (element.frame) {
    if (definedBy<arith::ExtFOp>(element) ||
        definedBy<arith::TruncFOp>(element)) {
      element = element.operand(0);
    } else if (definedBy<arith::NegFOp>(element)) {
      scale = -scale;
      element = element.operand(0);
    } else if (definedBy<arith::MulFOp>(element)) {
      std::optional<double> left = constantOf(element.operand(0), table);
      std::optional<double> right = constantOf(element.operand(1), table);
      if (!left && !right)
        return std::nullopt;
      scale *= left ? *left : *right;
      element = element.operand(left ? 1 : 0);
    } else if (definedBy<arith::DivFOp>(element)) {
      std::optional<double> right = constantOf(element.operand(1), table);
      if (!right)
        return std::nullopt;
      scale /= *right;
      element = element.operand(0);
    } else {
      std::optional<Element> outside = leaveFrame(element);
      if (!outside)
        return std::nullopt;
      element = *outside;
    }
  }
  if (!element.isTensor())
    return std::nullopt;
  return std::make_pair(element, scale);
}

std::optional<Scaled> peelScale(const Element &element, FactorTable &table) {
  auto start = unscale(element, table);
  if (!start)
    return std::nullopt;
  Element current = start->first;
  double scale = start->second;
  while (true) {
    TensorView view = peel({current.value, current.dims}, table);
    std::optional<Element> inside = enterElementwise(Element(view));
    auto next = inside ? unscale(*inside, table) : std::nullopt;
    if (!next)
      return Scaled{view, scale};
    current = next->first;
    scale *= next->second;
  }
}

/// The product that the scores are, and on which side the keys are.
struct Sides {
  Product product;
  bool keysAreRhs;
};

bool reads(const Element &element, const Factors &factors, FactorTable &table) {
  return dependsOn(element, factors, table);
}

struct SpineSearch {
  const Factors &keys;
  FactorTable &table;
  unsigned budget = 96;
  bool sawShared = false;
  SmallVector<Step> steps = {}; // outermost first while searching
  std::optional<Sides> found = std::nullopt;

  bool search(const Element &unresolved) {
    Element element = resolve(unresolved, table);
    if (!element.frame) {
      std::optional<Product> product =
          element.isTensor() ? matchProduct(element, table) : std::nullopt;
      if (!product)
        return false;
      if (table.leaves(keys).empty())
        return takeOneKey(*product);
      bool lhs = hasAll(product->lhs), rhs = hasAll(product->rhs);
      bool anyLhs = reads(product->lhs, keys, table);
      bool anyRhs = reads(product->rhs, keys, table);
      if (anyLhs && anyRhs)
        sawShared = true;
      if (anyLhs == anyRhs || !(anyLhs ? lhs : rhs))
        return false;
      found = Sides{*product, rhs};
      return true;
    }
    Operation *op = scalarOp(element);
    if (!op || budget == 0)
      return false;
    --budget;
    for (unsigned i = isa<arith::SelectOp>(op) ? 1 : 0,
                  e = op->getNumOperands();
         i < e; ++i) {
      steps.push_back({element, i});
      if (search(element.operand(i)))
        return true;
      steps.pop_back();
    }
    return false;
  }

  /// One key has no index: it is on the side without an index of its own, where
  /// the queries, perhaps one as well, are not.
  bool takeOneKey(const Product &product) {
    std::optional<TensorView> lhs = asTensor(product.lhs, table);
    std::optional<TensorView> rhs = asTensor(product.rhs, table);
    if (!lhs || !rhs)
      return false;
    // A scaled side may repeat its heads below the factor.
    for (TensorView *side : {&*lhs, &*rhs})
      if (std::optional<Scaled> scaled = peelScale(*side, table))
        *side = scaled->root;
    auto hasOwn = [&](const TensorView &side, const TensorView &other) {
      Factors others = table.flatten(other.dims);
      return llvm::any_of(table.flatten(side.dims), [&](Factor factor) {
        return !llvm::is_contained(others, factor);
      });
    };
    bool ownLhs = hasOwn(*lhs, *rhs), ownRhs = hasOwn(*rhs, *lhs);
    if (ownLhs && ownRhs)
      return false;
    found = Sides{product, !ownRhs};
    return true;
  }

  bool hasAll(const Element &side) {
    return llvm::all_of(table.leaves(keys), [&](Factor factor) {
      return reads(side, {factor}, table);
    });
  }
};

/// Reads the spine from the product outwards into the parts of the score.
struct ScoreReader {
  Score &score;
  const Factors &keys;
  FactorTable &table;
  /// tanh has been passed, its factor not yet.
  std::optional<double> beforeTanh;

  bool multiply(double factor) {
    // The cap has its own scale; −inf must stay −inf.
    if (beforeTanh || score.softcap || (factor <= 0 && !score.masks.empty()))
      return false;
    score.scale *= factor;
    for (Term &term : score.bias)
      term.coefficient *= factor;
    return true;
  }

  /// A factor that is the same for all keys, while nothing else was added.
  bool multiplyRows(const Element &value, bool divides) {
    if (beforeTanh || score.softcap || !score.bias.empty() ||
        !score.masks.empty() || dependsOn(value, keys, table))
      return false;
    std::optional<TensorView> view = asTensor(value, table);
    if (!view)
      return false;
    Factors queries = table.flatten(score.q.dims);
    for (Factor factor : table.flatten(view->dims))
      if (!llvm::is_contained(queries, factor))
        return false;
    score.rowFactors.push_back({*view, divides});
    return true;
  }

  bool add(const Element &value, double coefficient) {
    if (beforeTanh)
      return false;
    for (const MaskTerm &mask : score.masks)
      if (std::isfinite(mask.sentinel))
        return false;
    score.bias.push_back({value, coefficient});
    return true;
  }
};

/// A number that only masked scores have: nothing a model computes reaches it.
bool isSentinel(double value) { return value <= -1e4; }

} // namespace

/// One step outwards; false: it belongs into the region.
static bool readStep(ScoreReader &reader, const Step &step, const Step *outer) {
  FactorTable &table = reader.table;
  Score &score = reader.score;
  Element at = step.at;
  Operation *op = at.value.getDefiningOp();
  unsigned other = 1 - step.spine;
  if (isa<arith::MulFOp, arith::DivFOp>(op)) {
    if (isa<arith::DivFOp>(op) && step.spine == 1)
      return false;
    std::optional<double> factor = constantOf(at.operand(other), table);
    if (!factor)
      return reader.multiplyRows(at.operand(other), isa<arith::DivFOp>(op));
    if (isa<arith::DivFOp>(op))
      factor = 1 / *factor;
    if (reader.beforeTanh) {
      // factor · tanh(before · q·k): scale / softcap = before, softcap = factor
      if (*factor <= 0)
        return false;
      score.softcap = *factor;
      score.scale = *reader.beforeTanh * *factor;
      reader.beforeTanh.reset();
      return true;
    }
    return reader.multiply(*factor);
  }
  if (isa<arith::NegFOp>(op))
    return reader.multiply(-1);
  if (isa<math::TanhOp>(op)) {
    if (!score.masks.empty() || !score.bias.empty() || score.softcap ||
        reader.beforeTanh)
      return false;
    reader.beforeTanh = score.scale;
    // Without a factor the cap is 1.
    Operation *next = outer ? outer->at.value.getDefiningOp() : nullptr;
    bool scaled =
        next && isa<arith::MulFOp, arith::DivFOp>(next) &&
        constantOf(outer->at.operand(1 - outer->spine), table).value_or(-1) >
            0 &&
        (isa<arith::MulFOp>(next) || outer->spine == 0);
    if (!scaled) {
      score.softcap = 1;
      reader.beforeTanh.reset();
    }
    return true;
  }
  if (isa<arith::AddFOp>(op))
    return reader.add(at.operand(other), 1);
  if (isa<arith::SubFOp>(op)) {
    if (step.spine == 0)
      return reader.add(at.operand(1), -1);
    return reader.multiply(-1) && reader.add(at.operand(0), 1);
  }
  if (isa<arith::SelectOp>(op)) {
    std::optional<double> sentinel =
        constantOf(at.operand(step.spine == 1 ? 2 : 1), table);
    if (!sentinel || !isSentinel(*sentinel) || reader.beforeTanh)
      return false;
    // A finite number over an infinite one would let masked keys back in.
    for (const MaskTerm &mask : score.masks)
      if (std::isfinite(mask.sentinel) != std::isfinite(*sentinel))
        return false;
    score.masks.push_back({at.operand(0), step.spine == 1, *sentinel});
    return true;
  }
  return false;
}

/// Neither side is a constant.
static bool isOfData(const Product &product, FactorTable &table) {
  std::optional<Scaled> lhs = peelScale(product.lhs, table);
  std::optional<Scaled> rhs = peelScale(product.rhs, table);
  return lhs && rhs && !isConstant(lhs->root) && !isConstant(rhs->root);
}

/// A memory of constant keys and values is an attention; softmax(x·W + b) of a
/// layer is none. What tells them apart: the layer has a bias and no factor, and
/// its weights are the same for all heads.
static bool isMemory(const Score &score, const Factors &keys,
                     FactorTable &table) {
  Factors known = table.leaves(keys);
  llvm::append_range(known, table.leaves(score.contracted));
  bool hasHeads = llvm::any_of(table.flatten(score.k.dims), [&](Factor factor) {
    return !llvm::is_contained(known, factor);
  });
  return isConstant(score.k) && !isConstant(score.q) && score.bias.empty() &&
         (score.scale != 1 || !score.rowFactors.empty() || hasHeads);
}

Match<Score> matchScore(const TensorView &s, const Factors &keys,
                        FactorTable &table, bool memory) {
  SpineSearch search{keys, table};
  if (!search.search(Element(s)))
    return search.sawShared ? kSharedAxis : kNoProduct;
  const Product &product = search.found->product;
  bool keysAreRhs = search.found->keysAreRhs;
  std::optional<Scaled> lhs = peelScale(product.lhs, table);
  std::optional<Scaled> rhs = peelScale(product.rhs, table);
  if (!lhs || !rhs)
    return kNoProduct;
  // x·W: a layer's weights stand on the right, and are never keys.
  bool isLayer =
      isConstant(rhs->root) || isConstant(keysAreRhs ? rhs->root : lhs->root);
  if (isLayer || isConstant(lhs->root)) {
    SpineSearch inner{keys, table};
    if (inner.search(Element(isConstant(rhs->root) ? lhs->root : rhs->root)) &&
        inner.found->product.op != product.op &&
        isOfData(inner.found->product, table))
      return kMixedHeads;
  }
  if (isLayer && !memory)
    return kLinearLayer;
  Score score;
  score.q = keysAreRhs ? lhs->root : rhs->root;
  score.k = keysAreRhs ? rhs->root : lhs->root;
  score.contracted = product.contracted;
  score.scale = lhs->scale * rhs->scale;
  ScoreReader reader{score, keys, table, {}};
  if (constantOf(product.init, table) != 0.0)
    score.bias.push_back({product.init, 1});
  SmallVector<Step> steps(llvm::reverse(search.steps));
  size_t next = 0;
  for (; next < steps.size(); ++next) {
    // The masks so far can no longer stand outside: read the rest as scalars.
    if (!readStep(reader, steps[next],
                  next + 1 < steps.size() ? &steps[next + 1] : nullptr))
      break;
  }
  if (next < steps.size()) {
    // Masks that the region must contain: begin it at the first of them.
    size_t first = next;
    if (!score.masks.empty())
      while (first > 0) {
        --first;
        if (isa<arith::SelectOp>(steps[first].at.value.getDefiningOp()) &&
            steps[first].at.operand(0).value ==
                score.masks.front().condition.value &&
            steps[first].at.frame == score.masks.front().condition.frame)
          break;
      }
    if (first != next) {
      // Read again up to the first mask only.
      score.scale = lhs->scale * rhs->scale;
      score.softcap.reset();
      score.rowFactors.clear();
      score.bias.clear();
      score.masks.clear();
      if (constantOf(product.init, table) != 0.0)
        score.bias.push_back({product.init, 1});
      reader.beforeTanh.reset();
      for (size_t i = 0; i < first; ++i)
        readStep(reader, steps[i], &steps[i + 1]);
    }
    score.region.append(steps.begin() + first, steps.end());
    // Masks at the very end of the region stand outside it after all.
    while (!score.region.empty()) {
      Step last = score.region.back();
      if (!isa<arith::SelectOp>(last.at.value.getDefiningOp()))
        break;
      std::optional<double> sentinel =
          constantOf(last.at.operand(last.spine == 1 ? 2 : 1), table);
      if (!sentinel || !isSentinel(*sentinel) ||
          (!score.masks.empty() &&
           std::isfinite(*sentinel) !=
               std::isfinite(score.masks.front().sentinel)))
        break;
      score.masks.push_back({last.at.operand(0), last.spine == 1, *sentinel});
      score.region.pop_back();
    }
  }
  if (isLayer && !isMemory(score, keys, table))
    return kLinearLayer;
  return score;
}

} // namespace heed::recognize
