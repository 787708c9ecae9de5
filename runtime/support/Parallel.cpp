// Parallel.cpp - parallel loops on the OpenMP pool that oneDNN uses too
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cost/CostModel.h"
#include "runtime/support/Context.h"

#include <algorithm>
#include <omp.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/// Scalar operations of a loop, INT64_MAX where they are more.
static int64_t costOf(int64_t n, int64_t costPerIteration) {
  int64_t cost;
  bool overflow =
      n > 0 &&
      __builtin_mul_overflow(n, std::max<int64_t>(costPerIteration, 1), &cost);
  return n <= 0 ? 0 : overflow ? INT64_MAX : cost;
}

/// Stores past the caches may arrive late: none does after the loop.
static void finishStores() {
#if defined(__SSE__)
  _mm_sfence();
#endif
}

/// The parts of a loop that this thread of a team does. OpenMP may give fewer
/// threads than asked for; the parts stay the same, so that results depend on
/// the requested number only.
static void runShare(const HeedLoop &loop, int64_t numThreads) {
  int64_t parts = std::min(numThreads, loop.n), step = omp_get_num_threads();
  if (parts <= 0)
    return;
  int64_t quotient = loop.n / parts, remainder = loop.n % parts;
  auto begin = [=](int64_t part) {
    return part * quotient + std::min(part, remainder);
  };
  for (int64_t part = omp_get_thread_num(); part < parts; part += step)
    loop.body(begin(part), begin(part + 1), part, loop.captures);
  finishStores();
}

void heed_parallel_region(HeedContext *context, int64_t count,
                          const HeedLoop *loops) noexcept {
  // What a fork must be worth: itself, and that all wait between loops.
  int64_t price = heed::cost::kForkCost - heed::cost::kBarrierCost, cost = 0;
  int64_t widest = 0;
  const HeedLoop *end = loops + count;
  while (end != loops && end[-1].n <= 0) // nobody waits for nothing
    --end;
  for (const HeedLoop *loop = loops; loop != end; ++loop) {
    if (loop->n <= 0)
      continue;
    if (__builtin_add_overflow(cost, costOf(loop->n, loop->costPerIteration),
                               &cost))
      cost = INT64_MAX;
    price += heed::cost::kBarrierCost;
    widest = std::max(widest, loop->n);
  }
  if (widest <= 1 || context->numThreads <= 1 || cost < price ||
      omp_in_parallel()) {
    for (const HeedLoop *loop = loops; loop != end; ++loop)
      if (loop->n > 0)
        loop->body(0, loop->n, 0, loop->captures);
    finishStores();
    return;
  }
  // Always ask for all workers: a pool that changes its size is rebuilt.
#pragma omp parallel num_threads(static_cast <int>(context->numThreads))
  for (const HeedLoop *loop = loops; loop != end; ++loop) {
    if (loop->n <= 0)
      continue;
    runShare(*loop, context->numThreads);
    if (loop + 1 != end) {
#pragma omp barrier
    }
  }
}

void heed_parallel_for(HeedContext *context, int64_t n,
                       int64_t costPerIteration, HeedLoopBody body,
                       void *captures) noexcept {
  HeedLoop loop = {n, costPerIteration, body, captures};
  heed_parallel_region(context, 1, &loop);
}
