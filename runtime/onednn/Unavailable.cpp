// Unavailable.cpp - stands in for the oneDNN room in builds without it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/Onednn.h"
#include "runtime/support/Host.h"

static const char *const kReason =
    "this build is without oneDNN (configure with HEED_ONEDNN=ON)";

const char *heed_onednn_version(const char **why) noexcept {
  *why = kReason;
  return nullptr;
}

int32_t heed_onednn_primitive(HeedContext *context, const int64_t *,
                              const int64_t *) noexcept {
  heed_fail(context, kReason);
  return heed_status(context);
}

int32_t heed_onednn_count(HeedContext *context, const int64_t *,
                          const int64_t *) noexcept {
  heed_fail(context, kReason);
  return heed_status(context);
}

const char *heed_onednn_implementation(HeedContext *,
                                       const int64_t *) noexcept {
  return nullptr;
}
