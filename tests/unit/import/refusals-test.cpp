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
  node("NonZero", {"x"}, {"y"});
  refused("of unknown number");
  input("c", {"2"}, 9);
  node("Compress", {"x", "c"}, {"y"});
  refused("result of unknown size");
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

TEST_F(RefusalsTest, CubicOfASizeThatIsNotKnown) {
  model.mutable_graph()->clear_input();
  input("x", {"1", "4", "h", "6"});
  ints("s", {1, 4, 3, 3});
  attr(node("Resize", {"x", "", "", "s"}, {"y"}), "mode", std::string("cubic"));
  refused("only known at run time");
}

TEST_F(RefusalsTest, OtherDomainsByTheirName) {
  opset(1, "com.example");
  node("Frobnicate", {"x"}, {"y"}).set_domain("com.example");
  refused("unsupported: com.example.Frobnicate (1");
}

} // namespace
