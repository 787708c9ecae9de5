// Anchors.cpp - collects the remarks of recognition: one row for each anchor of
// the model.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/report/Anchors.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace heed {
namespace {

/// Name, scope and position of an op's location: ONNX node names are
/// loc("node"("file":n:0)), a scope is fused metadata around it.
void describeLocation(Location loc, Anchor &anchor) {
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    if (auto scope = dyn_cast_or_null<StringAttr>(fused.getMetadata()))
      anchor.scope = scope.str();
    if (!fused.getLocations().empty())
      describeLocation(fused.getLocations().front(), anchor);
  } else if (auto name = dyn_cast<NameLoc>(loc)) {
    if (anchor.node.empty())
      anchor.node = name.getName().str();
    describeLocation(name.getChildLoc(), anchor);
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    describeLocation(call.getCallee(), anchor);
  } else if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    anchor.file = file.getFilename().str();
    anchor.line = file.getLine();
    anchor.column = file.getColumn();
  }
}

/// All places of the program that an op stands for: layers that became one
/// function are at the place of each.
void collectPlaces(Location loc, std::vector<Anchor> &places) {
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return collectPlaces(call.getCallee(), places);
  if (auto fused = dyn_cast<FusedLoc>(loc); fused && !fused.getMetadata()) {
    for (Location part : fused.getLocations())
      collectPlaces(part, places);
    return;
  }
  describeLocation(loc, places.emplace_back());
}

class AnchorStreamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit AnchorStreamer(std::vector<Anchor> &anchors) : anchors(anchors) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    Anchor anchor;
    anchor.op = remark.getRemarkName().str();
    anchor.fused = remark.getRemarkType() == llvm::remarks::Type::Passed;
    for (const auto &arg : remark.getArgs()) {
      if (arg.key == "kind")
        anchor.kind = arg.val;
      else if (arg.key == "Reason")
        anchor.reason = arg.val;
      else if (arg.key == "Suggestion" || arg.key == "Suggest")
        anchor.suggest = arg.val;
      else if (arg.key == "schedule")
        anchor.schedule = arg.val;
      else if (arg.key == "facts")
        anchor.facts += arg.val == "none" ? "" : ", " + arg.val;
      else if (arg.key != "Remark")
        anchor.facts +=
            (anchor.facts.empty() ? "" : ", ") + arg.key + "=" + arg.val;
    }
    if (remark.getRemarkType() == llvm::remarks::Type::Analysis) {
      std::vector<Anchor> places;
      collectPlaces(remark.getLocation(), places);
      for (const Anchor &place : places)
        noteSchedule(anchor, place);
      return;
    }
    // Only remarks about anchors have a kind; others (a fusion after it) are
    // for those who read remarks themselves.
    if (anchor.kind.empty())
      return;
    describeLocation(remark.getLocation(), anchor);
    anchor.place = remark.getLocation().getAsOpaquePointer();
    if (anchor.node.empty())
      anchor.node =
          llvm::formatv("{0}:{1}:{2}", anchor.file, anchor.line, anchor.column);
    anchors.push_back(std::move(anchor));
  }

private:
  /// A lowering says which schedule the op at this place got; it comes after
  /// the recognition of the same place.
  void noteSchedule(const Anchor &lowered, const Anchor &place) {
    for (Anchor &anchor : anchors)
      if (anchor.fused && anchor.op == lowered.op &&
          anchor.file == place.file && anchor.line == place.line &&
          anchor.column == place.column)
        anchor.schedule = lowered.schedule;
  }

  std::vector<Anchor> &anchors;
};

} // namespace

std::unique_ptr<remark::detail::MLIRRemarkStreamerBase>
makeAnchorStreamer(std::vector<Anchor> &anchors) {
  return std::make_unique<AnchorStreamer>(anchors);
}

LogicalResult collectAnchors(MLIRContext &context,
                             std::vector<Anchor> &anchors) {
  remark::RemarkCategories categories;
  // `all` alone enables no kind.
  categories.passed = categories.missed = categories.failed = "heed-.*";
  categories.analysis = "heed-.*";
  return remark::enableOptimizationRemarks(
      context, makeAnchorStreamer(anchors),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

void sortAnchors(std::vector<Anchor> &anchors) {
  llvm::stable_sort(anchors, [](const Anchor &a, const Anchor &b) {
    return std::tie(a.file, a.line, a.column, a.node) <
           std::tie(b.file, b.line, b.column, b.node);
  });
}

llvm::json::Value anchorsToJson(const std::vector<Anchor> &anchors) {
  llvm::json::Array rows;
  auto text = [](const std::string &value) -> llvm::json::Value {
    if (value.empty())
      return nullptr;
    return llvm::json::fixUTF8(value);
  };
  for (const Anchor &anchor : anchors)
    rows.push_back(llvm::json::Object{
        {"kind", anchor.kind},
        {"status", anchor.fused ? "fused" : "missed"},
        {"op", text(anchor.op)},
        {"node", text(anchor.node)},
        {"scope", text(anchor.scope)},
        {"reason", text(anchor.reason)},
        {"suggestion", text(anchor.suggest)},
        {"schedule", text(anchor.schedule)},
        {"facts", text(anchor.facts)},
    });
  return llvm::json::Object{{"anchors", std::move(rows)}};
}

llvm::Error writeAnchorsJson(StringRef path,
                             const std::vector<Anchor> &anchors) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << llvm::formatv("{0:2}", anchorsToJson(anchors)) << "\n";
    return llvm::Error::success();
  });
}

void printAnchors(llvm::raw_ostream &os, const std::vector<Anchor> &anchors) {
  if (anchors.empty()) {
    os << "no attention block found\n";
    return;
  }
  size_t width = 4;
  for (const Anchor &anchor : anchors)
    width = std::max(width, anchor.node.size());
  width = std::min<size_t>(width, 60);
  os << llvm::formatv("{0,-13} {1,-10} {2,-6} ", "block", "op", "")
     << llvm::left_justify("node", width) << "  what\n";
  unsigned fused = 0;
  for (const Anchor &anchor : anchors) {
    fused += anchor.fused;
    os << llvm::formatv("{0,-13} {1,-10} {2,-6} ", anchor.kind,
                        anchor.fused ? "attn." + anchor.op : "-",
                        anchor.fused ? "fused" : "missed")
       << llvm::left_justify(anchor.node, width) << "  ";
    os << (anchor.fused ? anchor.facts : anchor.reason);
    if (anchor.fused && !anchor.schedule.empty())
      os << ", schedule=" << anchor.schedule;
    if (!anchor.fused && !anchor.suggest.empty())
      os << " (" << anchor.suggest << ")";
    if (!anchor.scope.empty())
      os << "  [" << anchor.scope << "]";
    os << "\n";
  }
  os << llvm::formatv("{0} of {1} fused\n", fused, anchors.size());
}

} // namespace heed
