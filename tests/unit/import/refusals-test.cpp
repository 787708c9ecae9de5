// refusals-test.cpp - attribute values and inputs that are refused by name,
// never taken for something else.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/import/fixture.h"

namespace {

struct RefusalsTest : ImportTest {
  void SetUp() override {
    ImportTest::SetUp();
    model.clear_opset_import();
    opset(20);
    input("x", {"2", "4", "6", "6"});
    output("y");
  }
  /// The node, freshly made, is refused with this reason.
  void refused(std::string reason) {
    std::string text = import();
    EXPECT_TRUE(contains(text, "error: ")) << text;
    EXPECT_TRUE(contains(text, reason)) << text.substr(0, 400);
    model.mutable_graph()->clear_node();
  }
};

TEST_F(RefusalsTest, Selection) {
  ints("k", {9});
  ints("two", {1, 2});
  input("i", {"2", "4", "6", "6"}, 7);
  node("TopK", {"x", "k"}, {"y", "z"});
  refused("the dimension minus k: -3 is less than 0");
  node("TopK", {"x", "two"}, {"y", "z"});
  refused("k is no scalar");
  attr(node("ScatterElements", {"x", "i", "x"}, {"y"}), "reduction",
       std::string("mean"));
  refused("'reduction' is 'mean'");
  node("ScatterElements", {"x", "i", "i"}, {"y"});
  refused("input types differ: float32 and int64");
  auto &r = node("ReverseSequence", {"x", "two"}, {"y"});
  attr(r, "time_axis", 1);
  refused("the same axis");
  attr(node("BitShift", {"x", "x"}, {"y"}), "direction", std::string("LEFT"));
  refused("expected an unsigned type, got float32");
}

TEST_F(RefusalsTest, Sampling) {
  input("g", {"2", "5", "5", "2"});
  attr(node("GridSample", {"x", "g"}, {"y"}), "mode", std::string("spline"));
  refused("'mode' is 'spline'");
  attr(node("GridSample", {"x", "g"}, {"y"}), "padding_mode",
       std::string("wrap"));
  refused("'padding_mode' is 'wrap'");
  node("GridSample", {"x", "x"}, {"y"});
  refused("coordinates of the grid: 6 and 2 differ");
  ints("s", {2, 4, 3, 3});
  attr(node("Resize", {"x", "", "", "s"}, {"y"}), "mode",
       std::string("lanczos"));
  refused("'mode' is 'lanczos'");
  attr(node("Resize", {"x", "", "", "s"}, {"y"}),
       "coordinate_transformation_mode", std::string("tf_crop_and_resize"));
  refused("'coordinate_transformation_mode' is 'tf_crop_and_resize'");
  attr(node("Resize", {"x", "", "", "s"}, {"y"}), "keep_aspect_ratio_policy",
       std::string("fill"));
  refused("'keep_aspect_ratio_policy' is 'fill'");
  auto &pool = node("LpPool", {"x"}, {"y"});
  attr(pool, "kernel_shape", std::vector<int64_t>{2, 2});
  attr(pool, "p", 0);
  refused("'p' is 0");
  auto &max = node("MaxPool", {"x"}, {"y", "i"});
  attr(max, "kernel_shape", std::vector<int64_t>{2, 2});
  attr(max, "storage_order", 2);
  refused("'storage_order' is 2");
}

TEST_F(RefusalsTest, Detection) {
  input("b", {"1", "9", "4"});
  input("s", {"1", "3", "8"});
  attr(node("NonMaxSuppression", {"b", "s"}, {"y"}), "center_point_box", 2);
  refused("'center_point_box' is 2");
  node("NonMaxSuppression", {"b", "s"}, {"y"});
  refused("boxes and scores: 9 and 8 differ");
  input("r", {"n", "4"});
  input("i", {"n"}, 7);
  attr(node("RoiAlign", {"x", "r", "i"}, {"y"}), "mode", std::string("min"));
  refused("'mode' is 'min'");
  attr(node("RoiAlign", {"x", "r", "i"}, {"y"}), "sampling_ratio", -1);
  refused("'sampling_ratio' is -1");
  node("RoiAlign", {"x", "r", "r"}, {"y"});
  refused("input 2: rank 2, expected 1");
}

TEST_F(RefusalsTest, Signals) {
  input("t", {"1", "n", "1"});
  input("k", {}, 7);
  ints("one", {1});
  ints("two", {1, 2});
  node("DFT", {"t", "", "one"}, {"y"});
  refused("along a dimension that is only known at run time");
  node("DFT", {"x", "", "one"}, {"y"});
  refused("neither 1 (real) nor 2 (complex)");
  node("STFT", {"t", "one"}, {"y"});
  refused("the length of a frame is not known");
  node("STFT", {"t", "k"}, {"y"});
  refused("input 1: a value that is only known at run time");
  node("HannWindow", {"two"}, {"y"});
  refused("the size is no scalar");
  attr(node("HannWindow", {"one"}, {"y"}), "output_datatype", 7);
  refused("'output_datatype': int64 is not supported");
  node("MelWeightMatrix", {"one", "one", "k", "one", "one"}, {"y"});
  refused("input 2: a value that is only known at run time");
}

TEST_F(RefusalsTest, Columns) {
  input("c", {"1", "12", "9"});
  ints("image", {4, 4});
  ints("block", {2, 2});
  ints("three", {2, 2, 2});
  node("Col2Im", {"c", "image", "three"}, {"y"});
  refused("the image has 2 dims, the blocks 3");
  attr(node("Col2Im", {"c", "image", "block"}, {"y"}), "strides",
       std::vector<int64_t>{2, 2});
  refused("number of blocks: 9 and 4 differ");
  floats("w", {2, 4, 3, 3});
  node("DeformConv", {"x", "w", "x"}, {"y"});
  refused("offset: channels: 4 and 18 differ");
  attr(node("DeformConv", {"x", "w", "x"}, {"y"}), "offset_group", 3);
  refused("the channels do not divide by the groups");
}

TEST_F(RefusalsTest, AntialiasOfASizeThatIsNotKnown) {
  model.mutable_graph()->clear_input();
  input("x", {"1", "4", "h", "6"});
  ints("s", {1, 4, 3, 3});
  auto &r = node("Resize", {"x", "", "", "s"}, {"y"});
  attr(r, "mode", std::string("cubic"));
  attr(r, "antialias", 1);
  refused("only known at run time");
}

TEST_F(RefusalsTest, OtherDomainsByTheirName) {
  opset(1, "com.example");
  node("Frobnicate", {"x"}, {"y"}).set_domain("com.example");
  refused("unsupported: com.example.Frobnicate (1");
}

} // namespace
