// PostOpMatch.cpp - recognises post-ops in the scalar body of an elementwise
// op.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With σ(t) = 1 / (1 + e^−t), clip(t, a, b) = min(max(t, a), b) and constants
// in any place, each in any order of operands:
//
//   a·x + b, per channel too     linear, or mul and add of a constant tensor
//   clip, max(x, 0)              clip, relu; select(x > 0, x, a·x)
//   k / (1 + e^(a·x + b))        sigmoid
//   k · x · σ(a·x)               swish; also k · x / (1 + e^(−a·x))
//   k · x · clip(a·x + b, 0, c)  hard_swish
//   k · x · (1 + erf(x / √2))    gelu_erf
//   k · x · (1 + tanh(√(2/π)·(x + 0.044715·x³)))   gelu_tanh
//   select(x > 0, x, a·(e^x − 1))                  elu
//   x ∘ t for a tensor t         add, sub, mul, div, max, min
#include "passes/lower/onednn/PostOpMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/lower/onednn/ScalarMatch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using heed::attn::PostOpKind;

namespace heed::lower {

using Steps = SmallVector<PostOpStep>;

static constexpr double kLargest = std::numeric_limits<float>::max();

/// Source programs write constants with the digits they like.
static bool near(double a, double b) {
  return std::abs(a - b) <= 1e-4 * std::abs(b);
}

static PostOpStep linear(double scale, double offset = 0) {
  return {PostOpKind::linear, scale, offset};
}

static Steps affineSteps(const Affine &affine) {
  if (affine.isUniform())
    return {linear(affine.scale[0], affine.offset[0])};
  Steps steps;
  if (affine.scale.size() > 1)
    steps.push_back({PostOpKind::mul, 0, 0, nullptr, affine.scale});
  else if (affine.scale[0] != 1)
    steps.push_back(linear(affine.scale[0]));
  if (affine.offset.size() > 1)
    steps.push_back({PostOpKind::add, 0, 0, nullptr, affine.offset});
  else if (affine.offset[0] != 0)
    steps.push_back(linear(1, affine.offset[0]));
  return steps;
}

namespace {
/// low ≤ high bounds put on an inner value.
struct Bounds {
  Value inner;
  double low = -kLargest, high = kLargest;
};
} // namespace

/// min or max of an inner value and a constant, nested as often as it is.
static Bounds matchBounds(ScalarMatcher &m, Value value) {
  Bounds bounds{value};
  while (Operation *op = bounds.inner.getDefiningOp()) {
    bool isMax = isa<arith::MaximumFOp, arith::MaxNumFOp>(op);
    if (!isMax && !isa<arith::MinimumFOp, arith::MinNumFOp>(op))
      break;
    unsigned side = m.dependsOnX(op->getOperand(0)) ? 0 : 1;
    std::optional<double> k = m.constant(op->getOperand(1 - side));
    if (!k || !m.dependsOnX(op->getOperand(side)))
      break;
    // Outer bounds win: max(min(t, 1), 2) is 2.
    if (isMax)
      bounds.low = std::min(std::max(bounds.low, *k), bounds.high);
    else
      bounds.high = std::max(std::min(bounds.high, *k), bounds.low);
    bounds.inner = op->getOperand(side);
  }
  return bounds;
}

static bool isBounded(const Bounds &bounds) {
  return bounds.low > -kLargest || bounds.high < kLargest;
}

/// value = e^(a·x + b) + 1: that inner value.
static std::optional<Affine> matchOnePlusExp(ScalarMatcher &m, Value value) {
  auto sum = operandsOf<arith::AddFOp>(value);
  if (!sum)
    return std::nullopt;
  if (m.constant(sum->first) == 1.0)
    std::swap(sum->first, sum->second);
  auto exp = sum->first.getDefiningOp<math::ExpOp>();
  if (!exp || m.constant(sum->second) != 1.0)
    return std::nullopt;
  return m.affine(exp.getOperand());
}

/// k / (1 + e^(a·x + b)) = k · σ(−a·x − b)
static std::optional<Steps> matchSigmoid(ScalarMatcher &m, Value value) {
  auto quotient = operandsOf<arith::DivFOp>(value);
  if (!quotient)
    return std::nullopt;
  std::optional<double> k = m.constant(quotient->first);
  std::optional<Affine> inner = matchOnePlusExp(m, quotient->second);
  if (!k || !inner || !inner->isUniform())
    return std::nullopt;
  return Steps{linear(-inner->scale[0], -inner->offset[0]),
               {PostOpKind::sigmoid},
               linear(*k)};
}

namespace {
/// k · Π factors / Π divisors, with the constants multiplied up.
struct Product {
  double k = 1;
  SmallVector<Value> factors, divisors;
};
} // namespace

static void flattenProduct(ScalarMatcher &m, Value value, Product &product) {
  if (std::optional<double> k = m.constant(value)) {
    product.k *= *k;
    return;
  }
  if (auto factors = operandsOf<arith::MulFOp>(value)) {
    flattenProduct(m, factors->first, product);
    flattenProduct(m, factors->second, product);
    return;
  }
  if (auto quotient = operandsOf<arith::DivFOp>(value)) {
    flattenProduct(m, quotient->first, product);
    if (std::optional<double> k = m.constant(quotient->second))
      product.k /= *k;
    else
      product.divisors.push_back(quotient->second);
    return;
  }
  product.factors.push_back(value);
}

/// 1 + f(inner), for an op f: that inner value.
template <typename Op>
static Value matchOnePlus(ScalarMatcher &m, Value value) {
  auto sum = operandsOf<arith::AddFOp>(value);
  if (!sum)
    return nullptr;
  if (m.constant(sum->first) == 1.0)
    std::swap(sum->first, sum->second);
  auto op = sum->first.getDefiningOp<Op>();
  if (!op || m.constant(sum->second) != 1.0)
    return nullptr;
  return op.getOperand();
}

/// k · x · f(x), as the comment on top lists them.
static std::optional<Steps> matchProduct(ScalarMatcher &m, Value value) {
  if (!value.getDefiningOp<arith::MulFOp>() &&
      !value.getDefiningOp<arith::DivFOp>())
    return std::nullopt;
  Product product;
  flattenProduct(m, value, product);
  auto self = llvm::find(product.factors, m.x);
  if (self == product.factors.end())
    return std::nullopt;
  product.factors.erase(self);
  double k = product.k;

  if (product.factors.empty() && product.divisors.size() == 1) {
    // k · x / (1 + e^(a·x)) = k · x · σ(−a·x)
    std::optional<Affine> a = matchOnePlusExp(m, product.divisors[0]);
    if (!a || !a->isUniform() || a->offset[0] != 0)
      return std::nullopt;
    return Steps{{PostOpKind::swish, -a->scale[0]}, linear(k)};
  }
  if (product.factors.size() != 1 || !product.divisors.empty())
    return std::nullopt;
  Value factor = product.factors[0];
  if (factor == m.x)
    return Steps{{PostOpKind::square}, linear(k)};
  if (Value inner = matchOnePlus<math::ErfOp>(m, factor)) {
    std::optional<Affine> a = m.affine(inner);
    if (!a || !a->isUniform() || a->offset[0] != 0 ||
        !near(a->scale[0], M_SQRT1_2))
      return std::nullopt;
    return Steps{{PostOpKind::gelu_erf}, linear(2 * k)};
  }
  if (Value inner = matchOnePlus<math::TanhOp>(m, factor)) {
    auto p = m.cubic(inner);
    double root = std::sqrt(2 / M_PI);
    if (!p || (*p)[0] != 0 || (*p)[2] != 0 || !near((*p)[1], root) ||
        !near((*p)[3], 0.044715 * root))
      return std::nullopt;
    return Steps{{PostOpKind::gelu_tanh}, linear(2 * k)};
  }
  // k · x · clip(a·x + b, 0, c) = k·c · x · clip(a/c·x + b/c, 0, 1)
  Bounds bounds = matchBounds(m, factor);
  std::optional<Affine> a = m.affine(bounds.inner);
  if (!a || !a->isUniform() || bounds.low != 0 || bounds.high <= 0 ||
      bounds.high >= kLargest)
    return std::nullopt;
  double c = bounds.high;
  return Steps{{PostOpKind::hard_swish, a->scale[0] / c, a->offset[0] / c},
               linear(k * c)};
}

/// select(x > 0, x, f(x)): f of a·x is leaky relu, of a·(e^x − 1) elu.
static std::optional<Steps> matchSelect(ScalarMatcher &m, Value value) {
  auto select = value.getDefiningOp<arith::SelectOp>();
  if (!select)
    return std::nullopt;
  auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
  if (!compare || compare.getLhs() != m.x ||
      m.constant(compare.getRhs()) != 0.0)
    return std::nullopt;
  Value above = select.getTrueValue(), below = select.getFalseValue();
  switch (compare.getPredicate()) {
  case arith::CmpFPredicate::OGT:
  case arith::CmpFPredicate::OGE:
  case arith::CmpFPredicate::UGT:
  case arith::CmpFPredicate::UGE:
    break;
  case arith::CmpFPredicate::OLT:
  case arith::CmpFPredicate::OLE:
  case arith::CmpFPredicate::ULT:
  case arith::CmpFPredicate::ULE:
    std::swap(above, below);
    break;
  default:
    return std::nullopt;
  }
  if (above != m.x)
    return std::nullopt;
  if (m.constant(below) == 0.0)
    return Steps{{PostOpKind::relu}};
  if (std::optional<Affine> a = m.affine(below)) {
    if (!a->isUniform() || a->offset[0] != 0)
      return std::nullopt;
    return Steps{{PostOpKind::relu, a->scale[0]}};
  }
  double k = 1;
  if (auto product = operandsOf<arith::MulFOp>(below)) {
    if (m.constant(product->first))
      std::swap(product->first, product->second);
    std::optional<double> factor = m.constant(product->second);
    if (!factor)
      return std::nullopt;
    k = *factor;
    below = product->first;
  }
  if (auto expm1 = below.getDefiningOp<math::ExpM1Op>())
    if (expm1.getOperand() == m.x)
      return Steps{{PostOpKind::elu, k}};
  Value exp;
  if (auto difference = operandsOf<arith::SubFOp>(below))
    if (m.constant(difference->second) == 1.0)
      exp = difference->first;
  if (auto sum = operandsOf<arith::AddFOp>(below))
    if (m.constant(sum->second) == -1.0)
      exp = sum->first;
  auto op = exp ? exp.getDefiningOp<math::ExpOp>() : math::ExpOp();
  if (!op || op.getOperand() != m.x)
    return std::nullopt;
  return Steps{{PostOpKind::elu, k}};
}

/// x ∘ t, t an argument of the body.
static std::optional<Steps> matchBinary(ScalarMatcher &m, Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumOperands() != 2)
    return std::nullopt;
  unsigned side = op->getOperand(0) == m.x ? 0 : 1;
  auto argument = dyn_cast<BlockArgument>(op->getOperand(1 - side));
  if (op->getOperand(side) != m.x || !argument || argument == m.x ||
      argument.getOwner() != &m.body)
    return std::nullopt;
  auto step = [&](PostOpKind kind) { return Steps{{kind, 0, 0, argument}}; };
  if (isa<arith::AddFOp>(op))
    return step(PostOpKind::add);
  if (isa<arith::MulFOp>(op))
    return step(PostOpKind::mul);
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(op))
    return step(PostOpKind::max);
  if (isa<arith::MinimumFOp, arith::MinNumFOp>(op))
    return step(PostOpKind::min);
  if (isa<arith::SubFOp>(op)) {
    Steps steps = step(side == 0 ? PostOpKind::sub : PostOpKind::add);
    if (side == 1) // t − x
      steps.insert(steps.begin(), linear(-1));
    return steps;
  }
  if (isa<arith::DivFOp>(op) && side == 0)
    return step(PostOpKind::div);
  return std::nullopt;
}

static std::optional<Steps> matchValue(ScalarMatcher &m, Value value) {
  if (std::optional<Affine> affine = m.affine(value))
    return affineSteps(*affine);
  Bounds bounds = matchBounds(m, value);
  if (isBounded(bounds)) {
    std::optional<Steps> inner = matchValue(m, bounds.inner);
    if (!inner)
      return std::nullopt;
    inner->push_back({PostOpKind::clip, bounds.low, bounds.high});
    return inner;
  }
  for (auto *match : {matchSigmoid, matchProduct, matchSelect, matchBinary})
    if (std::optional<Steps> steps = match(m, value))
      return steps;
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumOperands() != 1 || op->getOperand(0) != m.x)
    return std::nullopt;
  if (isa<math::TanhOp>(op))
    return Steps{{PostOpKind::tanh}};
  if (isa<math::ExpOp>(op))
    return Steps{{PostOpKind::exp}};
  if (isa<math::AbsFOp>(op))
    return Steps{{PostOpKind::abs}};
  if (isa<math::SqrtOp>(op))
    return Steps{{PostOpKind::sqrt}};
  return std::nullopt;
}

std::optional<PostOpMatch> matchPostOps(Block &body, Value x,
                                        ArgumentConstants constants) {
  ScalarMatcher matcher(body, x, constants);
  // From the back: the longest expression names its whole meaning, while its
  // parts, taken one by one, may have none (1 / t has no post-op, σ does).
  for (Operation &op : llvm::reverse(body.without_terminator())) {
    if (op.getNumResults() != 1)
      continue;
    Value value = op.getResult(0);
    if (!matcher.dependsOnX(value) || !matcher.encloses(value))
      continue;
    if (std::optional<Steps> steps = matchValue(matcher, value))
      return PostOpMatch{value, *steps};
  }
  return std::nullopt;
}

static bool isPlain(const PostOpStep &step, PostOpKind kind) {
  return step.kind == kind;
}

void appendPostOp(SmallVectorImpl<PostOpStep> &steps, PostOpStep step) {
  if (isPlain(step, PostOpKind::relu) && step.alpha == 0)
    step = {PostOpKind::clip, 0, kLargest};
  if (isPlain(step, PostOpKind::linear) && !steps.empty() &&
      isPlain(steps.back(), PostOpKind::linear)) {
    PostOpStep before = steps.pop_back_val();
    step.beta += step.alpha * before.beta;
    step.alpha *= before.alpha;
  }
  // A product such as 6 · (1/6) is 1 up to rounding.
  if (isPlain(step, PostOpKind::linear) && step.beta == 0 &&
      std::abs(step.alpha - 1) < 1e-7)
    return;
  if (isPlain(step, PostOpKind::clip) && !steps.empty() &&
      isPlain(steps.back(), PostOpKind::clip)) {
    PostOpStep before = steps.pop_back_val();
    step = {PostOpKind::clip,
            std::min(std::max(before.alpha, step.alpha), step.beta),
            std::max(std::min(before.beta, step.beta), step.alpha)};
  }
  if (isPlain(step, PostOpKind::clip) && step.alpha == 0 && step.beta == 1 &&
      !steps.empty() && isPlain(steps.back(), PostOpKind::linear)) {
    steps.back().kind = PostOpKind::hard_sigmoid;
    return;
  }
  steps.push_back(std::move(step));
}

} // namespace heed::lower
