// Table.cpp - where the time of a program went, as a table to read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/profile/Table.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace heed {

/// The mean of the faster half.
static double fasterHalf(std::vector<double> times) {
  if (times.empty())
    return 0;
  llvm::sort(times);
  times.resize((times.size() + 1) / 2);
  double sum = 0;
  for (double time : times)
    sum += time;
  return sum / static_cast<double>(times.size());
}

ProfileSummary summarize(const Profile &profile) {
  ProfileSummary summary;
  std::vector<const Profile::Run *> runs;
  for (const Profile::Run &run : profile.runs)
    runs.push_back(&run);
  if (runs.empty())
    return summary;
  llvm::stable_sort(runs, [](const auto *a, const auto *b) {
    return a->seconds < b->seconds;
  });
  runs.resize((runs.size() + 1) / 2);
  summary.runs = runs.size();
  auto count = static_cast<double>(runs.size());
  for (const Profile::Run *run : runs)
    summary.seconds += run->seconds / count;
  summary.between = summary.seconds;
  for (size_t kernel = 0; kernel < runs.front()->totals.size(); ++kernel) {
    HeedKernelTotal sum = {};
    for (const Profile::Run *run : runs) {
      const HeedKernelTotal &total = run->totals[kernel];
      sum.calls += total.calls;
      sum.nanoseconds += total.nanoseconds;
      sum.flops += total.flops;
      sum.bytes += total.bytes;
    }
    if (sum.calls == 0)
      continue;
    auto calls = static_cast<double>(sum.calls);
    double seconds = 1e-9 * static_cast<double>(sum.nanoseconds) / count;
    summary.rows.push_back(
        {kernel, seconds, calls / count, sum.flops / calls, sum.bytes / calls});
    summary.between -= seconds;
  }
  llvm::stable_sort(summary.rows, [](const ProfileRow &a, const ProfileRow &b) {
    return a.seconds > b.seconds;
  });
  if (double unmarked = fasterHalf(profile.unmarked); unmarked > 0)
    summary.overhead = std::max(0.0, summary.seconds / unmarked - 1);
  return summary;
}

std::string nodesOf(const ProfiledKernel &kernel) {
  constexpr size_t most = 3;
  llvm::ArrayRef<std::string> nodes(kernel.nodes);
  if (nodes.empty())
    return "-";
  std::string text = llvm::join(nodes.take_front(most), ", ");
  if (nodes.size() > most)
    text += llvm::formatv(" and {0} more", nodes.size() - most);
  return text;
}

static std::string sizeText(double bytes) {
  return bytes < 1 << 20 ? llvm::formatv("{0:f0} KiB", bytes / 1024).str()
                         : llvm::formatv("{0:f0} MiB", bytes / (1 << 20)).str();
}

static void printLimits(llvm::raw_ostream &os, const Limits &limits) {
  os << llvm::formatv("limits measured beside it: {0:f1} GFLOP/s (f32)",
                      1e-9 * limits.flops);
  const char *separator = "; ";
  for (const Limits::Bandwidth &measured : limits.bandwidths) {
    os << separator
       << llvm::formatv("{0:f0} GB/s in {1}", 1e-9 * measured.rate,
                        sizeText(measured.bytes));
    separator = ", ";
  }
  os << "\n";
}

void printProfile(llvm::raw_ostream &os,
                  const std::vector<ProfiledKernel> &kernels,
                  const ProfileSummary &summary, const Limits &limits,
                  int64_t threads) {
  os << llvm::formatv("profile: {0:f4} ms a run on {1} thread{2}, the mean of "
                      "the faster {3} runs\n",
                      1e3 * summary.seconds, threads, threads == 1 ? "" : "s",
                      summary.runs);
  printLimits(os, limits);
  constexpr double kMostOverhead = 0.05;
  os << llvm::formatv("marks take {0:f1} % of a run{1}\n\n",
                      100 * summary.overhead,
                      summary.overhead > kMostOverhead
                          ? ": short kernels are shown longer than they are"
                          : "");
  size_t width = 6;
  for (const ProfileRow &row : summary.rows)
    width = std::max(width, kernels[row.kernel].name.size());
  auto share = [&](double seconds) {
    return llvm::formatv("{0,5:f1} % {1,10:f4}",
                         summary.seconds > 0 ? 100 * seconds / summary.seconds
                                             : 0.0,
                         1e3 * seconds)
        .str();
  };
  os << "  share         ms   calls             rate  of limit  "
     << llvm::left_justify("kernel", width) << "  nodes\n";
  for (const ProfileRow &row : summary.rows) {
    const ProfiledKernel &kernel = kernels[row.kernel];
    double seconds = row.seconds / row.calls; // a call
    bool computes = limits.isComputeBound(row.flops, row.bytes);
    double work = computes ? row.flops : row.bytes;
    bool rated = work > 0 && seconds > 0;
    std::string rate = rated
                           ? llvm::formatv("{0:f1} {1}", 1e-9 * work / seconds,
                                           computes ? "GFLOP/s" : "GB/s   ")
                                 .str()
                           : "-       ";
    std::string limit =
        rated ? llvm::formatv("{0:f0} %",
                              100 * limits.leastSeconds(row.flops, row.bytes) /
                                  seconds)
                    .str()
              : "-";
    os << share(row.seconds) << llvm::formatv(" {0,7:f0} ", row.calls)
       << llvm::right_justify(rate, 16) << llvm::right_justify(limit, 10)
       << "  " << llvm::left_justify(kernel.name, width) << "  "
       << nodesOf(kernel) << "\n";
  }
  os << share(summary.between) << "  between kernels\n";
  os << share(summary.seconds) << "  the whole run\n";
}

} // namespace heed
