// Compile.h - a model's module to the LLVM dialect: what the JIT and the
// ahead-of-time compiler share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_COMPILE_COMPILE_H
#define HEED_TOOLS_LIB_COMPILE_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "tools/lib/compile/Signature.h"
#include <functional>
#include <optional>

namespace heed {

struct CompileOptions {
  std::string mcpu;       // empty: the host
  bool onednn = true;     // primitives where they hold an op
  bool fuse = true;       // false: the unfused program
  bool profile = false;   // marks around kernels, for CompiledProgram::profile
  bool workspace = false; // a function that counts the scratch memory of a run
  unsigned optLevel = 3;  // of LLVM, as clang's -O
  /// GPU for what has kernels there, as "sm_90"; empty: none.
  std::string chip;
  /// What its driver gets: ptx, cubin, fatbin, or mlir for an emulated one.
  std::string format = "ptx";
  /// "present=past": names of results that are an argument and new rows behind
  /// it, written in place (heed-lower-cache).
  std::vector<std::string> caches;
  /// Adds passes between fusion and lowering, where given.
  std::function<void(mlir::OpPassManager &)> beforeLowering;
  /// Sees the passes before they run, where given.
  std::function<void(mlir::PassManager &)> configure;
};

/// What the lowered module itself does not say.
struct Lowered {
  Signature signature;
  /// Memory of the module's resources, or of `expanded`.
  std::vector<llvm::ArrayRef<char>> weights;
  std::vector<std::vector<char>> expanded; // splat weights, written out
  /// Pairs of result and input that may share memory.
  std::vector<std::pair<int64_t, int64_t>> inPlace;
  /// Of a program for a GPU: kernels there, what is for libraries, and what
  /// stays on the CPU.
  std::string onGpu, byLibrary, onCpu;
  /// Bytes that compiled code asks for as scratch memory; none where they
  /// depend on the inputs' sizes.
  std::optional<int64_t> workspace;
};

/// Lowers `module` to the LLVM dialect, in place: @main(context) -> status.
/// Diagnostics of the passes go to the context's handlers.
llvm::Expected<Lowered> lowerModel(mlir::ModuleOp module,
                                   const CompileOptions &options);

} // namespace heed

#endif // HEED_TOOLS_LIB_COMPILE_COMPILE_H
