// Limits.cpp - what the machine can do at most, measured: arithmetic and
// bandwidth.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/profile/Limits.h"

#include "runtime/support/Host.h"
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

namespace heed {

/// Memory as wide vectors, which the compiler cuts to what the CPU has.
using Vector __attribute__((vector_size(64), aligned(4), may_alias)) = float;
// Only functions that the linker sees can be cloned for several CPUs.
float readMemory(const char *memory, int64_t bytes);

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// body(part) on all threads of the runtime's own pool.
template <typename Body> void onAllThreads(HeedContext *context, Body body) {
  heed_parallel_for(
      context, heed_num_threads(context), int64_t(1) << 30,
      [](int64_t begin, int64_t end, int64_t, void *captures) {
        for (int64_t part = begin; part < end; ++part)
          (*static_cast<Body *>(captures))(part);
      },
      &body);
}

/// Σ of what body did (in its own unit) a second, in the best of many tries.
template <typename Body>
double bestRate(HeedContext *context, double work, double seconds, Body body) {
  double best = 0;
  auto start = Clock::now();
  constexpr int kFewest = 3;
  for (int tries = 0; tries < kFewest || secondsSince(start) < seconds;
       ++tries) {
    auto begin = Clock::now();
    onAllThreads(context, body);
    best = std::max(best, work / secondsSince(begin));
  }
  return best;
}

// A multiply-add takes 4 or 5 cycles and two begin in each: 12 are in flight.
// None may share its register with the factor, though both begin as zero (&).
#if defined(__x86_64__)
#define HEED_FMA(k) "vfmadd231ps %13, %13, %" #k "\n\t"
#define HEED_TWELVE_FMAS                                                       \
  "1:\n\t" HEED_FMA(0) HEED_FMA(1) HEED_FMA(2) HEED_FMA(3) HEED_FMA(4)         \
      HEED_FMA(5) HEED_FMA(6) HEED_FMA(7) HEED_FMA(8) HEED_FMA(9) HEED_FMA(10) \
          HEED_FMA(11) "dec %12\n\tjnz 1b"
#define HEED_RUN_FMAS(n, s, zero)                                              \
  asm volatile(HEED_TWELVE_FMAS                                                \
               : "+&v"(s[0]), "+&v"(s[1]), "+&v"(s[2]), "+&v"(s[3]),           \
                 "+&v"(s[4]), "+&v"(s[5]), "+&v"(s[6]), "+&v"(s[7]),           \
                 "+&v"(s[8]), "+&v"(s[9]), "+&v"(s[10]), "+&v"(s[11]), "+r"(n) \
               : "v"(zero)                                                     \
               : "cc")

using Float8 __attribute__((vector_size(32))) = float;
using Float16 __attribute__((vector_size(64))) = float;

__attribute__((target("avx512f"), noinline)) void multiplyAdd512(int64_t n) {
  Float16 sums[12] = {}, zero = {};
  HEED_RUN_FMAS(n, sums, zero);
}

__attribute__((target("avx2,fma"), noinline)) void multiplyAdd256(int64_t n) {
  Float8 sums[12] = {}, zero = {};
  HEED_RUN_FMAS(n, sums, zero);
}
#endif

/// Where there is no such instruction: products and sums by what there is.
__attribute__((noinline)) void multiplyAddPlain(int64_t n) {
  static volatile float seed = 0;
  float sums[48] = {}, x = seed;
  for (; n > 0; --n)
    for (float &sum : sums)
      sum += x * x;
  for (float sum : sums)
    seed = sum;
}

double measureFlops(HeedContext *context) {
  int64_t lanes = 4; // of the plain loop: 48 sums are 12 of 4
  void (*loop)(int64_t) = multiplyAddPlain;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    lanes = 8;
    loop = multiplyAdd256;
  }
  if (__builtin_cpu_supports("avx512f")) {
    lanes = 16;
    loop = multiplyAdd512;
  }
#endif
  constexpr int64_t kSteps = 100000; // some 0.2 ms
  double work = 2.0 * 12 * lanes * kSteps *
                static_cast<double>(heed_num_threads(context));
  return bestRate(context, work, 0.1, [=](int64_t) { loop(kSteps); });
}

volatile float sink; // somebody may look at what was read

/// The faster of reading and of copying; both count all bytes that are touched.
double measureBandwidth(HeedContext *context, char *memory, int64_t bytes) {
  int64_t threads = heed_num_threads(context);
  int64_t part = bytes / threads / 128 * 128;
  // Small sets are walked several times, so that a try is longer than a fork.
  int64_t repeats = std::max<int64_t>(1, (4 << 20) / bytes);
  double work = static_cast<double>(part * threads * repeats);
  double read = bestRate(context, work, 0.02, [=](int64_t thread) {
    for (int64_t i = 0; i < repeats; ++i)
      sink = readMemory(memory + thread * part, part);
  });
  double copy = bestRate(context, work, 0.02, [=](int64_t thread) {
    char *first = memory + thread * part;
    for (int64_t i = 0; i < repeats; ++i) {
      std::memcpy(first + part / 2, first, part / 2);
      asm volatile("" ::: "memory"); // each copy counts
    }
  });
  return std::max(read, copy);
}

struct Freed {
  void operator()(char *memory) const { std::free(memory); }
};

} // namespace

#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default"), noinline))
#endif
float readMemory(const char *memory, int64_t bytes) {
  const auto *at = reinterpret_cast<const Vector *>(memory);
  Vector a = {}, b = {}, c = {}, d = {};
  int64_t count = bytes / int64_t(sizeof(Vector)), i = 0;
  for (; i + 4 <= count; i += 4) {
    a += at[i];
    b += at[i + 1];
    c += at[i + 2];
    d += at[i + 3];
  }
  a += b + c + d;
  float sum = 0;
  for (int lane = 0; lane < 16; ++lane)
    sum += a[lane];
  return sum;
}

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
  limits.flops = measureFlops(context.get());
  // From what lies in the first cache to what lies in none.
  constexpr int64_t kSmallest = 16 << 10, kLargest = 64 << 20;
  std::unique_ptr<char, Freed> memory(
      static_cast<char *>(std::aligned_alloc(1 << 21, kLargest)));
  if (!memory)
    return limits;
  std::memset(memory.get(), 0, kLargest);
  for (int64_t bytes = kSmallest; bytes <= kLargest; bytes *= 4)
    limits.bandwidths.push_back(
        {double(bytes), measureBandwidth(context.get(), memory.get(), bytes)});
  // What a larger set reaches, a smaller one does too.
  double best = 0;
  for (size_t i = limits.bandwidths.size(); i-- > 0;)
    limits.bandwidths[i].rate = best =
        std::max(best, limits.bandwidths[i].rate);
  return limits;
}

} // namespace heed
