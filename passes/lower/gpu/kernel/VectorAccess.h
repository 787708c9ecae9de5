// VectorAccess.h - 16 bytes of a tensor at a time, as scalars.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_VECTORACCESS_H
#define HEED_PASSES_LOWER_GPU_KERNEL_VECTORACCESS_H

#include "passes/lower/gpu/kernel/ScalarBody.h"

namespace heed::cuda {

constexpr int64_t kVectorBytes = 16;

/// Elements of a vector where every address is a multiple of 16 bytes; only
/// floats have any, others 1.
int64_t vectorLength(Type element);

/// `length` (1 or vectorLength) neighbouring elements, each in its compute
/// type.
Values loadVector(KernelBuilder &k, Value pointer, Type element,
                  int64_t length);
void storeVector(KernelBuilder &k, mlir::ValueRange values, Value pointer,
                 Type element);

/// Whether the first element of each memref of the type lies at a multiple of
/// 16 bytes. Buffers do, and the caller's tensors.
bool startsAligned(mlir::MemRefType type);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_VECTORACCESS_H
