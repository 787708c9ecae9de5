// target-descriptor-test.cpp - descriptors of known CPUs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/TargetDescriptor.h"

#include <gtest/gtest.h>

using heed::lower::getTargetDescriptor;

TEST(TargetDescriptor, Haswell) {
  auto target = getTargetDescriptor("haswell");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->vectorBytes, 32u);
  EXPECT_EQ(target->vectorRegisters, 16u);
  EXPECT_TRUE(target->fma);
  EXPECT_FALSE(target->bf16Dot);
  EXPECT_EQ(target->lanes(32), 8u);
  EXPECT_EQ(target->l2Bytes, 256 << 10);
}

TEST(TargetDescriptor, SkylakeAvx512) {
  auto target = getTargetDescriptor("skylake-avx512");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->vectorBytes, 64u);
  EXPECT_EQ(target->vectorRegisters, 32u);
  EXPECT_FALSE(target->bf16Dot);
  EXPECT_EQ(target->l1Bytes, 32 << 10);
  EXPECT_EQ(target->l2Bytes, 1 << 20);
}

TEST(TargetDescriptor, Zen4HasBf16Dot) {
  auto target = getTargetDescriptor("znver4");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->vectorBytes, 64u);
  EXPECT_TRUE(target->bf16Dot);
  EXPECT_EQ(target->lanes(16), 32u);
}

TEST(TargetDescriptor, SapphireRapids) {
  auto target = getTargetDescriptor("sapphirerapids");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->vectorBytes, 64u);
  EXPECT_TRUE(target->bf16Dot);
  EXPECT_EQ(target->l1Bytes, 48 << 10);
  EXPECT_EQ(target->l2Bytes, 2 << 20);
}

TEST(TargetDescriptor, BaselineHasNeitherAvxNorFma) {
  auto target = getTargetDescriptor("x86-64");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->vectorBytes, 16u);
  EXPECT_FALSE(target->fma);
}

TEST(TargetDescriptor, HostIsKnown) {
  auto target = getTargetDescriptor("");
  ASSERT_TRUE(target);
  EXPECT_GE(target->vectorBytes, 16u);
  EXPECT_GT(target->l1Bytes, 0);
}

TEST(TargetDescriptor, UnknownNameIsRefused) {
  EXPECT_FALSE(getTargetDescriptor("no-such-cpu"));
}
