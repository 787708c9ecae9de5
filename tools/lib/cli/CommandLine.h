// CommandLine.h - strict command lines: a tool's own flags and nothing else.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_CLI_COMMANDLINE_H
#define HEED_TOOLS_LIB_CLI_COMMANDLINE_H

#include "llvm/Support/CommandLine.h"

namespace heed {

/// Unregisters the flags that the LLVM library brought along (some hundreds,
/// with names like --threads that a tool needs itself), and keeps those of
/// every tool: --help and --version. Call it before a tool makes its own.
void dropInheritedOptions();

/// An -h that does not group letters: without it, LLVM takes an unknown flag
/// that begins with -h for -h, prints the help and exits 0. A member of each
/// tool's options.
struct PlainH {
  llvm::cl::opt<bool> option{"h", llvm::cl::Hidden,
                             llvm::cl::desc("see --help")};
};

} // namespace heed

#endif // HEED_TOOLS_LIB_CLI_COMMANDLINE_H
