// cost-test.cpp - FLOPs and bytes against counts by hand.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/cost/Cost.h"
#include "tests/unit/report/fixture.h"

using namespace heed;

TEST(CountTest, AddsAndMultipliesSymbols) {
  Count n = Count::symbol("n"), m = Count::symbol("m");
  Count sum = n * Count(2) + m * n + Count(3) + Count(-3);
  EXPECT_EQ(sum.str(), "2 n + m n");
  EXPECT_FALSE(sum.isConstant());
  EXPECT_EQ(sum.coefficients(), 3);
  EXPECT_EQ((n * n).str(), "n n");
  EXPECT_EQ(Count(0).str(), "0");
  EXPECT_TRUE((Count(4) * Count(5)).isConstant());
  EXPECT_EQ((n * Count(0)).str(), "0");
}

using CostTest = ReportTest;

TEST_F(CostTest, MatmulIsTwoPerProduct) {
  parse(
      R"(func.func @f(%a: tensor<3x5xf32>, %b: tensor<5x7xf32>, %c: tensor<3x7xf32>) -> tensor<3x7xf32> {
    %0 = linalg.matmul ins(%a, %b : tensor<3x5xf32>, tensor<5x7xf32>) outs(%c : tensor<3x7xf32>) -> tensor<3x7xf32>
    return %0 : tensor<3x7xf32> })");
  Cost cost = costOf(find("linalg.matmul"));
  EXPECT_EQ(cost.flops.str(), "210"); // 2 · 3 · 5 · 7
  // a, b, the destination that is added to, the result.
  EXPECT_EQ(cost.bytes.str(), std::to_string(4 * (15 + 35 + 21 + 21)));
}

TEST_F(CostTest, DynamicSizesAreNamedAfterArguments) {
  parse(
      R"(func.func @f(%a: tensor<?x5xf32> {attn.name = "x"}, %e: tensor<?x5xf32>) -> tensor<?x5xf32> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %a, %c0 : tensor<?x5xf32>
    %i = tensor.empty(%n) : tensor<?x5xf32>
    %0 = linalg.exp ins(%a : tensor<?x5xf32>) outs(%i : tensor<?x5xf32>) -> tensor<?x5xf32>
    return %0 : tensor<?x5xf32> })");
  Cost cost = costOf(find("linalg.exp"));
  EXPECT_EQ(cost.flops.str(), "5 x[0]");
  EXPECT_EQ(cost.bytes.str(), "40 x[0]");
}

TEST_F(CostTest, GateIsPoolsExcitationAndScaling) {
  parse(
      R"(func.func @f(%x: tensor<2x8x4x4xf32>, %w: tensor<8x8xf32>, %z: tensor<2x8xf32>) -> tensor<2x8x4x4xf32> {
    %y = attn.gate ins(%x : tensor<2x8x4x4xf32>) outs(%x : tensor<2x8x4x4xf32>) dimensions = [2, 3] pools = [avg, max] excite {
    ^bb0(%p: tensor<2x8xf32>, %q: tensor<2x8xf32>):
      %h = linalg.matmul ins(%p, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%z : tensor<2x8xf32>) -> tensor<2x8xf32>
      %g = linalg.add ins(%h, %q : tensor<2x8xf32>, tensor<2x8xf32>) outs(%z : tensor<2x8xf32>) -> tensor<2x8xf32>
      attn.yield %g : tensor<2x8xf32>
    } -> tensor<2x8x4x4xf32>
    return %y : tensor<2x8x4x4xf32> })");
  Cost cost = costOf(find("attn.gate"));
  // Two pools and the product of 256 elements; 2 · 2 · 8 · 8; 16 sums.
  EXPECT_EQ(cost.flops.str(), std::to_string(3 * 256 + 256 + 16));
  // x, the captured %w and %z, the result.
  EXPECT_EQ(cost.bytes.str(), std::to_string(4 * (256 + 64 + 16 + 256)));
}

namespace {
/// An attention of 1 batch, 2 heads, 4 queries, `keys`, heads of 8.
std::string attention(llvm::StringRef attributes, llvm::StringRef keys = "4") {
  std::string k = ("tensor<1x2x" + keys + "x8xf32>").str();
  return "func.func @f(%q: tensor<1x2x4x8xf32>, %k: " + k +
         " {attn.name = \"k\"}, %v: " + k +
         ", %o: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {\n"
         "%0 = attn.sdpa ins(%q, %k, %v : tensor<1x2x4x8xf32>, " +
         k + ", " + k +
         ") outs(%o : tensor<1x2x4x8xf32>) maps = ["
         "affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>, affine_map<(b, h, i, "
         "j, d, e) -> (b, h, j, d)>,"
         "affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>, affine_map<(b, h, i, "
         "j, d, e) -> (b, h, i, e)>] " +
         attributes.str() +
         " -> tensor<1x2x4x8xf32>\n return %0 : tensor<1x2x4x8xf32> }";
}
} // namespace

TEST_F(CostTest, AttentionIsTwoProductsAndASoftmax) {
  parse(attention("{scale = 1.0 : f64}"));
  Cost cost = costOf(find("attn.sdpa"));
  EXPECT_EQ(cost.flops.str(), std::to_string(2 * 16 * (2 * (8 + 8) + 5)));
  EXPECT_EQ(cost.bytes.str(), std::to_string(4 * 4 * 64)); // q, k, v, o
}

TEST_F(CostTest, ScaleAndSoftcapCostOnEachPair) {
  parse(attention("{scale = 0.5 : f64, softcap = 10.0 : f64}"));
  EXPECT_EQ(costOf(find("attn.sdpa")).flops.str(),
            std::to_string(2 * 16 * (2 * 16 + 5 + 1 + 3)));
}

TEST_F(CostTest, CausalLeavesTheTriangle) {
  parse(attention("{causal = #attn.causal<top_left>}"));
  EXPECT_EQ(costOf(find("attn.sdpa")).flops.str(),
            std::to_string(2 * 10 * (2 * 16 + 5)));
}

TEST_F(CostTest, WindowLeavesTheBand) {
  parse(attention("{window = array<i64: 1, 1>}"));
  EXPECT_EQ(costOf(find("attn.sdpa")).flops.str(),
            std::to_string(2 * 10 * (2 * 16 + 5))); // 2 + 3 + 3 + 2
}

TEST_F(CostTest, AttentionOverDynamicKeysIsSymbolic) {
  parse(attention("{scale = 1.0 : f64}", "?"));
  Cost cost = costOf(find("attn.sdpa"));
  EXPECT_EQ(cost.flops.str(), "296 k[2]"); // 2 · 4 · (2 · 16 + 5)
}

TEST_F(CostTest, ViewsAndDestinationsAreFree) {
  parse(R"(func.func @f(%x: tensor<4x2xf32>) -> tensor<8xf32> {
    %0 = tensor.collapse_shape %x [[0, 1]] : tensor<4x2xf32> into tensor<8xf32>
    return %0 : tensor<8xf32> })");
  EXPECT_EQ(costOf(find("tensor.collapse_shape")).bytes.str(), "0");
}

TEST_F(CostTest, OpsOnBuffersReadTheirInputsAndWriteTheirDestinations) {
  parse(R"(func.func @f(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
    linalg.exp ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>)
    memref.copy %x, %y : memref<4x8xf32> to memref<4x8xf32>
    return })");
  Cost exp = costOf(find("linalg.exp")), copy = costOf(find("memref.copy"));
  EXPECT_EQ(exp.flops.str(), "32");
  EXPECT_EQ(exp.bytes.str(), std::to_string(4 * (32 + 32)));
  EXPECT_EQ(copy.flops.str(), "0");
  EXPECT_EQ(copy.bytes.str(), std::to_string(4 * (32 + 32)));
}

TEST_F(CostTest, SizesOfBuffersAreSymbolsOfTheBuffer) {
  parse(R"(func.func @f(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
    linalg.exp ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>)
    return })");
  mlir::Operation *exp = find("linalg.exp");
  std::string rows = bufferSymbol(exp->getOperand(1), 0);
  EXPECT_NE(rows, bufferSymbol(exp->getOperand(0), 0));
  EXPECT_EQ(costOf(exp).flops.str(), "8 " + rows);
}

TEST_F(CostTest, ABufferHasTheSizeItWasMadeOf) {
  parse(R"(func.func @f(%x: memref<?x8xf32>) {
    %c0 = arith.constant 0 : index
    %n = memref.dim %x, %c0 : memref<?x8xf32>
    %y = memref.alloc(%n) : memref<?x8xf32>
    linalg.exp ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>)
    return })");
  mlir::Operation *exp = find("linalg.exp");
  EXPECT_EQ(costOf(exp).bytes.str(),
            "64 " + bufferSymbol(exp->getOperand(0), 0));
}

TEST_F(CostTest, NormOnBuffersIsWhatItIsOnTensorsButForTheSlices) {
  parse(R"(func.func @f(%x: memref<4x8xf32>, %w: memref<8xf32>) {
    attn.norm layer ins(%x : memref<4x8xf32>) weight(%w : memref<8xf32>) over [1]
        outs(%x : memref<4x8xf32>) dimensions = [1] epsilon = 1.0e-05
    return })");
  Cost cost = costOf(find("attn.norm"));
  EXPECT_EQ(cost.flops.str(), std::to_string(32 * (1 + 3 + 2 + 1)));
  EXPECT_EQ(cost.bytes.str(), std::to_string(4 * (32 + 8 + 32)));
}

TEST_F(CostTest, PrimitivesCountProductsTwice) {
  // A transposed second matrix; a bias and a post-op, one each an element.
  parse(
      R"(func.func @f(%a: memref<3x5xf32>, %b: memref<7x5xf32>, %c: memref<7xf32>, %d: memref<3x7xf32>) {
    attn.primitive matmul ins(%a, %b : memref<3x5xf32>, memref<7x5xf32>) bias(%c : memref<7xf32>)
        outs(%d : memref<3x7xf32>) layouts = [[0, 1], [1, 0], [0], [0, 1]] post_ops = [#attn.post_op<relu>]
    return })");
  Cost cost = costOf(find("attn.primitive"));
  EXPECT_EQ(cost.flops.str(), std::to_string(2 * 3 * 5 * 7 + 2 * 21));
  EXPECT_EQ(cost.bytes.str(), std::to_string(4 * (15 + 35 + 7 + 21)));
}

TEST_F(CostTest, ConvolutionsOfGroupsSeeTheirOwnChannels) {
  // Depthwise: 6 groups of one channel, 3 x 3 taps.
  parse(
      R"(func.func @f(%x: memref<1x6x8x8xf32>, %w: memref<6x1x1x3x3xf32>, %y: memref<1x6x6x6xf32>) {
    attn.primitive convolution ins(%x, %w : memref<1x6x8x8xf32>, memref<6x1x1x3x3xf32>) outs(%y : memref<1x6x6x6xf32>)
        layouts = [[0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3]]
        {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 1, 1>}
    return })");
  EXPECT_EQ(costOf(find("attn.primitive")).flops.str(),
            std::to_string(2 * 6 * 6 * 6 * 9));
}

TEST_F(CostTest, DeconvolutionsSpreadTheirSource) {
  // 4 channels of 5 x 5 into 3 of 10 x 10 by 2 x 2 taps.
  parse(
      R"(func.func @f(%x: memref<1x4x5x5xf32>, %w: memref<1x3x4x2x2xf32>, %y: memref<1x3x10x10xf32>) {
    attn.primitive deconvolution ins(%x, %w : memref<1x4x5x5xf32>, memref<1x3x4x2x2xf32>) outs(%y : memref<1x3x10x10xf32>)
        layouts = [[0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3]]
        {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>}
    return })");
  EXPECT_EQ(costOf(find("attn.primitive")).flops.str(),
            std::to_string(2 * 4 * 25 * 3 * 4));
}

TEST_F(CostTest, PoolsVisitTheirTaps) {
  parse(R"(func.func @f(%x: memref<1x4x6x6xf32>, %y: memref<1x4x3x3xf32>) {
    attn.primitive pool_max ins(%x : memref<1x4x6x6xf32>) outs(%y : memref<1x4x3x3xf32>)
        layouts = [[0, 1, 2, 3], [0, 1, 2, 3]]
        {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pad_high = array<i64: 0, 0>, pad_low = array<i64: 0, 0>, strides = array<i64: 2, 2>}
    return })");
  EXPECT_EQ(costOf(find("attn.primitive")).flops.str(),
            std::to_string(4 * 9 * 4));
}

TEST_F(CostTest, PaddingIsNotComputed) {
  // 3 taps over 4 elements with one of padding at both ends: 2 + 3 + 3 + 2 in
  // each dim; of two channels each.
  parse(
      R"(func.func @f(%x: memref<1x2x4x4xf32>, %w: memref<1x3x2x3x3xf32>, %y: memref<1x3x4x4xf32>) {
    attn.primitive convolution ins(%x, %w : memref<1x2x4x4xf32>, memref<1x3x2x3x3xf32>) outs(%y : memref<1x3x4x4xf32>)
        layouts = [[0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3]]
        {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pad_high = array<i64: 1, 1>, pad_low = array<i64: 1, 1>, strides = array<i64: 1, 1>}
    return })");
  EXPECT_EQ(costOf(find("attn.primitive")).flops.str(),
            std::to_string(2 * 3 * 2 * 10 * 10));
}

TEST_F(CostTest, PaddingIsNotComputedAtAnySize) {
  // 5 taps, two of padding at both ends: 5 · O − (2 + 1) − (2 + 1).
  parse(
      R"(func.func @f(%x: memref<1x1x?x8xf32>, %w: memref<1x1x1x5x1xf32>, %y: memref<1x1x?x8xf32>) {
    attn.primitive convolution ins(%x, %w : memref<1x1x?x8xf32>, memref<1x1x1x5x1xf32>) outs(%y : memref<1x1x?x8xf32>)
        layouts = [[0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3]]
        {dilations = array<i64: 1, 1>, kernel = array<i64: 5, 1>, pad_high = array<i64: 2, 0>, pad_low = array<i64: 2, 0>, strides = array<i64: 1, 1>}
    return })");
  mlir::Operation *op = find("attn.primitive");
  EXPECT_EQ(costOf(op).flops.str(),
            "80 " + bufferSymbol(op->getOperand(2), 2) + " + -96");
}
