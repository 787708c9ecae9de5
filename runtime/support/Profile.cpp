// Profile.cpp - the table that marks of compiled code are written to
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Context.h"

#include <chrono>
#include <cstdio>
#include <new>

using heed::runtime::Profile;

/// Of the steady clock; reading it costs some 25 ns.
static int64_t now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void heed_profile_begin(HeedContext *context, int64_t kernel) noexcept {
  Profile *profile = context->profile.get();
  if (!profile || !profile->enabled)
    return;
  profile->running = kernel;
  profile->began = now(); // last: what stands above is not the kernel's
}

void heed_profile_end(HeedContext *context, int64_t kernel, double flops,
                      double bytes) noexcept {
  Profile *profile = context->profile.get();
  if (!profile || !profile->enabled)
    return;
  int64_t end = now();
  auto kernels = static_cast<int64_t>(profile->totals.size());
  if (kernel < 0 || kernel >= kernels || kernel != profile->running) {
    char text[96];
    std::snprintf(text, sizeof text,
                  "profile: the end of kernel %lld of %lld without its begin",
                  static_cast<long long>(kernel),
                  static_cast<long long>(kernels));
    heed_fail(context, text);
    return;
  }
  profile->running = -1;
  HeedKernelTotal &total = profile->totals[static_cast<size_t>(kernel)];
  ++total.calls;
  total.nanoseconds += end - profile->began;
  total.flops += flops;
  total.bytes += bytes;
  if (profile->used == static_cast<int64_t>(profile->events.size())) {
    ++profile->lost;
    return;
  }
  profile->events[static_cast<size_t>(profile->used++)] = {
      kernel, profile->began - profile->origin, end - profile->origin, flops,
      bytes};
}

int32_t heed_profile_open(HeedContext *context, int64_t numKernels,
                          int64_t maxEvents) noexcept {
  if (numKernels < 0 || maxEvents < 0)
    return 1;
  try {
    auto profile = std::make_unique<Profile>();
    profile->totals.resize(static_cast<size_t>(numKernels));
    profile->events.resize(static_cast<size_t>(maxEvents));
    context->profile = std::move(profile);
  } catch (...) {
    return 1;
  }
  heed_profile_reset(context);
  return 0;
}

void heed_profile_enable(HeedContext *context, int32_t on) noexcept {
  if (context->profile)
    context->profile->enabled = on != 0;
}

void heed_profile_reset(HeedContext *context) noexcept {
  Profile *profile = context->profile.get();
  if (!profile)
    return;
  for (HeedKernelTotal &total : profile->totals)
    total = {};
  profile->used = profile->lost = 0;
  profile->running = -1;
  profile->origin = now();
}

const HeedKernelTotal *heed_profile_totals(HeedContext *context,
                                           int64_t *count) noexcept {
  const Profile *profile = context->profile.get();
  *count = profile ? static_cast<int64_t>(profile->totals.size()) : 0;
  return profile ? profile->totals.data() : nullptr;
}

const HeedProfileEvent *heed_profile_events(HeedContext *context,
                                            int64_t *count,
                                            int64_t *lost) noexcept {
  const Profile *profile = context->profile.get();
  *count = profile ? profile->used : 0;
  *lost = profile ? profile->lost : 0;
  return profile ? profile->events.data() : nullptr;
}
