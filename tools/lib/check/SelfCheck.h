// SelfCheck.h - the fused program against the unfused one, and which block
// differs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_CHECK_SELFCHECK_H
#define HEED_TOOLS_LIB_CHECK_SELFCHECK_H

#include "tools/lib/jit/Program.h"
#include "tools/lib/report/Anchors.h"

namespace heed {

struct SelfCheckOptions {
  CompileOptions compilation; // of the fused program
  double atol = 1e-4, rtol = 1e-4;
  int64_t threads = 0;
};

/// Compiles `source` unfused (recognise and fuse skipped, attn ops decomposed,
/// the same lowering), runs it and `fused` on each of the input sets, and
/// compares all outputs; NaN equals NaN. Gives the largest difference.
///
/// A mismatch is an error that names the output and, where one block makes it,
/// the block's node and whether the op that was recognised or its kernel is to
/// blame: programs with fewer and fewer blocks fused are compiled to find it.
///
/// `anchors` are those of the fused program, which the context goes on
/// collecting into; they are left as they were. `source` is not changed.
llvm::Expected<double> selfCheck(mlir::ModuleOp source, CompiledProgram &fused,
                                 std::vector<Anchor> &anchors,
                                 llvm::ArrayRef<std::vector<Array>> cases,
                                 const SelfCheckOptions &options);

/// The smallest part of 0 … count − 1 that still fails, found by halves: one
/// where one is to blame, more where only several together fail.
llvm::Expected<std::vector<size_t>> findCulprits(
    size_t count,
    llvm::function_ref<llvm::Expected<bool>(llvm::ArrayRef<size_t>)> fails);

} // namespace heed

#endif // HEED_TOOLS_LIB_CHECK_SELFCHECK_H
