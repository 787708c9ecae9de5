// branch-test.cpp - If with a known condition: the branch taken, and damage.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/import/fixture.h"

namespace {

struct BranchTest : ImportTest {
  using Graph = heed::onnx::GraphProto;

  void flag(std::string name, bool value) {
    auto *t = model.mutable_graph()->add_initializer();
    t->set_name(name);
    t->set_data_type(9);
    t->add_int32_data(value);
  }
  static Graph &branch(heed::onnx::NodeProto &node, std::string which) {
    auto *a = node.add_attribute();
    a->set_name(which + "_branch");
    a->set_type(5);
    return *a->mutable_g();
  }
  /// A branch of one node.
  static Graph &branch(heed::onnx::NodeProto &node, std::string which,
                       std::string op, std::vector<std::string> ins) {
    Graph &g = branch(node, which);
    fill(*g.add_node(), op, ins, {which}, "in_" + which);
    g.add_output()->set_name(which);
    return g;
  }
};

TEST_F(BranchTest, TakesTheBranchThatTheConditionNames) {
  input("x", {"2"});
  output("y");
  flag("c", true);
  auto &n = node("If", {"c"}, {"y"}, "if");
  branch(n, "then", "Exp", {"x"});
  branch(n, "else", "Tanh", {"x"});
  EXPECT_EQ(countOps("math.exp"), 1);
  EXPECT_EQ(countOps("math.tanh"), 0);
  model.mutable_graph()->mutable_initializer(0)->set_int32_data(0, 0);
  EXPECT_EQ(countOps("math.exp"), 0);
  EXPECT_EQ(countOps("math.tanh"), 1);
}

TEST_F(BranchTest, AConditionFoldedFromShapes) {
  input("x", {"n", "3"});
  output("y");
  ints("three", {3});
  ints("one", {1});
  node("Shape", {"x"}, {"s"});
  node("Gather", {"s", "one"}, {"width"});
  node("Equal", {"width", "three"}, {"c"});
  auto &n = node("If", {"c"}, {"y"}, "if");
  branch(n, "then", "Exp", {"x"});
  branch(n, "else", "NoSuchOp", {"x"}); // not taken, not looked at
  EXPECT_EQ(countOps("math.exp"), 1);
}

TEST_F(BranchTest, BranchesHaveInitializersAndSeeNamesAroundThem) {
  input("x", {"2"});
  output("y");
  flag("c", true);
  auto &n = node("If", {"c"}, {"y"}, "outer");
  Graph &g = branch(n, "then");
  auto *w = g.add_initializer();
  w->set_name("w");
  w->set_data_type(1);
  w->add_dims(1);
  w->add_float_data(2);
  fill(*g.add_node(), "Mul", {"x", "w"}, {"xw"});
  auto &inner = fill(*g.add_node(), "If", {"c"}, {"r"}, "inner");
  branch(inner, "then", "Add", {"xw", "late"});
  branch(inner, "else", "Exp", {"x"});
  g.add_output()->set_name("r");
  branch(n, "else", "Exp", {"x"});
  node("Tanh", {"x"}, {"late"}); // out of order: the branch needs it
  EXPECT_EQ(countOps("arith.mulf"), 1);
  EXPECT_EQ(countOps("arith.addf"), 1);
  EXPECT_EQ(countOps("math.tanh"), 1);
}

TEST_F(BranchTest, AResultMayBeANameFromAround) {
  input("x", {"2"});
  output("y");
  flag("c", false);
  auto &n = node("If", {"c"}, {"r"}, "if");
  branch(n, "then", "Exp", {"x"});
  branch(n, "else").add_output()->set_name("x");
  node("Tanh", {"r"}, {"y"});
  EXPECT_EQ(countOps("math.tanh"), 1);
}

TEST_F(BranchTest, TwoBranchesMayUseOneName) {
  input("x", {"2"});
  output("z");
  flag("c", true);
  for (auto [in, out] : {std::pair("x", "y"), std::pair("y", "z")}) {
    auto &n = node("If", {"c"}, {out});
    branch(n, "then", "Exp", {in});
    branch(n, "else", "Tanh", {in});
  }
  EXPECT_EQ(countOps("math.exp"), 2);
}

TEST_F(BranchTest, ARunTimeCondition) {
  input("x", {"2"});
  input("c", {}, 9);
  output("y");
  auto &n = node("If", {"c"}, {"y"}, "if");
  branch(n, "then", "Exp", {"x"});
  branch(n, "else", "Tanh", {"x"});
  EXPECT_EQ(countOps("scf.if"), 1);
  EXPECT_EQ(countOps("math.exp"), 1);
  EXPECT_EQ(countOps("math.tanh"), 1);
}

TEST_F(BranchTest, SizesOfBranchesThatDifferAreReadAtRunTime) {
  input("x", {"n", "3"});
  input("c", {}, 9);
  output("y");
  auto &n = node("If", {"c"}, {"r"}, "if");
  branch(n, "then", "Exp", {"x"});
  branch(n, "else", "Transpose", {"x"});
  node("Tanh", {"r"}, {"y"});
  EXPECT_TRUE(contains(import(), "-> (tensor<?x?xf32>)"));
}

TEST_F(BranchTest, WhatABranchRequiresHoldsOnlyThere) {
  input("x", {"n"});
  input("z", {"m"});
  input("c", {}, 9);
  output("y");
  auto &n = node("If", {"c"}, {"r"}, "if");
  branch(n, "then", "Add", {"x", "z"});
  branch(n, "else", "Exp", {"x"});
  node("Add", {"r", "x"}, {"y"});
  std::string text = import();
  size_t check = text.find("cf.assert"), branch = text.find("scf.if");
  ASSERT_NE(branch, std::string::npos) << text;
  EXPECT_GT(check, branch) << text;
}

TEST_F(BranchTest, BranchesOfDifferentTypesAndRanks) {
  input("x", {"2"});
  input("c", {}, 9);
  output("y");
  auto &n = node("If", {"c"}, {"y"}, "if");
  branch(n, "then", "Exp", {"x"});
  branch(n, "else", "Shape", {"x"});
  EXPECT_EQ(import(),
            "error: node 'if' (If): its branches give float32 and int64");
  n.clear_attribute();
  branch(n, "then", "Exp", {"x"});
  branch(n, "else", "ReduceSum", {"x"});
  auto *keep =
      n.mutable_attribute(1)->mutable_g()->mutable_node(0)->add_attribute();
  keep->set_name("keepdims");
  keep->set_type(2);
  keep->set_i(0);
  EXPECT_EQ(import(), "error: node 'if' (If): unsupported: its branches give "
                      "tensors of rank 1 and of rank 0");
}

TEST_F(BranchTest, ASizeThatIsSqueezedWhereItIsOneIsOne) {
  input("x", {"n", "3"});
  output("y");
  ints("zero", {0});
  ints("one", {1});
  node("Shape", {"x"}, {"s"});
  node("Gather", {"s", "zero"}, {"size"});
  node("Equal", {"size", "one"}, {"c"});
  auto &n = node("If", {"c"}, {"r"}, "if");
  branch(n, "then", "Squeeze", {"x", "zero"});
  branch(n, "else", "Identity", {"x"});
  node("Tanh", {"r"}, {"y"});
  std::string text = import();
  EXPECT_TRUE(contains(text, "-> tensor<3xf32>")) << text;
  EXPECT_TRUE(contains(text, "cf.assert")) << text;
  EXPECT_FALSE(contains(text, "scf.if")) << text;
  // Not where it is another tensor that stays.
  n.mutable_attribute(1)->mutable_g()->mutable_node(0)->set_input(0, "s");
  EXPECT_TRUE(contains(import(), "error: ")) << import();
}

TEST_F(BranchTest, DamagedBranches) {
  input("x", {"2"});
  output("y");
  flag("c", true);
  auto &n = node("If", {"c"}, {"y"}, "if");
  EXPECT_EQ(import(),
            "error: node 'if' (If): attribute 'then_branch' is missing");
  attr(n, "then_branch", 1);
  EXPECT_EQ(import(),
            "error: node 'if' (If): attribute 'then_branch' is no graph");
  n.clear_attribute();
  Graph &g = branch(n, "then", "NoSuchOp", {"x"});
  EXPECT_EQ(import(), "error: node 'if' (If): node 'in_then' (NoSuchOp): "
                      "unsupported");
  g.mutable_node(0)->set_op_type("Exp");
  g.mutable_output(0)->set_name("none");
  EXPECT_EQ(import(), "error: node 'if' (If): then_branch does not define its "
                      "output 'none'");
  g.add_output()->set_name("then");
  EXPECT_EQ(import(),
            "error: node 'if' (If): then_branch has 2 outputs, the node has 1");
  g.add_input()->set_name("x");
  EXPECT_EQ(import(), "error: node 'if' (If): then_branch has inputs");
  g.clear_input();
  g.add_sparse_initializer("");
  EXPECT_EQ(import(),
            "error: node 'if' (If): sparse initializers are not supported");
  n.add_input("c");
  EXPECT_EQ(import(), "error: node 'if' (If): it has 2 inputs, 1 expected");
  n.clear_input();
  n.add_input("x");
  EXPECT_EQ(import(),
            "error: node 'if' (If): its condition is float32, bool expected");
}

TEST_F(BranchTest, DeepNestsAreRefused) {
  input("x", {"2"});
  output("y");
  flag("c", true);
  for (int depth : {20, 200}) {
    model.mutable_graph()->clear_node();
    auto *n = &node("If", {"c"}, {"y"}, "if");
    for (int i = 0; i < depth; ++i) {
      Graph &g = branch(*n, "then");
      g.add_output()->set_name("r");
      n = &fill(*g.add_node(), "If", {"c"}, {"r"});
    }
    branch(*n, "then", "Exp", {"x"});
    std::string text = import();
    EXPECT_TRUE(contains(text, depth == 20 ? "math.exp" : "does not parse"))
        << text;
  }
}

} // namespace
