// ExplainFlags.cpp - what a tool says of the blocks that it found, as its flags.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/cli/ExplainFlags.h"

using namespace llvm;

namespace heed {

ExplainFlags::ExplainFlags(cl::OptionCategory &category)
    : explain("explain", cl::cat(category),
              cl::desc("print what was recognised, what not, and why")),
      json("explain-json", cl::value_desc("FILE"), cl::cat(category),
           cl::desc("the same as JSON")),
      page("heed-report", cl::value_desc("FILE.html"), cl::cat(category),
           cl::desc("write a page on every block: fused or why not, cost, "
                    "IR")) {}

void ExplainFlags::record(mlir::PassManager &pm, Report &report) const {
  if (!page.empty())
    recordReport(pm, report);
}

void ExplainFlags::print(raw_ostream &os, const Report &report) const {
  if (explain)
    printAnchors(os, report.anchors);
}

Error ExplainFlags::writeFiles(const Report &report) const {
  if (!json.empty())
    if (Error error = writeAnchorsJson(json, report.anchors))
      return error;
  return page.empty() ? Error::success() : writeReport(page, report);
}

} // namespace heed
