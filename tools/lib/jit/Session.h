// Session.h - calls of one compiled program in a row, on resident data.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_JIT_SESSION_H
#define HEED_TOOLS_LIB_JIT_SESSION_H

#include "tools/lib/jit/Memory.h"
#include "tools/lib/jit/Program.h"

namespace heed {

/// A context with its inputs bound: what a timed call needs and no more. Inputs
/// lie as the arrays of other engines do, or they would be the slower for it:
/// at the beginning of a cache line, in huge pages where they are large.
class Session {
public:
  /// Copies the inputs. The program must outlive the session.
  static llvm::Expected<std::unique_ptr<Session>>
  open(CompiledProgram &program, llvm::ArrayRef<Array> inputs, int64_t threads);

  /// Without memory: the caller binds all inputs before the first call, and
  /// again where an address or a size changes.
  static std::unique_ptr<Session> open(CompiledProgram &program,
                                       int64_t threads);
  /// Row-major memory that stays the caller's. Allocates the first time only.
  void bindInput(int64_t index, const void *data,
                 llvm::ArrayRef<int64_t> shape);
  /// The same for a result: at most `bytes` are written.
  void bindOutput(int64_t index, void *data, int64_t bytes);

  llvm::Error call();
  /// After a call: copies of the results.
  std::vector<Array> results() const;

  /// The memory of input `index`, and after a call that of result `index`.
  void *input(int64_t index) const { return memory[index].get(); }
  void *output(int64_t index) const { return context.output(index); }
  llvm::ArrayRef<int64_t> outputShape(int64_t index) const;
  /// Where loops of the caller's own run on the same threads.
  HeedContext *handle() const { return context.get(); }

private:
  Session(CompiledProgram &program, int64_t threads);
  llvm::Error bind(llvm::ArrayRef<Array> inputs);

  CompiledProgram &program;
  heed::Context context;
  std::vector<Memory> memory; // of the inputs
};

} // namespace heed

#endif // HEED_TOOLS_LIB_JIT_SESSION_H
