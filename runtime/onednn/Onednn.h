// Onednn.h - library primitives as compiled code calls them
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_ONEDNN_ONEDNN_H
#define HEED_RUNTIME_ONEDNN_ONEDNN_H

#include "runtime/support/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Runs the primitive of one call site; SiteRecord.h has the two formats. The
/// primitive is made at the first call with these shapes, constants are packed
/// then, and both are kept in the program. Returns the context's status.
HEED_EXPORT int32_t heed_onednn_primitive(HeedContext *context,
                                          const int64_t *record,
                                          const int64_t *call) HEED_NOEXCEPT;

/// In place of a run: counts the scratch memory that the primitive would ask
/// for, without pointers in the call. Returns the context's status.
HEED_EXPORT int32_t heed_onednn_count(HeedContext *context,
                                      const int64_t *record,
                                      const int64_t *call) HEED_NOEXCEPT;

/// The name of the implementation that the last call of this site chose, for
/// tests and reports; null before the first call.
HEED_EXPORT const char *
heed_onednn_implementation(HeedContext *context,
                           const int64_t *record) HEED_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // HEED_RUNTIME_ONEDNN_ONEDNN_H
