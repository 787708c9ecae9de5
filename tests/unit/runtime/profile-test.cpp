// profile-test.cpp - the table of a context's profile
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/support/Host.h"
#include "runtime/support/Profile.h"

#include <gtest/gtest.h>

namespace {

/// Kernel 0 twice, then kernel 1, as compiled code would.
int32_t entry(HeedContext *context) {
  for (int i = 0; i < 2; ++i) {
    heed_profile_begin(context, 0);
    heed_profile_end(context, 0, 10, 100);
  }
  heed_profile_begin(context, 1);
  heed_profile_end(context, 1, 0, 7);
  return heed_status(context);
}

class ProfileTest : public ::testing::Test {
protected:
  std::vector<HeedKernelTotal> totals() {
    int64_t count = 0;
    const HeedKernelTotal *first = heed_profile_totals(context.get(), &count);
    return std::vector<HeedKernelTotal>(first, first + count);
  }
  std::vector<HeedProfileEvent> events(int64_t *lost = nullptr) {
    int64_t count = 0, ignored = 0;
    const HeedProfileEvent *first =
        heed_profile_events(context.get(), &count, lost ? lost : &ignored);
    return std::vector<HeedProfileEvent>(first, first + count);
  }

  heed::Program program;
  heed::Context context{program, 0, 0, 1};
};

TEST_F(ProfileTest, WithoutATableMarksDoNothing) {
  EXPECT_EQ(context.run(entry), 0);
  int64_t count = -1;
  EXPECT_EQ(heed_profile_totals(context.get(), &count), nullptr);
  EXPECT_EQ(count, 0);
  EXPECT_TRUE(events().empty());
  heed_profile_enable(context.get(), 1);
  heed_profile_reset(context.get());
  EXPECT_EQ(context.run(entry), 0);
}

TEST_F(ProfileTest, TotalsAreByKernelAndEventsInOrder) {
  ASSERT_EQ(heed_profile_open(context.get(), 3, 16), 0);
  ASSERT_EQ(context.run(entry), 0);
  std::vector<HeedKernelTotal> sums = totals();
  ASSERT_EQ(sums.size(), 3u);
  EXPECT_EQ(sums[0].calls, 2);
  EXPECT_EQ(sums[0].flops, 20);
  EXPECT_EQ(sums[0].bytes, 200);
  EXPECT_EQ(sums[1].calls, 1);
  EXPECT_EQ(sums[1].bytes, 7);
  EXPECT_EQ(sums[2].calls, 0);
  std::vector<HeedProfileEvent> list = events();
  ASSERT_EQ(list.size(), 3u);
  int64_t last = 0, spent = 0;
  for (const HeedProfileEvent &event : list) {
    EXPECT_LE(last, event.begin);
    EXPECT_LE(event.begin, event.end);
    last = event.end;
    spent += event.end - event.begin;
  }
  EXPECT_EQ(list[2].kernel, 1);
  EXPECT_EQ(spent, sums[0].nanoseconds + sums[1].nanoseconds);
}

TEST_F(ProfileTest, AFullTableLosesEventsAndNoTotals) {
  ASSERT_EQ(heed_profile_open(context.get(), 2, 2), 0);
  ASSERT_EQ(context.run(entry), 0);
  int64_t lost = 0;
  EXPECT_EQ(events(&lost).size(), 2u);
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(totals()[1].calls, 1);
}

TEST_F(ProfileTest, ResetEmptiesIt) {
  ASSERT_EQ(heed_profile_open(context.get(), 2, 2), 0);
  ASSERT_EQ(context.run(entry), 0);
  heed_profile_reset(context.get());
  int64_t lost = 1;
  EXPECT_TRUE(events(&lost).empty());
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(totals()[0].calls, 0);
}

TEST_F(ProfileTest, SwitchedOffItCountsNothing) {
  ASSERT_EQ(heed_profile_open(context.get(), 2, 2), 0);
  heed_profile_enable(context.get(), 0);
  ASSERT_EQ(context.run(entry), 0);
  EXPECT_EQ(totals()[0].calls, 0);
  heed_profile_enable(context.get(), 1);
  ASSERT_EQ(context.run(entry), 0);
  EXPECT_EQ(totals()[0].calls, 2);
}

TEST_F(ProfileTest, AnEndWithoutItsBeginFails) {
  ASSERT_EQ(heed_profile_open(context.get(), 2, 8), 0);
  heed_profile_begin(context.get(), 0);
  heed_profile_end(context.get(), 1, 0, 0);
  EXPECT_NE(heed_status(context.get()), 0);
  EXPECT_STREQ(heed_context_error(context.get()),
               "profile: the end of kernel 1 of 2 without its begin");
  EXPECT_TRUE(events().empty());
}

TEST_F(ProfileTest, AKernelBeyondTheTableFails) {
  ASSERT_EQ(heed_profile_open(context.get(), 1, 8), 0);
  EXPECT_NE(context.run(entry), 0);
  EXPECT_STREQ(context.error(),
               "profile: the end of kernel 1 of 1 without its begin");
}

TEST_F(ProfileTest, ATableOfNoSizeIsRefused) {
  EXPECT_NE(heed_profile_open(context.get(), -1, 8), 0);
  EXPECT_NE(heed_profile_open(context.get(), 1, int64_t(1) << 60), 0);
}

} // namespace
