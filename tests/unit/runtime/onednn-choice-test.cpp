// onednn-choice-test.cpp - which of oneDNN's implementations is asked for
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/onednn/Choice.h"

#include <gtest/gtest.h>

using namespace heed::runtime;

namespace {

using Family = ProductFamily;

TEST(OnednnChoice, FasterImplementations) {
  EXPECT_STREQ(fasterThan("brdgmm_dw:avx2"), "jit_dw:avx2");
  EXPECT_STREQ(fasterThan("brgconv_1x1:avx2"), "jit_1x1:avx2");
  EXPECT_EQ(fasterThan("brgconv_1x1:avx512_core"), nullptr);
  EXPECT_EQ(fasterThan("jit_1x1:avx2"), nullptr);
}

TEST(OnednnChoice, OneRow) {
  EXPECT_EQ(chooseProductFamily(1, 384, 384, 1), Family::Matmul);
  EXPECT_EQ(chooseProductFamily(1, 768, 768, 1), Family::Convolution);
  EXPECT_EQ(chooseProductFamily(1, 768, 768, 2), Family::InnerProduct);
}

TEST(OnednnChoice, FewerTilesThanThreads) {
  EXPECT_EQ(chooseProductFamily(4, 384, 384, 1), Family::Convolution);
  EXPECT_EQ(chooseProductFamily(4, 384, 384, 2), Family::InnerProduct);
  EXPECT_EQ(chooseProductFamily(5, 384, 384, 2), Family::Convolution);
  EXPECT_EQ(chooseProductFamily(12, 384, 384, 4), Family::InnerProduct);
}

TEST(OnednnChoice, FewColumns) {
  EXPECT_EQ(chooseProductFamily(128, 200, 2, 1), Family::InnerProduct);
  EXPECT_EQ(chooseProductFamily(4, 200, 2, 1), Family::Convolution);
  EXPECT_EQ(chooseProductFamily(128, 200, 8, 1), Family::Convolution);
}

TEST(OnednnChoice, ResultsLargerThanWeights) {
  EXPECT_EQ(chooseProductFamily(40, 120, 6625, 1), Family::Convolution);
  EXPECT_EQ(chooseProductFamily(48, 120, 6625, 1), Family::Matmul);
}

} // namespace
