// ScalarMatch.cpp - what a scalar expression is as a function of one value.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/onednn/ScalarMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include <cmath>

using namespace mlir;

namespace heed::lower {

/// f of two lists, one of which may hold a single value for all channels.
static std::optional<Constants>
combine(const Constants &a, const Constants &b,
        llvm::function_ref<double(double, double)> f) {
  if (a.size() != b.size() && a.size() != 1 && b.size() != 1)
    return std::nullopt;
  Constants result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = f(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
  return result;
}

bool ScalarMatcher::dependsOnX(Value value) {
  if (value == x)
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &body)
    return false;
  if (auto found = dependent.find(value); found != dependent.end())
    return found->second;
  bool depends = llvm::any_of(
      op->getOperands(), [&](Value operand) { return dependsOnX(operand); });
  dependent[value] = depends;
  return depends;
}

static std::optional<double> evaluateUnary(Operation *op, double a) {
  if (isa<arith::NegFOp>(op))
    return -a;
  if (isa<math::SqrtOp>(op))
    return std::sqrt(a);
  if (isa<math::RsqrtOp>(op))
    return 1 / std::sqrt(a);
  if (isa<math::ExpOp>(op))
    return std::exp(a);
  if (isa<math::AbsFOp>(op))
    return std::abs(a);
  return std::nullopt;
}

static std::optional<double> evaluateBinary(Operation *op, double a, double b) {
  if (isa<arith::AddFOp>(op))
    return a + b;
  if (isa<arith::SubFOp>(op))
    return a - b;
  if (isa<arith::MulFOp>(op))
    return a * b;
  if (isa<arith::DivFOp>(op))
    return a / b;
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(op))
    return std::max(a, b);
  if (isa<arith::MinimumFOp, arith::MinNumFOp>(op))
    return std::min(a, b);
  if (isa<math::PowFOp>(op))
    return std::pow(a, b);
  return std::nullopt;
}

std::optional<Constants> ScalarMatcher::constants(Value value) {
  APFloat number(0.0);
  if (matchPattern(value, m_ConstantFloat(&number))) {
    bool ignored;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                   &ignored);
    return Constants{number.convertToDouble()};
  }
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == &body && argument != x
               ? argumentConstants(argument)
               : std::nullopt;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &body || op->getNumOperands() == 0 ||
      op->getNumOperands() > 2 || dependsOnX(value))
    return std::nullopt;
  std::optional<Constants> a = constants(op->getOperand(0));
  if (!a)
    return std::nullopt;
  if (op->getNumOperands() == 1) {
    for (double &entry : *a) {
      std::optional<double> result = evaluateUnary(op, entry);
      if (!result)
        return std::nullopt;
      entry = *result;
    }
    return a;
  }
  std::optional<Constants> b = constants(op->getOperand(1));
  if (!b || !evaluateBinary(op, 1, 1))
    return std::nullopt;
  return combine(*a, *b,
                 [&](double l, double r) { return *evaluateBinary(op, l, r); });
}

std::optional<double> ScalarMatcher::constant(Value value) {
  std::optional<Constants> list = constants(value);
  if (!list || list->size() != 1)
    return std::nullopt;
  return list->front();
}

/// scale · x + offset with f applied to (scale, k) and g to (offset, k).
static std::optional<Affine> map(const Affine &affine, const Constants &k,
                                 llvm::function_ref<double(double, double)> f,
                                 llvm::function_ref<double(double, double)> g) {
  std::optional<Constants> scale = combine(affine.scale, k, f);
  std::optional<Constants> offset = combine(affine.offset, k, g);
  if (!scale || !offset)
    return std::nullopt;
  return Affine{*scale, *offset};
}

std::optional<Affine> ScalarMatcher::affine(Value value) {
  if (value == x)
    return Affine{{1}, {0}};
  Operation *op = value.getDefiningOp();
  if (!op || !dependsOnX(value))
    return std::nullopt;
  auto first = [](double a, double) { return a; };
  auto plus = [](double a, double b) { return a + b; };
  auto minus = [](double a, double b) { return a - b; };
  auto times = [](double a, double b) { return a * b; };
  auto over = [](double a, double b) { return a / b; };
  auto negative = [](double a, double) { return -a; };
  if (isa<arith::NegFOp>(op)) {
    std::optional<Affine> inner = affine(op->getOperand(0));
    return inner ? map(*inner, {0}, negative, negative) : std::nullopt;
  }
  if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op))
    return std::nullopt;
  Value l = op->getOperand(0), r = op->getOperand(1);
  if (std::optional<Affine> inner = affine(l)) {
    std::optional<Constants> k = constants(r);
    if (!k)
      return std::nullopt;
    if (isa<arith::AddFOp>(op))
      return map(*inner, *k, first, plus);
    if (isa<arith::SubFOp>(op))
      return map(*inner, *k, first, minus);
    if (isa<arith::MulFOp>(op))
      return map(*inner, *k, times, times);
    return map(*inner, *k, over, over);
  }
  std::optional<Affine> inner = affine(r);
  std::optional<Constants> k = constants(l);
  if (!inner || !k)
    return std::nullopt;
  if (isa<arith::AddFOp>(op))
    return map(*inner, *k, first, plus);
  if (isa<arith::MulFOp>(op))
    return map(*inner, *k, times, times);
  if (isa<arith::SubFOp>(op))
    return map(*inner, *k, negative, [](double a, double b) { return b - a; });
  return std::nullopt;
}

using Cubic = std::array<double, 4>;

/// The product of two polynomials, if it is cubic.
static std::optional<Cubic> multiply(const Cubic &a, const Cubic &b) {
  Cubic result = {0, 0, 0, 0};
  for (size_t i = 0; i < 4; ++i)
    for (size_t j = 0; j < 4; ++j) {
      if (a[i] * b[j] == 0)
        continue;
      if (i + j > 3)
        return std::nullopt;
      result[i + j] += a[i] * b[j];
    }
  return result;
}

std::optional<Cubic> ScalarMatcher::cubic(Value value) {
  if (value == x)
    return Cubic{0, 1, 0, 0};
  if (std::optional<double> k = constant(value))
    return Cubic{*k, 0, 0, 0};
  if (auto power = value.getDefiningOp<math::PowFOp>()) {
    std::optional<Cubic> base = cubic(power.getLhs());
    std::optional<double> exponent = constant(power.getRhs());
    if (!base || !exponent || (*exponent != 2 && *exponent != 3))
      return std::nullopt;
    std::optional<Cubic> result = multiply(*base, *base);
    if (result && *exponent == 3)
      result = multiply(*result, *base);
    return result;
  }
  Operation *op = value.getDefiningOp();
  if (!op || !isa<arith::AddFOp, arith::MulFOp>(op))
    return std::nullopt;
  std::optional<Cubic> a = cubic(op->getOperand(0));
  std::optional<Cubic> b = cubic(op->getOperand(1));
  if (!a || !b)
    return std::nullopt;
  if (isa<arith::MulFOp>(op))
    return multiply(*a, *b);
  for (size_t i = 0; i < 4; ++i)
    (*a)[i] += (*b)[i];
  return a;
}

bool ScalarMatcher::encloses(Value value) {
  llvm::SetVector<Operation *> between;
  if (Operation *op = value.getDefiningOp())
    between.insert(op);
  for (size_t i = 0; i < between.size(); ++i)
    for (Value operand : between[i]->getOperands())
      if (operand != x && dependsOnX(operand))
        between.insert(operand.getDefiningOp());
  auto usedWithin = [&](Value inner) {
    return llvm::all_of(inner.getUsers(), [&](Operation *user) {
      return between.contains(user);
    });
  };
  if (!usedWithin(x))
    return false;
  return llvm::all_of(between, [&](Operation *op) {
    return op->getResult(0) == value || usedWithin(op->getResult(0));
  });
}

} // namespace heed::lower
