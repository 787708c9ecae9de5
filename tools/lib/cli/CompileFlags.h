// CompileFlags.h - model files and how they are compiled, as flags of a tool.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_CLI_COMPILEFLAGS_H
#define HEED_TOOLS_LIB_CLI_COMPILEFLAGS_H

#include "tools/lib/compile/Compile.h"
#include "llvm/Support/CommandLine.h"

namespace heed {

/// --mcpu, --onednn, --no-fuse. A member of a tool's options.
struct CompileFlags {
  enum class Switch { off, on };
  llvm::cl::opt<std::string> mcpu;
  llvm::cl::opt<Switch> onednn;
  llvm::cl::opt<bool> noFuse;

  explicit CompileFlags(llvm::cl::OptionCategory &category);
  CompileOptions options() const;
};

/// The same, for a tool on one model: <model>.
struct ModelFlags : CompileFlags {
  llvm::cl::opt<std::string> model;

  explicit ModelFlags(llvm::cl::OptionCategory &category);
};

} // namespace heed

#endif // HEED_TOOLS_LIB_CLI_COMPILEFLAGS_H
