// Program.h - compiles a module in process and runs it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_JIT_PROGRAM_H
#define HEED_TOOLS_LIB_JIT_PROGRAM_H

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/cuda/Cuda.h"
#include "runtime/support/Host.h"
#include "runtime/support/Profile.h"
#include "tools/lib/compile/Compile.h"
#include <memory>

namespace heed {

/// A kernel of a program that was compiled with a profile.
struct ProfiledKernel {
  std::string name;               // onednn.matmul, attn.sdpa, elementwise, …
  std::vector<std::string> nodes; // of the model: ONNX names, or file:line
};

/// Where the time of runs went.
struct Profile {
  struct Run {
    double seconds;
    std::vector<HeedKernelTotal> totals; // by kernel
  };
  int64_t threads;
  std::vector<Run> runs;
  std::vector<double> unmarked; // seconds of runs in which marks did nothing
  /// Of the last run, which took runs.back().seconds.
  std::vector<HeedProfileEvent> events;
  int64_t lostEvents = 0; // beyond what the table holds
};

/// A compiled @main and its weights. Concurrent runs need a Run each.
class CompiledProgram {
public:
  /// Lowers `module` (which is consumed: left lowered) and compiles it.
  /// Diagnostics of the passes go to the context's handlers.
  static llvm::Expected<std::unique_ptr<CompiledProgram>>
  compile(mlir::ModuleOp module, const CompileOptions &options);

  const Signature &signature() const { return lowered.signature; }

  /// Lets the result share the input's memory in later runs: an update in
  /// place, as of a cache. An error unless the program allows it.
  llvm::Error alias(llvm::StringRef output, llvm::StringRef input);

  /// One call: checks the inputs against the signature.
  llvm::Expected<std::vector<Array>> run(llvm::ArrayRef<Array> inputs,
                                         int64_t threads);

  /// Calls the program again and again on resident inputs, into resident
  /// outputs (Session.h): some runs to warm up, then until `seconds` have passed
  /// (at least three runs). Returns the seconds of each run, and the last outputs in `outputs`.
  llvm::Expected<std::vector<double>> bench(llvm::ArrayRef<Array> inputs,
                                            int64_t threads, double seconds,
                                            std::vector<Array> &outputs);

  /// Those that marks were put around; empty without CompileOptions::profile.
  const std::vector<ProfiledKernel> &kernels() const { return kernelList; }

  /// As bench, with marks on in every second run.
  llvm::Expected<Profile> profile(llvm::ArrayRef<Array> inputs, int64_t threads,
                                  double seconds, std::vector<Array> &outputs);

  /// Of a program for a GPU: its kernels, what is for libraries, and what stays
  /// on the CPU.
  llvm::StringRef onGpu() const { return lowered.onGpu; }
  llvm::StringRef byLibrary() const { return lowered.byLibrary; }
  llvm::StringRef onCpu() const { return lowered.onCpu; }

  /// What the last run did on a GPU: zeros for a program that uses none.
  const HeedCudaCounts &cudaCounts() const { return counts; }
  /// Why the first of its primitives that no library took ran on the CPU.
  llvm::StringRef whyOnHost() const { return why; }

private:
  friend class Session;
  CompiledProgram() = default;
  void takeKernels(mlir::ModuleOp module);
  /// `shared`: memory of the inputs that results share, one for each alias.
  llvm::Error bind(heed::Context &context, llvm::ArrayRef<Array> inputs,
                   std::vector<std::vector<char>> &shared);
  llvm::Error call(heed::Context &context);
  std::vector<Array> collect(const heed::Context &context) const;

  Lowered lowered; // its weights
  std::vector<ProfiledKernel> kernelList;
  HeedCudaCounts counts{};
  std::string why;
  /// Pairs of result and input that are told to share memory.
  std::vector<std::pair<int64_t, int64_t>> aliases;
  std::unique_ptr<heed::Program> program;
  std::unique_ptr<mlir::ExecutionEngine> engine;
  HeedEntry entry = nullptr;
};

} // namespace heed

#endif // HEED_TOOLS_LIB_JIT_PROGRAM_H
