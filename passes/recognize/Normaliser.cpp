// Normaliser.cpp - tells a normalisation's factor from a gate.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Normaliser.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/recognize/Elementwise.h"
#include "passes/recognize/GatePools.h"

using namespace mlir;

namespace heed::recognize {

namespace {
/// A scalar of a body, or a whole tensor where `op` is null.
struct Term {
  Value value;
  linalg::LinalgOp op;
};
} // namespace

/// The scalar that computes an element of the tensor that `term` stands for.
static std::optional<Term> resolve(Term term) {
  while (true) {
    if (term.op) {
      OpOperand *operand = operandOf(term.op, term.value);
      if (!operand)
        return term;
      term = {operand->get(), nullptr};
    }
    if (!isa<RankedTensorType>(term.value.getType()))
      return term;
    term.value = peelMovement(term.value, true).root;
    linalg::LinalgOp op = asElementwise(term.value.getDefiningOp());
    if (!op)
      return std::nullopt; // a leaf
    term = {op.getBlock()->getTerminator()->getOperand(0), op};
  }
}

static bool isConstantTerm(Term term) {
  return term.op ? constantInBody(term.op, term.value).has_value()
                 : constantValue(term.value).has_value();
}

/// A polynomial of reductions; `reduces` is set where one is in it.
static bool isPolynomial(Term start, bool &reduces, int depth) {
  if (depth > 24)
    return false;
  std::optional<Term> term = resolve(start);
  if (!term) { // a leaf: what is behind movement
    Value leaf = start.value;
    if (start.op)
      leaf = operandOf(start.op, start.value)->get();
    while (true) {
      leaf = peelMovement(leaf, true).root;
      linalg::LinalgOp op = asElementwise(leaf.getDefiningOp());
      if (!op)
        break;
      Value inner = op.getBlock()->getTerminator()->getOperand(0);
      OpOperand *operand = operandOf(op, inner);
      if (!operand)
        break;
      leaf = operand->get();
    }
    reduces |= leaf.getDefiningOp() && isReduction(leaf.getDefiningOp());
    return true;
  }
  Operation *def = term->value.getDefiningOp();
  if (!def)
    return true;
  if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
           arith::MaximumFOp, arith::MaxNumFOp, arith::ConstantOp,
           arith::ExtFOp, arith::TruncFOp, math::SqrtOp, math::AbsFOp,
           math::PowFOp>(def))
    return false;
  for (Value operand : def->getOperands())
    if (!isPolynomial({operand, term->op}, reduces, depth + 1))
      return false;
  return true;
}

/// A constant or an argument, perhaps moved.
static bool isWeight(Term term) {
  if (isConstantTerm(term))
    return true;
  Value value = term.value;
  if (term.op) {
    OpOperand *operand = operandOf(term.op, value);
    if (!operand)
      return false;
    value = operand->get();
  }
  Operation *def = isa<RankedTensorType>(value.getType())
                       ? peelMovement(value, true).root.getDefiningOp()
                       : value.getDefiningOp();
  return !def || def->hasTrait<OpTrait::ConstantLike>();
}

static bool isReciprocal(Term start, int depth) {
  std::optional<Term> term = resolve(start);
  if (!term || depth > 24)
    return false;
  Operation *def = term->value.getDefiningOp();
  if (!def)
    return false;
  auto polynomial = [&](Value value) {
    bool reduces = false;
    return isPolynomial({value, term->op}, reduces, 0) && reduces;
  };
  auto at = [&](unsigned i) { return Term{def->getOperand(i), term->op}; };
  if (isa<math::RsqrtOp>(def))
    return polynomial(def->getOperand(0));
  if (isa<arith::DivFOp>(def))
    return (isConstantTerm(at(0)) && polynomial(def->getOperand(1))) ||
           (isReciprocal(at(0), depth + 1) && isConstantTerm(at(1)));
  if (auto power = dyn_cast<math::PowFOp>(def)) {
    std::optional<double> exponent = constantInBody(term->op, power.getRhs());
    return exponent && *exponent < 0 && polynomial(power.getLhs());
  }
  if (isa<arith::MulFOp>(def))
    return (isReciprocal(at(0), depth + 1) && isWeight(at(1))) ||
           (isReciprocal(at(1), depth + 1) && isWeight(at(0)));
  if (isa<arith::ExtFOp, arith::TruncFOp>(def))
    return isReciprocal(at(0), depth + 1);
  return false;
}

bool isReciprocalOfReduction(Value gate) {
  return isReciprocal({gate, nullptr}, 0);
}

} // namespace heed::recognize
