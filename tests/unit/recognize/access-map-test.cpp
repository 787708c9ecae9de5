// access-map-test.cpp - factors, their regrouping, and views through movement.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/AccessMap.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace heed::recognize;

namespace {

SmallVector<int64_t> numbers(const FactorTable &table, const Factors &list) {
  SmallVector<int64_t> result;
  for (Factor factor : table.leaves(list))
    result.push_back(table.getSize(factor).number);
  return result;
}

SmallVector<Size> sizes(ArrayRef<int64_t> numbers) {
  SmallVector<Size> result;
  for (int64_t number : numbers)
    result.push_back(Size::of(number));
  return result;
}

TEST(FactorTable, UnitsHaveNoFactor) {
  FactorTable table;
  EXPECT_TRUE(table.create(Size::of(1)).empty());
  EXPECT_EQ(table.create(Size::of(2)).size(), 1u);
}

TEST(FactorTable, RegroupSplitsOnceForAll) {
  FactorTable table;
  Factors twelve = table.create(Size::of(12));
  auto lists = table.regroup(twelve, sizes({3, 4}));
  ASSERT_TRUE(lists);
  EXPECT_EQ(numbers(table, (*lists)[0]), SmallVector<int64_t>({3}));
  EXPECT_EQ(numbers(table, (*lists)[1]), SmallVector<int64_t>({4}));
  // The list made before sees the division.
  EXPECT_EQ(numbers(table, twelve), SmallVector<int64_t>({3, 4}));
}

TEST(FactorTable, RegroupAcrossSeveralFactors) {
  FactorTable table;
  Factors list = table.create(Size::of(2));
  llvm::append_range(list, table.create(Size::of(6)));
  auto lists = table.regroup(list, sizes({1, 4, 3}));
  ASSERT_TRUE(lists);
  EXPECT_TRUE((*lists)[0].empty());
  EXPECT_EQ(numbers(table, (*lists)[1]), SmallVector<int64_t>({2, 2}));
  EXPECT_EQ(numbers(table, (*lists)[2]), SmallVector<int64_t>({3}));
}

TEST(FactorTable, BoundariesThatDoNotNestAreRefused) {
  FactorTable table;
  Factors list = table.create(Size::of(4));
  llvm::append_range(list, table.create(Size::of(6)));
  EXPECT_FALSE(table.regroup(list, sizes({6, 4})));
}

/// One function; `view` gives the element of its result.
struct ViewTest : testing::Test {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  FactorTable table;
  TensorView start, root;

  void parse(StringRef body) {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        linalg::LinalgDialect, tensor::TensorDialect>();
    module = parseSourceString<ModuleOp>(body, &context);
    ASSERT_TRUE(module);
    auto function = *module->getOps<func::FuncOp>().begin();
    Value result = function.getBody().front().getTerminator()->getOperand(0);
    start = makeView(result, table);
    root = peel(start, table);
    ASSERT_EQ(root.value, function.getArgument(0));
  }
};

TEST_F(ViewTest, HeadsThroughReshapeAndTranspose) {
  parse(R"(
    func.func @f(%x: tensor<2x10x32xf32>) -> tensor<8x10x8xf32> {
      %e = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [2, 10, 4, 8] : tensor<2x10x32xf32> into tensor<2x10x4x8xf32>
      %0 = tensor.empty() : tensor<2x4x10x8xf32>
      %t = linalg.transpose ins(%e : tensor<2x10x4x8xf32>) outs(%0 : tensor<2x4x10x8xf32>) permutation = [0, 2, 1, 3]
      %c = tensor.collapse_shape %t [[0, 1], [2], [3]] : tensor<2x4x10x8xf32> into tensor<8x10x8xf32>
      return %c : tensor<8x10x8xf32>
    })");
  // The merged dimension of the result is (batch, head).
  EXPECT_EQ(numbers(table, start.dims[0]), SmallVector<int64_t>({2, 4}));
  Factors merged = table.leaves(start.dims[0]);
  EXPECT_EQ(table.leaves(root.dims[0]), Factors{merged[0]});
  EXPECT_EQ(table.leaves(root.dims[1]), table.leaves(start.dims[1]));
  Factors width = {merged[1]};
  llvm::append_range(width, table.leaves(start.dims[2]));
  EXPECT_EQ(table.leaves(root.dims[2]), width);
}

TEST_F(ViewTest, BroadcastDropsAFactor) {
  parse(R"(
    func.func @f(%x: tensor<2x8xf32>) -> tensor<2x3x8xf32> {
      %0 = tensor.empty() : tensor<2x3x8xf32>
      %b = linalg.broadcast ins(%x : tensor<2x8xf32>) outs(%0 : tensor<2x3x8xf32>) dimensions = [1]
      return %b : tensor<2x3x8xf32>
    })");
  EXPECT_EQ(root.dims[0], start.dims[0]);
  EXPECT_EQ(root.dims[1], start.dims[2]);
}

TEST_F(ViewTest, DynamicSizesAreMatchedByTheirValues) {
  parse(R"(
    func.func @f(%x: tensor<?x?x32xf32>, %b: index, %s: index) -> tensor<?x?x32xf32> {
      %c = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x?x32xf32> into tensor<?x32xf32>
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %d0 = tensor.dim %x, %c0 : tensor<?x?x32xf32>
      %d1 = tensor.dim %x, %c1 : tensor<?x?x32xf32>
      %e = tensor.expand_shape %c [[0, 1], [2]] output_shape [%d0, %d1, 32] : tensor<?x32xf32> into tensor<?x?x32xf32>
      return %e : tensor<?x?x32xf32>
    })");
  EXPECT_EQ(table.leaves(root.dims), table.leaves(start.dims));
}

TEST(View, DynamicSizesOfUnknownOrderEndTheWay) {
  MLIRContext context;
  context.loadDialect<arith::ArithDialect, func::FuncDialect,
                      tensor::TensorDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"(
    func.func @f(%x: tensor<?x?xf32>, %b: index, %s: index) -> tensor<?x?xf32> {
      %c = tensor.collapse_shape %x [[0, 1]] : tensor<?x?xf32> into tensor<?xf32>
      %e = tensor.expand_shape %c [[0, 1]] output_shape [%b, %s] : tensor<?xf32> into tensor<?x?xf32>
      return %e : tensor<?x?xf32>
    })",
                                                             &context);
  ASSERT_TRUE(module);
  auto function = *module->getOps<func::FuncOp>().begin();
  Value result = function.getBody().front().getTerminator()->getOperand(0);
  FactorTable table;
  TensorView root = peel(makeView(result, table), table);
  EXPECT_TRUE(root.value.getDefiningOp<tensor::CollapseShapeOp>());
}

} // namespace
