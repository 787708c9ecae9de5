// parallel-test.cpp - how heed_parallel_for cuts loops
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Host.h"

#include <gtest/gtest.h>
#include <thread>

namespace {

constexpr int64_t kExpensive = int64_t(1) << 40;

struct Part {
  int64_t begin = -1, end = -1;
  bool operator==(const Part &o) const {
    return begin == o.begin && end == o.end;
  }
};

struct Loop {
  std::vector<int> visits;
  std::vector<Part> parts; // by worker
};

void record(int64_t begin, int64_t end, int64_t worker, void *captures) {
  auto *loop = static_cast<Loop *>(captures);
  loop->parts[static_cast<size_t>(worker)] = {begin, end};
  for (int64_t i = begin; i < end; ++i)
    ++loop->visits[static_cast<size_t>(i)];
}

Loop run(int64_t n, int64_t cost, int64_t threads) {
  heed::Program program;
  heed::Context context(program, 0, 0, threads);
  Loop loop{std::vector<int>(static_cast<size_t>(n)),
            std::vector<Part>(static_cast<size_t>(threads))};
  heed_parallel_for(context.get(), n, cost, record, &loop);
  return loop;
}

TEST(ParallelTest, VisitsEachIterationOnce) {
  for (int64_t threads : {1, 2, 3, 7})
    for (int64_t n : {0, 1, 2, 3, 10, 1000}) {
      Loop loop = run(n, kExpensive, threads);
      EXPECT_EQ(loop.visits, std::vector<int>(static_cast<size_t>(n), 1))
          << n << " iterations, " << threads << " threads";
    }
}

TEST(ParallelTest, PartsDependOnTheNumbersOnly) {
  Loop first = run(10, kExpensive, 4);
  EXPECT_EQ(first.parts, (std::vector<Part>{{0, 3}, {3, 6}, {6, 8}, {8, 10}}));
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(run(10, kExpensive, 4).parts, first.parts);
}

TEST(ParallelTest, SmallLoopsStayOnTheCaller) {
  Loop loop = run(100, 1, 4);
  EXPECT_EQ(loop.parts[0], (Part{0, 100}));
  EXPECT_EQ(loop.parts[1], Part());
}

struct Outer {
  HeedContext *context;
  Loop *inner; // one for each outer iteration
};

TEST(ParallelTest, InnerLoopsStayOnTheirWorker) {
  heed::Program program;
  heed::Context context(program, 0, 0, 2);
  std::vector<Loop> inner(2, Loop{std::vector<int>(8), std::vector<Part>(2)});
  Outer outer{context.get(), inner.data()};
  heed_parallel_for(
      context.get(), 2, kExpensive,
      [](int64_t begin, int64_t end, int64_t, void *captures) {
        auto *outer = static_cast<Outer *>(captures);
        for (int64_t i = begin; i < end; ++i)
          heed_parallel_for(outer->context, 8, kExpensive, record,
                            outer->inner + i);
      },
      &outer);
  for (const Loop &loop : inner)
    EXPECT_EQ(loop.parts[0], (Part{0, 8}));
}

struct Stage {
  const std::vector<int> *from; // what the stage before it made
  std::vector<int> to;
};

/// Each element needs all of the stage before.
void addUp(int64_t begin, int64_t end, int64_t, void *captures) {
  auto *stage = static_cast<Stage *>(captures);
  int sum = 1;
  for (int value : *stage->from)
    sum += value;
  for (int64_t i = begin; i < end; ++i)
    stage->to[static_cast<size_t>(i)] = sum;
}

void runStages(int64_t threads, int64_t cost) {
  heed::Program program;
  heed::Context context(program, 0, 0, threads);
  for (int repeat = 0; repeat < 50; ++repeat) {
    // One iteration, several, none, several.
    std::vector<int64_t> sizes = {64, 1, 37, 0, 5};
    std::vector<int> nothing;
    std::vector<Stage> stages(sizes.size());
    std::vector<HeedLoop> loops;
    for (size_t k = 0; k < sizes.size(); ++k) {
      stages[k] = {k == 0 ? &nothing : &stages[k - 1].to,
                   std::vector<int>(static_cast<size_t>(sizes[k]), 0)};
      loops.push_back({sizes[k], cost, addUp, &stages[k]});
    }
    heed_parallel_region(context.get(), static_cast<int64_t>(loops.size()),
                         loops.data());
    EXPECT_EQ(stages[0].to, std::vector<int>(64, 1));
    EXPECT_EQ(stages[1].to, std::vector<int>(1, 65));
    EXPECT_EQ(stages[2].to, std::vector<int>(37, 66));
    EXPECT_EQ(stages[4].to, std::vector<int>(5, 1));
  }
}

TEST(ParallelTest, LoopsOfARegionWaitForEachOther) {
  for (int64_t threads : {1, 2, 3, 7})
    runStages(threads, kExpensive);
}

TEST(ParallelTest, SmallRegionsStayOnTheCaller) { runStages(4, 1); }

TEST(ParallelTest, RegionsOfNothing) {
  heed::Program program;
  heed::Context context(program, 0, 0, 2);
  HeedLoop loop = {0, kExpensive, addUp, nullptr};
  heed_parallel_region(context.get(), 1, &loop);
  heed_parallel_region(context.get(), 0, nullptr);
}

TEST(ParallelTest, CallersOnSeveralThreads) {
  std::vector<std::thread> callers;
  std::vector<int> wrong(4, 0);
  for (size_t caller = 0; caller < 4; ++caller)
    callers.emplace_back([&wrong, caller] {
      for (int i = 0; i < 50; ++i)
        wrong[caller] +=
            run(64, kExpensive, 2).visits != std::vector<int>(64, 1);
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

} // namespace
