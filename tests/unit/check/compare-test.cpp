// compare-test.cpp - when results count as right.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/check/Compare.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace heed;

namespace {

template <typename T>
Array array(DType type, std::vector<int64_t> shape, std::vector<T> values) {
  Array result;
  result.type = type;
  result.shape = std::move(shape);
  result.data.resize(values.size() * sizeof(T));
  std::memcpy(result.data.data(), values.data(), result.data.size());
  return result;
}

Array floats(std::vector<float> values) {
  int64_t size = values.size();
  return array<float>(DType::F32, {size}, std::move(values));
}

Comparison compare(const Array &got, const Array &want, double atol = 0,
                   double rtol = 0) {
  llvm::Expected<Comparison> result = compareArrays(got, want, atol, rtol);
  if (!result) {
    ADD_FAILURE() << llvm::toString(result.takeError());
    return {};
  }
  return *result;
}

std::string refusal(const Array &got, const Array &want) {
  llvm::Expected<Comparison> result = compareArrays(got, want, 0, 0);
  return result ? "" : llvm::toString(result.takeError());
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Compare, NanEqualsNanOnly) {
  EXPECT_TRUE(compare(floats({kNan}), floats({kNan})).within);
  EXPECT_FALSE(compare(floats({kNan}), floats({0}), 1e9, 1e9).within);
  EXPECT_FALSE(compare(floats({0}), floats({kNan}), 1e9, 1e9).within);
}

TEST(Compare, InfinityEqualsItsLike) {
  EXPECT_TRUE(compare(floats({kInfinity}), floats({kInfinity})).within);
  EXPECT_FALSE(compare(floats({-kInfinity}), floats({kInfinity}), 1, 1).within);
  EXPECT_FALSE(compare(floats({kInfinity}), floats({1}), 1, 1).within);
  // rtol times an infinite expectation is infinite: that must not be a pass.
  EXPECT_FALSE(compare(floats({1}), floats({kInfinity}), 1, 1).within);
}

TEST(Compare, ToleranceIsAbsolutePlusRelative) {
  EXPECT_TRUE(compare(floats({10.5f}), floats({10}), 0.25, 0.025).within);
  EXPECT_FALSE(compare(floats({10.625f}), floats({10}), 0.25, 0.025).within);
  EXPECT_EQ(compare(floats({10.5f}), floats({10}), 1, 0).maxAbsError, 0.5);
}

TEST(Compare, TheWorstElementIsNamed) {
  Array want = array<float>(DType::F32, {2, 3}, {0, 0, 0, 0, 0, 0});
  Array got = array<float>(DType::F32, {2, 3}, {0, 1, 0, 0, 0, 4});
  Comparison result = compare(got, want, 0.5);
  EXPECT_FALSE(result.within);
  EXPECT_EQ(result.maxAbsError, 4);
  EXPECT_NE(result.message.find("[1,2]"), std::string::npos) << result.message;
}

TEST(Compare, IntegersAreExact) {
  Array want = array<int32_t>(DType::I32, {2}, {5, 7});
  Array got = array<int32_t>(DType::I32, {2}, {5, 8});
  EXPECT_TRUE(compare(want, want).within);
  EXPECT_FALSE(compare(got, want, 10, 10).within);
}

// As doubles these two are equal.
TEST(Compare, LargeIntegersAreExact) {
  Array want = array<int64_t>(DType::I64, {1}, {int64_t(1) << 53});
  Array got = array<int64_t>(DType::I64, {1}, {(int64_t(1) << 53) + 1});
  EXPECT_FALSE(compare(got, want).within);
}

TEST(Compare, OtherTypeOrShapeIsAnError) {
  Array vector = floats({0, 0});
  Array matrix = array<float>(DType::F32, {1, 2}, {0, 0});
  Array integers = array<int32_t>(DType::I32, {2}, {0, 0});
  EXPECT_NE(
      refusal(matrix, vector).find("expected float32[2], got float32[1,2]"),
      std::string::npos);
  EXPECT_NE(refusal(integers, vector).find("got int32[2]"), std::string::npos);
}

TEST(Compare, NothingIsEqualToNothing) {
  EXPECT_TRUE(compare(floats({}), floats({})).within);
}

} // namespace
