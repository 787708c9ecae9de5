// Parallel.cpp - parallel loops on the OpenMP pool that oneDNN uses too
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cost/CostModel.h"
#include "runtime/support/Context.h"

#include <algorithm>
#include <omp.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

static bool worthForking(int64_t n, int64_t costPerIteration) {
  int64_t cost;
  return __builtin_mul_overflow(n, std::max<int64_t>(costPerIteration, 1),
                                &cost) ||
         cost >= heed::cost::kForkCost;
}

/// Stores past the caches may arrive late: none does after the loop.
static void finishStores() {
#if defined(__SSE__)
  _mm_sfence();
#endif
}

void heed_parallel_for(HeedContext *context, int64_t n,
                       int64_t costPerIteration, HeedLoopBody body,
                       void *captures) noexcept {
  if (n <= 0)
    return;
  int64_t parts = std::min(context->numThreads, n);
  if (parts <= 1 || !worthForking(n, costPerIteration) || omp_in_parallel()) {
    body(0, n, 0, captures);
    finishStores();
    return;
  }
  // Always ask for all workers: a pool that changes its size is rebuilt.
  int64_t quotient = n / parts, remainder = n % parts;
  auto begin = [=](int64_t part) {
    return part * quotient + std::min(part, remainder);
  };
#pragma omp parallel num_threads(static_cast <int>(context->numThreads))
  {
    // OpenMP may give fewer threads than asked for; the parts stay the same, so
    // that results depend on the requested number only.
    int64_t step = omp_get_num_threads();
    for (int64_t part = omp_get_thread_num(); part < parts; part += step)
      body(begin(part), begin(part + 1), part, captures);
    finishStores();
  }
}
