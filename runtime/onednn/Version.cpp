// Version.cpp - which oneDNN this is, and whether Heed can work with it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Host.h"

#include <cstdio>
#include <oneapi/dnnl/dnnl.h>

const char *heed_onednn_version(const char **why) noexcept {
  const dnnl_version_t *version = dnnl_version();
  // Another runtime has a pool of its own, which would compete with Heed's.
  if (version->cpu_runtime != DNNL_RUNTIME_OMP) {
    *why = "the oneDNN found at run time does not use OpenMP";
    return nullptr;
  }
  if (version->major != DNNL_VERSION_MAJOR) {
    *why = "the oneDNN found at run time is of another major version";
    return nullptr;
  }
  static const struct Text {
    char text[32];
    explicit Text(const dnnl_version_t *v) {
      std::snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor,
                    v->patch);
    }
  } text(version);
  *why = "";
  return text.text;
}
