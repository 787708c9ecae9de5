// CommandLine.h - strict command lines: a tool's own flags and nothing else.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_CLI_COMMANDLINE_H
#define HEED_TOOLS_LIB_CLI_COMMANDLINE_H

namespace heed {

/// Unregisters the flags that the LLVM library brought along (some hundreds,
/// with names like --threads that a tool needs itself), and keeps those of
/// every tool: --help and --version. Call it before a tool makes its own.
void dropInheritedOptions();

} // namespace heed

#endif // HEED_TOOLS_LIB_CLI_COMMANDLINE_H
