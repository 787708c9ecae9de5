// Program.h - compiles a module in process and runs it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_JIT_PROGRAM_H
#define HEED_TOOLS_LIB_JIT_PROGRAM_H

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "runtime/support/Host.h"
#include "tools/lib/npy/Npy.h"
#include <functional>
#include <memory>

namespace heed {

struct CompileOptions {
  std::string mcpu;      // empty: the host
  bool onednn = true;    // primitives where they hold an op
  bool fuse = true;      // false: the unfused program
  unsigned optLevel = 3; // of LLVM, as clang's -O
  /// Adds passes between fusion and lowering, where given.
  std::function<void(mlir::OpPassManager &)> beforeLowering;
  /// Sees the passes before they run, where given.
  std::function<void(mlir::PassManager &)> configure;
};

/// One argument or result of @main.
struct Port {
  std::string name;
  DType type;
  std::vector<int64_t> shape; // -1: any size

  /// "x: float32[1,3,?,?]"
  std::string str() const;
};

/// The arguments and results of @main; an error where a type cannot cross the
/// boundary.
struct Signature {
  std::vector<Port> inputs, outputs;
  static llvm::Expected<Signature> of(mlir::ModuleOp module);
  /// An error that names the first array that does not fit its port.
  llvm::Error check(llvm::ArrayRef<Array> arrays) const;
};

/// A compiled @main and its weights. Concurrent runs need a Run each.
class CompiledProgram {
public:
  /// Lowers `module` (which is consumed: left lowered) and compiles it.
  /// Diagnostics of the passes go to the context's handlers.
  static llvm::Expected<std::unique_ptr<CompiledProgram>>
  compile(mlir::ModuleOp module, const CompileOptions &options);

  const Signature &signature() const { return ports; }

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

private:
  friend class Session;
  CompiledProgram() = default;
  /// `shared`: memory of the inputs that results share, one for each alias.
  llvm::Error bind(heed::Context &context, llvm::ArrayRef<Array> inputs,
                   std::vector<std::vector<char>> &shared);
  llvm::Error call(heed::Context &context);
  std::vector<Array> collect(const heed::Context &context) const;

  Signature ports;
  /// Pairs of result and input: allowed to share memory, and told to.
  std::vector<std::pair<int64_t, int64_t>> inPlace, aliases;
  std::vector<std::vector<char>> expanded; // splat weights, written out
  std::unique_ptr<heed::Program> program;
  std::unique_ptr<mlir::ExecutionEngine> engine;
  HeedEntry entry = nullptr;
};

} // namespace heed

#endif // HEED_TOOLS_LIB_JIT_PROGRAM_H
