// slice-test.cpp - the ops of a block, and the function they are shown as.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/report/fixture.h"
#include "tools/lib/report/Slice.h"

using namespace heed;
using namespace mlir;

using SliceTest = ReportTest;

namespace {
constexpr const char *kGate = R"(
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>
#two = affine_map<(a, b, c, d) -> (a, b)>
func.func @f(%before: tensor<2x8x4x4xf32>, %w: tensor<8x8xf32>) -> (tensor<2x8x4x4xf32>, tensor<2x8x4x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %f = tensor.empty() : tensor<2x8x4x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %x = linalg.exp ins(%before : tensor<2x8x4x4xf32>) outs(%f : tensor<2x8x4x4xf32>) -> tensor<2x8x4x4xf32>
  %p = linalg.reduce {arith.addf} ins(%x : tensor<2x8x4x4xf32>) outs(%z : tensor<2x8xf32>) dimensions = [2, 3]
  %h = linalg.matmul ins(%p, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%z : tensor<2x8xf32>) -> tensor<2x8xf32>
  %g = linalg.tanh ins(%h : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #two, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %g : tensor<2x8x4x4xf32>, tensor<2x8xf32>) outs(%f : tensor<2x8x4x4xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.mulf %a, %b : f32
      linalg.yield %m : f32
    } -> tensor<2x8x4x4xf32>
  %after = linalg.sqrt ins(%y : tensor<2x8x4x4xf32>) outs(%f : tensor<2x8x4x4xf32>) -> tensor<2x8x4x4xf32>
  return %after, %x : tensor<2x8x4x4xf32>, tensor<2x8x4x4xf32>
})";
} // namespace

TEST_F(SliceTest, GateReachesBackToWhatItScales) {
  parse(kGate);
  Operation *product = find("linalg.generic");
  OpCounts counts = countOps(sliceOfGate(product, {}));
  OpCounts expected = {{"linalg.generic", 1},
                       {"linalg.matmul", 1},
                       {"linalg.reduce", 1},
                       {"linalg.tanh", 1}};
  EXPECT_EQ(counts, expected);
}

TEST_F(SliceTest, AbsorbedOpsBelongToTheGate) {
  parse(kGate);
  Places absorbed = {find("linalg.sqrt")->getLoc()};
  EXPECT_EQ(countOps(sliceOfGate(find("linalg.generic"), absorbed))
                .count("linalg.sqrt"),
            1u);
}

TEST_F(SliceTest, FunctionParsesAndTakesWeightsAsArguments) {
  parse(kGate);
  std::string text = printAsFunction(sliceOfGate(find("linalg.generic"), {}));
  auto again = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(again) << text;
  EXPECT_NE(text.find("%arg1: tensor<8x8xf32>"), std::string::npos) << text;
  // The zero of the sum is shown where it is used.
  EXPECT_NE(text.find("arith.constant 0.000000e+00"), std::string::npos)
      << text;
}

TEST_F(SliceTest, AttentionIsFromProductToProduct) {
  parse(
      R"(func.func @f(%q: tensor<10x16xf32>, %k: tensor<16x10xf32>, %v: tensor<10x16xf32>) -> tensor<10x16xf32> {
    %zero = arith.constant 0.0 : f32
    %se = tensor.empty() : tensor<10x10xf32>
    %oe = tensor.empty() : tensor<10x16xf32>
    %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
    %o0 = linalg.fill ins(%zero : f32) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
    %q2 = linalg.exp ins(%q : tensor<10x16xf32>) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
    %s = linalg.matmul ins(%q2, %k : tensor<10x16xf32>, tensor<16x10xf32>) outs(%s0 : tensor<10x10xf32>) -> tensor<10x10xf32>
    %p = linalg.softmax dimension(1) ins(%s : tensor<10x10xf32>) outs(%se : tensor<10x10xf32>) -> tensor<10x10xf32>
    %o = linalg.matmul ins(%p, %v : tensor<10x10xf32>, tensor<10x16xf32>) outs(%o0 : tensor<10x16xf32>) -> tensor<10x16xf32>
    %t = linalg.tanh ins(%o : tensor<10x16xf32>) outs(%oe : tensor<10x16xf32>) -> tensor<10x16xf32>
    return %t : tensor<10x16xf32> })");
  OpCounts expected = {{"linalg.matmul", 2}, {"linalg.softmax", 1}};
  EXPECT_EQ(countOps(sliceOfAttention(find("linalg.softmax"))), expected);
}

TEST_F(SliceTest, BetweenAValueAndAnOpAreTheWays) {
  parse(kGate);
  Value sum = find("linalg.reduce")->getResult(0);
  OpCounts expected = {{"linalg.matmul", 1}, {"linalg.tanh", 1}};
  EXPECT_EQ(countOps(sliceBetween(sum, find("linalg.tanh"))), expected);
}

TEST_F(SliceTest, CountsNoConstantsAndNothingInsideOps) {
  parse(kGate);
  OpCounts counts = countOps(module->getOperation());
  EXPECT_EQ(counts.count("arith.constant"), 0u);
  EXPECT_EQ(counts.count("arith.mulf"), 0u);
  EXPECT_EQ(counts["linalg.fill"], 1);
}
