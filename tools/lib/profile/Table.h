// Table.h - where the time of a program went, as a table to read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_PROFILE_TABLE_H
#define HEED_TOOLS_LIB_PROFILE_TABLE_H

#include "tools/lib/jit/Program.h"
#include "tools/lib/profile/Limits.h"
#include "llvm/Support/raw_ostream.h"

namespace heed {

/// One kernel in the mean of some runs.
struct ProfileRow {
  size_t kernel;       // index in the program's kernels
  double seconds;      // a run
  double calls;        // a run
  double flops, bytes; // a call
};

/// What the runs say in the mean. The slower half is left out: what disturbed
/// them is not the program's.
struct ProfileSummary {
  double seconds = 0; // a run
  double between = 0; // of that, outside of kernels
  /// What marks add to a run: 0.05 is a twentieth.
  double overhead = 0;
  size_t runs = 0;              // that the mean is of
  std::vector<ProfileRow> rows; // that were called, the longest first
};

ProfileSummary summarize(const Profile &profile);

/// "a, b and 2 more"; "-" where a kernel has no node.
std::string nodesOf(const ProfiledKernel &kernel);

/// A line for each kernel, then what is between them, and the whole.
void printProfile(llvm::raw_ostream &os,
                  const std::vector<ProfiledKernel> &kernels,
                  const ProfileSummary &summary, const Limits &limits,
                  int64_t threads);

} // namespace heed

#endif // HEED_TOOLS_LIB_PROFILE_TABLE_H
