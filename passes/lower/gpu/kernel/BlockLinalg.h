// BlockLinalg.h - a linalg op on buffers, by a number of threads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For what is small, or elementwise: products with a vector, convolutions of few
// channels, activations, copies. An element of the result is computed
//   by a thread   which goes through the reduction alone
//   by a warp     where the reduction is long and its elements lie beside each
//                 other: the lanes go through it together, then add up
// No memory is shared: who reads what others wrote has a barrier before.
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_BLOCKLINALG_H
#define HEED_PASSES_LOWER_GPU_KERNEL_BLOCKLINALG_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/lower/gpu/kernel/KernelBuffer.h"

#include <optional>
#include <string>

namespace heed::cuda {

/// Who computes: thread `index` (i32) of `count`, a multiple of 32.
struct Workers {
  Value index;
  int64_t count;
  /// There are as many as the op has elements: each computes one, in order.
  /// Else they share the elements in turns.
  bool oneEach = false;
};

/// Where an op's operands are.
struct LinalgScope {
  llvm::function_ref<KernelBuffer(Value)> buffer;
  /// A scalar from above, in its compute type.
  llvm::function_ref<Value(Value)> scalar;
  /// The index of one parallel loop is given: that of images.
  std::optional<unsigned> fixedLoop;
  Value fixedIndex; // i32
};

/// Why buildLinalg does not hold an op; empty if it does.
std::string whyNotBuildable(mlir::linalg::LinalgOp op);

void buildLinalg(KernelBuilder &k, mlir::linalg::LinalgOp op,
                 const Workers &workers, const LinalgScope &scope);

/// target = source, element by element; the index of the first dim may be given.
void buildCopy(KernelBuilder &k, const KernelBuffer &source,
               const KernelBuffer &target, const Workers &workers,
               Value fixedIndex);

/// target = softmax of source along `dim`, a warp a line; the index of the first
/// dim may be given.
void buildSoftmax(KernelBuilder &k, const KernelBuffer &source,
                  const KernelBuffer &target, unsigned dim,
                  const Workers &workers, Value fixedIndex);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_BLOCKLINALG_H
