// KernelBuffer.cpp - memrefs in a kernel, in global or shared memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/KernelBuffer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace heed::cuda {

Value KernelBuffer::address(KernelBuilder &k, Value offset) const {
  return k.advance(pointer, k.mul(k.widen(offset), k.i64(bytesOf(element))));
}

Value KernelBuffer::address(KernelBuilder &k, ValueRange indices) const {
  Value offset = k.i32(0);
  for (auto [index, stride] : llvm::zip_equal(indices, strides))
    offset = k.add(offset, k.mul(index, stride));
  return address(k, offset);
}

Value KernelBuffer::load(KernelBuilder &k, ValueRange indices) const {
  return loadElement(k, address(k, indices), element);
}

void KernelBuffer::store(KernelBuilder &k, Value value,
                         ValueRange indices) const {
  storeElement(k, value, address(k, indices), element);
}

KernelBuffer globalBuffer(KernelBuilder &k, Value memref) {
  GlobalTensor tensor = k.tensor(memref);
  KernelBuffer buffer{tensor.pointer, tensor.element, {}, {}};
  Type i32 = k.b.getI32Type();
  for (Value stride : tensor.strides)
    buffer.strides.push_back(
        k.b.createOrFold<arith::TruncIOp>(k.loc, i32, stride));
  for (OpFoldResult size : memref::getMixedSizes(k.host, k.loc, memref))
    buffer.sizes.push_back(k.parameter(size, i32));
  return buffer;
}

std::string nameKernel(gpu::GPUModuleOp kernels, StringRef stem) {
  int64_t count = llvm::range_size(kernels.getOps<LLVM::LLVMFuncOp>());
  return (stem + "_" + Twine(count)).str();
}

OpFoldResult sizeOf(OpBuilder &host, Location loc, Value buffer,
                    ArrayRef<int64_t> dims) {
  Value product = arith::ConstantIndexOp::create(host, loc, 1);
  for (int64_t dim : dims)
    product = host.createOrFold<arith::MulIOp>(
        loc, product, host.createOrFold<memref::DimOp>(loc, buffer, dim));
  return getAsOpFoldResult(product);
}

Value SharedArena::allocate(int64_t bytes) {
  if (!base)
    base = k.sharedMemory();
  Value start = k.advance(base, used);
  used += llvm::alignTo(bytes, 16);
  return start;
}

KernelBuffer SharedArena::allocate(MemRefType type, bool images) {
  KernelBuffer buffer;
  buffer.element = type.getElementType();
  int64_t count = 1;
  for (int64_t dim = type.getRank(); dim-- > 0;) {
    bool isImage = images && dim == 0;
    // Of dynamically many images, too, one is stored.
    int64_t size = type.isDynamicDim(dim) ? 1 : type.getDimSize(dim);
    buffer.strides.insert(buffer.strides.begin(), k.i32(isImage ? 0 : count));
    buffer.sizes.insert(buffer.sizes.begin(), k.i32(size));
    if (!isImage)
      count *= size;
  }
  buffer.pointer = allocate(count * bytesOf(buffer.element));
  return buffer;
}

bool isKnownView(Operation *view) {
  return isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::SubViewOp,
             memref::CastOp>(view);
}

/// Dims of one group, from the stride of its innermost dim on.
static void expandGroup(KernelBuilder &k, Value stride, ValueRange sizes,
                        Values &strides) {
  Values group(sizes.size());
  for (size_t dim = sizes.size(); dim-- > 0;) {
    group[dim] = stride;
    stride = k.mul(stride, sizes[dim]);
  }
  llvm::append_range(strides, group);
}

KernelBuffer viewBuffer(KernelBuilder &k, Operation *view,
                        const KernelBuffer &source,
                        llvm::function_ref<Value(OpFoldResult)> size) {
  KernelBuffer result{source.pointer, source.element, {}, {}};
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(view)) {
    for (OpFoldResult each : expand.getMixedOutputShape())
      result.sizes.push_back(size(each));
    for (auto [dim, group] : llvm::enumerate(expand.getReassociationIndices()))
      expandGroup(k, source.strides[dim],
                  ValueRange(result.sizes).slice(group.front(), group.size()),
                  result.strides);
  } else if (auto collapse = dyn_cast<memref::CollapseShapeOp>(view)) {
    auto type = collapse.getSrcType();
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      // Dims of size 1 have any stride.
      int64_t inner = group.back();
      for (int64_t dim : group)
        if (type.getDimSize(dim) != 1)
          inner = dim;
      Value total = k.i32(1);
      for (int64_t dim : group)
        total = k.mul(total, source.sizes[dim]);
      result.sizes.push_back(total);
      result.strides.push_back(source.strides[inner]);
    }
    // All dims, of size 1 each.
  } else if (auto subview = dyn_cast<memref::SubViewOp>(view)) {
    Value offset = k.i32(0);
    llvm::SmallBitVector dropped = subview.getDroppedDims();
    for (auto [dim, start, count, step] :
         llvm::enumerate(subview.getMixedOffsets(), subview.getMixedSizes(),
                         subview.getMixedStrides())) {
      Value stride = source.strides[dim];
      offset = k.add(offset, k.mul(size(start), stride));
      if (dropped.test(dim))
        continue;
      result.sizes.push_back(size(count));
      result.strides.push_back(k.mul(stride, size(step)));
    }
    result.pointer = source.address(k, offset);
  } else {
    return source; // a cast
  }
  return result;
}

} // namespace heed::cuda
