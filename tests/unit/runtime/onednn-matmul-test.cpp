// onednn-matmul-test.cpp - matrix products of oneDNN against the reference
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/unit/runtime/primitive-fixture.h"

#include <cmath>

using namespace heed::runtime;
using heed::reference::Tensor;

namespace {

class OnednnMatmul : public OnednnTest {
protected:
  /// c = a · b with the operands stored in these orders.
  std::string product(const Tensor &a, const Tensor &b, Dims orderA = {},
                      Dims orderB = {}, Dims orderC = {},
                      bool constant = true) {
    Tensor expected = heed::reference::matmul(a, b);
    Array arrayA = Array::of(a, orderA), arrayB = Array::of(b, orderB);
    Array arrayC = Array::of(Tensor(expected.shape), orderC);
    // Batch dims that the weights lack.
    while (arrayB.layout.size() < expected.shape.size())
      arrayB.layout.insert(arrayB.layout.begin(), -1);
    return expect({PrimitiveKind::Matmul,
                   {{OperandRole::Source, false, &arrayA},
                    {OperandRole::Weights, constant, &arrayB},
                    {OperandRole::Destination, false, &arrayC}}},
                  expected);
  }
};

TEST_F(OnednnMatmul, Plain) {
  for (bool constant : {true, false})
    for (Dims mnk : {Dims{40, 120, 64}, Dims{1, 17, 33}, Dims{5, 1, 7},
                     Dims{1, 1, 1}, Dims{128, 384, 1}}) {
      std::string name =
          product(random({mnk[0], mnk[2]}, 1), random({mnk[2], mnk[1]}, 2), {},
                  {}, {}, constant);
      EXPECT_EQ(name.find("ref"), std::string::npos) << name;
    }
}

TEST_F(OnednnMatmul, TransposedOperands) {
  Tensor a = random({12, 20}, 3), b = random({20, 24}, 4);
  for (bool constant : {true, false})
    for (const Dims &orderA : {Dims{0, 1}, Dims{1, 0}})
      for (const Dims &orderB : {Dims{0, 1}, Dims{1, 0}})
        for (const Dims &orderC : {Dims{0, 1}, Dims{1, 0}}) {
          std::string name = product(a, b, orderA, orderB, orderC, constant);
          EXPECT_EQ(name.find("ref"), std::string::npos) << name;
        }
}

TEST_F(OnednnMatmul, OneColumnStoredAsRows) {
  product(random({2, 10, 32}, 5), random({32, 1}, 6), {}, {}, {0, 2, 1});
}

TEST_F(OnednnMatmul, BatchFoldsIntoRows) {
  Tensor a = random({3, 2, 5, 16}, 5), b = random({16, 8}, 6);
  EXPECT_EQ(product(a, b).find("ref"), std::string::npos);
  // (b, m) swapped in memory: rows of one batch do not lie together.
  product(a, b, {0, 2, 1, 3}, {}, {});
  product(a, b, {0, 2, 1, 3}, {}, {0, 2, 1, 3});
  product(random({7, 1, 16}, 5), b);
  // Many batches of few rows, transposed on the way: the larger dim is the rows.
  Tensor few = random({9, 2, 16}, 7);
  product(few, b, {}, {}, {1, 0, 2});
  product(few, b, {1, 0, 2}, {}, {});
  product(random({3, 9, 2, 16}, 8), b, {}, {}, {0, 2, 1, 3}, false);
}

TEST_F(OnednnMatmul, BatchesOfBoth) {
  Tensor a = random({2, 3, 5, 16}, 7), b = random({2, 3, 16, 9}, 8);
  EXPECT_EQ(product(a, b, {}, {}, {}, false).find("ref"), std::string::npos);
  // Heads between the rows and the columns, as after a split of heads.
  product(a, b, {0, 2, 1, 3}, {0, 2, 1, 3}, {0, 2, 1, 3}, false);
  product(a, b, {0, 2, 1, 3}, {0, 3, 1, 2}, {}, false);
  product(random({2, 3, 5, 16}, 9), random({1, 3, 16, 9}, 10), {}, {}, {},
          false);
}

TEST_F(OnednnMatmul, BiasAndPostOps) {
  Tensor a = random({2, 6, 16}, 11), b = random({16, 8}, 12);
  Tensor bias = random({8}, 13), scale = random({8}, 14);
  Tensor residual = random({2, 6, 8}, 15);
  Tensor expected = heed::reference::matmul(a, b);
  for (int64_t i = 0; i < expected.size(); ++i) {
    size_t n = static_cast<size_t>(i % 8), at = static_cast<size_t>(i);
    double y = expected.data[at] + bias.data[n];
    y = y / 2 * (1 + std::erf(y / std::sqrt(2.0)));
    y = y * scale.data[n] + residual.data[at];
    expected.data[at] = std::max(y, 0.0);
  }
  Array arrays[] = {Array::of(a),        Array::of(b),
                    Array::of(bias),     Array::of(scale),
                    Array::of(residual), Array::of(Tensor(expected.shape))};
  arrays[1].layout = {-1, 0, 1};
  arrays[3].layout = {-1, -1, 0};
  expect({PrimitiveKind::Matmul,
          {{OperandRole::Source, false, &arrays[0]},
           {OperandRole::Weights, true, &arrays[1]},
           {OperandRole::Bias, true, &arrays[2]},
           {OperandRole::PostOp, true, &arrays[3]},
           {OperandRole::PostOp, false, &arrays[4]},
           {OperandRole::Destination, false, &arrays[5]}},
          {},
          {},
          {},
          {},
          {},
          {{PostOpKind::GeluErf},
           {PostOpKind::Mul, 0, 0, 3},
           {PostOpKind::Add, 0, 0, 4},
           {PostOpKind::Relu}}},
         expected);
}

// Constant weights are packed once, whichever family of primitives that takes:
// a general GEMM packs them at each call.
TEST_F(OnednnMatmul, ConstantWeightsArePacked) {
  Tensor b = random({40, 24}, 12), bias = random({24}, 13);
  Tensor scale = random({24}, 14);
  for (int64_t rows : {2, 4, 5, 8, 13, 50}) {
    SCOPED_TRACE(rows);
    Tensor a = random({rows, 40}, 11), residual = random({rows, 24}, 15);
    Tensor expected = heed::reference::matmul(a, b);
    for (int64_t i = 0; i < expected.size(); ++i) {
      size_t n = static_cast<size_t>(i % 24), at = static_cast<size_t>(i);
      double y = std::max(expected.data[at] + bias.data[n], 0.0);
      expected.data[at] = y * scale.data[n] + residual.data[at];
    }
    for (const Dims &order : {Dims{0, 1}, Dims{1, 0}}) {
      Array arrays[] = {Array::of(a),        Array::of(b, order),
                        Array::of(bias),     Array::of(scale),
                        Array::of(residual), Array::of(Tensor(expected.shape))};
      arrays[3].layout = {-1, 0};
      std::string name =
          expect({PrimitiveKind::Matmul,
                  {{OperandRole::Source, false, &arrays[0]},
                   {OperandRole::Weights, true, &arrays[1]},
                   {OperandRole::Bias, true, &arrays[2]},
                   {OperandRole::PostOp, true, &arrays[3]},
                   {OperandRole::PostOp, false, &arrays[4]},
                   {OperandRole::Destination, false, &arrays[5]}},
                  {},
                  {},
                  {},
                  {},
                  {},
                  {{PostOpKind::Relu},
                   {PostOpKind::Mul, 0, 0, 3},
                   {PostOpKind::Add, 0, 0, 4}}},
                 expected);
      EXPECT_NE(name.find("gemm"), 0u) << name;
    }
  }
}

// The layers of a network call one site, each with its own weights.
TEST_F(OnednnMatmul, EachConstantIsPacked) {
  Tensor a = random({50, 40}, 21);
  Tensor b[] = {random({40, 24}, 22), random({40, 24}, 23)};
  Array source = Array::of(a), result = Array::of(Tensor({50, 24}));
  Array weights[] = {Array::of(b[0], {1, 0}), Array::of(b[1], {1, 0})};
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  std::vector<int64_t> record;
  for (int run = 0; run < 2; ++run)
    for (int layer = 0; layer < 2; ++layer) {
      Primitive primitive{PrimitiveKind::Matmul,
                          {{OperandRole::Source, false, &source},
                           {OperandRole::Weights, true, &weights[layer]},
                           {OperandRole::Destination, false, &result}}};
      if (record.empty())
        record = primitive.record();
      ASSERT_EQ(heed_onednn_primitive(context.get(), record.data(),
                                      primitive.call().data()),
                0)
          << context.error();
      compare(result, heed::reference::matmul(a, b[layer]));
    }
}

// Rows that are slices of longer ones lie apart.
TEST_F(OnednnMatmul, RowsApart) {
  Tensor a = random({8, 40}, 11), b = random({32, 24}, 12);
  Tensor left({8, 32});
  for (int64_t row = 0; row < 8; ++row)
    for (int64_t k = 0; k < 32; ++k)
      left.at({row, k}) = a.at({row, k});
  Array arrays[] = {Array::of(a), Array::of(b), Array::of(Tensor({8, 24}))};
  arrays[0].sizes[1] = 32;
  expect({PrimitiveKind::Matmul,
          {{OperandRole::Source, false, &arrays[0]},
           {OperandRole::Weights, true, &arrays[1]},
           {OperandRole::Destination, false, &arrays[2]}}},
         heed::reference::matmul(left, b));
}

TEST_F(OnednnMatmul, BiasOfAColumnResult) {
  Tensor a = random({6, 16}, 11), b = random({16, 8}, 12);
  Tensor bias = random({8}, 13), expected = heed::reference::matmul(a, b);
  for (int64_t i = 0; i < expected.size(); ++i)
    expected.data[static_cast<size_t>(i)] +=
        bias.data[static_cast<size_t>(i % 8)];
  Array arrays[] = {Array::of(a), Array::of(b), Array::of(bias),
                    Array::of(Tensor(expected.shape), {1, 0})};
  std::string name = expect({PrimitiveKind::Matmul,
                             {{OperandRole::Source, false, &arrays[0]},
                              {OperandRole::Weights, true, &arrays[1]},
                              {OperandRole::Bias, true, &arrays[2]},
                              {OperandRole::Destination, false, &arrays[3]}}},
                            expected);
  EXPECT_EQ(name.find("ref"), std::string::npos) << name;
}

// The other operand of a post-op is found by offsets in the result, in whatever
// order that has its dims.
TEST_F(OnednnMatmul, PostOpOfAResultInAnyOrder) {
  Tensor a = random({3, 2, 16}, 11), b = random({16, 8}, 12);
  Tensor scale = random({8}, 14), expected = heed::reference::matmul(a, b);
  for (int64_t i = 0; i < expected.size(); ++i)
    expected.data[static_cast<size_t>(i)] *=
        scale.data[static_cast<size_t>(i % 8)];
  const std::vector<int64_t> orders[] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1},
                                         {2, 0, 1}, {1, 2, 0}, {2, 1, 0}};
  for (const std::vector<int64_t> &source : orders)
    for (const std::vector<int64_t> &result : orders) {
      Array arrays[] = {Array::of(a, source), Array::of(b), Array::of(scale),
                        Array::of(Tensor(expected.shape), result)};
      arrays[1].layout = {-1, 0, 1};
      arrays[2].layout = {-1, -1, 0};
      expect({PrimitiveKind::Matmul,
              {{OperandRole::Source, false, &arrays[0]},
               {OperandRole::Weights, false, &arrays[1]},
               {OperandRole::PostOp, false, &arrays[2]},
               {OperandRole::Destination, false, &arrays[3]}},
              {},
              {},
              {},
              {},
              {},
              {{PostOpKind::Mul, 0, 0, 2}}},
             expected);
    }
}

TEST_F(OnednnMatmul, NoRows) { product(random({0, 4}, 1), random({4, 3}, 2)); }

TEST_F(OnednnMatmul, RefusesAnEmptySum) {
  Array a = Array::of(Tensor({2, 0})), b = Array::of(Tensor({0, 3}));
  Array c = Array::of(Tensor({2, 3}));
  Primitive primitive{PrimitiveKind::Matmul,
                      {{OperandRole::Source, false, &a},
                       {OperandRole::Weights, false, &b},
                       {OperandRole::Destination, false, &c}}};
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  auto record = primitive.record(), call = primitive.call();
  EXPECT_NE(heed_onednn_primitive(context.get(), record.data(), call.data()),
            0);
  EXPECT_STREQ(context.error(), "an operand has no elements, the result does");
}

TEST_F(OnednnMatmul, RefusesAnotherVersion) {
  std::vector<int64_t> record = {99, 0, 0, 0, 0}, call = {0};
  heed::Program program;
  heed::Context context(program, 0, 0, 1);
  EXPECT_NE(heed_onednn_primitive(context.get(), record.data(), call.data()),
            0);
  EXPECT_STREQ(context.error(), "compiled for another version of the runtime");
}

} // namespace
