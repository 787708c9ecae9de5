// KernelWrites.h - which parameters of a kernel it writes through.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_LAUNCH_KERNELWRITES_H
#define HEED_PASSES_LOWER_GPU_LAUNCH_KERNELWRITES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace heed::cuda {

/// Whether memory at the pointer `argument` may be written. True where it is
/// not seen what becomes of the pointer.
bool writesThrough(mlir::LLVM::LLVMFuncOp kernel, unsigned argument);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_LAUNCH_KERNELWRITES_H
