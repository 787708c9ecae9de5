// Roof.cpp - what this machine can do, measured: arithmetic and bandwidth.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The peak loops are assembly: from intrinsics, compilers spill some of the
// accumulators or hoist the loop's work, and read a third of the peak or three
// times the peak. A multiply-add takes 4 or 5 cycles and two begin in each, so
// at least 10 accumulators must be in flight.
#include "tools/lib/roof/Roof.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <sched.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace heed {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Runs body(begin, end) on all threads, whatever the loop costs.
template <typename Body>
void parallel(HeedContext *context, int64_t n, Body body) {
  heed_parallel_for(
      context, n, int64_t(1) << 20,
      [](int64_t begin, int64_t end, int64_t, void *captures) {
        (*static_cast<Body *>(captures))(begin, end);
      },
      &body);
}

/// Keeps the reads: somebody may look at the sum.
volatile float sink;

#if defined(__x86_64__)
#define HEED_ACC_12(op, a, b, r)                                               \
  op " " a "," b ",%%" r "0\n" op " " a "," b ",%%" r "1\n" op " " a "," b     \
     ",%%" r "2\n" op " " a "," b ",%%" r "3\n" op " " a "," b ",%%" r         \
     "4\n" op " " a "," b ",%%" r "5\n" op " " a "," b ",%%" r "6\n" op " " a  \
     "," b ",%%" r "7\n" op " " a "," b ",%%" r "8\n" op " " a "," b ",%%" r   \
     "9\n" op " " a "," b ",%%" r "10\n" op " " a "," b ",%%" r "11\n"
#define HEED_CLOBBERED                                                         \
  "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",        \
      "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13"

/// 12 accumulators of zero: what is added is zero too, so nothing is ever
/// subnormal or infinite.
__attribute__((target("avx512f"), noinline)) void fma512(int64_t n) {
  asm volatile("vpxord %%zmm12,%%zmm12,%%zmm12\n"
               "vpxord %%zmm13,%%zmm13,%%zmm13\n"                 //
               HEED_ACC_12("vpxord", "%%zmm12", "%%zmm12", "zmm") //
               "1:\n"                                             //
               HEED_ACC_12("vfmadd231ps", "%%zmm12", "%%zmm13",
                           "zmm") "dec %0\n jnz 1b\n vzeroupper"
               : "+r"(n)
               :
               : HEED_CLOBBERED);
}

__attribute__((target("avx2,fma"), noinline)) void fma256(int64_t n) {
  asm volatile("vpxor %%ymm12,%%ymm12,%%ymm12\n"
               "vpxor %%ymm13,%%ymm13,%%ymm13\n"                 //
               HEED_ACC_12("vpxor", "%%ymm12", "%%ymm12", "ymm") //
               "1:\n"                                            //
               HEED_ACC_12("vfmadd231ps", "%%ymm12", "%%ymm13",
                           "ymm") "dec %0\n jnz 1b\n vzeroupper"
               : "+r"(n)
               :
               : HEED_CLOBBERED);
}

__attribute__((target("avx512f,avx512bf16"), noinline)) void dot512(int64_t n) {
  asm volatile("vpxord %%zmm12,%%zmm12,%%zmm12\n"
               "vpxord %%zmm13,%%zmm13,%%zmm13\n"                 //
               HEED_ACC_12("vpxord", "%%zmm12", "%%zmm12", "zmm") //
               "1:\n"                                             //
               HEED_ACC_12("vdpbf16ps", "%%zmm12", "%%zmm13",
                           "zmm") "dec %0\n jnz 1b\n vzeroupper"
               : "+r"(n)
               :
               : HEED_CLOBBERED);
}

__attribute__((target("avx512f"), noinline)) float read512(const char *memory,
                                                           size_t bytes) {
  __m512 sums[8] = {};
  const float *f = reinterpret_cast<const float *>(memory);
  size_t n = bytes / sizeof(float), i = 0;
  for (; i + 128 <= n; i += 128)
    for (int k = 0; k < 8; ++k)
      sums[k] = _mm512_add_ps(sums[k], _mm512_loadu_ps(f + i + 16 * k));
  float rest = 0;
  for (; i < n; ++i)
    rest += f[i];
  for (int k = 1; k < 8; ++k)
    sums[0] = _mm512_add_ps(sums[0], sums[k]);
  return rest + _mm512_reduce_add_ps(sums[0]);
}

__attribute__((target("avx2"), noinline)) float read256(const char *memory,
                                                        size_t bytes) {
  __m256 sums[8] = {};
  const float *f = reinterpret_cast<const float *>(memory);
  size_t n = bytes / sizeof(float), i = 0;
  for (; i + 64 <= n; i += 64)
    for (int k = 0; k < 8; ++k)
      sums[k] = _mm256_add_ps(sums[k], _mm256_loadu_ps(f + i + 8 * k));
  float rest = 0;
  for (; i < n; ++i)
    rest += f[i];
  for (int k = 1; k < 8; ++k)
    sums[0] = _mm256_add_ps(sums[0], sums[k]);
  float lanes[8];
  _mm256_storeu_ps(lanes, sums[0]);
  for (float lane : lanes)
    rest += lane;
  return rest;
}

__attribute__((target("avx512f"), noinline)) void
copy512(char *to, const char *from, size_t bytes) {
  size_t i = 0;
  for (; i + 256 <= bytes; i += 256)
    for (int k = 0; k < 4; ++k)
      _mm512_storeu_si512(to + i + 64 * k,
                          _mm512_loadu_si512(from + i + 64 * k));
  std::memcpy(to + i, from + i, bytes - i);
}

__attribute__((target("avx2"), noinline)) void
copy256(char *to, const char *from, size_t bytes) {
  auto *d = reinterpret_cast<__m256i *>(to);
  auto *s = reinterpret_cast<const __m256i *>(from);
  size_t n = bytes / 32, i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; ++k)
      _mm256_storeu_si256(d + i + k, _mm256_loadu_si256(s + i + k));
  std::memcpy(to + 32 * i, from + 32 * i, bytes - 32 * i);
}
#endif

/// What exponentials are taken of: −20 … 0, in the first cache.
struct Exponents {
  static constexpr int64_t count = 1024;
  alignas(64) float values[count];
  Exponents() {
    for (int64_t i = 0; i < count; ++i)
      values[i] = -20.0f * i / count;
  }
};
const Exponents exponents;

#if defined(__x86_64__)
// passes/lower/cpu/ExpPolynomial.cpp, 32 values a step.
#define HEED_COEFFICIENTS                                                      \
  {                                                                            \
    9.675540961e-3f, 5.550713092e-2f, 2.402212024e-1f, 6.931469440e-1f,        \
        1.000000119f                                                           \
  }

__attribute__((target("avx512f"), noinline)) void exp512(int64_t n) {
  const __m512 least = _mm512_set1_ps(-127),
               magic = _mm512_set1_ps(12582912.0f + 127.0f);
  __m512 sums[2] = {};
  for (int64_t step = 0; step < n; ++step)
    for (int k = 0; k < 2; ++k) {
      const float *from =
          exponents.values + (32 * step) % Exponents::count + 16 * k;
      __m512 t = _mm512_max_ps(least, _mm512_loadu_ps(from));
      __m512 shifted = _mm512_add_ps(t, magic);
      __m512 r = _mm512_sub_ps(t, _mm512_sub_ps(shifted, magic));
      __m512 p = _mm512_set1_ps(1.327647245e-3f);
      for (float c : HEED_COEFFICIENTS)
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
      __m512i bits = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
      sums[k] =
          _mm512_add_ps(sums[k], _mm512_mul_ps(p, _mm512_castsi512_ps(bits)));
    }
  sink = _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
}

__attribute__((target("avx2,fma"), noinline)) void exp256(int64_t n) {
  const __m256 least = _mm256_set1_ps(-127),
               magic = _mm256_set1_ps(12582912.0f + 127.0f);
  __m256 sums[4] = {};
  for (int64_t step = 0; step < n; ++step)
    for (int k = 0; k < 4; ++k) {
      const float *from =
          exponents.values + (32 * step) % Exponents::count + 8 * k;
      __m256 t = _mm256_max_ps(least, _mm256_loadu_ps(from));
      __m256 shifted = _mm256_add_ps(t, magic);
      __m256 r = _mm256_sub_ps(t, _mm256_sub_ps(shifted, magic));
      __m256 p = _mm256_set1_ps(1.327647245e-3f);
      for (float c : HEED_COEFFICIENTS)
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(c));
      __m256i bits = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
      sums[k] =
          _mm256_add_ps(sums[k], _mm256_mul_ps(p, _mm256_castsi256_ps(bits)));
    }
  float lanes[8];
  _mm256_storeu_ps(lanes, _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]),
                                        _mm256_add_ps(sums[2], sums[3])));
  for (float lane : lanes)
    sink = lane;
}
#endif

__attribute__((noinline)) void expPlain(int64_t n) {
  float sum = 0;
  for (int64_t step = 0; step < n; ++step)
    for (int k = 0; k < 32; ++k)
      sum += std::exp2(exponents.values[(32 * step) % Exponents::count + k]);
  sink = sum;
}

/// 64 chains of multiply-adds, as the compiler likes.
__attribute__((noinline)) void fmaPlain(int64_t n) {
  static volatile float seed = 0;
  float sums[64], a = seed, b = seed;
  std::fill(sums, sums + 64, a);
  for (int64_t i = 0; i < n; ++i)
    for (float &sum : sums)
      sum += a * b;
  seed = sums[n % 64];
}

__attribute__((noinline)) float readPlain(const char *memory, size_t bytes) {
  const float *f = reinterpret_cast<const float *>(memory);
  float sums[32] = {};
  size_t n = bytes / sizeof(float), i = 0;
  for (; i + 32 <= n; i += 32)
    for (int k = 0; k < 32; ++k)
      sums[k] += f[i + k];
  for (; i < n; ++i)
    sums[0] += f[i];
  for (int k = 1; k < 32; ++k)
    sums[0] += sums[k];
  return sums[0];
}

__attribute__((noinline)) void copyPlain(char *to, const char *from,
                                         size_t bytes) {
  std::memcpy(to, from, bytes);
}

/// The widest loops that the CPU has.
struct Loops {
  float (*read)(const char *, size_t) = readPlain;
  void (*copy)(char *, const char *, size_t) = copyPlain;
  Loops() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
      read = read256, copy = copy256;
    if (__builtin_cpu_supports("avx512f"))
      read = read512, copy = copy512;
#endif
  }
};
const Loops loops;

/// Work a second in the best of many runs of body(thread) on all threads, which
/// together do so much of it.
template <typename Body>
double bestRate(HeedContext *context, double work, double seconds, Body body) {
  constexpr int kFewest = 3;
  double best = 0;
  auto start = Clock::now();
  for (int runs = 0; runs < kFewest || secondsSince(start) < seconds; ++runs) {
    auto begin = Clock::now();
    parallel(context, heed_num_threads(context),
             [&](int64_t first, int64_t last) {
               for (int64_t thread = first; thread < last; ++thread)
                 body(thread);
             });
    best = std::max(best, work / secondsSince(begin));
  }
  return best;
}

/// The same of a loop, in runs of about a millisecond.
double peakOf(HeedContext *context, void (*loop)(int64_t), double workPerStep) {
  constexpr int64_t kSteps = 200000;
  return bestRate(context, workPerStep * kSteps * heed_num_threads(context),
                  0.1, [=](int64_t) { loop(kSteps); });
}

} // namespace

void pinThreads(HeedContext *context) {
#if defined(__linux__)
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof(set), &set);
    return set;
  }();
  int64_t threads = heed_num_threads(context);
  if (threads > CPU_COUNT(&allowed))
    return;
  parallel(context, threads, [](int64_t begin, int64_t end) {
    if (begin == end)
      return;
    int64_t left = begin, cpu = 0;
    while (!CPU_ISSET(cpu, &allowed) || left-- > 0)
      ++cpu;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    sched_setaffinity(0, sizeof(own), &own);
  });
#endif
}

double fmaPeak(HeedContext *context, unsigned vectorBytes) {
#if defined(__x86_64__)
  if (vectorBytes >= 64 && __builtin_cpu_supports("avx512f"))
    return peakOf(context, fma512, 12 * 16 * 2);
  if (vectorBytes >= 32 && __builtin_cpu_supports("fma"))
    return peakOf(context, fma256, 12 * 8 * 2);
#endif
  return peakOf(context, fmaPlain, 64 * 2);
}

double expPeak(HeedContext *context, unsigned vectorBytes) {
  constexpr double kPerStep = 32;
#if defined(__x86_64__)
  if (vectorBytes >= 64 && __builtin_cpu_supports("avx512f"))
    return peakOf(context, exp512, kPerStep);
  if (vectorBytes >= 32 && __builtin_cpu_supports("fma"))
    return peakOf(context, exp256, kPerStep);
#endif
  return peakOf(context, expPlain, kPerStep);
}

double dotBf16Peak(HeedContext *context) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16"))
    return peakOf(context, dot512, 12 * 32 * 2);
#endif
  return 0;
}

double bandwidth(HeedContext *context, char *memory, int64_t bytes) {
  int64_t threads = heed_num_threads(context);
  int64_t part = bytes / threads / 128 * 128;
  // Small sets are walked several times, so that a run is longer than a fork.
  int64_t repeats = std::max<int64_t>(1, (4 << 20) / bytes);
  auto work = static_cast<double>(part * threads * repeats);
  double read = bestRate(context, work, 0.02, [=](int64_t thread) {
    for (int64_t i = 0; i < repeats; ++i)
      sink = loops.read(memory + thread * part, part);
  });
  double copy = bestRate(context, work, 0.02, [=](int64_t thread) {
    char *first = memory + thread * part;
    for (int64_t i = 0; i < repeats; ++i) {
      loops.copy(first + part / 2, first, part / 2);
      asm volatile("" ::: "memory"); // each copy counts
    }
  });
  return std::max(read, copy);
}

void readOnce(HeedContext *context, const char *memory, size_t bytes) {
  constexpr int64_t kLine = 64;
  int64_t lines = (bytes + kLine - 1) / kLine;
  parallel(context, lines, [=](int64_t begin, int64_t end) {
    size_t last = std::min<size_t>(end * kLine, bytes);
    sink = loops.read(memory + begin * kLine, last - begin * kLine);
  });
}

void readAndCopy(HeedContext *context, const char *from, char *to, size_t bytes,
                 int64_t images) {
  // Images of a few lines go together: else calls were measured, not memory.
  // Each image is cut in parts, so that a single one keeps all threads busy.
  constexpr size_t kTogether = 8 << 10;
  images = std::max<int64_t>(1, std::min<int64_t>(images, bytes / kTogether));
  constexpr int64_t kParts = 64;
  size_t image = bytes / images / 64 * 64;
  auto offset = [=](int64_t unit) {
    if (unit == images * kParts)
      return bytes;
    size_t part = unit % kParts;
    return unit / kParts * image + image * part / kParts / 64 * 64;
  };
  parallel(context, images * kParts, [=](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end;) {
      int64_t next = std::min(end, (unit / kParts + 1) * kParts);
      size_t first = offset(unit), last = offset(next);
      sink = loops.read(from + first, last - first);
      loops.copy(to + first, from + first, last - first);
      unit = next;
    }
  });
}

} // namespace heed
