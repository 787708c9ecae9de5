// context-test.cpp - inputs, outputs, arena and status of a context
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Host.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <thread>

namespace {

/// What compiled code looks like: y = weight 0 · x, elementwise.
int32_t scale(HeedContext *context) {
  int64_t n = heed_input_dim(context, 0, 0);
  auto *x = static_cast<const float *>(heed_input(context, 0));
  auto *y = static_cast<float *>(heed_output(context, 0, 1, &n));
  auto *w = static_cast<const float *>(heed_weight(context, 0));
  if (heed_status(context))
    return heed_status(context);
  for (int64_t i = 0; i < n; ++i)
    y[i] = *w * x[i];
  return 0;
}

TEST(ContextTest, RunsIntoItsOwnMemory) {
  float weight = 3, x[] = {1, 2, 4};
  heed::Program program({&weight});
  heed::Context context(program, 1, 1, 1);
  ASSERT_TRUE(context.setInput(0, x, {3}));
  ASSERT_TRUE(context.setOutput(0, sizeof(float)));
  ASSERT_EQ(context.run(scale), 0) << context.error();
  EXPECT_EQ(context.outputShape(0), std::vector<int64_t>{3});
  EXPECT_EQ(context.output<float>(0)[2], 12);
}

TEST(ContextTest, RunsIntoTheCallersBuffer) {
  float weight = 3, x[] = {1, 2}, y[2] = {};
  heed::Program program({&weight});
  heed::Context context(program, 1, 1, 1);
  context.setInput(0, x, {2});
  context.setOutput(0, sizeof(float), y, sizeof y);
  ASSERT_EQ(context.run(scale), 0);
  EXPECT_EQ(context.output<float>(0), y);
  EXPECT_EQ(y[1], 6);
}

TEST(ContextTest, RefusesASmallBufferAndRecovers) {
  float weight = 3, x[] = {1, 2}, y[2] = {};
  heed::Program program({&weight});
  heed::Context context(program, 1, 1, 1);
  context.setInput(0, x, {2});
  context.setOutput(0, sizeof(float), y, 4);
  EXPECT_NE(context.run(scale), 0);
  EXPECT_STREQ(context.error(),
               "output 0: expected a buffer of 8 bytes, got 4");
  context.setOutput(0, sizeof(float), y, 8);
  EXPECT_EQ(context.run(scale), 0);
  EXPECT_STREQ(context.error(), "");
}

TEST(ContextTest, RefusesIndicesAndSizesOutOfRange) {
  heed::Program program;
  heed::Context context(program, 1, 1, 1);
  EXPECT_FALSE(context.setInput(1, nullptr, {}));
  EXPECT_FALSE(context.setOutput(0, 0));
  EXPECT_EQ(heed_input(context.get(), 7), nullptr);
  EXPECT_STREQ(context.error(), "input 7: the context has 1");
  heed_context_reset(context.get());
  EXPECT_EQ(heed_weight(context.get(), 0), nullptr);
  EXPECT_STREQ(context.error(), "weight 0: the context has 0");
  heed_context_reset(context.get());
  context.setOutput(0, 4);
  for (int64_t bad : {int64_t(-1), int64_t(1) << 62}) {
    heed_context_reset(context.get());
    EXPECT_EQ(heed_output(context.get(), 0, 1, &bad), nullptr);
    EXPECT_STREQ(context.error(), "output 0: its size is not a size");
  }
}

TEST(ContextTest, KeepsTheFirstMessage) {
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  heed_fail(context.get(), "first");
  heed_fail(context.get(), "second");
  EXPECT_EQ(heed_status(context.get()), 1);
  EXPECT_STREQ(context.error(), "first");
}

TEST(ContextTest, ArenaIsAlignedAndGrows) {
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  for (int64_t bytes : {0, 1, 100, 5 << 20, 64}) {
    auto *memory = static_cast<char *>(heed_arena(context.get(), bytes));
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    std::memset(memory, 1, static_cast<size_t>(bytes));
  }
  EXPECT_GE(heed_context_scratch_bytes(context.get()), 5 << 20);
}

TEST(ContextTest, PartsOfTheArenaDoNotMoveEachOther) {
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  auto *first = static_cast<char *>(heed_arena(context.get(), 64));
  auto *third = static_cast<char *>(heed_arena_part(context.get(), 2, 64));
  ASSERT_NE(first, nullptr);
  ASSERT_NE(third, nullptr);
  first[0] = 1;
  third[0] = 3;
  ASSERT_NE(heed_arena_part(context.get(), 1, 5 << 20), nullptr);
  ASSERT_NE(heed_arena_part(context.get(), 9, 64), nullptr);
  EXPECT_EQ(heed_arena_part(context.get(), 0, 64), first);
  EXPECT_EQ(heed_arena_part(context.get(), 2, 64), third);
  EXPECT_EQ(first[0], 1);
  EXPECT_EQ(third[0], 3);
  EXPECT_GE(heed_context_scratch_bytes(context.get()), 5 << 20);
  EXPECT_EQ(heed_arena_part(context.get(), 1, -1), nullptr);
  EXPECT_EQ(heed_arena_part(context.get(), 2, INT64_MAX), nullptr);
  EXPECT_STREQ(context.error(), "out of memory for the arena");
}

TEST(ContextTest, BlocksLastToTheEndOfTheRun) {
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  auto *first = static_cast<char *>(heed_block(context.get(), 64));
  auto *second = static_cast<char *>(heed_block(context.get(), 64));
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_NE(first, second);
  EXPECT_GE(heed_context_scratch_bytes(context.get()), 128);
  heed_context_reset(context.get());
  EXPECT_EQ(heed_context_scratch_bytes(context.get()), 0);
  EXPECT_EQ(heed_block(context.get(), -1), nullptr);
  EXPECT_STREQ(context.error(),
               "out of memory for a value of a loop or branch");
}

TEST(ContextTest, ArenaReportsThatThereIsNoMemory) {
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  EXPECT_EQ(heed_arena(context.get(), INT64_MAX), nullptr);
  EXPECT_EQ(heed_arena(context.get(), int64_t(1) << 60), nullptr);
  EXPECT_STREQ(context.error(), "out of memory for the arena");
  heed_context_reset(context.get());
  EXPECT_NE(heed_arena(context.get(), 64), nullptr);
}

TEST(ContextTest, ContextsOfOneProgramAreIndependent) {
  float weight = 2;
  heed::Program program({&weight});
  std::vector<std::thread> callers;
  std::vector<int> wrong(8, 0);
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&, caller] {
      heed::Context context(program, 1, 1, 1);
      float x[2] = {float(caller), 1};
      context.setInput(0, x, {2});
      context.setOutput(0, sizeof(float));
      for (int run = 0; run < 1000; ++run)
        wrong[static_cast<size_t>(caller)] +=
            context.run(scale) != 0 ||
            context.output<float>(0)[0] != 2 * float(caller);
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

} // namespace
