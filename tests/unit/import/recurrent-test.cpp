// recurrent-test.cpp - LSTM, GRU and RNN: what the loop holds, and what is
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

TEST_F(RecurrentTest, OneProductBeforeTheLoopAndOneInIt) {
  layer("LSTM", 4);
  std::string text = import();
  size_t loop = text.find("scf.for");
  ASSERT_NE(loop, std::string::npos) << text;
  EXPECT_EQ(count(text.substr(0, loop), "linalg.matmul"), 1) << text;
  EXPECT_EQ(count(text.substr(loop), "linalg.matmul"), 1) << text;
  // The new states and the row of Y are written in place.
  EXPECT_EQ(count(text.substr(loop), "tensor.insert_slice"), 3) << text;
}

TEST_F(RecurrentTest, DirectionsShareTheResult) {
  attr(layer("RNN", 1, 2), "direction", std::string("bidirectional"));
  std::string text = import();
  EXPECT_EQ(count(text, "scf.for"), 2) << text;
  EXPECT_FALSE(contains(text, "tensor.concat")) << text;
  EXPECT_TRUE(contains(text, "tensor<?x2x?x6xf32>")) << text;
}

TEST_F(RecurrentTest, GruThatResetsFirstMultipliesTwice) {
  auto &n = layer("GRU", 3);
  std::string text = import();
  EXPECT_EQ(count(text.substr(text.find("scf.for")), "linalg.matmul"), 2);
  attr(n, "linear_before_reset", 1);
  text = import();
  EXPECT_EQ(count(text.substr(text.find("scf.for")), "linalg.matmul"), 1);
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
