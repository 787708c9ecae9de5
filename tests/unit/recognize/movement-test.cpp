// movement-test.cpp - layouts through reshapes, and the way back.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Movement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace heed::recognize;

namespace {
class Movement : public ::testing::Test {
protected:
  Movement() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        linalg::LinalgDialect, tensor::TensorDialect>();
    module = ModuleOp::create(loc());
  }

  Location loc() { return UnknownLoc::get(&context); }
  RankedTensorType type(ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, Float32Type::get(&context));
  }
  /// A function's argument, and the builder in its body.
  Value argument(ArrayRef<int64_t> shape) {
    b.setInsertionPointToEnd(module->getBody());
    auto function = func::FuncOp::create(
        b, loc(), "f", FunctionType::get(&context, type(shape), {}));
    b.setInsertionPointToStart(function.addEntryBlock());
    return function.getArgument(0);
  }
  Value collapse(Value value, ArrayRef<ReassociationIndices> groups) {
    return tensor::CollapseShapeOp::create(b, loc(), value, groups);
  }
  Value expand(Value value, ArrayRef<int64_t> shape,
               ArrayRef<ReassociationIndices> groups) {
    return tensor::ExpandShapeOp::create(b, loc(), type(shape), value, groups);
  }
  Value transpose(Value value, ArrayRef<int64_t> permutation) {
    SmallVector<int64_t> shape;
    for (int64_t dim : permutation)
      shape.push_back(cast<RankedTensorType>(value.getType()).getDimSize(dim));
    Value empty = tensor::EmptyOp::create(b, loc(), type(shape).getShape(),
                                          Float32Type::get(&context));
    return linalg::TransposeOp::create(b, loc(), value, empty, permutation)
        ->getResult(0);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  OpBuilder b{&context};
};
} // namespace

TEST_F(Movement, ReshapeThereAndBackIsTheRoot) {
  Value x = argument({2, 8, 4, 5});
  Value flat = collapse(x, {{0}, {1}, {2, 3}});
  Value back = expand(flat, {2, 8, 4, 5}, {{0}, {1}, {2, 3}});
  View view = peelMovement(back);
  EXPECT_EQ(view.root, x);
  EXPECT_EQ(view.axes, identityLayout(x.getType()));
}

TEST_F(Movement, SplitDimensionsAreDigits) {
  Value x = argument({6, 4});
  Value split = expand(x, {2, 3, 4}, {{0, 1}, {2}});
  View view = peelMovement(transpose(split, {2, 1, 0}));
  Layout expected{{Atom{1, 1, 4}}, {Atom{0, 1, 3}}, {Atom{0, 3, 2}}};
  EXPECT_EQ(view.root, x);
  EXPECT_EQ(view.axes, expected);
}

TEST_F(Movement, SplitAcrossABoundaryEndsTheView) {
  Value x = argument({4, 6});
  Value flat = collapse(x, {{0, 1}});
  Value other = expand(flat, {6, 4}, {{0, 1}});
  Value odd = expand(flat, {3, 8}, {{0, 1}});
  // 24 = 4·6 as 6·4 or 3·8 cuts 6 in parts that do not nest.
  EXPECT_EQ(peelMovement(other).root, other);
  EXPECT_EQ(peelMovement(odd).root, odd);
}

TEST_F(Movement, DimensionsOfSizeOneAreNothing) {
  Value x = argument({2, 1, 8});
  Value squeezed = collapse(x, {{0}, {1, 2}});
  Value wide = expand(squeezed, {2, 8, 1, 1}, {{0}, {1, 2, 3}});
  View view = peelMovement(wide);
  Layout expected{{Atom{0, 1, 2}}, {Atom{2, 1, 8}}, {}, {}};
  EXPECT_EQ(view.axes, expected);
}

TEST_F(Movement, OneRunTimeSizeMayBeSplitOff) {
  constexpr int64_t dynamic = ShapedType::kDynamic;
  Value x = argument({dynamic, 8, 4});
  Value flat = collapse(x, {{0, 1}, {2}});
  Value back = expand(flat, {dynamic, 8, 4}, {{0, 1}, {2}});
  View view = peelMovement(back);
  EXPECT_EQ(view.root, x);
  EXPECT_EQ(view.axes, identityLayout(x.getType()));
}

TEST_F(Movement, ComposesThroughParts) {
  // y = x[6] split in 2·3; z = y's digits read through y's own dimensions.
  Layout inner{{Atom{0, 3, 2}}, {Atom{0, 1, 3}}};
  Layout outer{{Atom{1, 1, 3}}, {Atom{0, 1, 2}}};
  Layout expected{{Atom{0, 1, 3}}, {Atom{0, 3, 2}}};
  EXPECT_EQ(*composeLayouts(outer, inner), expected);
}

TEST_F(Movement, RelayoutNeedsTheSameDigits) {
  Layout x{{Atom{0, 1, 2}}, {Atom{1, 1, 8}}};
  Layout flat{{Atom{1, 1, 8}, Atom{0, 1, 2}}, {}};
  Layout less{{Atom{1, 1, 8}}};
  Layout wide{{Atom{0, 1, 2}}, {Atom{1, 1, 8}}, {Atom{-1, 1, 3}}};
  EXPECT_TRUE(canRelayout(x, flat));
  EXPECT_FALSE(canRelayout(x, less));
  EXPECT_FALSE(canRelayout(less, x));
  EXPECT_FALSE(canRelayout(x, wide));
}

TEST_F(Movement, RelayoutWritesWhatPeelingReads) {
  Value x = argument({2, 1, 6, 4});
  Layout from = identityLayout(x.getType());
  Layout to{{Atom{3, 1, 4}, Atom{2, 3, 2}}, {}, {Atom{0, 1, 2}, Atom{2, 1, 3}}};
  ASSERT_TRUE(canRelayout(from, to));
  Value y = emitRelayout(b, loc(), x, from, to, type({8, 1, 6}));
  func::ReturnOp::create(b, loc());
  EXPECT_TRUE(succeeded(verify(*module)));
  View view = peelMovement(y);
  EXPECT_EQ(view.root, x);
  EXPECT_EQ(view.axes, to);
}
