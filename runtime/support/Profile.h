// Profile.h - what a host asks to know where the time of a run went
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code that was compiled with marks tells the runtime where each kernel begins
// and ends (heed_profile_begin, heed_profile_end of Runtime.h). A context keeps
// that in a table of fixed size, which the host makes before the first run:
//
//   heed_profile_open(context, numKernels, 65536);
//   heed_profile_reset(context); heed_context_run(context, entry);
//   totals = heed_profile_totals(context, &count);      // one a kernel
//   events = heed_profile_events(context, &count, &lost);
//
// Without a table, or while it is switched off, a mark does nothing.

#ifndef HEED_RUNTIME_SUPPORT_PROFILE_H
#define HEED_RUNTIME_SUPPORT_PROFILE_H

#include "runtime/support/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What one kernel did since the last reset.
typedef struct HeedKernelTotal {
  int64_t calls;
  int64_t nanoseconds;
  double flops, bytes;
} HeedKernelTotal;

/// One call of a kernel; times are nanoseconds since the last reset.
typedef struct HeedProfileEvent {
  int64_t kernel;
  int64_t begin, end;
  double flops, bytes;
} HeedProfileEvent;

/// Makes the table, for kernels [0, numKernels) and at most `maxEvents` events,
/// and switches it on. Not 0 where there is no memory for it.
HEED_EXPORT int32_t heed_profile_open(HeedContext *context, int64_t numKernels,
                                      int64_t maxEvents) HEED_NOEXCEPT;

/// Switches marks off (0) and on.
HEED_EXPORT void heed_profile_enable(HeedContext *context,
                                     int32_t on) HEED_NOEXCEPT;

/// Empties the table; event times count from now on.
HEED_EXPORT void heed_profile_reset(HeedContext *context) HEED_NOEXCEPT;

/// One total for each kernel, valid as long as the context; null without a
/// table.
HEED_EXPORT const HeedKernelTotal *
heed_profile_totals(HeedContext *context, int64_t *count) HEED_NOEXCEPT;

/// The events in order, as many as the table holds; `*lost` is how many came
/// after them. Totals miss none.
HEED_EXPORT const HeedProfileEvent *
heed_profile_events(HeedContext *context, int64_t *count,
                    int64_t *lost) HEED_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // HEED_RUNTIME_SUPPORT_PROFILE_H
