// loop-test.cpp - Loop and Scan: unrolled, counted, by a condition, and damage.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/import/fixture.h"

namespace {

struct LoopTest : ImportTest {
  using Graph = heed::onnx::GraphProto;

  void flag(std::string name, bool value) {
    auto *t = model.mutable_graph()->add_initializer();
    t->set_name(name);
    t->set_data_type(9);
    t->add_int32_data(value);
  }
  static Graph &body(heed::onnx::NodeProto &node) {
    auto *a = node.add_attribute();
    a->set_name("body");
    a->set_type(5);
    return *a->mutable_g();
  }
  /// v = op(v) in each iteration; goes on as `condition` says.
  Graph &loop(std::string trips, std::string op, std::string condition = "go") {
    auto &n = node("Loop", {trips, "", "x"}, {"y"}, "loop");
    Graph &g = body(n);
    for (std::string in : {"i", "go", "v"})
      g.add_input()->set_name(in);
    fill(*g.add_node(), op, {"v"}, {"next"}, "in_body");
    g.add_output()->set_name(condition);
    g.add_output()->set_name("next");
    return g;
  }
};

TEST_F(LoopTest, FewIterationsAreUnrolled) {
  input("x", {"2"});
  output("y");
  ints("three", {3});
  loop("three", "Exp");
  EXPECT_EQ(countOps("math.exp"), 3);
  EXPECT_EQ(countOps("scf.for"), 0);
}

TEST_F(LoopTest, ANumberFromTheInput) {
  input("x", {"2"});
  input("trips", {}, 7);
  output("y");
  loop("trips", "Exp");
  EXPECT_EQ(countOps("scf.for"), 1);
  EXPECT_EQ(countOps("math.exp"), 1);
  // Written over the old value: the loop allocates nothing.
  EXPECT_EQ(countOps("bufferization.materialize_in_destination"), 1);
}

TEST_F(LoopTest, AConditionFromTheBody) {
  input("x", {"2"});
  input("more", {}, 9);
  output("y");
  loop("", "Exp", "more");
  EXPECT_EQ(countOps("scf.while"), 1);
  EXPECT_EQ(countOps("math.exp"), 1);
}

TEST_F(LoopTest, AConditionThatIsFalseFromTheBeginning) {
  input("x", {"2"});
  output("y");
  flag("no", false);
  ints("many", {1000});
  loop("many", "Exp");
  model.mutable_graph()->mutable_node(0)->set_input(1, "no");
  EXPECT_EQ(countOps("math.exp"), 0);
}

TEST_F(LoopTest, WhatDoesNotChangeIsNotCarried) {
  input("x", {"2"});
  input("trips", {}, 7);
  output("y");
  Graph &g = loop("trips", "Exp");
  auto &n = *model.mutable_graph()->mutable_node(0);
  n.add_input("x");
  n.add_output("unchanged");
  g.add_input()->set_name("w");
  g.add_output()->set_name("w");
  EXPECT_TRUE(
      contains(import(), "iter_args(%arg3 = %arg0) -> (tensor<2xf32>)"));
}

TEST_F(LoopTest, ASizeThatGrowsIsDynamic) {
  input("x", {"2"});
  input("trips", {}, 7);
  output("y");
  Graph &g = loop("trips", "Concat");
  g.mutable_node(0)->add_input("v");
  auto *axis = g.mutable_node(0)->add_attribute();
  axis->set_name("axis");
  axis->set_type(2);
  axis->set_i(0);
  EXPECT_TRUE(contains(import(), "-> (tensor<?xf32>)"));
}

TEST_F(LoopTest, ScanReadsAndWritesRows) {
  input("x", {"n", "3"});
  output("y");
  auto &n = node("Scan", {"x"}, {"y"}, "scan");
  auto *count = n.add_attribute();
  count->set_name("num_scan_inputs");
  count->set_type(2);
  count->set_i(1);
  Graph &g = body(n);
  g.add_input()->set_name("row");
  fill(*g.add_node(), "Exp", {"row"}, {"e"});
  g.add_output()->set_name("e");
  EXPECT_EQ(countOps("scf.for"), 1);
  EXPECT_EQ(countOps("tensor.insert_slice"), 1);
  count->set_i(2);
  EXPECT_EQ(import(), "error: node 'scan' (Scan): attribute 'num_scan_inputs' "
                      "is 2");
}

TEST_F(LoopTest, DamagedLoops) {
  input("x", {"2"});
  output("y");
  ints("three", {3});
  Graph &g = loop("three", "NoSuchOp");
  EXPECT_EQ(import(), "error: node 'loop' (Loop): node 'in_body' (NoSuchOp): "
                      "unsupported");
  g.mutable_node(0)->set_op_type("Shape");
  EXPECT_EQ(import(), "error: node 'loop' (Loop): carried value 0 is float32 "
                      "at first, then int64");
  g.mutable_output(0)->set_name("v");
  EXPECT_EQ(import(), "error: node 'loop' (Loop): its condition becomes "
                      "float32, bool expected");
  g.add_output()->set_name("v");
  EXPECT_EQ(import(), "error: node 'loop' (Loop): its body has 3 inputs and 3 "
                      "outputs, the node 3 and 1");
  auto &n = *model.mutable_graph()->mutable_node(0);
  n.clear_attribute();
  EXPECT_EQ(import(), "error: node 'loop' (Loop): attribute 'body' is missing");
}

} // namespace
