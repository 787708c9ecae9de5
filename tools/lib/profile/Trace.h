// Trace.h - one run's kernels in Chrome's trace format.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_PROFILE_TRACE_H
#define HEED_TOOLS_LIB_PROFILE_TRACE_H

#include "tools/lib/jit/Program.h"
#include "llvm/Support/JSON.h"

namespace heed {

/// The last run of the profile: an event of the whole run, and within it one
/// for each call of a kernel, named by its nodes. What chrome://tracing and
/// Perfetto open.
llvm::json::Value traceOf(const std::vector<ProfiledKernel> &kernels,
                          const Profile &profile, llvm::StringRef model);

/// The same into a file, which appears when it is complete.
llvm::Error writeTrace(llvm::StringRef path,
                       const std::vector<ProfiledKernel> &kernels,
                       const Profile &profile, llvm::StringRef model);

/// An error where a file of this name could not appear.
llvm::Error checkWritable(llvm::StringRef path);

} // namespace heed

#endif // HEED_TOOLS_LIB_PROFILE_TRACE_H
