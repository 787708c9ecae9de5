// table-test.cpp - what a profile's runs say in the mean, and its table.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/profile/Table.h"
#include <gtest/gtest.h>

using namespace heed;

namespace {

/// Four runs of 10, 12, 100 and 200 ms. Kernel 0 is called twice, 2 ms in all;
/// kernel 1 once, 6 or 8 ms; kernel 2 never.
Profile made() {
  Profile profile;
  profile.threads = 1;
  HeedKernelTotal first{2, 2000000, 2e6, 8e6}, never{0, 0, 0, 0};
  using Times = std::pair<double, double>; // of the run, of kernel 1 in ns
  using Times = std::pair<double, double>; // of the run, of kernel 1 in ns
  for (auto [seconds, second] : {Times(0.2, 90e6), Times(0.010, 6e6),
                                 Times(0.1, 90e6), Times(0.012, 8e6)})
    profile.runs.push_back(
        {seconds, {first, {1, int64_t(second), 7e8, 1e5}, never}});
  profile.unmarked = {0.010, 0.5, 0.010, 0.5};
  return profile;
}

const std::vector<ProfiledKernel> kernels{
    {"copy", {}},
    {"onednn.matmul", {"a", "b", "c", "d", "e"}},
    {"fill", {"f"}}};

} // namespace

TEST(ProfileTableTest, TheFasterHalfCounts) {
  ProfileSummary summary = summarize(made());
  EXPECT_EQ(summary.runs, 2u);
  EXPECT_NEAR(summary.seconds, 0.011, 1e-9);
  ASSERT_EQ(summary.rows.size(), 2u); // what was not called is no row
  EXPECT_EQ(summary.rows[0].kernel, 1u);
  EXPECT_NEAR(summary.rows[0].seconds, 0.007, 1e-9);
  EXPECT_EQ(summary.rows[1].calls, 2);
  EXPECT_NEAR(summary.rows[1].seconds, 0.002, 1e-9);
  EXPECT_EQ(summary.rows[1].flops, 1e6); // a call
  EXPECT_NEAR(summary.between, 0.002, 1e-9);
  EXPECT_NEAR(summary.overhead, 0.1, 1e-9); // 11 ms after 10
}

TEST(ProfileTableTest, WithoutRunsThereIsNothing) {
  Profile none;
  ProfileSummary summary = summarize(none);
  EXPECT_EQ(summary.seconds, 0);
  EXPECT_TRUE(summary.rows.empty());
}

TEST(ProfileTableTest, NodesAreListedUpToThree) {
  EXPECT_EQ(nodesOf(kernels[0]), "-");
  EXPECT_EQ(nodesOf(kernels[1]), "a, b, c and 2 more");
  EXPECT_EQ(nodesOf(kernels[2]), "f");
}

TEST(ProfileTableTest, RowsSayTheRateAndThePartOfTheLimit) {
  // 200 GFLOP/s; 16 GB/s up to 1 MiB, 10 GB/s from there on.
  Limits limits{200e9, {{1024, 16e9}, {1 << 20, 10e9}}};
  std::string text;
  llvm::raw_string_ostream os(text);
  printProfile(os, kernels, summarize(made()), limits, 1);
  EXPECT_EQ(
      text,
      R"(profile: 11.0000 ms a run on 1 thread, the mean of the faster 2 runs
limits measured beside it: 200.0 GFLOP/s (f32); 16 GB/s in 1 KiB, 10 GB/s in 1 MiB
marks take 10.0 % of a run: short kernels are shown longer than they are

  share         ms   calls             rate  of limit  kernel         nodes
 63.6 %     7.0000       1    100.0 GFLOP/s      50 %  onednn.matmul  a, b, c and 2 more
 18.2 %     2.0000       2      4.0 GB/s         40 %  copy           -
 18.2 %     2.0000  between kernels
100.0 %    11.0000  the whole run
)");
}
