// cost-model-test.cpp - what is chosen for a shape
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cost/CostModel.h"

#include <gtest/gtest.h>
#include <tuple>

using namespace heed::cost;

namespace {

using Family = ProductFamily;

TEST(CostModel, FasterImplementations) {
  EXPECT_STREQ(fasterThan("brdgmm_dw:avx2"), "jit_dw:avx2");
  EXPECT_STREQ(fasterThan("brgconv_1x1:avx2"), "jit_1x1:avx2");
  EXPECT_EQ(fasterThan("brgconv_1x1:avx512_core"), nullptr);
  EXPECT_EQ(fasterThan("jit_1x1:avx2"), nullptr);
}

TEST(CostModel, OneRow) {
  EXPECT_EQ(chooseProductFamily(1, 384, 384, 1), Family::Matmul);
  EXPECT_EQ(chooseProductFamily(1, 768, 768, 1), Family::Convolution);
  EXPECT_EQ(chooseProductFamily(1, 768, 768, 2), Family::InnerProduct);
}

TEST(CostModel, RowsOfOneProductAreShared) {
  EXPECT_EQ(chooseRowParts(64, 64), 1);
  EXPECT_EQ(chooseRowParts(100, 4096), 1); // too few
  EXPECT_EQ(chooseRowParts(512, 512), 4);
  EXPECT_EQ(chooseRowParts(2048, 512), 16);
}

TEST(CostModel, TilesThatAreDealtOutUnevenly) {
  for (auto [rows, threads, family] : {std::tuple{4, 1, Family::Convolution},
                                       {4, 2, Family::InnerProduct},
                                       {5, 2, Family::Convolution},
                                       {8, 2, Family::Convolution},
                                       {9, 2, Family::InnerProduct},
                                       {12, 2, Family::InnerProduct},
                                       {13, 2, Family::Convolution},
                                       {20, 2, Family::Convolution},
                                       {12, 4, Family::InnerProduct},
                                       {16, 4, Family::Convolution},
                                       {24, 4, Family::InnerProduct},
                                       {28, 4, Family::Convolution}})
    EXPECT_EQ(chooseProductFamily(rows, 384, 384, threads), family)
        << rows << " rows on " << threads << " threads";
}

TEST(CostModel, FewColumns) {
  EXPECT_EQ(chooseProductFamily(128, 200, 2, 1), Family::InnerProduct);
  EXPECT_EQ(chooseProductFamily(4, 200, 2, 1), Family::Convolution);
  EXPECT_EQ(chooseProductFamily(128, 200, 8, 1), Family::Convolution);
}

TEST(CostModel, ResultsLargerThanWeights) {
  EXPECT_EQ(chooseProductFamily(40, 120, 6625, 1), Family::Convolution);
  EXPECT_EQ(chooseProductFamily(48, 120, 6625, 1), Family::Matmul);
}

TEST(CostModel, NarrowDeconvolution) {
  EXPECT_TRUE(isNarrowDeconvolution(8));
  EXPECT_FALSE(isNarrowDeconvolution(9));
}

TEST(CostModel, PartsOfAPool) {
  EXPECT_EQ(choosePoolParts(/*tasks=*/1, /*rows=*/3136, 3136 * 256), 16);
  EXPECT_EQ(choosePoolParts(8, 3136, 8 * 3136 * 256), 2);
  EXPECT_EQ(choosePoolParts(1, 49, 49 * 4096), 3) << "16 rows a part at least";
  EXPECT_EQ(choosePoolParts(1, 3136, 3136 * 8), 1) << "no fork for so little";
}

TEST(CostModel, NativeExcitation) {
  EXPECT_TRUE(isNativeExcitation(1 << 20, 1 << 20, 1));
  EXPECT_FALSE(isNativeExcitation(1 << 20, 1 << 20, 8)) << "read 8 times";
  EXPECT_FALSE(isNativeExcitation(16 << 20, 1 << 10, 1));
  EXPECT_TRUE(isNativeExcitation(16 << 20, 1 << 10, 8)) << "image by image";
}

/// 12 heads of 64, as many keys as queries.
Attention attentionOf(int64_t size) {
  return {1, 12, size, size, 64, 64, 0, false, 1, 2 * 12 * size * 64 * 4};
}

TEST(CostModel, BlocksOfAttention) {
  Attention a = attentionOf(512);
  EXPECT_EQ(chooseQueryBlock(a), 128);
  EXPECT_EQ(chooseKeyBlock(a), 512);
  a.causal = true;
  EXPECT_EQ(chooseQueryBlock(a), 64) << "below a diagonal";
  a.window = 65;
  EXPECT_EQ(chooseQueryBlock(a), 32) << "half a window";
  a = attentionOf(512);
  a.width = 256;
  EXPECT_EQ(chooseQueryBlock(a), 64) << "long rows of V";
  a = attentionOf(128);
  a.heads = 1;
  EXPECT_EQ(chooseQueryBlock(a), 32) << "one head, several threads";
  a.queries = a.keys = kUnknown;
  EXPECT_EQ(chooseQueryBlock(a), 128);
  EXPECT_EQ(chooseKeyBlock(a), 512);
  EXPECT_EQ(chooseKeyBlock(attentionOf(600)), 320) << "two equal blocks";
}

TEST(CostModel, HeadsThatShareKeys) {
  Attention a = attentionOf(1);
  a.sharing = 12;
  EXPECT_EQ(chooseGroup(a, 1), 12);
  EXPECT_EQ(chooseGroup(a, 2), 6);
  a.sharing = 1;
  EXPECT_EQ(chooseGroup(a, 1), 1);
}

TEST(CostModel, KeysInParts) {
  Attention a = attentionOf(1);
  a.keys = 8192;
  EXPECT_TRUE(mayLackTasks(a, 1, 1));
  a.heads = 64;
  EXPECT_FALSE(mayLackTasks(a, 1, 1));
  EXPECT_TRUE(mayLackTasks(a, 4, 4)) << "grouped heads are one task";
  a.keys = 512;
  EXPECT_FALSE(mayLackTasks(a, 4, 4)) << "one block of keys";
}

TEST(CostModel, Prefetching) {
  Attention a = attentionOf(1);
  EXPECT_FALSE(isWorthPrefetching(a, 1)) << "in the last-level cache";
  a.keyBytes = int64_t(256) << 20;
  EXPECT_TRUE(isWorthPrefetching(a, 1));
  EXPECT_FALSE(isWorthPrefetching(a, 4));
  a.keyBytes = kUnknown;
  EXPECT_TRUE(isWorthPrefetching(a, 1));
}

} // namespace
