// ExplainFlags.h - what a tool says of the blocks that it found, as its flags.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_CLI_EXPLAINFLAGS_H
#define HEED_TOOLS_LIB_CLI_EXPLAINFLAGS_H

#include "tools/lib/report/Report.h"
#include "llvm/Support/CommandLine.h"

namespace heed {

/// --explain, --explain-json, --heed-report. A member of a tool's options.
struct ExplainFlags {
  llvm::cl::opt<bool> explain;
  llvm::cl::opt<std::string> json;
  llvm::cl::opt<std::string> page;

  explicit ExplainFlags(llvm::cl::OptionCategory &category);
  bool any() const { return explain || !json.empty() || !page.empty(); }
  /// Makes the passes fill the report, where there is to be a page of it.
  void record(mlir::PassManager &pm, Report &report) const;
  void print(llvm::raw_ostream &os, const Report &report) const;
  llvm::Error writeFiles(const Report &report) const;
};

} // namespace heed

#endif // HEED_TOOLS_LIB_CLI_EXPLAINFLAGS_H
