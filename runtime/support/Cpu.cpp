// Cpu.cpp - whether this CPU has what a compiled model needs
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/ModelLoad.h"

#include <iterator>

namespace heed::runtime {

std::string missingCpuFeatures(uint64_t wanted) {
  struct Feature {
    const char *name;
    bool has;
  };
#if defined(__x86_64__)
  // The compiler's test includes the system's: registers that are not saved
  // are not offered.
  __builtin_cpu_init();
#define HEED_FEATURE(name) {name, __builtin_cpu_supports(name) != 0},
#else
#define HEED_FEATURE(name) {name, false},
#endif
  const Feature features[] = {HEED_CPU_FEATURES(HEED_FEATURE)};
#undef HEED_FEATURE
  std::string missing;
  uint64_t known = 0;
  for (size_t bit = 0; bit < std::size(features); ++bit) {
    known |= uint64_t(1) << bit;
    if ((wanted >> bit & 1) && !features[bit].has)
      missing +=
          (missing.empty() ? "" : ", ") + std::string(features[bit].name);
  }
  if (wanted & ~known)
    missing += missing.empty() ? "what this runtime does not know" : ", more";
  return missing;
}

} // namespace heed::runtime
