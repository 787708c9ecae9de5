// CudaTarget.h - the GPU that kernels are compiled for, as tools name it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_COMPILE_CUDATARGET_H
#define HEED_TOOLS_LIB_COMPILE_CUDATARGET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace heed {

/// An error where --chip or --format is none that there is. Empty is not given.
llvm::Error checkCudaTarget(llvm::StringRef chip, llvm::StringRef format);

} // namespace heed

#endif // HEED_TOOLS_LIB_COMPILE_CUDATARGET_H
