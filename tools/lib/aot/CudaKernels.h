// CudaKernels.h - the GPU kernels of a model as a file, and an index of them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_AOT_CUDAKERNELS_H
#define HEED_TOOLS_LIB_AOT_CUDAKERNELS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace heed {

/// One launch of a kernel, in the order of the program.
struct CudaLaunch {
  std::string kernel, node;
  std::array<std::optional<int64_t>, 3> grid; // none: known at run time
  int64_t threads = 0, sharedBytes = 0;
  std::vector<std::string> parameters; // pointer, i32, i64, f32 …
};

/// A block of the program that has no kernel.
struct CudaKept {
  std::string op, node, reason;
};

struct CudaKernels {
  std::string chip, format;
  std::string image; // PTX or what else `format` says; empty: no kernel
  std::vector<CudaLaunch> launches;
  std::vector<CudaKept> kept;
};

/// Lowers `module`, in place, to ptx, cubin, fatbin or mlir. `configure` sees the passes before they run.
llvm::Expected<CudaKernels> compileCudaKernels(
    mlir::ModuleOp module, llvm::StringRef chip, llvm::StringRef format,
    llvm::function_ref<void(mlir::PassManager &)> configure = nullptr);

/// FOLDER/kernels.<format> and FOLDER/kernels.json; both appear when both are
/// complete.
llvm::Error writeCudaKernels(llvm::StringRef folder,
                             const CudaKernels &kernels);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_CUDAKERNELS_H
