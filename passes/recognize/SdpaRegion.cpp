// SdpaRegion.cpp - elements of the score as scalars inside attn.sdpa's region.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/SdpaRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::recognize {

/// Scalars computed again for each element rather than read from a tensor.
static constexpr unsigned kMaxScalars = 24;

Value castFloat(OpBuilder &b, Location loc, Value value, Type type) {
  Type from = value.getType();
  if (from == type || !isa<FloatType>(type) || !isa<FloatType>(from))
    return value;
  if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, loc, type, value);
  return arith::TruncFOp::create(b, loc, type, value);
}

static bool onlyIndices(const Element &unresolved, unsigned &budget,
                        FactorTable &table) {
  Element element = resolve(unresolved, table);
  if (constantOf(element, table))
    return true;
  Operation *op = scalarOp(element);
  if (!op || budget == 0)
    return !element.frame && !element.isTensor();
  --budget;
  if (isa<linalg::IndexOp>(op))
    return true;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (!onlyIndices(element.operand(i), budget, table))
      return false;
  return op->getNumOperands() != 0;
}

bool isMadeOfIndices(const Element &element, const Groups &groups,
                     FactorTable &table) {
  if (!dependsOn(element, groups.of[SdpaOp::I], table) ||
      !dependsOn(element, groups.of[SdpaOp::J], table) ||
      !enterElementwise(element))
    return false;
  unsigned budget = kMaxScalars;
  return onlyIndices(element, budget, table);
}

Value SdpaRegion::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value SdpaRegion::size(Factor factor) {
  OpFoldResult size = table.getSize(factor).materialize(b, loc);
  return isa<Value>(size) ? cast<Value>(size)
                          : constant(*getConstantIntValue(size));
}

/// One factor's index: (index of its dim / inner sizes) mod its size.
Value SdpaRegion::index(Factor factor) {
  for (unsigned dim : {SdpaOp::B, SdpaOp::H, SdpaOp::I, SdpaOp::J}) {
    Factors group = table.leaves(groups.of[dim]);
    auto place = llvm::find(group, factor);
    if (place == group.end())
      continue;
    Value value = block.getArgument(1 + dim);
    for (Factor inner : ArrayRef(group).drop_front(place - group.begin() + 1))
      value = arith::DivUIOp::create(b, loc, value, size(inner));
    if (place != group.begin())
      value = arith::RemUIOp::create(b, loc, value, size(factor));
    return value;
  }
  return {};
}

/// The index of a dimension addressed by the list.
Value SdpaRegion::index(const Factors &list) {
  Value result;
  for (Factor factor : table.leaves(list)) {
    Value inner = index(factor);
    if (!inner)
      return {};
    if (result)
      inner = arith::AddIOp::create(
          b, loc, arith::MulIOp::create(b, loc, result, size(factor)), inner);
    result = inner;
  }
  return result ? result : constant(0);
}

Value SdpaRegion::emit(const Element &element) {
  if (!element.frame) {
    if (!element.isTensor())
      return element.value;
    TensorView root = peel({element.value, element.dims}, table);
    Type type = getElementTypeOrSelf(element.value.getType());
    unsigned budget = kMaxScalars;
    if (enterElementwise(Element(root)) &&
        onlyIndices(Element(root), budget, table)) {
      Value value = emit(*enterElementwise(Element(root)));
      return value ? castFloat(b, loc, value, type) : value;
    }
    SmallVector<Value> indices;
    for (const Factors &list : root.dims) {
      indices.push_back(index(list));
      if (!indices.back())
        return {};
    }
    Value value = tensor::ExtractOp::create(b, loc, root.value, indices);
    return castFloat(b, loc, value, type);
  }
  if (std::optional<Element> outside = leaveFrame(element))
    return emit(*outside);
  Operation *op = scalarOp(element);
  if (!op)
    return {};
  if (auto indexOp = dyn_cast<linalg::IndexOp>(op))
    return index(element.dims[indexOp.getDim()]);
  IRMapping mapping;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    // A tensor that the body indexes is captured as it is.
    if (isa<ShapedType>(op->getOperand(i).getType()))
      continue;
    Value operand = emit(element.operand(i));
    if (!operand)
      return {};
    mapping.map(op->getOperand(i), operand);
  }
  return b.clone(*op, mapping)->getResult(0);
}

} // namespace heed::recognize
