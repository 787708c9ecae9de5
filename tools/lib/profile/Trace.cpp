// Trace.cpp - one run's kernels in Chrome's trace format.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/profile/Trace.h"

#include "tools/lib/profile/Table.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace json = llvm::json;

namespace heed {

/// A complete event ("X"): times are microseconds.
static json::Object makeEvent(std::string name, llvm::StringRef category,
                              double begin, double duration) {
  return json::Object{{"name", json::fixUTF8(name)},
                      {"cat", category},
                      {"ph", "X"},
                      {"ts", begin},
                      {"dur", duration},
                      {"pid", 1},
                      {"tid", 1}};
}

json::Value traceOf(const std::vector<ProfiledKernel> &kernels,
                    const Profile &profile, llvm::StringRef model) {
  json::Array events;
  events.push_back(
      json::Object{{"name", "process_name"},
                   {"ph", "M"},
                   {"pid", 1},
                   {"args", json::Object{{"name", json::fixUTF8(model)}}}});
  if (!profile.runs.empty())
    events.push_back(
        makeEvent("run", "run", 0, 1e6 * profile.runs.back().seconds));
  for (const HeedProfileEvent &event : profile.events) {
    const ProfiledKernel &kernel = kernels[event.kernel];
    auto nanoseconds = static_cast<double>(event.end - event.begin);
    json::Object made = makeEvent(
        kernel.nodes.empty() ? kernel.name : nodesOf(kernel), kernel.name,
        1e-3 * static_cast<double>(event.begin), 1e-3 * nanoseconds);
    json::Array nodes;
    for (const std::string &node : kernel.nodes)
      nodes.push_back(json::fixUTF8(node));
    json::Object args{{"kernel", kernel.name},
                      {"nodes", std::move(nodes)},
                      {"flops", event.flops},
                      {"bytes", event.bytes}};
    if (nanoseconds > 0) { // operations in a nanosecond are 10⁹ in a second
      args["GFLOP/s"] = event.flops / nanoseconds;
      args["GB/s"] = event.bytes / nanoseconds;
    }
    made["args"] = std::move(args);
    events.push_back(std::move(made));
  }
  return json::Object{
      {"traceEvents", std::move(events)},
      {"displayTimeUnit", "ns"},
      {"otherData", json::Object{{"model", json::fixUTF8(model)},
                                 {"threads", profile.threads},
                                 {"lost_events", profile.lostEvents}}}};
}

llvm::Error writeTrace(llvm::StringRef path,
                       const std::vector<ProfiledKernel> &kernels,
                       const Profile &profile, llvm::StringRef model) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << traceOf(kernels, profile, model) << "\n";
    return llvm::Error::success();
  });
}

llvm::Error checkWritable(llvm::StringRef path) {
  if (path == "-")
    return llvm::Error::success();
  if (llvm::sys::fs::is_directory(path))
    return llvm::createStringError(path + ": is a directory");
  // Files are written beside their place and renamed: so is this one tried.
  auto file = llvm::sys::fs::TempFile::create(path + ".tmp%%%%%%");
  if (!file)
    return llvm::createStringError(path + ": " +
                                   llvm::toString(file.takeError()));
  return file->discard();
}

} // namespace heed
