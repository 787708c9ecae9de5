// ops-test.cpp - the form that each op takes in IR, and what changed between
// opsets.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/import/fixture.h"

namespace {

struct OpsTest : ImportTest {
  void useOpset(int64_t version) {
    model.clear_opset_import();
    opset(version);
  }
};

TEST_F(OpsTest, ConvolutionsOfEachKind) {
  input("x", {"2", "8", "9", "9"});
  output("y");
  floats("w", {4, 8, 3, 3});
  floats("b", {4});
  auto &n = node("Conv", {"x", "w", "b"}, {"y"});
  attr(n, "pads", std::vector<int64_t>{1, 1, 1, 1});
  attr(n, "strides", std::vector<int64_t>{2, 2});
  std::string text = import();
  EXPECT_TRUE(contains(text, "tensor.pad")) << text;
  EXPECT_TRUE(contains(text, "linalg.conv_2d_nchw_fchw")) << text;
  EXPECT_TRUE(contains(text, "arith.addf")) << text; // the bias
  EXPECT_TRUE(contains(text, "tensor<2x4x5x5xf32>")) << text;
}

TEST_F(OpsTest, DepthwiseAndGroupedConvolutions) {
  input("x", {"2", "8", "9", "9"});
  output("y");
  floats("w", {8, 1, 3, 3});
  auto &n = node("Conv", {"x", "w"}, {"y"});
  attr(n, "group", 8);
  EXPECT_TRUE(contains(import(), "linalg.depthwise_conv_2d_nchw_chw"));
  model.mutable_graph()->clear_initializer();
  floats("w", {4, 4, 3, 3});
  n.mutable_attribute(0)->set_i(2);
  EXPECT_TRUE(contains(import(), "linalg.conv_2d_ngchw_gfchw"));
  n.mutable_attribute(0)->set_i(3);
  EXPECT_TRUE(contains(import(), "error"));
}

TEST_F(OpsTest, AWindowOverTheWholeInputIsAReduction) {
  input("x", {"2", "8", "9", "7"});
  output("y");
  auto &n = node("MaxPool", {"x"}, {"y"});
  attr(n, "kernel_shape", std::vector<int64_t>{9, 7});
  std::string text = import();
  EXPECT_FALSE(contains(text, "pooling")) << text;
  EXPECT_TRUE(contains(text, "\"reduction\", \"reduction\"")) << text;
  n.mutable_attribute(0)->set_ints(1, 2);
  EXPECT_TRUE(contains(import(), "linalg.pooling_nchw_max"));
}

TEST_F(OpsTest, BatchNormFoldsToScaleAndShift) {
  input("x", {"n", "2", "h", "w"});
  output("y");
  for (const char *name : {"s", "b", "m", "v"})
    floats(name, {2}, 4);
  auto *a = node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"})
                .add_attribute();
  a->set_name("epsilon");
  a->set_type(1);
  a->set_f(0);
  // scale = 4 / √4, 5 / √5; shift = 4 − 4·2, ...
  std::string text = import();
  EXPECT_TRUE(contains(text, "2.000000e+00")) << text;
  EXPECT_TRUE(contains(text, "-4.000000e+00")) << text;
  EXPECT_EQ(count(text, "linalg.generic"), 2) << text;
}

TEST_F(OpsTest, SoftmaxFlattensBelowOpset13) {
  input("x", {"2", "3", "4"});
  output("y");
  node("Softmax", {"x"}, {"y"});
  EXPECT_TRUE(contains(import(), "linalg.softmax dimension(2)"));
  useOpset(11);
  std::string text = import();
  EXPECT_TRUE(contains(text, "tensor<2x12xf32>")) << text;
  EXPECT_TRUE(contains(text, "linalg.softmax dimension(1)")) << text;
}

TEST_F(OpsTest, AxesMoveFromAttributeToInput) {
  input("x", {"2", "3", "4"});
  output("y");
  ints("axes", {1});
  node("ReduceMean", {"x", "axes"}, {"y"});
  EXPECT_TRUE(contains(import(), "tensor<2x1x4xf32>"));
  model.mutable_graph()->clear_node();
  attr(node("ReduceMean", {"x"}, {"y"}), "axes", std::vector<int64_t>{1});
  useOpset(13);
  EXPECT_TRUE(contains(import(), "tensor<2x1x4xf32>"));
}

TEST_F(OpsTest, NeutralOpsVanish) {
  input("x", {"2"});
  output("y");
  floats("zero", {}, 0);
  floats("one", {}, 1);
  node("Add", {"x", "zero"}, {"a"});
  node("Mul", {"one", "a"}, {"b"});
  auto &n = node("Cast", {"b"}, {"c"});
  attr(n, "to", 1);
  node("Dropout", {"c"}, {"y"});
  EXPECT_FALSE(contains(import(), "linalg"));
}

TEST_F(OpsTest, TransposedWeightsFold) {
  input("x", {"n", "3"});
  output("y");
  floats("w", {2, 3});
  attr(node("Gemm", {"x", "w"}, {"y"}), "transB", 1);
  std::string text = import();
  EXPECT_FALSE(contains(text, "linalg.transpose")) << text;
  EXPECT_TRUE(contains(text, "linalg.matmul")) << text;
}

TEST_F(OpsTest, EqualNumbersAreASplat) {
  input("x", {"40", "50"});
  output("y");
  floats("w", {40, 50});
  auto *data =
      model.mutable_graph()->mutable_initializer(0)->mutable_float_data();
  std::fill(data->begin(), data->end(), 3.0f);
  node("Mul", {"x", "w"}, {"y"});
  std::string text = import();
  EXPECT_TRUE(contains(text, "dense<3.000000e+00>")) << text;
}

TEST_F(OpsTest, AttentionBecomesSdpa) {
  useOpset(23);
  input("q", {"b", "s", "64"});
  input("k", {"b", "t", "32"});
  input("v", {"b", "t", "32"});
  input("m", {"s", "t"}, 9);
  output("y");
  auto &n = node("Attention", {"q", "k", "v", "m"}, {"y"});
  attr(n, "q_num_heads", 8);
  attr(n, "kv_num_heads", 4);
  attr(n, "is_causal", 1);
  std::string text = import();
  EXPECT_FALSE(contains(text, "linalg.transpose")) << text;
  EXPECT_TRUE(contains(text, "attn.sdpa")) << text;
  EXPECT_TRUE(contains(text, "causal = #attn.causal<top_left>")) << text;
  EXPECT_TRUE(contains(text, "masked_rows = #attn.masked_rows<zero>")) << text;
  EXPECT_TRUE(contains(text, "d1 floordiv 2")) << text;
}

TEST_F(OpsTest, AttentionWithAPastIsBottomRight) {
  useOpset(23);
  for (const char *name : {"q", "k", "v"})
    input(name, {"b", "2", "s", "8"});
  input("pk", {"b", "2", "p", "8"});
  input("pv", {"b", "2", "p", "8"});
  output("y");
  auto &n =
      node("Attention", {"q", "k", "v", "", "pk", "pv"}, {"y", "nk", "nv"});
  attr(n, "is_causal", 1);
  std::string text = import();
  EXPECT_EQ(count(text, "tensor.concat"), 2) << text;
  EXPECT_TRUE(contains(text, "causal = #attn.causal<bottom_right>")) << text;
}

TEST_F(OpsTest, CenterCropPadIsASliceAndAPad) {
  input("x", {"n", "9", "4"});
  output("y");
  ints("size", {4, 7});
  auto &n = node("CenterCropPad", {"x", "size"}, {"y"});
  attr(n, "axes", std::vector<int64_t>{1, -1});
  std::string text = import();
  EXPECT_TRUE(contains(text, "[0, 2, 0] [%")) << text;
  EXPECT_TRUE(contains(text, "low[0, 0, 1] high[0, 0, 2]")) << text;
  EXPECT_TRUE(contains(text, "tensor<?x4x7xf32>")) << text;
  n.mutable_attribute(0)->set_ints(0, 0);
  EXPECT_TRUE(contains(import(), "axis 0 has a size that is only known at"));
  n.mutable_attribute(0)->set_ints(0, 2);
  EXPECT_TRUE(contains(import(), "axis 2 is given twice"));
  n.mutable_attribute(0)->add_ints(0);
  EXPECT_TRUE(contains(import(), "error"));
}

TEST_F(OpsTest, CircularPaddingIsSlicesAndConcat) {
  input("x", {"n", "1", "16"});
  output("y");
  ints("pads", {0, 0, 1, 0, 0, 1});
  auto *a = node("Pad", {"x", "pads"}, {"y"}).add_attribute();
  a->set_name("mode");
  a->set_type(3);
  a->set_s("wrap");
  std::string text = import();
  EXPECT_EQ(count(text, "tensor.extract_slice"), 2) << text;
  EXPECT_TRUE(contains(text, "tensor.concat")) << text;
}

TEST_F(OpsTest, WholeNearestUpscalingIsABroadcast) {
  input("x", {"n", "3", "h", "w"});
  output("y");
  auto *scales = model.mutable_graph()->add_initializer();
  scales->set_name("scales");
  scales->set_data_type(1);
  scales->add_dims(4);
  for (float v : {1, 1, 2, 2})
    scales->add_float_data(v);
  auto &n = node("Resize", {"x", "", "scales"}, {"y"});
  for (auto [name, value] :
       {std::pair("coordinate_transformation_mode", "asymmetric"),
        std::pair("nearest_mode", "floor")}) {
    auto *a = n.add_attribute();
    a->set_name(name);
    a->set_type(3);
    a->set_s(value);
  }
  std::string text = import();
  EXPECT_FALSE(contains(text, "tensor.extract")) << text;
  EXPECT_TRUE(contains(text, "tensor.collapse_shape")) << text;
}

} // namespace
