// Report.h - what a run of the passes made of a model, as a page to read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_REPORT_REPORT_H
#define HEED_TOOLS_LIB_REPORT_REPORT_H

#include "mlir/Pass/PassManager.h"
#include "passes/cost/Cost.h"
#include "tools/lib/report/Anchors.h"
#include "tools/lib/report/Slice.h"

namespace heed {

/// One anchor: what stood there, and what stands there now.
struct Block {
  size_t anchor = 0; // index in the report's anchors
  /// Of the tensor that the block works on, or of an attention's dims with
  /// their names.
  std::vector<std::pair<std::string, Count>> shape;
  /// Of the attn op; where there is none, of the ops of the source program.
  Cost cost;
  Cost sourceCost;
  OpCounts before, after;
  std::string sourceIr, fusedIr;
};

struct Report {
  std::string model; // as the user named it
  std::vector<Anchor> anchors;
  std::vector<Block> blocks;
  OpCounts before, after; // of the whole program
  Cost total;             // of the whole program after fusion
  bool complete = false;  // the passes ran through recognition to their end
};

/// Makes the passes of `pm` fill the report while they run: what the program
/// was before recognition, and what it is before lowering. The context must
/// collect remarks into report.anchors; the report must outlive the run.
void recordReport(mlir::PassManager &pm, Report &report);

/// The page: one HTML file that needs nothing else.
void printReport(llvm::raw_ostream &os, const Report &report);

/// The same into a file, which appears when it is complete. An error where the
/// passes held no recognition.
llvm::Error writeReport(llvm::StringRef path, const Report &report);

} // namespace heed

#endif // HEED_TOOLS_LIB_REPORT_REPORT_H
