// invariant-test.cpp - what is taken out of a step, and what stays.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "tools/lib/decode/Invariant.h"
#include "tools/lib/model/LoadModel.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace {

struct InvariantTest : testing::Test {
  InvariantTest() {
    DialectRegistry registry;
    heed::registerModelDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// Argument 1 of @main is the same in every step.
  void take(const std::string &body) {
    step = parseSourceString<ModuleOp>(
        "func.func @main(%x: tensor<1x4xf32>, %s: tensor<?x4xf32>) -> "
        "tensor<?x1xf32> {\n" +
            body + "}",
        &context);
    ASSERT_TRUE(step);
    before = heed::takeInvariants(*step, {1});
    EXPECT_TRUE(succeeded(verify(*step)));
    EXPECT_TRUE(!before || succeeded(verify(*before)));
  }
  static int count(ModuleOp module, StringRef name) {
    int n = 0;
    module.walk(
        [&](Operation *op) { n += op->getName().getStringRef() == name; });
    return n;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> step, before;
};

/// k = s·w, a matrix product of the source; y = k·xᵀ.
const char *kKeys = R"(
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<2.0> : tensor<4x4xf32>
  %n = tensor.dim %s, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %k = linalg.matmul ins(%s, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
)";
const char *kScores = R"(
  %xe = tensor.empty() : tensor<4x1xf32>
  %xt = linalg.transpose ins(%x : tensor<1x4xf32>) outs(%xe : tensor<4x1xf32>) permutation = [1, 0]
  %ye = tensor.empty(%n) : tensor<?x1xf32>
  %yf = linalg.fill ins(%zero : f32) outs(%ye : tensor<?x1xf32>) -> tensor<?x1xf32>
  %y = linalg.matmul ins(%k2, %xt : tensor<?x4xf32>, tensor<4x1xf32>) outs(%yf : tensor<?x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
)";

TEST_F(InvariantTest, AProductOfTheSourceIsTakenOut) {
  take(std::string(kKeys) +
       "%k2 = tensor.cast %k : tensor<?x4xf32> to "
       "tensor<?x4xf32>\n" +
       kScores);
  ASSERT_TRUE(before);
  EXPECT_EQ(count(*before, "linalg.matmul"), 1);
  EXPECT_EQ(count(*step, "linalg.matmul"), 1);
  // Buffers that are only filled are not passed.
  auto main = step->lookupSymbol<func::FuncOp>("main");
  ASSERT_EQ(main.getNumArguments(), 3u);
  EXPECT_EQ(main.getArgAttrOfType<StringAttr>(2, "attn.name").getValue(),
            "invariant.0");
  EXPECT_EQ(before->lookupSymbol<func::FuncOp>("main").getNumArguments(), 1u);
}

TEST_F(InvariantTest, MovementStaysInTheStep) {
  take(std::string(kKeys) + R"(
  %te = tensor.empty(%n) : tensor<4x?xf32>
  %t = linalg.transpose ins(%k : tensor<?x4xf32>) outs(%te : tensor<4x?xf32>) permutation = [1, 0]
  %be = tensor.empty(%n) : tensor<?x4xf32>
  %k2 = linalg.transpose ins(%t : tensor<4x?xf32>) outs(%be : tensor<?x4xf32>) permutation = [1, 0]
)" + kScores);
  ASSERT_TRUE(before);
  EXPECT_EQ(count(*step, "linalg.transpose"), 3);
  EXPECT_EQ(before->lookupSymbol<func::FuncOp>("main").getNumResults(), 1u);
}

TEST_F(InvariantTest, NothingIsTakenOutWhereTheStepReadsTheSourceItself) {
  take(R"(
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %s, %c0 : tensor<?x4xf32>
  %k2 = tensor.cast %s : tensor<?x4xf32> to tensor<?x4xf32>
)" + std::string(kScores));
  EXPECT_FALSE(before);
}

} // namespace
