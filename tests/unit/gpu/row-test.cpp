// row-test.cpp - norms, softmaxes, rotations and elementwise ops, emulated.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/gpu/fixture.h"
#include "tests/unit/gpu/operands.h"
#include "tests/unit/gpu/rows.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace heed;
using heed::test::Operand;
using heed::test::Row;
using reference::Shape;
using reference::Tensor;

namespace {

class RowTest : public testing::TestWithParam<Row> {};

/// The mean over the last `count` dims of f(x[at], at), for each of the others.
template <typename Function>
void eachRow(const Tensor &x, int64_t count, Function f) {
  int64_t length = 1;
  for (int64_t dim = x.rank() - count; dim < x.rank(); ++dim)
    length *= x.shape[dim];
  for (int64_t first = 0; first < x.size(); first += length)
    f(first, length);
}

Tensor norm(const Row &row, const std::vector<Operand> &all) {
  Tensor y = all[0].exact;
  eachRow(y, row.columnDims, [&](int64_t first, int64_t length) {
    double mean = 0, variance = 0;
    for (int64_t at = first; at < first + length; ++at)
      mean += y.data[at] / length;
    if (row.kind == Row::RMS)
      mean = 0;
    for (int64_t at = first; at < first + length; ++at)
      variance += (y.data[at] - mean) * (y.data[at] - mean) / length;
    for (int64_t at = first; at < first + length; ++at)
      y.data[at] = (y.data[at] - mean) / std::sqrt(variance + 1e-5);
  });
  Shape at(y.rank());
  do {
    auto pick = [&](const Tensor &from) {
      Shape picked;
      for (int64_t dim : row.over)
        picked.push_back(at[dim]);
      return from.at(picked);
    };
    if (!row.over.empty())
      y.at(at) = y.at(at) * pick(all[1].exact) + pick(all[2].exact);
  } while (reference::next(at, y.shape));
  return y;
}

Tensor rope(const Row &row, const std::vector<Operand> &all) {
  Tensor x = all[0].exact, y = x;
  int64_t size = x.shape.back(), pairs = row.rotated / 2;
  int64_t tokens = x.shape[x.rank() - 2];
  for (int64_t line = 0; line < x.size() / size; ++line)
    for (int64_t pair = 0; pair < pairs; ++pair) {
      int64_t a = row.isInterleaved ? 2 * pair : pair;
      int64_t b = row.isInterleaved ? a + 1 : pair + pairs;
      auto table = [&](const Tensor &from, int64_t element) {
        bool isWhole = from.shape.back() == row.rotated;
        return from.at({line % tokens, isWhole ? element : pair});
      };
      const double *in = &x.data[line * size];
      y.data[line * size + a] =
          in[a] * table(all[1].exact, a) - in[b] * table(all[2].exact, a);
      y.data[line * size + b] =
          in[b] * table(all[1].exact, b) + in[a] * table(all[2].exact, b);
    }
  return y;
}

/// gelu(x · w + bias) with w along the last dim, or the transpose of x.
Tensor elementwise(const Row &row, const std::vector<Operand> &all) {
  const Tensor &x = all[0].exact;
  if (row.kind == Row::Transpose) {
    Tensor y({x.shape[0], x.shape[2], x.shape[1]});
    Shape at(3);
    do {
      y.at(at) = x.at({at[0], at[2], at[1]});
    } while (reference::next(at, y.shape));
    return y;
  }
  Tensor y = x;
  Shape at(y.rank());
  do {
    double value =
        x.at(at) * all[1].exact.at({at.back()}) + all[2].exact.at({at.back()});
    y.at(at) = 0.5 * value * (1 + std::erf(value * std::sqrt(0.5)));
  } while (reference::next(at, y.shape));
  return y;
}

TEST_P(RowTest, IsTheDefinition) {
  const Row &row = GetParam();
  auto module = test::lower(row.print(), "sm_80");
  ASSERT_TRUE(module);
  std::mt19937 engine{22};
  std::vector<Operand> all;
  for (const Shape &shape : row.operandShapes())
    all.push_back(test::makeOperand(engine, shape, 2, row.element));

  Tensor expected;
  if (row.kind == Row::Softmax)
    expected = reference::softmax(all[0].exact, all[0].exact.rank() - 1);
  else if (row.kind == Row::Layer || row.kind == Row::RMS)
    expected = norm(row, all);
  else if (row.kind == Row::Rope)
    expected = rope(row, all);
  else
    expected = elementwise(row, all);

  std::vector<emulate::Buffer> buffers;
  for (Operand &operand : all)
    buffers.push_back(operand.buffer());
  emulate::Report report = emulate::run(*module, "main", buffers);
  for (const std::string &error : report.errors)
    ADD_FAILURE() << error;
  EXPECT_EQ(report.launches, 1);
  // One rounding, of numbers up to 8.
  double bound = row.element == "f32"   ? 4e-6
                 : row.element == "f16" ? 0x1p-8
                                        : 0x1p-5;
  EXPECT_LE((row.isInPlace ? all[0] : all[3]).distance(expected), bound);
}

INSTANTIATE_TEST_SUITE_P(Gpu, RowTest, testing::ValuesIn(test::rows()),
                         [](const auto &info) { return info.param.name; });

} // namespace
