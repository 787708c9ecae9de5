// onednn-convolution-test.cpp - convolutions and poolings of oneDNN against the
// reference
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/unit/runtime/primitive-fixture.h"

#include <cmath>
#include <thread>

using namespace heed::runtime;
using namespace heed::reference;

namespace {

class OnednnConvolution : public OnednnTest {
protected:
  std::string run(const Tensor &x, const Tensor &w, const ConvParams &p,
                  bool last, std::vector<Primitive::Op> postOps = {},
                  const std::function<double(double)> &f = nullptr) {
    Tensor bias = random({w.shape[0]}, 21);
    Tensor expected = convolution(x, w, bias, p);
    if (f)
      for (double &value : expected.data)
        value = f(value);
    Dims order = last ? kChannelsLast[x.shape.size()] : Dims{};
    Array arrays[] = {Array::of(x, order), weightsArray(w, p.groups),
                      Array::of(bias),
                      Array::of(Tensor(expected.shape), order)};
    Dims kernel(w.shape.begin() + 2, w.shape.end());
    return expect({PrimitiveKind::Convolution,
                   {{OperandRole::Source, false, &arrays[0]},
                    {OperandRole::Weights, true, &arrays[1]},
                    {OperandRole::Bias, true, &arrays[2]},
                    {OperandRole::Destination, false, &arrays[3]}},
                   p.strides,
                   p.dilations,
                   p.padLow,
                   p.padHigh,
                   kernel,
                   std::move(postOps)},
                  expected);
  }
};

void expectFast(const std::string &name) {
  EXPECT_EQ(name.find("ref"), std::string::npos) << name;
  EXPECT_NE(name.find("gemm"), 0u) << name;
}

TEST_F(OnednnConvolution, TwoDims) {
  for (bool last : {false, true})
    for (int64_t channels : {3, 16, 24}) {
      ConvParams p{{2, 1}, {1, 1}, {1, 1}, {1, 0}, 1};
      expectFast(run(random({2, channels, 9, 10}, 1),
                     random({32, channels, 3, 3}, 2), p, last));
      ConvParams one{{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1};
      expectFast(run(random({1, channels, 6, 7}, 1),
                     random({8, channels, 1, 1}, 2), one, last));
    }
}

TEST_F(OnednnConvolution, DepthwiseAndGroups) {
  for (bool last : {false, true}) {
    ConvParams p{{1, 2}, {1, 1}, {2, 2}, {2, 2}, 16};
    expectFast(
        run(random({1, 16, 9, 10}, 3), random({16, 1, 5, 5}, 4), p, last));
    p.groups = 2;
    run(random({1, 8, 9, 10}, 3), random({6, 4, 3, 3}, 4), p, last);
  }
}

TEST_F(OnednnConvolution, Dilated) {
  ConvParams p{{1, 1}, {2, 3}, {2, 0}, {2, 1}, 1};
  for (bool last : {false, true})
    run(random({1, 16, 12, 13}, 5), random({16, 16, 3, 3}, 6), p, last);
}

TEST_F(OnednnConvolution, OneAndThreeDims) {
  for (bool last : {false, true}) {
    run(random({2, 16, 20}, 7), random({24, 16, 5}, 8), {{1}, {1}, {2}, {2}, 1},
        last);
    run(random({1, 4, 5, 6, 7}, 9), random({8, 4, 3, 3, 1}, 10),
        {{1, 2, 1}, {1, 1, 1}, {1, 1, 0}, {1, 1, 0}, 1}, last);
  }
  // ECA: one channel along the channels.
  run(random({2, 1, 64}, 11), random({1, 1, 3}, 12), {{1}, {1}, {1}, {1}, 1},
      false);
}

TEST_F(OnednnConvolution, Activations) {
  struct Case {
    Primitive::Op op;
    std::function<double(double)> f;
  };
  auto clamp = [](double x, double lo, double hi) {
    return std::min(std::max(x, lo), hi);
  };
  const Case cases[] = {
      {{PostOpKind::Relu}, [](double x) { return std::max(x, 0.0); }},
      {{PostOpKind::Relu, 0.1}, [](double x) { return x < 0 ? 0.1 * x : x; }},
      {{PostOpKind::Clip, -0.5, 0.75},
       [=](double x) { return clamp(x, -0.5, 0.75); }},
      {{PostOpKind::Linear, 2, -1}, [](double x) { return 2 * x - 1; }},
      {{PostOpKind::Sigmoid}, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {{PostOpKind::Swish, 1.5},
       [](double x) { return x / (1 + std::exp(-1.5 * x)); }},
      {{PostOpKind::HardSigmoid, 0.2, 0.5},
       [=](double x) { return clamp(0.2 * x + 0.5, 0, 1); }},
      {{PostOpKind::HardSwish, 1.0 / 6, 0.5},
       [=](double x) { return x * clamp(x / 6 + 0.5, 0, 1); }},
      {{PostOpKind::GeluErf},
       [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }},
      {{PostOpKind::GeluTanh},
       [](double x) {
         return x / 2 *
                (1 +
                 std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
       }},
      {{PostOpKind::Tanh}, [](double x) { return std::tanh(x); }},
      {{PostOpKind::Elu, 0.7},
       [](double x) { return x < 0 ? 0.7 * std::expm1(x) : x; }},
      {{PostOpKind::Exp}, [](double x) { return std::exp(x); }},
      {{PostOpKind::Abs}, [](double x) { return std::abs(x); }},
      {{PostOpKind::Square}, [](double x) { return x * x; }},
  };
  Tensor x = random({1, 16, 5, 6}, 13), w = random({16, 16, 1, 1}, 14);
  for (const Case &c : cases) {
    SCOPED_TRACE(static_cast<int64_t>(c.op.kind));
    run(x, w, {{1, 1}, {1, 1}, {0, 0}, {0, 0}, 1}, true, {c.op}, c.f);
  }
}

TEST_F(OnednnConvolution, ResidualInEitherLayout) {
  Tensor x = random({1, 16, 6, 6}, 15), w = random({32, 16, 3, 3}, 16);
  Tensor r = random({1, 32, 6, 6}, 17), s = random({32}, 18);
  ConvParams p{{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1};
  Tensor expected = convolution(x, w, std::nullopt, p);
  Shape index(4, 0);
  do
    expected.at(index) = std::max(
        0.0, expected.at(index) * s.data[static_cast<size_t>(index[1])] +
                 r.at(index));
  while (next(index, expected.shape));
  for (const Dims &order : {Dims{}, kChannelsLast[4]})
    for (const Dims &orderR : {Dims{}, kChannelsLast[4]}) {
      Array arrays[] = {Array::of(x, order), weightsArray(w, 1), Array::of(s),
                        Array::of(r, orderR),
                        Array::of(Tensor(expected.shape), order)};
      arrays[2].layout = {-1, 0, -1, -1};
      expect({PrimitiveKind::Convolution,
              {{OperandRole::Source, false, &arrays[0]},
               {OperandRole::Weights, true, &arrays[1]},
               {OperandRole::PostOp, true, &arrays[2]},
               {OperandRole::PostOp, false, &arrays[3]},
               {OperandRole::Destination, false, &arrays[4]}},
              p.strides,
              p.dilations,
              p.padLow,
              p.padHigh,
              {3, 3},
              {{PostOpKind::Mul, 0, 0, 2},
               {PostOpKind::Add, 0, 0, 3},
               {PostOpKind::Relu}}},
             expected);
    }
}

TEST_F(OnednnConvolution, Transposed) {
  for (bool last : {false, true}) {
    Tensor x = random({1, 12, 5, 6}, 19), w = random({12, 8, 2, 2}, 20);
    ConvParams p{{2, 2}, {1, 1}, {0, 0}, {0, 0}, 1};
    Tensor expected = deconvolution(x, w, std::nullopt, p);
    Dims order = last ? kChannelsLast[4] : Dims{};
    Array arrays[] = {Array::of(x, order), Array::of(w),
                      Array::of(Tensor(expected.shape), order)};
    arrays[1].layout = {-1, 1, 0, 2, 3}; // memory i o k k, logical g o i k k
    expect({PrimitiveKind::Deconvolution,
            {{OperandRole::Source, false, &arrays[0]},
             {OperandRole::Weights, true, &arrays[1]},
             {OperandRole::Destination, false, &arrays[2]}},
            p.strides,
            p.dilations,
            p.padLow,
            p.padHigh,
            {2, 2}},
           expected);
  }
}

TEST_F(OnednnConvolution, Pools) {
  const std::pair<PrimitiveKind, Pool> kinds[] = {
      {PrimitiveKind::PoolAvg, Pool::Avg},
      {PrimitiveKind::PoolAvgIncludePad, Pool::AvgIncludePad},
      {PrimitiveKind::PoolMax, Pool::Max}};
  Tensor x = random({2, 16, 9, 8}, 22);
  ConvParams p{{2, 2}, {1, 1}, {1, 0}, {1, 1}, 1};
  for (bool last : {false, true})
    for (auto [kind, pooling] : kinds) {
      Tensor expected = pool(x, pooling, {3, 2}, p);
      Dims order = last ? kChannelsLast[4] : Dims{};
      Array arrays[] = {Array::of(x, order),
                        Array::of(Tensor(expected.shape), order)};
      expectFast(expect({kind,
                         {{OperandRole::Source, false, &arrays[0]},
                          {OperandRole::Destination, false, &arrays[1]}},
                         p.strides,
                         p.dilations,
                         p.padLow,
                         p.padHigh,
                         {3, 2}},
                        expected));
    }
}

TEST_F(OnednnConvolution, Reorders) {
  Tensor x = random({2, 5, 6, 7}, 23);
  Array from = Array::of(x), to = Array::of(Tensor(x.shape), kChannelsLast[4]);
  expect({PrimitiveKind::Reorder,
          {{OperandRole::Source, false, &from},
           {OperandRole::Destination, false, &to}}},
         x);
}

/// One record serves calls of many shapes, from many callers at a time, and
/// gives the same bits each time.
TEST_F(OnednnConvolution, ManyCallersAndShapes) {
  Tensor w = random({8, 4, 3}, 24);
  Array weights = weightsArray(w, 1);
  Array x = Array::of(random({1, 4, 100}, 25)), y = x;
  Primitive primitive{PrimitiveKind::Convolution,
                      {{OperandRole::Source, false, &x},
                       {OperandRole::Weights, true, &weights},
                       {OperandRole::Destination, false, &y}},
                      {1},
                      {1},
                      {1},
                      {1},
                      {3}};
  std::vector<int64_t> record = primitive.record();
  heed::Program program;
  std::vector<std::thread> callers;
  std::vector<std::vector<float>> results(4);
  for (size_t caller = 0; caller < results.size(); ++caller)
    callers.emplace_back([&, caller] {
      heed::Context context(program, 0, 0, 1);
      for (int64_t round = 0; round < 300; ++round) {
        int64_t length = 3 + round * 7 % 90;
        Array in = Array::of(random({1, 4, length}, 26));
        Array out = Array::of(Tensor({1, 8, length}));
        Primitive own = primitive;
        own.parts[0].array = &in;
        own.parts[2].array = &out;
        auto call = own.call();
        if (heed_onednn_primitive(context.get(), record.data(), call.data()))
          return;
        results[caller].insert(results[caller].end(), out.data.begin(),
                               out.data.end());
        if (round == 7)
          compare(out, convolution(random({1, 4, length}, 26), w, std::nullopt,
                                   {{1}, {1}, {1}, {1}, 1}));
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  ASSERT_FALSE(results[0].empty());
  for (const auto &result : results)
    EXPECT_EQ(result, results[0]);
}

} // namespace
