// shapes-test.cpp - shape arithmetic of exporters folds; reshapes become expand
// and collapse.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/import/fixture.h"

namespace {

using ShapesTest = ImportTest;

/// [Shape(x)[0], Shape(x)[1], -1, 4] as the torch exporter writes it.
TEST_F(ShapesTest, AShapeClusterFoldsToExpandShape) {
  input("x", {"batch", "seq", "12"});
  output("y");
  ints("zero", {0});
  ints("one", {1});
  ints("tail", {-1, 4});
  ints("axes", {0});
  node("Shape", {"x"}, {"s"});
  node("Gather", {"s", "zero"}, {"b"});
  node("Gather", {"s", "one"}, {"n"});
  attr(node("Concat", {"b", "n", "tail"}, {"shape"}), "axis", 0);
  node("Reshape", {"x", "shape"}, {"y"});
  std::string text = import();
  EXPECT_TRUE(contains(text, "tensor.expand_shape %arg0 [[0], [1], [2, 3]]"))
      << text;
  EXPECT_TRUE(contains(text, "into tensor<?x?x3x4xf32>")) << text;
  EXPECT_FALSE(contains(text, "from_elements")) << text;
  EXPECT_EQ(count(text, "tensor.dim"), 2) << text;
}

/// Anchors of detectors: a size as a float, a range up to it, the size again.
TEST_F(ShapesTest, ARangeUpToASizeCastToFloatKeepsTheSize) {
  input("x", {"batch", "4"});
  output("y");
  ints("i", {0});
  floats("start", {1}, 0);
  floats("step", {1}, 1);
  node("Shape", {"x"}, {"s"});
  node("Gather", {"s", "i"}, {"n"});
  attr(node("Cast", {"n"}, {"limit"}), "to", 1);
  node("Range", {"start", "limit", "step"}, {"y"});
  std::string text = import();
  EXPECT_FALSE(contains(text, "tensor.extract")) << text;
  EXPECT_FALSE(contains(text, "math.ceil")) << text;
  EXPECT_TRUE(contains(text, "arith.sitofp")) << text;
}

/// [B, H·d] to [B·H, d], as nn.MultiheadAttention merges heads into the batch.
TEST_F(ShapesTest, HeadsMoveIntoTheBatchThroughTheCommonRefinement) {
  input("x", {"seq", "batch", "32"});
  output("y");
  ints("i", {1});
  ints("eight", {8});
  ints("rest", {4});
  ints("minus", {-1});
  node("Shape", {"x"}, {"s"});
  node("Gather", {"s", "i"}, {"b"});
  node("Mul", {"b", "eight"}, {"bh"});
  attr(node("Concat", {"minus", "bh", "rest"}, {"shape"}), "axis", 0);
  node("Reshape", {"x", "shape"}, {"y"});
  std::string text = import();
  EXPECT_TRUE(contains(text, "[[0], [1], [2, 3]]")) << text;
  EXPECT_TRUE(contains(text, "tensor.collapse_shape")) << text;
  EXPECT_TRUE(contains(text, "[[0], [1, 2], [3]]")) << text;
  EXPECT_FALSE(contains(text, "cf.assert")) << text;
}

TEST_F(ShapesTest, SizesThatNeverFitAreAnError) {
  input("x", {"2", "3"});
  output("y");
  ints("shape", {4, 2});
  node("Reshape", {"x", "shape"}, {"y"}, "n");
  EXPECT_TRUE(contains(import(),
                       "error: node 'n' (Reshape): reshape: number of "
                       "elements: 6 and 8 differ"));
}

TEST_F(ShapesTest, EqualNamesAreCheckedAtRunTime) {
  input("x", {"n"});
  input("y", {"n"});
  output("z");
  node("Add", {"x", "y"}, {"z"});
  std::string text = import();
  EXPECT_EQ(count(text, "cf.assert"), 1) << text;
}

TEST_F(ShapesTest, UnknownNamesAreFree) {
  input("x", {"?", "?"});
  output("z");
  node("Relu", {"x"}, {"z"});
  EXPECT_FALSE(contains(import(), "cf.assert"));
}

TEST_F(ShapesTest, SizesThatMustAgreeAreCheckedOnce) {
  input("x", {"n"});
  input("y", {"m"});
  output("z");
  node("Add", {"x", "y"}, {"s"});
  node("Mul", {"s", "y"}, {"z"});
  std::string text = import();
  EXPECT_EQ(count(text, "cf.assert"), 1) << text;
}

/// A table of 512 positions cut to the sequence's length.
TEST_F(ShapesTest, SlicesByASizeAreClamped) {
  input("table", {"1", "512", "8"});
  input("x", {"batch", "seq", "8"});
  output("y");
  ints("zero", {0});
  ints("one", {1});
  node("Shape", {"x"}, {"s"});
  node("Gather", {"s", "one"}, {"n"});
  node("Slice", {"table", "zero", "n", "one"}, {"t"});
  node("Add", {"x", "t"}, {"y"});
  std::string text = import();
  EXPECT_TRUE(contains(text, "arith.minsi")) << text;
  EXPECT_TRUE(contains(text, "tensor.extract_slice")) << text;
}

TEST_F(ShapesTest, IndicesOfTheProgramAreCheckedAndClamped) {
  input("table", {"100", "8"});
  input("ids", {"batch"}, 7);
  output("y");
  node("Gather", {"table", "ids"}, {"y"});
  std::string text = import();
  EXPECT_TRUE(contains(text, "cf.assert")) << text;
  EXPECT_TRUE(contains(text, "an index is out of bounds")) << text;
  EXPECT_TRUE(contains(text, "arith.minsi")) << text;
}

TEST_F(ShapesTest, ConstantSubgraphsFold) {
  output("y");
  input("x", {"2"});
  ints("a", {3, 4});
  ints("b", {1, 1});
  node("Add", {"a", "b"}, {"c"});
  node("Mul", {"c", "c"}, {"d"});
  auto &cast = node("Cast", {"d"}, {"e"});
  attr(cast, "to", 1);
  node("Add", {"x", "e"}, {"y"});
  std::string text = import();
  EXPECT_TRUE(contains(text, "dense<[1.600000e+01, 2.500000e+01]>")) << text;
  EXPECT_EQ(count(text, "linalg.generic"), 1) << text;
}

} // namespace
