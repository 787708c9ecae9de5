// limits-test.cpp - which limit holds for a kernel, and that limits are
// measured at all.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/profile/Limits.h"
#include <gtest/gtest.h>

using namespace heed;

namespace {
/// 100 FLOP a second; 50 B/s in 10 bytes, 20 in 1000.
Limits made() { return {100, {{10, 50}, {1000, 20}}}; }
} // namespace

TEST(LimitsTest, TheLargestSetThatIsNotLargerBounds) {
  Limits limits = made();
  EXPECT_EQ(limits.bandwidthOver(1), 50);
  EXPECT_EQ(limits.bandwidthOver(999), 50);
  EXPECT_EQ(limits.bandwidthOver(1000), 20);
  EXPECT_EQ(limits.bandwidthOver(1e9), 20);
  EXPECT_EQ(Limits().bandwidthOver(10), 0);
}

TEST(LimitsTest, ArithmeticAndBandwidthAtTheSameTime) {
  Limits limits = made();
  EXPECT_EQ(limits.leastSeconds(200, 50), 2); // 2 s and 1 s
  EXPECT_TRUE(limits.isComputeBound(200, 50));
  EXPECT_EQ(limits.leastSeconds(100, 100), 2); // 1 s and 2 s
  EXPECT_FALSE(limits.isComputeBound(100, 100));
  EXPECT_FALSE(limits.isComputeBound(0, 1));
  EXPECT_EQ(Limits().leastSeconds(1, 1), 0);
}

TEST(LimitsTest, MeasuredRatesFallWithTheWorkingSet) {
  Limits limits = measureLimits(1);
  EXPECT_GT(limits.flops, 0);
  ASSERT_EQ(limits.bandwidths.size(), 7u);
  EXPECT_EQ(limits.bandwidths.front().bytes, 16 << 10);
  for (size_t i = 0; i < limits.bandwidths.size(); ++i) {
    EXPECT_GT(limits.bandwidths[i].rate, 0);
    if (i > 0) {
      EXPECT_LE(limits.bandwidths[i].rate, limits.bandwidths[i - 1].rate);
      EXPECT_EQ(limits.bandwidths[i].bytes, 4 * limits.bandwidths[i - 1].bytes);
    }
  }
}
