// NormMatch.cpp - whether a value is a norm: pure, complete, with a reason.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The value is expanded into a sum over the basis 1, x, m, r, x·r, m·r, 1/r,
// with coefficients that do not depend on x. It is a norm iff
//
//   y = w·(x·r) − w·(m·r) + b        (layer)        y = w·(x·r) + b    (rms)
//
// whatever the order of products, quotients and sums: (x − m)·(r·w) + b and
// x·s + (b − m·s) with s = r·w are the same.
#include "passes/recognize/NormMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <array>

using namespace mlir;

namespace heed::recognize {

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

static NormTermPtr makeConstant(double value) {
  if (value == 0)
    return nullptr;
  return std::make_shared<NormTerm>(
      NormTerm{NormTerm::Constant, value, {}, {}, {}});
}

static bool isConstant(const NormTermPtr &term, double value) {
  return term && term->kind == NormTerm::Constant && term->constant == value;
}

static NormTermPtr makeNode(NormTerm::Kind kind, NormTermPtr a,
                            NormTermPtr b = {}) {
  return std::make_shared<NormTerm>(
      NormTerm{kind, 0, {}, std::move(a), std::move(b)});
}

static NormTermPtr negate(const NormTermPtr &a) {
  if (!a)
    return a;
  if (a->kind == NormTerm::Constant)
    return makeConstant(-a->constant);
  if (a->kind == NormTerm::Negate)
    return a->a;
  return makeNode(NormTerm::Negate, a);
}

static NormTermPtr add(const NormTermPtr &a, const NormTermPtr &b) {
  if (!a || !b)
    return a ? a : b;
  if (a->kind == NormTerm::Constant && b->kind == NormTerm::Constant)
    return makeConstant(a->constant + b->constant);
  return makeNode(NormTerm::Add, a, b);
}

static NormTermPtr multiply(const NormTermPtr &a, const NormTermPtr &b) {
  if (!a || !b)
    return nullptr;
  if (a->kind == NormTerm::Constant && b->kind == NormTerm::Constant)
    return makeConstant(a->constant * b->constant);
  if (isConstant(a, 1) || isConstant(b, 1))
    return isConstant(a, 1) ? b : a;
  if (isConstant(a, -1) || isConstant(b, -1))
    return negate(isConstant(a, -1) ? b : a);
  if (a->kind == NormTerm::Negate)
    return negate(multiply(a->a, b));
  if (b->kind == NormTerm::Negate)
    return negate(multiply(a, b->a));
  return makeNode(NormTerm::Multiply, a, b);
}

static NormTermPtr divide(const NormTermPtr &a, const NormTermPtr &b) {
  if (!a || isConstant(b, 1))
    return a;
  if (a->kind == NormTerm::Constant && b->kind == NormTerm::Constant)
    return makeConstant(a->constant / b->constant);
  if (a->kind == NormTerm::Negate)
    return negate(divide(a->a, b));
  return makeNode(NormTerm::Divide, a, b);
}

static bool sameTerm(const NormTermPtr &a, const NormTermPtr &b,
                     FactorTable &table) {
  if (a == b)
    return true;
  if (!a || !b || a->kind != b->kind || a->constant != b->constant)
    return false;
  if (a->leaf) {
    Binding none;
    return unify(*a->leaf, *b->leaf, {}, none, table);
  }
  return sameTerm(a->a, b->a, table) && sameTerm(a->b, b->b, table);
}

static void collectLeaves(const NormTermPtr &term,
                          SmallVectorImpl<const Element *> &leaves) {
  if (!term)
    return;
  if (term->leaf)
    leaves.push_back(&*term->leaf);
  collectLeaves(term->a, leaves);
  collectLeaves(term->b, leaves);
}

Factors factorsOf(const NormTermPtr &term, FactorTable &table) {
  SmallVector<const Element *> leaves;
  collectLeaves(term, leaves);
  Factors factors;
  for (const Element *leaf : leaves)
    for (Factor factor : table.flatten(leaf->dims))
      if (!llvm::is_contained(factors, factor))
        factors.push_back(factor);
  return factors;
}

//===----------------------------------------------------------------------===//
// Expansion
//===----------------------------------------------------------------------===//

namespace {
enum Basis { One, X, M, R, XR, MR, S, NumBasis }; // S = 1/r
using Sum = std::array<NormTermPtr, NumBasis>;

class Expansion {
public:
  Expansion(const NormRoot &root, const Element &rootElement,
            const NormStatistics &statistics, FactorTable &table)
      : root(root), rootElement(rootElement), statistics(statistics),
        table(table) {}

  std::optional<Sum> run(const Element &unresolved, unsigned depth = 0) {
    if (depth > 24 || ++steps > 512)
      return std::nullopt;
    if (isX(unresolved))
      return single(X);
    Element element = resolve(unresolved, table);
    if (isRoot(element))
      return single(statistics.inverse ? R : S);
    if (statistics.kind == attn::NormKind::layer && !bound.empty() &&
        isMean(element))
      return single(M);
    Operation *op = scalarOp(element);
    // Sums and products of numbers fold in the terms.
    bool folds = isa_and_nonnull<arith::AddFOp, arith::SubFOp, arith::MulFOp,
                                 arith::DivFOp, arith::NegFOp>(op);
    if (!folds)
      if (std::optional<double> number = constantOf(element, table)) {
        Sum sum;
        sum[One] = makeConstant(*number);
        return sum;
      }
    if (!op)
      return leaf(unresolved);
    if (isa<arith::NegFOp>(op)) {
      std::optional<Sum> a = run(element.operand(0), depth + 1);
      return a ? std::optional<Sum>(combine({}, *a, true)) : std::nullopt;
    }
    if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op))
      return std::nullopt;
    std::optional<Sum> a = run(element.operand(0), depth + 1);
    std::optional<Sum> b = a ? run(element.operand(1), depth + 1) : a;
    if (!b)
      return std::nullopt;
    if (isa<arith::MulFOp>(op))
      return product(*a, *b);
    if (isa<arith::DivFOp>(op))
      return quotient(*a, *b);
    return combine(*a, *b, isa<arith::SubFOp>(op));
  }

  std::optional<Element> x; // where y reads it
  Binding bound;            // the statistics' factors by y's

private:
  bool isX(const Element &element) {
    if (!unify(statistics.x, element, statistics.reduced, bound, table))
      return false;
    if (!x)
      x = element;
    return true;
  }

  bool isRoot(const Element &element) {
    Binding none;
    return element.frame && scalarOp(element) &&
           scalarOp(element)->getName() == root.scalar->getName() &&
           unify(rootElement, element, {}, none, table);
  }

  bool isMean(const Element &element) {
    bool reduces = element.isTensor() || definedBy<arith::MulFOp>(element) ||
                   definedBy<arith::DivFOp>(element);
    if (!reduces)
      return false;
    return isMeanOf(element, statistics.x, statistics.reduced, table);
  }

  std::optional<Sum> leaf(const Element &unresolved) {
    // The tensor before data movement would do as well; casts go.
    Element element = resolve(unresolved, table);
    if (element.frame || !element.isTensor())
      return std::nullopt;
    Sum sum;
    sum[One] = std::make_shared<NormTerm>(
        NormTerm{NormTerm::Leaf, 0, element, {}, {}});
    return sum;
  }

  static Sum single(Basis basis) {
    Sum sum;
    sum[basis] = makeConstant(1);
    return sum;
  }

  static Sum combine(const Sum &a, const Sum &b, bool subtract) {
    Sum sum;
    for (int i = 0; i < NumBasis; ++i)
      sum[i] = add(a[i], subtract ? negate(b[i]) : b[i]);
    return sum;
  }

  /// The basis element a·b, if it is one.
  static std::optional<Basis> times(int a, int b) {
    if (a == One || b == One)
      return static_cast<Basis>(a == One ? b : a);
    if (a > b)
      std::swap(a, b);
    if (b == R && (a == X || a == M))
      return a == X ? XR : MR;
    if (b == S && a == R)
      return One;
    return std::nullopt;
  }

  static std::optional<Sum> product(const Sum &a, const Sum &b) {
    Sum sum;
    for (int i = 0; i < NumBasis; ++i)
      for (int j = 0; j < NumBasis; ++j) {
        if (!a[i] || !b[j])
          continue;
        std::optional<Basis> basis = times(i, j);
        if (!basis)
          return std::nullopt;
        sum[*basis] = add(sum[*basis], multiply(a[i], b[j]));
      }
    return sum;
  }

  static std::optional<Sum> quotient(const Sum &a, const Sum &b) {
    Basis divisor = b[S] ? S : b[R] ? R : One;
    if (!b[divisor])
      return std::nullopt;
    for (int i = 0; i < NumBasis; ++i)
      if (i != divisor && b[i])
        return std::nullopt;
    Sum inverse; // 1 / (t·s) = (1/t)·r
    inverse[divisor == S   ? R
            : divisor == R ? S
                           : One] = divide(makeConstant(1), b[divisor]);
    if (divisor != One)
      return product(a, inverse);
    Sum sum;
    for (int i = 0; i < NumBasis; ++i)
      sum[i] = divide(a[i], b[One]);
    return sum;
  }

  const NormRoot &root;
  Element rootElement;
  const NormStatistics &statistics;
  FactorTable &table;
  unsigned steps = 0;
};
} // namespace

/// The root as the value reads it, through sums, products, quotients and lower
/// bounds only: a gate that is a function of a deviation is no norm.
static std::optional<Element> findRoot(const Element &unresolved,
                                       const NormRoot &root, FactorTable &table,
                                       unsigned &budget) {
  if (budget == 0)
    return std::nullopt;
  --budget;
  Element element = resolve(unresolved, table);
  Operation *op = scalarOp(element);
  if (!op || op == root.scalar)
    return op ? std::optional<Element>(element) : std::nullopt;
  // What x is made of stands before the root.
  Operation *frame = element.frame;
  Operation *rootOp = root.op;
  if (frame != rootOp && frame->getBlock() == rootOp->getBlock() &&
      frame->isBeforeInBlock(rootOp))
    return std::nullopt;
  if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
           arith::NegFOp, arith::MaximumFOp, arith::MaxNumFOp>(op))
    return std::nullopt;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (auto found = findRoot(element.operand(i), root, table, budget))
      return found;
  return std::nullopt;
}

/// A scale or shift of its own: it does not span all of y, or is a constant or
/// an argument. Another tensor that is added is no bias, and a number is none.
static bool isParameter(const NormTermPtr &term, const NormMatch &match,
                        FactorTable &table) {
  if (term->kind == NormTerm::Constant)
    return false;
  Factors all = table.flatten(match.y.dims);
  if (factorsOf(term, table).size() < all.size())
    return true;
  if (table.leaves(match.reduced).size() < all.size())
    return false;
  SmallVector<const Element *> leaves;
  collectLeaves(term, leaves);
  return llvm::all_of(leaves, [](const Element *leaf) {
    Operation *def = leaf->value.getDefiningOp();
    return !def || def->hasTrait<OpTrait::ConstantLike>();
  });
}

NormAttempt matchNormAt(Value value, const NormRoot &root, FactorTable &table) {
  Element y(makeView(value, table));
  unsigned budget = 256;
  std::optional<Element> rootElement = findRoot(y, root, table, budget);
  if (!rootElement)
    return {};
  // Something is scaled along what was reduced; a deviation alone is no norm.
  Factors all = table.flatten(y.dims);
  if (llvm::all_of(all, [&](Factor factor) {
        return dependsOn(rootElement->operand(0), {factor}, table);
      }))
    return {};
  std::optional<StatisticsMatch> found = matchStatistics(*rootElement, table);
  if (!found)
    return {};
  if (found->refusal)
    return {std::nullopt, found->refusal};
  const NormStatistics &statistics = *found->statistics;
  bool layer = statistics.kind == attn::NormKind::layer;

  Expansion expansion(root, *rootElement, statistics, table);
  std::optional<Sum> sum = expansion.run(y);
  // The mean is told by x, which the first run may find only after it.
  if (expansion.x && layer)
    sum = expansion.run(y);
  if (!expansion.x)
    return {std::nullopt,
            Refusal{"expected the tensor under the variance to be the one that "
                    "is scaled, got another one",
                    "scale the tensor whose variance is taken"}};
  if (!sum || (*sum)[S] || !(*sum)[XR])
    return {std::nullopt,
            Refusal{"expected x times 1/sqrt(variance + epsilon), got another "
                    "function of them",
                    "add epsilon under the root, and nothing else"}};
  if ((*sum)[X] || (*sum)[M] || (*sum)[R] ||
      !sameTerm((*sum)[MR], layer ? negate((*sum)[XR]) : nullptr, table))
    return {std::nullopt,
            Refusal{"expected x less the mean that the variance uses to be "
                    "scaled, got another shift",
                    "subtract the same mean before the square and before the "
                    "scale"}};
  NormMatch match{y,  *expansion.x, statistics.kind, statistics.epsilon,
                  {}, (*sum)[XR],   (*sum)[One]};
  for (Factor factor : table.leaves(statistics.reduced)) {
    auto to = expansion.bound.find(factor);
    if (to == expansion.bound.end())
      return {};
    llvm::append_range(match.reduced, table.leaves(to->second));
  }
  Factors have = table.flatten(resolve(match.x, table).dims);
  all = table.flatten(y.dims); // perhaps divided since
  if (have.size() < all.size())
    return {std::nullopt,
            Refusal{"expected the result to have the shape of the normalised "
                    "tensor, got a broadcast one",
                    "broadcast after the norm"}};
  if (isConstant(match.weight, 1))
    match.weight = nullptr;
  for (const NormTermPtr &term : {match.weight, match.bias})
    if (term && !isParameter(term, match, table))
      return {std::nullopt,
              Refusal{"expected a weight and a bias of the norm, got a number "
                      "or a tensor of the size of x",
                      "scale or add it in an operation behind the norm"}};
  return {match, std::nullopt};
}

} // namespace heed::recognize
