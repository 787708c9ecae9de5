// Limits.cpp - what the machine can do at most, measured: arithmetic and
// bandwidth.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/profile/Limits.h"

#include "runtime/support/Host.h"
#include "tools/lib/roof/Roof.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace heed {

namespace {
struct Freed {
  void operator()(char *memory) const { std::free(memory); }
};

} // namespace

double Limits::bandwidthOver(double bytes) const {
  double rate = bandwidths.empty() ? 0 : bandwidths.front().rate;
  for (const Bandwidth &measured : bandwidths)
    if (measured.bytes <= bytes)
      rate = measured.rate;
  return rate;
}

bool Limits::isComputeBound(double computed, double bytes) const {
  return computed * bandwidthOver(bytes) > bytes * flops;
}

double Limits::leastSeconds(double computed, double bytes) const {
  double rate = bandwidthOver(bytes);
  return std::max(flops > 0 ? computed / flops : 0,
                  rate > 0 ? bytes / rate : 0);
}

Limits measureLimits(int64_t threads) {
  Program program;
  Context context(program, 0, 0, threads);
  Limits limits;
  limits.flops = fmaPeak(context.get(), /*vectorBytes=*/64);
  // From what lies in the first cache to what lies in none.
  constexpr int64_t kSmallest = 16 << 10, kLargest = 64 << 20;
  std::unique_ptr<char, Freed> memory(
      static_cast<char *>(std::aligned_alloc(1 << 21, kLargest)));
  if (!memory)
    return limits;
  std::memset(memory.get(), 0, kLargest);
  for (int64_t bytes = kSmallest; bytes <= kLargest; bytes *= 4)
    limits.bandwidths.push_back(
        {double(bytes), bandwidth(context.get(), memory.get(), bytes)});
  // What a larger set reaches, a smaller one does too.
  double best = 0;
  for (size_t i = limits.bandwidths.size(); i-- > 0;)
    limits.bandwidths[i].rate = best =
        std::max(best, limits.bandwidths[i].rate);
  return limits;
}

} // namespace heed
