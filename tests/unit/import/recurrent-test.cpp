// recurrent-test.cpp - LSTM, GRU and RNN: what they become, and what is
// refused.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/import/fixture.h"

namespace {

struct RecurrentTest : ImportTest {
  heed::onnx::NodeProto &layer(std::string op, int64_t gates,
                               int64_t directions = 1) {
    input("x", {"s", "n", "4"});
    output("y");
    floats("w", {directions, gates * 6, 4});
    floats("r", {directions, gates * 6, 6});
    return node(op, {"x", "w", "r"}, {"y"});
  }
  std::string errorOf() {
    std::string text = import();
    return contains(text, "error: ") ? text.substr(0, 400) : "imported";
  }
};

TEST_F(RecurrentTest, ALayerIsOneOp) {
  layer("LSTM", 4);
  std::string text = import();
  EXPECT_EQ(count(text, "attn.recurrent lstm forward"), 1) << text;
  EXPECT_TRUE(contains(text, "input_weights(%")) << text;
  EXPECT_TRUE(contains(text, "y(%")) << text;
  EXPECT_EQ(count(text, "scf.for"), 0) << text;
}

TEST_F(RecurrentTest, DirectionsShareTheResult) {
  attr(layer("RNN", 1, 2), "direction", std::string("bidirectional"));
  std::string text = import();
  EXPECT_EQ(count(text, "attn.recurrent rnn bidirectional"), 1) << text;
  EXPECT_FALSE(contains(text, "tensor.concat")) << text;
  EXPECT_TRUE(contains(text, "tensor<?x2x?x6xf32>")) << text;
}

TEST_F(RecurrentTest, BothBiasesAreOne) {
  auto &n = layer("GRU", 3);
  floats("b", {1, 36});
  n.add_input("b");
  std::string text = import();
  EXPECT_TRUE(contains(text, " bias(%")) << text;
  EXPECT_FALSE(contains(text, "reset_bias")) << text;
  EXPECT_EQ(count(text, "linalg.generic"), 0) << text;
  // The candidate's own stays apart where it is reset.
  attr(n, "linear_before_reset", 1);
  text = import();
  EXPECT_TRUE(contains(text, " reset_bias(%")) << text;
  EXPECT_TRUE(contains(text, "linear_before_reset}")) << text;
}

TEST_F(RecurrentTest, AttributesAreThoseOfTheNode) {
  auto &n = layer("RNN", 1);
  attr(n, "activations", std::vector<std::string>{"hardsigmoid"});
  auto *clip = n.add_attribute();
  clip->set_name("clip");
  clip->set_type(1);
  clip->set_f(3);
  std::string text = import();
  EXPECT_TRUE(contains(text, "activations = [\"hard_sigmoid\"]")) << text;
  EXPECT_TRUE(contains(text, "alphas = array<f64: 2.000000e-01>")) << text;
  EXPECT_TRUE(contains(text, "clip = 3.000000e+00 : f64")) << text;
}

TEST_F(RecurrentTest, BatchFirstIsATransposeOnBothSides) {
  attr(layer("RNN", 1), "layout", 1);
  std::string text = import();
  EXPECT_EQ(count(text, "linalg.transpose"), 2) << text;
}

TEST_F(RecurrentTest, WhatDoesNotFitIsRefused) {
  auto &n = layer("RNN", 1);
  attr(n, "direction", std::string("sideways"));
  EXPECT_TRUE(contains(errorOf(), "'direction' is 'sideways'")) << errorOf();
  n.clear_attribute();
  attr(n, "hidden_size", 5);
  EXPECT_TRUE(contains(errorOf(), "'hidden_size' is 5")) << errorOf();
  n.clear_attribute();
  attr(n, "layout", 2);
  EXPECT_TRUE(contains(errorOf(), "'layout' is 2")) << errorOf();
  n.clear_attribute();
  attr(n, "activations", std::vector<std::string>{"Tanh", "Tanh"});
  EXPECT_TRUE(contains(errorOf(), "has 2 entries, expected 1")) << errorOf();
  n.clear_attribute();
  attr(n, "activations", std::vector<std::string>{"Cosine"});
  EXPECT_TRUE(contains(errorOf(), "holds 'Cosine'")) << errorOf();
  n.clear_attribute();
  // Implementations differ in what they take without it.
  attr(n, "activations", std::vector<std::string>{"ScaledTanh"});
  EXPECT_TRUE(contains(errorOf(), "needs its parameters")) << errorOf();
  n.clear_attribute();
  n.set_input(2, "w");
  EXPECT_TRUE(contains(errorOf(), "error")) << errorOf();
}

} // namespace
