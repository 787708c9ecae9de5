// Elementwise.cpp - elementwise ops, their scalar bodies and constants, in
// every spelling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "passes/recognize/Movement.h"

using namespace mlir;

namespace heed::recognize {

linalg::LinalgOp asElementwise(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  if (!linalgOp || !linalgOp.hasPureTensorSemantics() ||
      linalgOp.getNumDpsInits() != 1 || linalgOp.getNumDpsInputs() == 0 ||
      linalgOp.getNumParallelLoops() != linalgOp.getNumLoops() ||
      linalgOp.payloadUsesValueFromOperand(linalgOp.getDpsInitOperand(0)) ||
      linalgOp.hasIndexSemantics())
    return nullptr;
  if (!linalgOp.getMatchingIndexingMap(linalgOp.getDpsInitOperand(0))
           .isPermutation())
    return nullptr;
  for (OpOperand *input : linalgOp.getDpsInputOperands())
    for (AffineExpr expr : linalgOp.getMatchingIndexingMap(input).getResults())
      if (!isa<AffineDimExpr>(expr) && !isa<AffineConstantExpr>(expr))
        return nullptr;
  return linalgOp;
}

std::optional<double> constantValue(Value value) {
  if (!isa<ShapedType>(value.getType())) {
    FloatAttr attr;
    if (matchPattern(value, m_Constant(&attr)))
      return attr.getValueAsDouble();
    return std::nullopt;
  }
  value = peelMovement(value, /*broadcasts=*/true).root;
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return constantValue(fill.getInputs()[0]);
  DenseFPElementsAttr dense;
  if (matchPattern(value, m_Constant(&dense)) && dense.isSplat())
    return dense.getSplatValue<APFloat>().convertToDouble();
  return std::nullopt;
}

OpOperand *operandOf(linalg::LinalgOp op, Value scalar) {
  auto argument = dyn_cast<BlockArgument>(scalar);
  if (!argument || argument.getOwner() != op.getBlock() ||
      argument.getArgNumber() >= op->getNumOperands())
    return nullptr;
  return &op->getOpOperand(argument.getArgNumber());
}

std::optional<double> constantInBody(linalg::LinalgOp op, Value scalar) {
  if (OpOperand *operand = operandOf(op, scalar))
    return constantValue(operand->get());
  if (auto convert = scalar.getDefiningOp<arith::TruncFOp>())
    return constantInBody(op, convert.getIn());
  if (auto convert = scalar.getDefiningOp<arith::ExtFOp>())
    return constantInBody(op, convert.getIn());
  return constantValue(scalar);
}

bool isAligned(linalg::LinalgOp op, OpOperand *operand) {
  auto type = dyn_cast<RankedTensorType>(operand->get().getType());
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  AffineMap in = op.getMatchingIndexingMap(operand);
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!type || type.getShape() != result.getShape())
    return false;
  for (auto [dim, pair] :
       llvm::enumerate(llvm::zip(in.getResults(), out.getResults())))
    if (std::get<0>(pair) != std::get<1>(pair) && type.getDimSize(dim) != 1)
      return false;
  return true;
}

/// A scalar of a body that is the same for all elements.
static std::optional<SizeProduct> factorInBody(linalg::LinalgOp op,
                                               Value scalar) {
  SizeProduct factor;
  if (std::optional<double> constant = constantInBody(op, scalar)) {
    factor.constant = *constant;
    return factor;
  }
  if (OpOperand *operand = operandOf(op, scalar)) {
    if (!isa<RankedTensorType>(operand->get().getType()))
      return sizeProduct(operand->get());
    Value root = peelMovement(operand->get(), /*broadcasts=*/true).root;
    if (auto fill = root.getDefiningOp<linalg::FillOp>())
      return sizeProduct(fill.getInputs()[0]);
    auto elements = root.getDefiningOp<tensor::FromElementsOp>();
    if (elements && elements.getElements().size() == 1)
      return sizeProduct(elements.getElements()[0]);
    return std::nullopt;
  }
  if (scalar.getParentBlock() == op.getBlock())
    return std::nullopt;
  return sizeProduct(scalar);
}

std::optional<Scaling> matchScaling(Value value) {
  linalg::LinalgOp op = asElementwise(value.getDefiningOp());
  if (!op)
    return std::nullopt;
  Operation *body =
      op.getBlock()->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(body))
    return std::nullopt;
  auto match = [&](Value by, Value of) -> std::optional<Scaling> {
    OpOperand *source = operandOf(op, of);
    std::optional<SizeProduct> factor = factorInBody(op, by);
    if (!source || !factor || !isAligned(op, source))
      return std::nullopt;
    return Scaling{source->get(),
                   isa<arith::DivFOp>(body) ? factor->inverse() : *factor};
  };
  if (auto scaling = match(body->getOperand(1), body->getOperand(0)))
    return scaling;
  if (isa<arith::MulFOp>(body))
    return match(body->getOperand(0), body->getOperand(1));
  return std::nullopt;
}

} // namespace heed::recognize
