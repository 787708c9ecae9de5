// CudaTarget.cpp - the GPU that kernels are compiled for, as tools name it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/compile/CudaTarget.h"

#include "passes/lower/gpu/kernel/KernelBuilder.h"

using namespace llvm;

namespace heed {

Error checkCudaTarget(StringRef chip, StringRef format) {
  if (!chip.empty() && !cuda::getChip(chip))
    return createStringError(
        "--chip: expected sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, sm_100 or "
        "sm_120, got '" +
        chip + "'");
  if (!format.empty() &&
      !is_contained({"ptx", "cubin", "fatbin", "mlir"}, format))
    return createStringError(
        "--format: expected ptx, cubin, fatbin or mlir, got '" + format + "'");
  return Error::success();
}

} // namespace heed
