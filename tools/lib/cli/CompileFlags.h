// CompileFlags.h - the model file and how it is compiled, as flags of a tool.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_CLI_COMPILEFLAGS_H
#define HEED_TOOLS_LIB_CLI_COMPILEFLAGS_H

#include "tools/lib/compile/Compile.h"
#include "llvm/Support/CommandLine.h"

namespace heed {

/// <model>, --mcpu, --onednn, --no-fuse. A member of a tool's options.
struct CompileFlags {
  enum class Switch { off, on };
  llvm::cl::opt<std::string> model;
  llvm::cl::opt<std::string> mcpu;
  llvm::cl::opt<Switch> onednn;
  llvm::cl::opt<bool> noFuse;

  explicit CompileFlags(llvm::cl::OptionCategory &category);
  CompileOptions options() const;
};

} // namespace heed

#endif // HEED_TOOLS_LIB_CLI_COMPILEFLAGS_H
