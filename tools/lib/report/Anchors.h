// Anchors.h - collects the remarks of recognition: one row for each anchor of the model.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_REPORT_ANCHORS_H
#define HEED_TOOLS_LIB_REPORT_ANCHORS_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace heed {

/// What became of one anchor: a place of the program that looks like an
/// attention block.
struct Anchor {
  std::string kind;    // channel_gate, spatial_gate, axis_gate, attention, norm
  bool fused = false;  // it became the attn op
  std::string op;      // remark name: gate, sdpa, …
  std::string node;    // ONNX node name, or file:line
  std::string scope;   // module scope of the exporter, if the file has it
  std::string reason;  // why not, where it was not fused
  std::string suggest; // what to change in the source model
  std::string schedule; // flash, decomposed, library
  std::string facts;    // further key=value arguments of the remark
  std::string file;
  unsigned line = 0, column = 0;
  /// The location itself, valid as long as the context.
  const void *place = nullptr;
};

/// Appends the final remarks of all heed-* passes to `anchors`.
std::unique_ptr<mlir::remark::detail::MLIRRemarkStreamerBase>
makeAnchorStreamer(std::vector<Anchor> &anchors);

/// Makes `context` collect the final remarks of all heed-* passes into
/// `anchors`, which must outlive the context's use.
mlir::LogicalResult collectAnchors(mlir::MLIRContext &context,
                                   std::vector<Anchor> &anchors);

/// In the order of the model (file, line, column, node).
void sortAnchors(std::vector<Anchor> &anchors);

/// {"anchors":[{"kind","status","node","reason","suggestion","schedule"}…]}
llvm::json::Value anchorsToJson(const std::vector<Anchor> &anchors);

/// The same into a file, which appears when it is complete.
llvm::Error writeAnchorsJson(llvm::StringRef path,
                             const std::vector<Anchor> &anchors);

/// A table for people.
void printAnchors(llvm::raw_ostream &os, const std::vector<Anchor> &anchors);

} // namespace heed

#endif // HEED_TOOLS_LIB_REPORT_ANCHORS_H
