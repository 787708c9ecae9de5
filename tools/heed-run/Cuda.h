// Cuda.h - the GPU that a model runs on, and what a run did there.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_HEED_RUN_CUDA_H
#define HEED_TOOLS_HEED_RUN_CUDA_H

#include "runtime/cuda/Cuda.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace heed {

struct CudaTarget {
  std::string name;         // as its driver calls it
  std::string chip, format; // CompileOptions
};

/// The first device, and what is compiled for it: what was asked for, or where
/// that is empty what fits the device.
llvm::Expected<CudaTarget> findCudaDevice(llvm::StringRef chip,
                                          llvm::StringRef format);

/// One line: launches, calls of libraries, and copies.
void printCudaCounts(llvm::raw_ostream &os, llvm::StringRef name,
                     const HeedCudaCounts &counts, llvm::StringRef whyOnHost);

} // namespace heed

#endif // HEED_TOOLS_HEED_RUN_CUDA_H
