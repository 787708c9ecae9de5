// sdpa-test.cpp - the attention kernel, emulated, against the definition in
// doubles.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/reference/Reference.h"
#include "tests/emulate/Emulator.h"
#include "tests/unit/gpu/fixture.h"

#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace heed;
using heed::test::Attention;
using heed::test::Elements;
using reference::Tensor;

namespace {

/// A tensor in (b, h, row, column) of doubles, and its elements in memory.
struct Operand {
  Tensor exact;
  Elements elements;
  std::vector<int64_t> shape; // in memory
};

class Sdpa : public testing::TestWithParam<Attention> {
protected:
  const Attention &a = GetParam();
  std::mt19937 engine{20};

  void check(const std::string &chip);

  double draw(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(engine);
  }

  size_t position(int64_t heads, int64_t rows, int64_t columns,
                  const reference::Shape &at) const {
    if (a.layout == test::Layout::BSHD)
      return ((at[0] * rows + at[2]) * heads + at[1]) * columns + at[3];
    size_t head = at[0] * heads + at[1];
    return a.layout == test::Layout::BHDS
               ? (head * columns + at[3]) * rows + at[2]
               : (head * rows + at[2]) * columns + at[3];
  }

  Operand make(int64_t heads, int64_t rows, int64_t columns, double range) {
    Tensor exact({a.b, heads, rows, columns});
    Operand operand{exact, Elements(a.element, exact.size()),
                    a.shape(heads, rows, columns)};
    reference::Shape at(4);
    do {
      operand.exact.at(at) = operand.elements.set(
          position(heads, rows, columns, at), draw(-range, range));
    } while (reference::next(at, operand.exact.shape));
    return operand;
  }

  /// The error that an element of o may have. p is rounded to 16 bits for its
  /// product, and the result: half a unit in the last place each, of numbers up
  /// to 1. For f32: 8·(1 + keys) units of the result, or, where it cancels, a
  /// unit of `magnitude` = Σ p·|v| and what a unit in each product of q and k
  /// makes of p: `score` = scale·Σ|q·k|. In tf32 alone it were 2^12 of them.
  double bound(double want, double magnitude, double score) const {
    if (a.element != "f32")
      return a.element == "bf16" ? 0x1p-8 : 0x1p-11;
    constexpr double kEps = 0x1p-23;
    return kEps * (8 * (1 + a.j) * std::abs(want) + (1 + score) * magnitude);
  }

  /// The largest scale·Σ|q·k|.
  double largestScore(const Tensor &q, const Tensor &k) const {
    double largest = 0;
    for (int64_t b = 0; b < a.b; ++b)
      for (int64_t h = 0; h < a.h; ++h)
        for (int64_t i = 0; i < a.i; ++i)
          for (int64_t j = 0; j < a.j; ++j) {
            double sum = 0;
            for (int64_t d = 0; d < a.d; ++d)
              sum +=
                  std::abs(q.at({b, h, i, d}) * k.at({b, h / a.group, j, d}));
            largest = std::max(largest, std::abs(a.scale) * sum);
          }
    return largest;
  }
};

reference::SdpaParams params(const Attention &a) {
  reference::SdpaParams params;
  params.scale = a.scale;
  auto has = [&](const char *text) {
    return a.attributes.find(text) != std::string::npos;
  };
  if (has("top_left"))
    params.causal = reference::Causal::TopLeft;
  if (has("bottom_right"))
    params.causal = reference::Causal::BottomRight;
  if (has("<zero>"))
    params.maskedRows = reference::MaskedRows::Zero;
  if (has("<uniform>"))
    params.maskedRows = reference::MaskedRows::Uniform;
  if (has("softcap"))
    params.softcap = 5;
  int left, right;
  size_t window = a.attributes.find("array<i64: ");
  if (window != std::string::npos &&
      std::sscanf(a.attributes.c_str() + window, "array<i64: %d, %d>", &left,
                  &right) == 2) {
    params.windowLeft = left;
    params.windowRight = right;
  }
  if (!a.score.empty() && !a.hasTable)
    params.score = [](double s, int64_t, int64_t, int64_t i, int64_t j) {
      return std::log(std::exp(std::tanh(s - 0.05 * double(i - j))) + 1);
    };
  return params;
}

void Sdpa::check(const std::string &chip) {
  auto module = test::lower(test::print(a), chip);
  ASSERT_TRUE(module);
  Operand q = make(a.h, a.i, a.d, 2), k = make(a.h / a.group, a.j, a.d, 2);
  Operand v = make(a.h / a.group, a.j, a.e, 1), o = make(a.h, a.i, a.e, 1);
  std::vector<emulate::Buffer> buffers;
  for (Operand *operand : {&q, &k, &v})
    buffers.push_back(
        {operand->elements.data(), operand->shape, operand->elements.bytes()});
  reference::SdpaParams definition = params(a);

  Elements bias(a.element, a.h * a.i * a.j);
  if (a.hasBias) {
    definition.bias = Tensor({1, a.h, a.i, a.j});
    for (size_t at = 0; at < definition.bias->size(); ++at) {
      // Some keys are masked by what an exporter adds: the lowest number.
      double least = a.element == "f16" ? -65504 : -3.3e38;
      double value = at % 7 == 3 ? least : draw(-3, 3);
      definition.bias->data[at] = bias.set(at, value);
    }
    buffers.push_back({bias.data(), {a.h, a.i, a.j}, bias.bytes()});
  }
  std::vector<uint8_t> mask(a.b * a.j);
  if (a.hasMask) {
    definition.mask = Tensor({a.b, 1, 1, a.j});
    for (int64_t at = 0; at < a.b * a.j; ++at) {
      // The last batch attends nothing.
      mask[at] = at / a.j < a.b - 1 && at % 3 != 1;
      definition.mask->data[at] = mask[at];
    }
    buffers.push_back({mask.data(), {a.b, a.j}, 1});
  }
  std::vector<int64_t> lengths(a.b);
  if (a.hasKvLength) {
    definition.kvLength = Tensor({a.b});
    for (int64_t b = 0; b < a.b; ++b) {
      // The first attends nothing, the last more than there is.
      lengths[b] = b == 0 ? 0 : b + 1 == a.b ? a.j + 9 : a.j / 3;
      definition.kvLength->data[b] = std::min(lengths[b], a.j);
    }
    buffers.push_back({lengths.data(), {a.b}, 8});
  }
  std::vector<float> table(a.i + a.j - 1);
  if (a.hasTable) {
    for (float &value : table)
      value = draw(-2, 2);
    definition.score = [&](double s, int64_t, int64_t, int64_t i, int64_t j) {
      return s + table[i - j + a.j - 1];
    };
    buffers.push_back({table.data(), {a.i + a.j - 1}, 4});
  }
  buffers.push_back({o.elements.data(), o.shape, o.elements.bytes()});
  std::vector<float> lse(a.b * a.h * a.i, 77);
  if (a.hasLse)
    buffers.push_back({lse.data(), {a.b, a.h, a.i}, 4});

  emulate::Report report = emulate::run(*module, "main", buffers);
  for (const std::string &error : report.errors)
    ADD_FAILURE() << error;
  EXPECT_EQ(report.launches, a.launches);
  EXPECT_EQ(report.bankConflicts, 0);

  auto expected = reference::sdpa(q.exact, k.exact, v.exact, definition);
  Tensor magnitudes = v.exact;
  for (double &value : magnitudes.data)
    value = std::abs(value);
  auto magnitude = reference::sdpa(q.exact, k.exact, magnitudes, definition);
  double score = largestScore(q.exact, k.exact);
  double worst = 0; // of the bound
  int64_t wrong = 0;
  reference::Shape at(4);
  do {
    double got = o.elements.get(position(a.h, a.i, a.e, at));
    double want = expected.o.at(at);
    if (std::isnan(want) || std::isnan(got)) {
      wrong += std::isnan(want) != std::isnan(got);
      continue;
    }
    if (got != want)
      worst = std::max(worst, std::abs(got - want) /
                                  bound(want, magnitude.o.at(at), score));
  } while (reference::next(at, expected.o.shape));
  EXPECT_EQ(wrong, 0) << "NaN where there should be none, or none";
  EXPECT_LE(worst, 1);
  if (!a.hasLse)
    return;
  for (size_t row = 0; row < lse.size(); ++row) {
    double want = expected.lse.data[row];
    if (std::isinf(want))
      EXPECT_EQ(lse[row], want) << row;
    else
      EXPECT_NEAR(lse[row], want, 1e-4) << row;
  }
}

TEST_P(Sdpa, IsTheDefinition) { check("sm_80"); }

TEST_P(Sdpa, IsTheDefinitionOnWarpgroups) { check("sm_90a"); }

INSTANTIATE_TEST_SUITE_P(Gpu, Sdpa, testing::ValuesIn(test::attentions()),
                         [](const auto &info) { return info.param.name; });

} // namespace
