// Views.cpp - buffers that the host makes between kernels, and views of them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tests/emulate/Machine.h"

using namespace mlir;

namespace heed::emulate {

static int64_t evaluate(AffineExpr expr, ArrayRef<int64_t> dims,
                        ArrayRef<int64_t> symbols) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t x = evaluate(binary.getLHS(), dims, symbols);
  int64_t y = evaluate(binary.getRHS(), dims, symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return x + y;
  case AffineExprKind::Mul:
    return x * y;
  case AffineExprKind::Mod:
    return x % y;
  case AffineExprKind::FloorDiv:
    return x / y;
  default:
    return (x + y - 1) / y;
  }
}

/// A buffer's address, sizes and strides in one lane.
static Register pack(uint64_t address, ArrayRef<int64_t> sizes,
                     ArrayRef<int64_t> strides) {
  Register buffer(1 + 2 * sizes.size());
  buffer[0].fill(address);
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    buffer[1 + dim].fill(sizes[dim]);
    buffer[1 + sizes.size() + dim].fill(strides[dim]);
  }
  return buffer;
}

static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> strides(sizes.size(), 1);
  for (size_t dim = sizes.size(); dim-- > 1;)
    strides[dim - 1] = strides[dim] * sizes[dim];
  return strides;
}

bool Warp::executeView(Operation *op) {
  auto sizesOf = [&](ArrayRef<OpFoldResult> mixed) {
    SmallVector<int64_t> sizes;
    for (OpFoldResult size : mixed) {
      if (auto constant = dyn_cast<Attribute>(size))
        sizes.push_back(cast<IntegerAttr>(constant).getInt());
      else
        sizes.push_back(uniform(cast<Value>(size)));
    }
    return sizes;
  };
  if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
    SmallVector<int64_t> sizes = sizesOf(alloc.getMixedSizes());
    int64_t bytes = (alloc.getType().getElementTypeBitWidth() + 7) / 8;
    for (int64_t size : sizes)
      bytes *= size;
    auto address = reinterpret_cast<uint64_t>(memory.allocate(bytes));
    set(alloc, pack(address, sizes, stridesOf(sizes)));
    return true;
  }
  if (isa<memref::CastOp>(op)) {
    set(op->getResult(0), Register(at(op->getOperand(0))));
    return true;
  }
  // Of contiguous buffers: heed-lower-gpu-* ask for no others.
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
    SmallVector<int64_t> sizes = sizesOf(expand.getMixedOutputShape());
    set(expand, pack(at(expand.getSrc())[0][0], sizes, stridesOf(sizes)));
    return true;
  }
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    const Register source = at(collapse.getSrc());
    SmallVector<int64_t> sizes;
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      sizes.push_back(1);
      for (int64_t dim : group)
        sizes.back() *= source[1 + dim][0];
    }
    set(collapse, pack(source[0][0], sizes, stridesOf(sizes)));
    return true;
  }
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    AffineMap map = apply.getAffineMap();
    SmallVector<int64_t> operands;
    for (Value operand : apply.getMapOperands())
      operands.push_back(uniform(operand));
    ArrayRef<int64_t> all = operands;
    Register result(1);
    result[0].fill(evaluate(map.getResult(0), all.take_front(map.getNumDims()),
                            all.drop_front(map.getNumDims())));
    set(apply.getResult(), result);
    return true;
  }
  return isa<memref::DeallocOp>(op);
}

} // namespace heed::emulate
