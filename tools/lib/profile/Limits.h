// Limits.h - what the machine can do at most, measured: arithmetic and
// bandwidth.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_PROFILE_LIMITS_H
#define HEED_TOOLS_LIB_PROFILE_LIMITS_H

#include <cstdint>
#include <vector>

namespace heed {

struct Limits {
  /// Of multiply-adds on f32 vectors as wide as the CPU has, a second.
  double flops = 0;
  /// A working set, and the bytes that are read or copied in it a second.
  struct Bandwidth {
    double bytes, rate;
  };
  /// By growing working sets; rates fall.
  std::vector<Bandwidth> bandwidths;

  /// Bytes a second that a kernel which touches so many can reach: those of the
  /// largest measured set that is not larger.
  double bandwidthOver(double bytes) const;
  /// The seconds that no kernel with this work can be under: it computes and
  /// moves at the same time.
  double leastSeconds(double flops, double bytes) const;
  /// Whether arithmetic, not bandwidth, is what bounds the work.
  bool isComputeBound(double flops, double bytes) const;
};

/// Takes about half a second. `threads` 0: all.
Limits measureLimits(int64_t threads);

} // namespace heed

#endif // HEED_TOOLS_LIB_PROFILE_LIMITS_H
