// ScalarBody.h - scalars of linalg bodies and epilogues in a kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats below 32 bits are computed in f32: loads extend, stores round, and what
// is between them is never rounded. The GPU does both as fast.
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_SCALARBODY_H
#define HEED_PASSES_LOWER_GPU_KERNEL_SCALARBODY_H

#include "passes/lower/gpu/kernel/KernelBuilder.h"

namespace heed::cuda {

/// The type that elements of a type are computed in: f32 for 16-bit floats.
Type computeType(Type element);
/// Bytes of an element in memory: one for i1.
int64_t bytesOf(Type element);
/// Whether elements of the type are loaded and computed: f16, bf16, f32 and
/// integers of up to 64 bits.
bool isComputable(Type element);

/// One element, in its compute type.
Value loadElement(KernelBuilder &k, Value pointer, Type element);
/// `value`, of the element's compute type.
void storeElement(KernelBuilder &k, Value value, Value pointer, Type element);

/// An op of the body that has no instruction of the GPU behind it; null if
/// there is none.
mlir::Operation *findUnknownScalar(mlir::Block &body);

/// What a body takes from outside.
struct ScalarScope {
  /// A scalar defined above the body, in its compute type.
  llvm::function_ref<Value(Value)> outer;
  /// The index of a loop (linalg.index).
  llvm::function_ref<Value(unsigned)> index;
};

/// The body's ops on `args`, in compute types; gives what it yields.
Value buildScalarBody(KernelBuilder &k, mlir::Block &body,
                      mlir::ValueRange args, const ScalarScope &scope);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_SCALARBODY_H
