// SizeProduct.cpp - products of run-time sizes, to prove that a factor is one
// over a count.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/SizeProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace heed::recognize {

/// Multiplies `to` by `factors`, which cancel against `against`.
static void multiply(SmallVectorImpl<Value> &to, ArrayRef<Value> factors,
                     SmallVectorImpl<Value> &against) {
  for (Value factor : factors) {
    auto *found = llvm::find(against, factor);
    if (found != against.end())
      against.erase(found);
    else
      to.push_back(factor);
  }
}

SizeProduct &SizeProduct::operator*=(const SizeProduct &other) {
  constant *= other.constant;
  multiply(over, other.over, under);
  multiply(under, other.under, over);
  return *this;
}

SizeProduct SizeProduct::inverse() const { return {1 / constant, under, over}; }

SizeProduct sizeProduct(Value scalar) {
  FloatAttr real;
  APInt integer;
  SizeProduct product;
  if (matchPattern(scalar, m_Constant(&real))) {
    product.constant = real.getValueAsDouble();
    return product;
  }
  if (matchPattern(scalar, m_ConstantInt(&integer))) {
    product.constant = integer.signedRoundToDouble();
    return product;
  }
  Operation *def = scalar.getDefiningOp();
  if (isa_and_nonnull<arith::SIToFPOp, arith::UIToFPOp, arith::IndexCastOp,
                      arith::IndexCastUIOp, arith::ExtFOp, arith::TruncFOp,
                      arith::ExtSIOp, arith::ExtUIOp>(def))
    return sizeProduct(def->getOperand(0));
  if (isa_and_nonnull<arith::MulFOp, arith::MulIOp, arith::DivFOp>(def)) {
    product = sizeProduct(def->getOperand(0));
    SizeProduct second = sizeProduct(def->getOperand(1));
    product *= isa<arith::DivFOp>(def) ? second.inverse() : second;
    return product;
  }
  if (auto size = dyn_cast_or_null<tensor::DimOp>(def))
    if (std::optional<int64_t> dim = size.getConstantIndex())
      return dimensionSize(size.getSource(), *dim);
  product.over.push_back(scalar);
  return product;
}

SizeProduct dimensionSize(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SizeProduct product;
  if (!type.isDynamicDim(dim)) {
    product.constant = type.getDimSize(dim);
    return product;
  }
  // The destination of an op has the sizes of its result.
  Value source = tensor;
  while (auto op = source.getDefiningOp<DestinationStyleOpInterface>())
    source = op.getTiedOpOperand(cast<OpResult>(source))->get();
  if (auto empty = source.getDefiningOp<tensor::EmptyOp>())
    return sizeProduct(empty.getDynamicSizes()[type.getDynamicDimIndex(dim)]);
  if (auto expand = source.getDefiningOp<tensor::ExpandShapeOp>()) {
    OpFoldResult size = expand.getMixedOutputShape()[dim];
    return sizeProduct(cast<Value>(size));
  }
  if (auto collapse = source.getDefiningOp<tensor::CollapseShapeOp>()) {
    SmallVector<ReassociationIndices, 4> groups =
        collapse.getReassociationIndices();
    for (int64_t from : groups[dim])
      product *= dimensionSize(collapse.getSrc(), from);
    return product;
  }
  // One of equal queries stands for all.
  for (Operation *user : source.getUsers())
    if (auto size = dyn_cast<tensor::DimOp>(user))
      if (size.getConstantIndex() == dim) {
        product.over.push_back(size);
        return product;
      }
  product.over.push_back(tensor); // a factor that nothing cancels
  return product;
}

} // namespace heed::recognize
