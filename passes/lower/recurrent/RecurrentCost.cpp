// RecurrentCost.cpp - which of its lowerings a recurrent layer takes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/recurrent/RecurrentCost.h"

#include "dialect/AttnConstant.h"
#include "runtime/cost/CostModel.h"

using namespace mlir;
using heed::attn::RecurrentOp;

namespace heed::lower {

int64_t costOfRecurrentTask(RecurrentOp op) {
  auto x = cast<ShapedType>(op.getX().getType());
  // Unknown steps are not one only; unknown rows may be.
  int64_t steps = x.isDynamicDim(0) ? 16 : x.getDimSize(0);
  int64_t rows =
      x.isDynamicDim(1) ? 1 : std::max<int64_t>(1, x.getDimSize(1) / 2);
  int64_t hidden = op.getHidden();
  return std::max<int64_t>(
      1, cost::costOfComputing(steps * rows * op.getGates() * hidden * hidden));
}

bool isHeldByLibrary(RecurrentOp op) {
  auto isConstant = [](Value value) {
    return !value || attn::isConstant(value);
  };
  auto isUsual = [&](int64_t direction) {
    SmallVector<attn::Activation> functions = op.getActivationsOf(direction);
    bool isRelu = op.getKind() == attn::RecurrentKind::rnn &&
                  functions[0].kind == attn::ActivationKind::relu;
    return isRelu || functions == op.getDefaultActivations();
  };
  // Both directions are calls of one kind.
  if (!isUsual(0) || (op.getDirections() == 2 &&
                      op.getActivationsOf(0) != op.getActivationsOf(1)))
    return false;
  return op.getInputWeights() && getElementTypeOrSelf(op.getX()).isF32() &&
         !op.getClip() && !op.getCoupled() && !op.getPeephole() &&
         !op.getLengths() && isConstant(op.getWeights()) &&
         isConstant(op.getInputWeights()) && isConstant(op.getBias()) &&
         isConstant(op.getResetBias());
}

} // namespace heed::lower
