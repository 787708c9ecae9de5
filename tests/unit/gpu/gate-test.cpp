// gate-test.cpp - the kernels of gates, emulated, against the definition in
// doubles.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/gpu/fixture.h"
#include "tests/unit/gpu/gates.h"
#include "tests/unit/gpu/operands.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace heed;
using heed::test::Gate;
using heed::test::Operand;
using reference::Shape;
using reference::Tensor;

namespace {

/// On a chip without and on one with clusters.
class GateTest : public testing::TestWithParam<std::tuple<Gate, const char *>> {
protected:
  const Gate g = std::get<0>(GetParam());
  const std::string chip = std::get<1>(GetParam());
  std::mt19937 engine{21};

  Operand make(const Shape &shape, double range) {
    return test::makeOperand(engine, shape, range, g.element);
  }
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// Σ relu(p · w1) · w2 over the pools, or the band of an ECA.
Tensor exciteChannels(const Gate &g, const std::vector<Tensor> &pools,
                      const Tensor &w1, const Tensor &w2) {
  Tensor result({g.n, g.c});
  for (const Tensor &pool : pools) {
    Tensor hidden;
    if (g.kind != Gate::ECA) {
      hidden = reference::matmul(pool, w1);
      for (double &value : hidden.data)
        value = std::max(value, 0.0);
      hidden = reference::matmul(hidden, w2);
    }
    for (int64_t n = 0; n < g.n; ++n)
      for (int64_t c = 0; c < g.c; ++c) {
        if (g.kind != Gate::ECA) {
          result.at({n, c}) += hidden.at({n, c});
          continue;
        }
        for (int64_t tap = 0; tap < 3; ++tap)
          if (c + tap - 1 >= 0 && c + tap - 1 < g.c)
            result.at({n, c}) += pool.at({n, c + tap - 1}) * w1.at({0, 0, tap});
      }
  }
  for (double &value : result.data)
    value = sigmoid(value);
  return result;
}

Tensor excitePixels(const Gate &g, const std::vector<Tensor> &pools,
                    const Tensor &w) {
  Tensor both({g.n, 2, g.h, g.w});
  Shape at(4);
  do {
    both.at(at) = pools[at[1]].at({at[0], at[2], at[3]});
  } while (reference::next(at, both.shape));
  Tensor out = reference::convolution(both, w, std::nullopt,
                                      {{1, 1}, {1, 1}, {3, 3}, {3, 3}});
  Tensor result({g.n, g.h, g.w}, out.data);
  for (double &value : result.data)
    value = sigmoid(value);
  return result;
}

TEST_P(GateTest, IsTheDefinition) {
  auto module = test::lower(test::print(g), chip);
  ASSERT_TRUE(module);
  Operand x = make(g.shape(), 2), r = make(g.shape(), 1);
  Operand w1 =
      g.kind == Gate::ECA ? make({1, 1, 3}, 1) : make({g.c, g.hidden}, 1);
  Operand w2 = make({g.hidden, g.c}, 1), ws = make({1, 2, 7, 7}, 0.5);
  Operand y = make(g.shape(), 1);
  Operand *all[] = {&x, &r, &w1, &w2, &ws, &y};

  Tensor expected = x.exact;
  auto epilogue = [&](bool has) {
    return [has](double x, double g, const std::vector<double> &extras) {
      return has ? std::max(x * g + extras[0], 0.0) : x * g;
    };
  };
  auto scale = [&](std::vector<int64_t> dims,
                   std::vector<reference::Pool> pools, bool residual,
                   auto excite) {
    std::vector<Tensor> extras;
    if (residual)
      extras.push_back(r.exact);
    expected = reference::gate(expected, dims, pools, excite, extras,
                               epilogue(residual));
  };
  using reference::Pool;
  if (g.hasChannelGate()) {
    std::vector<Pool> pools{Pool::Avg};
    if (g.kind == Gate::CBAM)
      pools.push_back(Pool::Max);
    scale(g.isNHWC ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{2, 3},
          pools, g.hasResidual && g.kind != Gate::CBAM,
          [&](const std::vector<Tensor> &pools) {
            return exciteChannels(g, pools, w1.exact, w2.exact);
          });
  }
  if (g.hasSpatialGate())
    scale({g.isNHWC ? 3 : 1}, {Pool::Avg, Pool::Max}, g.hasResidual,
          [&](const std::vector<Tensor> &pools) {
            return excitePixels(g, pools, ws.exact);
          });

  std::vector<emulate::Buffer> buffers;
  for (Operand *operand : all)
    buffers.push_back(operand->buffer());
  emulate::Report report = emulate::run(*module, "main", buffers);
  for (const std::string &error : report.errors)
    ADD_FAILURE() << error;
  if (chip == "sm_80")
    EXPECT_GT(report.launches, 1);

  // Pools, g and y are rounded to the element: a unit of the last place each,
  // of numbers up to 3.
  double bound = g.element == "f32"   ? 4e-6
                 : g.element == "f16" ? 0x1p-8
                                      : 0x1p-5;
  EXPECT_LE((g.isInPlace ? x : y).distance(expected), bound);
}

INSTANTIATE_TEST_SUITE_P(Gpu, GateTest,
                         testing::Combine(testing::ValuesIn(test::gates()),
                                          testing::Values("sm_80", "sm_90")),
                         [](const auto &info) {
                           return std::get<0>(info.param).name + "_" +
                                  std::get<1>(info.param);
                         });

// An image in the shared memory of a cluster, read once.
TEST(GateCluster, IsOneLaunch) {
  for (const Gate &gate : test::gates()) {
    if (gate.name != "se" && gate.name != "cbam" && gate.name != "cbam_nhwc")
      continue;
    auto module = test::lower(test::print(gate), "sm_90");
    ASSERT_TRUE(module);
    int64_t launches = 0;
    module->walk([&](mlir::gpu::LaunchFuncOp) { ++launches; });
    EXPECT_EQ(launches, 1) << gate.name;
  }
}

} // namespace
