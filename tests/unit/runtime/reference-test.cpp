// reference-test.cpp - the oracle against values worked out by hand
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/reference/Reference.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace heed::reference;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor iota(Shape shape, double first = 0, double step = 1) {
  Tensor t(std::move(shape));
  for (double &value : t.data) {
    value = first;
    first += step;
  }
  return t;
}

TEST(ReferenceSoftmax, RowsSumToOne) {
  Tensor x = iota({3, 5}, -2, 0.37);
  Tensor y = softmax(x, 1);
  for (int64_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < 5; ++j)
      sum += y.at({i, j});
    EXPECT_NEAR(sum, 1, 1e-15);
  }
  EXPECT_NEAR(softmax(Tensor({2}, {0, std::log(3.0)}), 0).data[1], 0.75, 1e-15);
}

TEST(ReferenceSoftmax, TakesLargeScoresAndOtherAxes) {
  Tensor y = softmax(Tensor({2, 2}, {90000, -90000, 90000, -90001}), 0);
  EXPECT_EQ(y.data[0], 0.5);
  EXPECT_NEAR(y.data[1], 1 / (1 + std::exp(-1.0)), 1e-15);
}

TEST(ReferenceSoftmax, OneElementAndNone) {
  EXPECT_EQ(softmax(Tensor({1, 1}, {-1e300}), 1).data[0], 1);
  EXPECT_TRUE(std::isnan(softmax(Tensor({1}, {-kInfinity}), 0).data[0]));
  EXPECT_EQ(softmax(Tensor({0, 3}), 1).size(), 0);
}

TEST(ReferenceMatmul, BatchesBroadcast) {
  Tensor a = iota({2, 1, 2}), b({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(matmul(a, b).data, (std::vector<double>{3, 4, 11, 16}));
  EXPECT_EQ(matmul(a, b).shape, (Shape{2, 1, 2}));
  EXPECT_THROW(matmul(a, iota({3, 2})), std::invalid_argument);
}

TEST(ReferenceConvolution, PadsStridesAndGroups) {
  // One channel, 1-D: x = 1 2 3 4, w = 1 10, padded by one zero in front.
  Tensor x = iota({1, 1, 4}, 1), w({1, 1, 2}, {1, 10});
  ConvParams p{{2}, {1}, {1}, {0}, 1};
  EXPECT_EQ(convolution(x, w, std::nullopt, p).data,
            (std::vector<double>{10, 32}));
  p = {{1}, {2}, {0}, {0}, 1};
  EXPECT_EQ(convolution(x, w, Tensor({1}, {100}), p).data,
            (std::vector<double>{131, 142}));
  // Depthwise: each channel by its own weight.
  Tensor two({1, 2, 1}, {5, 7}), scale({2, 1, 1}, {2, 3});
  EXPECT_EQ(convolution(two, scale, std::nullopt, {{1}, {1}, {0}, {0}, 2}).data,
            (std::vector<double>{10, 21}));
}

TEST(ReferenceConvolution, DeconvolutionIsItsTranspose) {
  // ⟨conv(x), y⟩ = ⟨x, deconv(y)⟩
  Tensor x = iota({1, 2, 5, 4}, -3, 0.7), w = iota({3, 2, 3, 2}, 2, -0.3);
  ConvParams p{{2, 1}, {1, 2}, {1, 0}, {1, 1}, 1};
  Tensor cx = convolution(x, w, std::nullopt, p);
  Tensor y = iota(cx.shape, 1, -0.2);
  Tensor dy = deconvolution(y, w, std::nullopt, p);
  ASSERT_EQ(dy.shape, x.shape);
  double left = 0, right = 0;
  for (size_t i = 0; i < y.data.size(); ++i)
    left += cx.data[i] * y.data[i];
  for (size_t i = 0; i < x.data.size(); ++i)
    right += x.data[i] * dy.data[i];
  EXPECT_NEAR(left, right, 1e-9);
}

TEST(ReferencePool, CountsPaddingOnRequestOnly) {
  Tensor x({1, 1, 3}, {1, 2, 6});
  ConvParams p{{1}, {1}, {1}, {0}, 1};
  EXPECT_EQ(pool(x, Pool::Avg, {2}, p).data, (std::vector<double>{1, 1.5, 4}));
  EXPECT_EQ(pool(x, Pool::AvgIncludePad, {2}, p).data,
            (std::vector<double>{0.5, 1.5, 4}));
  EXPECT_EQ(pool(x, Pool::Max, {2}, p).data, (std::vector<double>{1, 2, 6}));
}

TEST(ReferenceGate, PoolsExcitesAndScales) {
  Tensor x({1, 2, 2}, {1, 3, 5, 9});
  auto half = [](const std::vector<Tensor> &pooled) {
    Tensor g = pooled[0];
    for (double &value : g.data)
      value /= 2;
    return g;
  };
  EXPECT_EQ(gate(x, {2}, {Pool::Avg}, half).data,
            (std::vector<double>{1, 3, 17.5, 31.5}));
  EXPECT_EQ(gate(x, {1}, {Pool::Max}, half).data,
            (std::vector<double>{2.5, 13.5, 12.5, 40.5}));
  auto residual = [](double x, double g, const std::vector<double> &r) {
    return x * g + r[0];
  };
  EXPECT_EQ(gate(x, {2}, {Pool::Avg}, half, {x}, residual).data,
            (std::vector<double>{2, 6, 22.5, 40.5}));
}

struct Sdpa : testing::Test {
  Tensor q = iota({1, 2, 3, 2}, -1, 0.1), k = iota({1, 2, 4, 2}, 1, -0.2);
  Tensor v = iota({1, 2, 4, 3}, 0, 1);
  SdpaParams p;
};

TEST_F(Sdpa, EqualsSoftmaxOfMatmuls) {
  p.scale = 0.5;
  Tensor kt({1, 2, 2, 4});
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t d = 0; d < 2; ++d)
        kt.at({0, h, d, j}) = 0.5 * k.at({0, h, j, d});
  Tensor expected = matmul(softmax(matmul(q, kt), 3), v);
  SdpaResult got = sdpa(q, k, v, p);
  for (size_t i = 0; i < expected.data.size(); ++i)
    EXPECT_NEAR(got.o.data[i], expected.data[i], 1e-12);
}

TEST_F(Sdpa, WeightsSumToOneWithLargeScores) {
  p.scale = 1e5;
  Tensor ones(v.shape, 1.0);
  for (double value : sdpa(q, k, ones, p).o.data)
    EXPECT_NEAR(value, 1, 1e-12);
}

TEST_F(Sdpa, OneKeyCopiesItsValue) {
  p.kvLength = Tensor({1}, {1});
  SdpaResult got = sdpa(q, k, v, p);
  for (int64_t i = 0; i < 3; ++i)
    EXPECT_EQ(got.o.at({0, 1, i, 2}), v.at({0, 1, 0, 2}));
}

TEST_F(Sdpa, CausalEitherWay) {
  // Three queries, four keys, v[.., j, 0] = 3j: the first row tells which keys.
  p.scale = 0;
  p.causal = Causal::TopLeft;
  EXPECT_EQ(sdpa(q, k, v, p).o.at({0, 0, 0, 0}), 0);
  p.causal = Causal::BottomRight;
  EXPECT_EQ(sdpa(q, k, v, p).o.at({0, 0, 0, 0}), 1.5);
  p.causal = Causal::None;
  p.windowLeft = 0;
  p.windowRight = 1;
  EXPECT_EQ(sdpa(q, k, v, p).o.at({0, 0, 1, 0}), 4.5);
}

TEST_F(Sdpa, MaskedRowsAreWhatWasAskedFor) {
  p.mask = Tensor({1, 1, 3, 1}, {1, 0, 1});
  EXPECT_TRUE(std::isnan(sdpa(q, k, v, p).o.at({0, 0, 1, 0})));
  EXPECT_FALSE(std::isnan(sdpa(q, k, v, p).o.at({0, 0, 0, 0})));
  p.maskedRows = MaskedRows::Zero;
  EXPECT_EQ(sdpa(q, k, v, p).o.at({0, 0, 1, 0}), 0);
  p.maskedRows = MaskedRows::Uniform;
  EXPECT_EQ(sdpa(q, k, v, p).o.at({0, 0, 1, 0}), 4.5);
  EXPECT_EQ(sdpa(q, k, v, p).lse.at({0, 0, 1}), -kInfinity);
}

TEST_F(Sdpa, BiasSoftcapAndScoreChangeTheScore) {
  p.scale = 0;
  p.bias = Tensor({1, 1, 1, 4}, {0, 0, std::log(2.0), -kInfinity});
  EXPECT_NEAR(sdpa(q, k, v, p).o.at({0, 0, 0, 0}), (0 + 3 + 2 * 6) / 4.0,
              1e-12);
  p.bias.reset();
  p.score = [](double s, int64_t, int64_t h, int64_t, int64_t j) {
    return h == 0 && j == 3 ? s : -kInfinity;
  };
  EXPECT_EQ(sdpa(q, k, v, p).o.at({0, 0, 0, 0}), 9);
  p.score = nullptr;
  p.scale = 1e9;
  p.softcap = 1e-9; // every score within ±1e-9: the mean of v
  EXPECT_NEAR(sdpa(q, k, v, p).o.at({0, 0, 0, 0}), 4.5, 1e-6);
}

TEST_F(Sdpa, GroupsShareKeys) {
  Tensor one = iota({1, 1, 4, 2}, 1, -0.2), values = iota({1, 1, 4, 3});
  SdpaResult shared = sdpa(q, one, values, p);
  Tensor twice = one, valuesTwice = values;
  twice.data.insert(twice.data.end(), one.data.begin(), one.data.end());
  valuesTwice.data.insert(valuesTwice.data.end(), values.data.begin(),
                          values.data.end());
  twice.shape[1] = valuesTwice.shape[1] = 2;
  EXPECT_EQ(shared.o.data, sdpa(q, twice, valuesTwice, p).o.data);
}

} // namespace
