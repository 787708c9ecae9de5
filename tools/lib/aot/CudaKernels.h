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

/// What is known of a size before the program runs; none: only then.
using CudaSize = std::optional<int64_t>;

/// Memory that the program's kernels use.
struct CudaBuffer {
  std::string kind, element; // input, output, constant or scratch; f32, i1 …
  std::vector<CudaSize> shape;
  CudaSize bytes;
};

/// What a kernel gets for one of its parameters.
struct CudaArgument {
  std::string type; // pointer, tensor map, i32, i64, f32 …
  CudaSize value;   // of an integer
  CudaSize buffer;  // that it points into, by number
  CudaSize offset;  // of a pointer or map there, in bytes
  // Of a tensor map: dims from the outermost, strides in elements.
  std::string element;
  std::vector<CudaSize> sizes, strides;
  std::vector<int64_t> box;
};

/// One launch of a kernel, in the order of the program.
struct CudaLaunch {
  std::string kernel, node;
  std::array<CudaSize, 3> grid;
  int64_t threads = 0, sharedBytes = 0;
  std::vector<CudaArgument> parameters;
};

/// A block of the program that has no kernel.
struct CudaKept {
  std::string op, node, reason;
};

struct CudaKernels {
  std::string chip, format;
  std::string image; // PTX or what else `format` says; empty: no kernel
  std::vector<CudaBuffer> buffers; // the inputs are the first
  std::vector<CudaSize> outputs;   // of each result, its buffer
  std::vector<CudaLaunch> launches;
  std::vector<CudaKept> kept;
  std::vector<std::string> host; // what else the program does, as linalg.fill
};

/// Lowers `module`, in place, to ptx, cubin, fatbin or mlir. `configure` sees
/// the passes before they run.
llvm::Expected<CudaKernels> compileCudaKernels(
    mlir::ModuleOp module, llvm::StringRef chip, llvm::StringRef format,
    llvm::function_ref<void(mlir::PassManager &)> configure = nullptr);

/// The ONNX node, or file:line.
std::string nodeOf(mlir::Location loc);
/// What the program that compileCudaKernels leaves launches, and on what.
void describeLaunches(mlir::ModuleOp module, CudaKernels &kernels);

/// FOLDER/kernels.<format> and FOLDER/kernels.json; both appear when both are
/// complete.
llvm::Error writeCudaKernels(llvm::StringRef folder,
                             const CudaKernels &kernels);

} // namespace heed

#endif // HEED_TOOLS_LIB_AOT_CUDAKERNELS_H
