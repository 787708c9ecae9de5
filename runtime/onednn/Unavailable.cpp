// Unavailable.cpp - stands in for the oneDNN room in builds without it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Host.h"

const char *heed_onednn_version(const char **why) noexcept {
  *why = "this build is without oneDNN (configure with HEED_ONEDNN=ON)";
  return nullptr;
}
