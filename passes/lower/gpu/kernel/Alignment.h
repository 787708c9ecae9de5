// Alignment.h - what divides the strides of a buffer, whatever its sizes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A buffer of its own begins at a multiple of 16 bytes. Where its parts begin is
// known if their strides and offset are; where these depend on sizes, a divisor
// may still be: rows of [?, ?, 192] are multiples of 192 apart, and so are those
// of a subview of it.
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_ALIGNMENT_H
#define HEED_PASSES_LOWER_GPU_KERNEL_ALIGNMENT_H

#include "mlir/IR/Value.h"

namespace heed::cuda {

/// The most bytes of an access.
constexpr int64_t kMaxUnitBytes = 16;

/// Divides the memref's stride of `dim`, in elements; 0 if that is 0.
int64_t strideDivisor(mlir::Value memref, unsigned dim);
/// Divides its offset; 0 if that is 0.
int64_t offsetDivisor(mlir::Value memref);

/// The most bytes, up to 16, by which rows along `dim` can be read and written
/// as a whole: they divide the row and the addresses at which rows begin. The
/// bytes of one element where `dim` is not contiguous.
int64_t rowUnitBytes(mlir::Value memref, unsigned dim);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_ALIGNMENT_H
