// Element.cpp - one element of a tensor, symbolically: as a tensor's element or
// as a scalar in a linalg body.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Element.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {

//===----------------------------------------------------------------------===//
// Into and out of the bodies of linalg ops
//===----------------------------------------------------------------------===//

std::optional<Element> enterElementwise(const Element &element) {
  Value value = element.value;
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (element.frame || !op || op.getNumParallelLoops() != op.getNumLoops() ||
      !op.hasPureTensorSemantics())
    return std::nullopt;
  auto result = cast<OpResult>(value);
  AffineMap map = op.getIndexingMapMatchingResult(result);
  if (!map.isPermutation())
    return std::nullopt;
  Access loops(op.getNumLoops());
  for (auto [i, expr] : llvm::enumerate(map.getResults()))
    loops[cast<AffineDimExpr>(expr).getPosition()] = element.dims[i];
  return Element(
      op.getBlock()->getTerminator()->getOperand(result.getResultNumber()),
      loops, op);
}

Operation *scalarOp(const Element &element) {
  if (!element.frame)
    return nullptr;
  linalg::LinalgOp frame = element.frame;
  Operation *op = element.value.getDefiningOp();
  return op && op->getBlock() == frame.getBlock() && op->getNumRegions() == 0 &&
                 op->getNumResults() == 1
             ? op
             : nullptr;
}

/// Where a window of one element stands: what a 1x1 convolution reads.
static std::optional<Factors> placeOfWindow(AffineExpr expr,
                                            const Access &loops) {
  auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!sum || sum.getKind() != AffineExprKind::Add)
    return std::nullopt;
  auto lhs = dyn_cast<AffineDimExpr>(sum.getLHS());
  auto rhs = dyn_cast<AffineDimExpr>(sum.getRHS());
  if (!lhs || !rhs)
    return std::nullopt;
  const Factors &place = loops[lhs.getPosition()];
  const Factors &window = loops[rhs.getPosition()];
  if (!place.empty() && !window.empty())
    return std::nullopt;
  return window.empty() ? place : window;
}

std::optional<Element> leaveFrame(const Element &element) {
  auto argument = dyn_cast<BlockArgument>(element.value);
  if (!element.frame)
    return std::nullopt;
  linalg::LinalgOp op = element.frame;
  Value value = element.value;
  if (value.getParentBlock() != op.getBlock()) {
    // Captured from above: a scalar, or a tensor that the body indexes.
    if (isa<ShapedType>(value.getType()))
      return std::nullopt;
    return Element(value, {}, {});
  }
  if (!argument || argument.getArgNumber() >= op->getNumOperands())
    return std::nullopt;
  OpOperand &operand = op->getOpOperand(argument.getArgNumber());
  // The accumulator of a reduction is no operand's element.
  if (op.isDpsInit(&operand) && op.getNumReductionLoops() > 0)
    return std::nullopt;
  if (!isa<RankedTensorType>(operand.get().getType()))
    return Element(operand.get(), {}, {});
  Access access;
  for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      access.push_back(element.dims[dim.getPosition()]);
    else if (auto constant = dyn_cast<AffineConstantExpr>(expr);
             constant && constant.getValue() == 0)
      access.push_back({});
    else if (std::optional<Factors> place = placeOfWindow(expr, element.dims))
      access.push_back(*place);
    else
      return std::nullopt;
  }
  return Element(operand.get(), access, {});
}

Element resolve(Element element, FactorTable &table) {
  while (true) {
    if (element.frame) {
      if (definedBy<arith::ExtFOp>(element) ||
          definedBy<arith::TruncFOp>(element)) {
        element = element.operand(0);
        continue;
      }
      std::optional<Element> outside = leaveFrame(element);
      if (!outside)
        return element;
      element = *outside;
      continue;
    }
    if (!element.isTensor())
      return element;
    if (std::optional<TensorView> source =
            stepUp({element.value, element.dims}, table)) {
      element = *source;
      continue;
    }
    std::optional<Element> inside = enterElementwise(element);
    if (!inside)
      return element;
    element = *inside;
  }
}

std::optional<TensorView> asTensor(const Element &element, FactorTable &table) {
  Element current = element;
  while (current.frame) {
    if (definedBy<arith::ExtFOp>(current) ||
        definedBy<arith::TruncFOp>(current)) {
      current = current.operand(0);
      continue;
    }
    std::optional<Element> outside = leaveFrame(current);
    if (!outside)
      return std::nullopt;
    current = *outside;
  }
  if (!current.isTensor())
    return std::nullopt;
  return peel({current.value, current.dims}, table);
}

//===----------------------------------------------------------------------===//
// Known numbers
//===----------------------------------------------------------------------===//

static std::optional<double> numberOf(Attribute attribute) {
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getValueAsDouble();
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return number.getType().isInteger(1)
               ? double(number.getValue().getBoolValue())
               : double(number.getValue().getSExtValue());
  if (auto elements = dyn_cast<DenseElementsAttr>(attribute))
    if (elements.isSplat() &&
        (isa<FloatType, IntegerType, IndexType>(elements.getElementType())))
      return numberOf(elements.getSplatValue<Attribute>());
  return std::nullopt;
}

/// A number is a short expression: the search ends before it walks up through
/// the residual sums of a whole network.
static std::optional<double> constantAt(const Element &unresolved,
                                        FactorTable &table, unsigned depth) {
  if (depth > 12)
    return std::nullopt;
  Element element = resolve(unresolved, table);
  Attribute attribute;
  if (matchPattern(element.value, m_Constant(&attribute)))
    return numberOf(attribute);
  Operation *op = element.value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto elements = dyn_cast<tensor::FromElementsOp>(op);
      elements && elements.getElements().size() == 1)
    return constantAt(Element(elements.getElements()[0], {}, {}), table,
                      depth + 1);
  if (element.frame && !scalarOp(element))
    return std::nullopt;
  if (op->getNumOperands() == 0 || op->getNumOperands() > 2)
    return std::nullopt;
  if (!isa<arith::MulFOp, arith::DivFOp, arith::AddFOp, arith::SubFOp,
           arith::NegFOp, math::SqrtOp, math::RsqrtOp, math::PowFOp,
           arith::SIToFPOp, math::ExpOp, math::LogOp>(op) ||
      element.isTensor())
    return std::nullopt;
  std::optional<double> a = constantAt(element.operand(0), table, depth + 1);
  if (!a)
    return std::nullopt;
  std::optional<double> b =
      op->getNumOperands() == 2
          ? constantAt(element.operand(1), table, depth + 1)
          : 0.0;
  if (!b)
    return std::nullopt;
  if (isa<arith::MulFOp>(op))
    return *a * *b;
  if (isa<arith::DivFOp>(op))
    return *a / *b;
  if (isa<arith::AddFOp>(op))
    return *a + *b;
  if (isa<arith::SubFOp>(op))
    return *a - *b;
  if (isa<arith::NegFOp>(op))
    return -*a;
  if (isa<math::SqrtOp>(op))
    return std::sqrt(*a);
  if (isa<math::RsqrtOp>(op))
    return 1 / std::sqrt(*a);
  if (isa<math::PowFOp>(op))
    return std::pow(*a, *b);
  if (isa<math::ExpOp>(op))
    return std::exp(*a);
  if (isa<math::LogOp>(op))
    return std::log(*a);
  return *a; // sitofp
}

std::optional<double> constantOf(const Element &element, FactorTable &table) {
  return constantAt(element, table, 0);
}

//===----------------------------------------------------------------------===//
// Reductions and products
//===----------------------------------------------------------------------===//

/// The size of a loop, from an operand's dimension that it runs over.
static std::optional<Size> loopSize(linalg::LinalgOp op, unsigned loop) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr);
          dim && dim.getPosition() == loop)
        return Size::of(operand.get(), i);
  }
  return std::nullopt;
}

std::optional<ElementReduction> matchReduction(const Element &tensor,
                                               FactorTable &table) {
  auto op = tensor.value.getDefiningOp<linalg::LinalgOp>();
  if (tensor.frame || !op || op.getNumReductionLoops() == 0 ||
      !op.hasPureTensorSemantics())
    return std::nullopt;
  auto result = cast<OpResult>(tensor.value);
  Access loops(op.getNumLoops());
  for (auto [i, expr] :
       llvm::enumerate(op.getIndexingMapMatchingResult(result).getResults())) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loops[dim.getPosition()] = tensor.dims[i];
    else if (!isa<AffineConstantExpr>(expr))
      return std::nullopt;
  }
  Factors reduced;
  for (auto [loop, type] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (type != utils::IteratorType::reduction)
      continue;
    std::optional<Size> size = loopSize(op, loop);
    if (!size)
      return std::nullopt;
    loops[loop] = table.create(*size);
    llvm::append_range(reduced, loops[loop]);
  }
  unsigned number = result.getResultNumber();
  Value accumulator = op.getBlock()->getArgument(op.getNumDpsInputs() + number);
  Operation *combiner =
      op.getBlock()->getTerminator()->getOperand(number).getDefiningOp();
  if (!combiner || combiner->getNumOperands() != 2 ||
      combiner->getBlock() != op.getBlock())
    return std::nullopt;
  Value input;
  if (combiner->getOperand(0) == accumulator)
    input = combiner->getOperand(1);
  else if (combiner->getOperand(1) == accumulator)
    input = combiner->getOperand(0);
  else
    return std::nullopt;
  Element init(op.getDpsInits()[number], tensor.dims, {});
  return ElementReduction{combiner, Element(input, loops, op), init, reduced};
}

std::optional<Product> matchProduct(const Element &tensor, FactorTable &table) {
  std::optional<ElementReduction> sum = matchReduction(tensor, table);
  if (!sum || !isa<arith::AddFOp>(sum->combiner))
    return std::nullopt;
  Element product = resolve(sum->input, table);
  if (!definedBy<arith::MulFOp>(product))
    return std::nullopt;
  return Product{cast<linalg::LinalgOp>(tensor.value.getDefiningOp()),
                 product.operand(0), product.operand(1), sum->init,
                 sum->reduced};
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

/// The lists agree under the renaming, which is extended to where a factor has
/// no name yet.
static bool sameAccess(const Access &a, const Access &b, Renaming &renamed,
                       FactorTable &table) {
  if (a.size() != b.size())
    return false;
  for (auto [left, right] : llvm::zip(a, b)) {
    Factors l = table.leaves(left), r = table.leaves(right);
    if (l.size() != r.size())
      return false;
    for (auto [x, y] : llvm::zip(l, r)) {
      auto name = renamed.find(x);
      if (name == renamed.end() ? x != y : name->second != y)
        return false;
    }
  }
  return true;
}

bool sameComputation(const Element &unresolvedA, const Element &unresolvedB,
                     Renaming &renamed, FactorTable &table, unsigned depth) {
  Element a = resolve(unresolvedA, table), b = resolve(unresolvedB, table);
  if (a.value == b.value && a.frame == b.frame)
    return sameAccess(a.dims, b.dims, renamed, table);
  if (!a.frame || !b.frame || depth > 16) {
    std::optional<double> x = constantOf(a, table), y = constantOf(b, table);
    return x && y && *x == *y;
  }
  Operation *opA = scalarOp(a), *opB = scalarOp(b);
  if (!opA || !opB || opA->getName() != opB->getName() ||
      opA->getNumOperands() != opB->getNumOperands() ||
      opA->getAttrDictionary() != opB->getAttrDictionary() ||
      opA->getNumOperands() == 0)
    return false;
  for (unsigned i = 0; i < opA->getNumOperands(); ++i)
    if (!sameComputation(a.operand(i), b.operand(i), renamed, table, depth + 1))
      return false;
  return true;
}

bool dependsOn(const Element &unresolved, ArrayRef<Factor> factors,
               FactorTable &table, unsigned depth) {
  Element element = resolve(unresolved, table);
  // Only now: the way up may have split them.
  Factors wanted = table.leaves(factors);
  auto reads = [&](const Access &dims) {
    return llvm::any_of(table.flatten(dims), [&](Factor factor) {
      return llvm::is_contained(wanted, factor);
    });
  };
  if (!element.frame || !reads(element.dims) || depth > 16)
    return reads(element.dims);
  Operation *op = scalarOp(element);
  if (!op)
    return true;
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    return reads({element.dims[index.getDim()]});
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    // A tensor that the body indexes was there before the loops.
    if (!isa<ShapedType>(op->getOperand(i).getType()) &&
        dependsOn(element.operand(i), factors, table, depth + 1))
      return true;
  return false;
}

} // namespace heed::recognize
