// RecurrentOps.cpp - verifier and effects of attn.recurrent.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/recurrent/RecurrentOps.h"

#include "dialect/AttnBufferize.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace heed::attn;

#include "dialect/recurrent/RecurrentEnums.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/recurrent/RecurrentOps.cpp.inc"

MutableOperandRange RecurrentOp::getDpsInitsMutable() {
  unsigned count = 1 + (getY() ? 1 : 0) + (getC() ? 1 : 0);
  return MutableOperandRange(getOperation(), getNumOperands() - count, count);
}

FloatType RecurrentOp::getComputeType() {
  auto element = cast<FloatType>(getElementTypeOrSelf(getX().getType()));
  return element.getWidth() < 32 ? Builder(getContext()).getF32Type() : element;
}

static SmallVector<ActivationKind> defaultActivations(RecurrentKind kind) {
  switch (kind) {
  case RecurrentKind::lstm:
    return {ActivationKind::sigmoid, ActivationKind::tanh,
            ActivationKind::tanh};
  case RecurrentKind::gru:
    return {ActivationKind::sigmoid, ActivationKind::tanh};
  case RecurrentKind::rnn:
    return {ActivationKind::tanh};
  }
  return {};
}

SmallVector<Activation> RecurrentOp::getDefaultActivations() {
  SmallVector<Activation> list;
  for (ActivationKind kind : defaultActivations(getKind()))
    list.push_back({kind});
  return list;
}

SmallVector<Activation> RecurrentOp::getActivationsOf(int64_t direction) {
  SmallVector<ActivationKind> defaults = defaultActivations(getKind());
  SmallVector<Activation> list;
  for (auto [index, kind] : llvm::enumerate(defaults)) {
    if (!getActivations()) {
      list.push_back({kind});
      continue;
    }
    size_t at = direction * defaults.size() + index;
    auto name = cast<StringAttr>((*getActivations())[at]);
    list.push_back({*symbolizeActivationKind(name.getValue()),
                    getAlphas().empty() ? 0 : getAlphas()[at],
                    getBetas().empty() ? 0 : getBetas()[at]});
  }
  return list;
}

void RecurrentOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(cast<DestinationStyleOpInterface>(getOperation()),
                             effects);
}

namespace {
/// Sizes of the table's letters, as far as they are known.
struct Sizes {
  RecurrentOp op;
  int64_t steps, batch, features;
  int64_t hidden, directions, gates;

  LogicalResult check(StringRef name, Value value, ArrayRef<int64_t> expected,
                      bool integers = false) {
    if (!value)
      return success();
    auto type = dyn_cast<ShapedType>(value.getType());
    auto describe = [&](InFlightDiagnostic diagnostic) {
      diagnostic << name << ": expected "
                 << (integers ? "integers" : "the elements of x")
                 << " of the sizes [";
      llvm::interleave(
          expected,
          [&](int64_t size) {
            if (ShapedType::isDynamic(size))
              diagnostic << "?";
            else
              diagnostic << size;
          },
          [&] { diagnostic << ", "; });
      diagnostic << "], got " << value.getType();
      return failure();
    };
    if (!type || !type.hasRank() ||
        failed(verifyCompatibleShape(type.getShape(), expected)))
      return describe(op.emitOpError());
    bool fits = integers ? isa<IntegerType>(type.getElementType())
                         : type.getElementType() ==
                               getElementTypeOrSelf(op.getX().getType());
    return fits ? success() : describe(op.emitOpError());
  }
};
} // namespace

LogicalResult RecurrentOp::verify() {
  auto xType = dyn_cast<ShapedType>(getX().getType()); // recurrent_c1
  if (!xType || !xType.hasRank() || xType.getRank() != 3 ||
      !isa<FloatType>(xType.getElementType()))
    return emitOpError("x: expected floats of rank 3, got ")
           << getX().getType();
  auto rType = dyn_cast<ShapedType>(getWeights().getType());
  if (!rType || !rType.hasRank() || rType.getRank() != 3 ||
      rType.isDynamicDim(2) || rType.getDimSize(2) < 1)
    return emitOpError(
               "weights: expected rank 3 and a constant last size, got ")
           << getWeights().getType();
  Sizes s{*this,
          xType.getDimSize(0),
          xType.getDimSize(1),
          xType.getDimSize(2),
          getHidden(),
          getDirections(),
          getGates()};
  int64_t width = s.gates * s.hidden;
  if (!getInputWeights() &&
      failed(s.check("x", getX(), {s.steps, s.batch, s.directions * width})))
    return failure();
  if (failed(s.check("input_weights", getInputWeights(),
                     {s.directions, width, s.features})) ||
      failed(
          s.check("weights", getWeights(), {s.directions, width, s.hidden})) ||
      failed(s.check("bias", getBias(), {s.directions, width})) ||
      failed(s.check("reset_bias", getResetBias(), {s.directions, s.hidden})) ||
      failed(
          s.check("peephole", getPeephole(), {s.directions, 3 * s.hidden})) ||
      failed(s.check("lengths", getLengths(), {s.batch}, /*integers=*/true)) ||
      failed(
          s.check("y", getY(), {s.steps, s.directions, s.batch, s.hidden})) ||
      failed(s.check("h", getH(), {s.directions, s.batch, s.hidden})) ||
      failed(s.check("c", getC(), {s.directions, s.batch, s.hidden})))
    return failure();

  bool isLstm = getKind() == RecurrentKind::lstm; // recurrent_c2
  if (isLstm != static_cast<bool>(getC()))
    return emitOpError("c: expected one for an lstm, and for it alone");
  if (!isLstm && (getPeephole() || getCoupled()))
    return emitOpError("peephole, coupled: expected for an lstm alone");
  if (getLinearBeforeReset() && getKind() != RecurrentKind::gru)
    return emitOpError("linear_before_reset: expected for a gru alone");
  if (getResetBias() && !getLinearBeforeReset())
    return emitOpError("reset_bias: expected with linear_before_reset alone");
  if (getBias() && !getInputWeights()) // recurrent_c3
    return emitOpError("bias: expected with input_weights alone");
  size_t count = defaultActivations(getKind()).size() * s.directions;
  if (getActivations() && getActivations()->size() != count) // recurrent_c4
    return emitOpError("activations: expected ")
           << count << ", got " << getActivations()->size();
  if (getActivations())
    for (auto name : getActivations()->getAsRange<StringAttr>())
      if (!symbolizeActivationKind(name.getValue()))
        return emitOpError("activations: unknown kind ") << name;
  for (ArrayRef<double> constants : {getAlphas(), getBetas()})
    if (!constants.empty() && (!getActivations() || constants.size() != count))
      return emitOpError("alphas, betas: expected ")
             << (getActivations() ? count : 0) << ", got " << constants.size();
  if (getClip() && !(getClip()->convertToDouble() > 0)) // recurrent_c5
    return emitOpError("clip: expected more than 0, got ")
           << getClip()->convertToDouble();
  if (getLibrary() && !getInputWeights()) // recurrent_c6
    return emitOpError("library: expected with input_weights alone");
  return success();
}
