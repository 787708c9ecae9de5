// SdpaScore.cpp - from a dot product q_i·k_j to the score.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/sdpa/SdpaScore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace heed::attn {

Value buildFloat(OpBuilder &b, Location loc, Type type, double value) {
  TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, loc, attr);
}

Value buildFloatCast(OpBuilder &b, Location loc, Value value, Type type) {
  unsigned from = getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth();
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  Type to = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    to = vector.clone(element);
  if (value.getType() == to)
    return value;
  if (from < element.getWidth())
    return arith::ExtFOp::create(b, loc, to, value);
  if (from > element.getWidth())
    return arith::TruncFOp::create(b, loc, to, value);
  // f16 and bf16 meet in f32.
  return buildFloatCast(b, loc, buildFloatCast(b, loc, value, b.getF32Type()),
                        element);
}

Value cloneScalarBody(OpBuilder &b, Block &body, ValueRange args) {
  IRMapping mapping;
  mapping.map(body.getArguments(), args);
  VectorType like;
  for (Value arg : args)
    if (auto vector = dyn_cast<VectorType>(arg.getType()))
      like = vector;
  Operation *terminator = body.getTerminator();
  if (!like) {
    for (Operation &inner : body.without_terminator())
      b.clone(inner, mapping);
    return mapping.lookupOrDefault(terminator->getOperand(0));
  }
  // On vectors: every operand that is still a scalar is broadcast.
  auto asVector = [&](Value value) -> Value {
    Value mapped = mapping.lookupOrDefault(value);
    if (isa<VectorType>(mapped.getType()))
      return mapped;
    return vector::BroadcastOp::create(b, value.getLoc(),
                                       like.clone(mapped.getType()), mapped);
  };
  for (Operation &inner : body.without_terminator()) {
    if (inner.hasTrait<OpTrait::ConstantLike>()) {
      b.clone(inner, mapping);
      continue;
    }
    SmallVector<Value> operands =
        llvm::map_to_vector(inner.getOperands(), asVector);
    SmallVector<Type> types =
        llvm::map_to_vector(inner.getResultTypes(), [&](Type type) -> Type {
          return like.clone(type);
        });
    OperationState state(inner.getLoc(), inner.getName(), operands, types,
                         inner.getAttrs());
    mapping.map(inner.getResults(), b.create(state)->getResults());
  }
  return asVector(terminator->getOperand(0));
}

bool isVectorizable(Region &region) {
  return llvm::all_of(region.getOps(), [](Operation &op) {
    return op.hasTrait<OpTrait::IsTerminator>() ||
           op.hasTrait<OpTrait::ConstantLike>() ||
           (OpTrait::hasElementwiseMappableTraits(&op) &&
            llvm::none_of(op.getOperandTypes(),
                          [](Type type) { return isa<ShapedType>(type); }));
  });
}

Value buildScore(OpBuilder &b, Location loc, SdpaOp op,
                 const ScoreElement &element) {
  Value score = element.score;
  Type type = score.getType();
  if (std::optional<APFloat> cap = op.getSoftcap()) {
    Value c = buildFloat(b, loc, type, cap->convertToDouble());
    Value inner = arith::DivFOp::create(b, loc, score, c);
    score =
        arith::MulFOp::create(b, loc, c, math::TanhOp::create(b, loc, inner));
  }
  if (element.bias)
    score = arith::AddFOp::create(b, loc, score,
                                  buildFloatCast(b, loc, element.bias, type));
  if (op.getScore().empty())
    return score;
  Block &body = op.getScore().front();
  Value input = buildFloatCast(b, loc, score, body.getArgument(0).getType());
  Value output = cloneScalarBody(
      b, body, {input, element.b, element.h, element.i, element.j});
  return buildFloatCast(b, loc, output, type);
}

KeyBounds buildKeyBounds(OpBuilder &b, Location loc, SdpaOp op, Value i,
                         Value sq, Value sk, Value kvLength) {
  KeyBounds bounds;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  auto atMost = [&](Value end) {
    bounds.end = bounds.end
                     ? Value(arith::MinSIOp::create(b, loc, bounds.end, end))
                     : end;
  };
  if (kvLength)
    atMost(kvLength);
  bool causal = op.getCausal() != Causal::none;
  std::optional<ArrayRef<int64_t>> window = op.getWindow();
  int64_t left = window ? (*window)[0] : -1, right = window ? (*window)[1] : -1;
  if (!causal && left < 0 && right < 0)
    return bounds;
  Value diagonal = i; // i + off
  if (op.getCausal() == Causal::bottom_right)
    diagonal =
        arith::AddIOp::create(b, loc, i, arith::SubIOp::create(b, loc, sk, sq));
  if (causal)
    atMost(arith::AddIOp::create(b, loc, diagonal, constant(1)));
  if (right >= 0)
    atMost(arith::AddIOp::create(b, loc, diagonal, constant(right + 1)));
  if (left >= 0)
    bounds.begin = arith::SubIOp::create(b, loc, diagonal, constant(left));
  return bounds;
}

} // namespace heed::attn
