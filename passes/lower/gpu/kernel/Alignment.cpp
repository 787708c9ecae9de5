// Alignment.cpp - what divides the strides of a buffer, whatever its sizes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/Alignment.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;

namespace heed::cuda {

/// Strides and offset of the type; nothing if its layout has none.
static std::optional<std::pair<SmallVector<int64_t>, int64_t>>
stridesOf(Value memref) {
  SmallVector<int64_t> strides;
  int64_t offset;
  auto type = cast<MemRefType>(memref.getType());
  if (failed(type.getStridesAndOffset(strides, offset)))
    return std::nullopt;
  return std::pair(strides, offset);
}

/// The product of those sizes that are known.
static int64_t knownProduct(ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes)
    if (!ShapedType::isDynamic(size))
      product *= size;
  return product;
}

/// The dim of a subview's source that its `dim` is a part of.
static unsigned sourceDim(memref::SubViewOp view, unsigned dim) {
  llvm::SmallBitVector dropped = view.getDroppedDims();
  unsigned kept = 0;
  for (unsigned source = 0; source < dropped.size(); ++source)
    if (!dropped[source] && kept++ == dim)
      return source;
  return 0;
}

static int64_t strideDivisor(memref::ExpandShapeOp op, unsigned dim) {
  for (auto [sourceDim, group] :
       llvm::enumerate(op.getReassociationIndices())) {
    if (!llvm::is_contained(group, dim))
      continue;
    ArrayRef<int64_t> sizes = op.getResultType().getShape();
    return strideDivisor(op.getSrc(), sourceDim) *
           knownProduct(sizes.slice(dim + 1, group.back() - dim));
  }
  return 1;
}

int64_t strideDivisor(Value memref, unsigned dim) {
  auto known = stridesOf(memref);
  if (!known)
    return 1;
  if (!ShapedType::isDynamic(known->first[dim]))
    return known->first[dim];
  auto type = cast<MemRefType>(memref.getType());
  if (type.getLayout().isIdentity())
    return knownProduct(type.getShape().drop_front(dim + 1));
  if (auto view = memref.getDefiningOp<memref::SubViewOp>()) {
    unsigned source = sourceDim(view, dim);
    std::optional<int64_t> step =
        getConstantIntValue(view.getMixedStrides()[source]);
    return strideDivisor(view.getSource(), source) * step.value_or(1);
  }
  if (auto expand = memref.getDefiningOp<memref::ExpandShapeOp>())
    return strideDivisor(expand, dim);
  if (auto cast = memref.getDefiningOp<memref::CastOp>())
    return strideDivisor(cast.getSource(), dim);
  return 1;
}

int64_t offsetDivisor(Value memref) {
  auto known = stridesOf(memref);
  if (!known)
    return 1;
  if (!ShapedType::isDynamic(known->second))
    return known->second;
  if (auto view = memref.getDefiningOp<memref::SubViewOp>()) {
    int64_t divisor = offsetDivisor(view.getSource());
    for (auto [dim, offset] : llvm::enumerate(view.getMixedOffsets()))
      divisor = std::gcd(divisor, strideDivisor(view.getSource(), dim) *
                                      getConstantIntValue(offset).value_or(1));
    return divisor;
  }
  if (auto expand = memref.getDefiningOp<memref::ExpandShapeOp>())
    return offsetDivisor(expand.getSrc());
  if (auto cast = memref.getDefiningOp<memref::CastOp>())
    return offsetDivisor(cast.getSource());
  return 1;
}

int64_t rowUnitBytes(Value memref, unsigned dim) {
  auto type = cast<MemRefType>(memref.getType());
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  int64_t size = type.getDimSize(dim);
  auto known = stridesOf(memref);
  if (!known || ShapedType::isDynamic(size) || known->first[dim] != 1)
    return bytes;
  int64_t divisor = std::gcd(size, offsetDivisor(memref));
  for (int64_t other = 0; other < type.getRank(); ++other)
    if (other != dim && type.getDimSize(other) != 1)
      divisor = std::gcd(divisor, strideDivisor(memref, other));
  return std::gcd(divisor * bytes, kMaxUnitBytes);
}

} // namespace heed::cuda
