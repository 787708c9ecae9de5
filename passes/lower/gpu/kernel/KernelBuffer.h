// KernelBuffer.h - memrefs in a kernel, in global or shared memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_KERNELBUFFER_H
#define HEED_PASSES_LOWER_GPU_KERNEL_KERNELBUFFER_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/lower/gpu/kernel/ScalarBody.h"

#include <string>

namespace heed::cuda {

/// A memref as a kernel sees it. Indices are 32 bits: a buffer has less than
/// 2^31 elements.
struct KernelBuffer {
  Value pointer; // of element 0, global or shared
  Type element;
  Values sizes, strides; // i32; strides in elements

  /// The address of the element at `indices`, one a dim.
  Value address(KernelBuilder &k, mlir::ValueRange indices) const;
  /// The address of the element `offset` elements behind the first.
  Value address(KernelBuilder &k, Value offset) const;
  Value load(KernelBuilder &k, mlir::ValueRange indices) const;
  void store(KernelBuilder &k, Value value, mlir::ValueRange indices) const;
};

/// A memref of the host as parameters of the kernel.
KernelBuffer globalBuffer(KernelBuilder &k, Value memref);

/// The product of the sizes of some dims, on the host.
OpFoldResult sizeOf(OpBuilder &host, Location loc, Value buffer,
                    mlir::ArrayRef<int64_t> dims);
/// A name that no kernel of the module has yet.
std::string nameKernel(mlir::gpu::GPUModuleOp kernels, llvm::StringRef stem);

/// The block's shared memory, given out from its start on.
class SharedArena {
public:
  explicit SharedArena(KernelBuilder &k) : k(k) {}
  /// A contiguous buffer of constant sizes. `images`: the first dim is that of
  /// images, of which one is stored: its stride is 0.
  KernelBuffer allocate(mlir::MemRefType type, bool images);
  /// Bytes, at a multiple of 16.
  Value allocate(int64_t bytes);
  int64_t bytes() const { return used; }

private:
  KernelBuilder &k;
  Value base;
  int64_t used = 0;
};

/// Whether `view` gives a view that viewBuffer knows.
bool isKnownView(mlir::Operation *view);
/// The result of a view of `source`. `size` gives a size or offset of the host
/// (i32).
KernelBuffer viewBuffer(KernelBuilder &k, mlir::Operation *view,
                        const KernelBuffer &source,
                        llvm::function_ref<Value(OpFoldResult)> size);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_KERNELBUFFER_H
