// graph-test.cpp - graphs that are damaged or hostile: one clear error, no
// crash.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/import/fixture.h"

namespace {

using GraphTest = ImportTest;

TEST_F(GraphTest, ListsEveryUnsupportedOpAtOnce) {
  input("x", {"2"});
  output("y");
  node("Foo", {"x"}, {"a"}, "first");
  node("Relu", {"a"}, {"b"});
  node("Foo", {"b"}, {"c"}, "second");
  auto &n = node("Bar", {"c"}, {"y"}, "third");
  n.set_domain("com.example");
  EXPECT_EQ(import(), "error: unsupported: Foo (2, first node 'first'), "
                      "com.example.Bar (1, first node 'third')");
}

TEST_F(GraphTest, NodesOutOfOrder) {
  input("x", {"2"});
  output("y");
  node("Add", {"late", "later"}, {"y"}, "sum");
  node("Exp", {"late"}, {"later"});
  node("Relu", {"x"}, {"late"});
  EXPECT_FALSE(contains(import(), "error"));
}

TEST_F(GraphTest, UndefinedInputs) {
  input("x", {"2"});
  output("y");
  node("Add", {"x", "none"}, {"y"}, "sum");
  EXPECT_EQ(import(),
            "error: node 'sum' (Add): input 'none' is not defined, or "
            "only by nodes that need this one");
}

TEST_F(GraphTest, ACycleIsAnUndefinedInput) {
  output("a");
  node("Relu", {"b"}, {"a"}, "one");
  node("Relu", {"a"}, {"b"}, "two");
  EXPECT_TRUE(contains(import(), "input 'b' is not defined"));
}

TEST_F(GraphTest, TwoProducersOfOneName) {
  input("x", {"2"});
  output("y");
  node("Relu", {"x"}, {"y"}, "one");
  node("Exp", {"x"}, {"y"}, "two");
  EXPECT_EQ(import(), "error: node 'two' (Exp): value 'y' is defined twice");
}

TEST_F(GraphTest, MissingPieces) {
  input("x", {"2"});
  EXPECT_EQ(import(), "error: the graph has no outputs");
  output("nothing");
  EXPECT_EQ(import(), "error: output 'nothing' is not defined");
  model.clear_opset_import();
  node("Relu", {"x"}, {"nothing"}, "r");
  EXPECT_TRUE(contains(import(), "names no opset"));
  opset(4);
  EXPECT_TRUE(contains(import(), "opset 4 is not supported, only 7 to 25"));
  model.clear_graph();
  EXPECT_TRUE(contains(import(), "it has no graph"));
}

TEST_F(GraphTest, ArityAndAttributesAreChecked) {
  input("x", {"2"});
  output("y");
  node("Add", {"x"}, {"y"}, "n");
  EXPECT_EQ(import(), "error: node 'n' (Add): input 1 is missing");
  model.mutable_graph()->clear_node();
  node("Relu", {"x", "x", "x"}, {"y"}, "n");
  EXPECT_EQ(import(),
            "error: node 'n' (Relu): it has 3 inputs, at most 1 expected");
  model.mutable_graph()->clear_node();
  auto &n = node("Concat", {"x", "x"}, {"y"}, "n");
  auto *a = n.add_attribute();
  a->set_name("axis");
  a->set_type(1);
  EXPECT_EQ(
      import(),
      "error: node 'n' (Concat): attribute 'axis' has type 1, expected 2");
  a->set_type(2);
  a->set_i(7);
  EXPECT_EQ(import(), "error: node 'n' (Concat): axis 7 is outside of rank 1");
}

TEST_F(GraphTest, ShapesThatDoNotFit) {
  input("x", {"2", "3"});
  input("w", {"4", "5"});
  output("y");
  node("MatMul", {"x", "w"}, {"y"}, "n");
  EXPECT_TRUE(contains(import(), "error: node 'n' (MatMul): matrix "
                                 "product: columns and rows: 3 and 4 differ"));
}

TEST_F(GraphTest, InputDeclarations) {
  output("y");
  node("Relu", {"x"}, {"y"}, "n");
  input("x", {"-3"});
  EXPECT_EQ(import(), "error: input 'x': a dimension is -3");
  model.mutable_graph()->clear_input();
  input("x", {"2"}, 8);
  EXPECT_EQ(import(), "error: input 'x': element type 8 is not supported");
  model.mutable_graph()->clear_input();
  model.mutable_graph()->add_input()->set_name("x");
  EXPECT_EQ(import(), "error: input 'x': it is no tensor, or has no type");
  model.mutable_graph()->clear_input();
  input("x", {"4611686018427387904", "4611686018427387904"});
  EXPECT_TRUE(contains(import(), "overflows"));
}

TEST_F(GraphTest, SplatsTakeNoMemory) {
  // 2^40 elements, written as one.
  output("y");
  ints("shape", {1 << 20, 1 << 20});
  node("ConstantOfShape", {"shape"}, {"y"});
  EXPECT_TRUE(
      contains(import(), "dense<0.000000e+00> : tensor<1048576x1048576xf32>"));
}

TEST_F(GraphTest, ExpandedConstantsAreNotFolded) {
  output("y");
  ints("c", {1, 2});
  ints("shape", {1 << 30, 2});
  node("Expand", {"c", "shape"}, {"y"});
  EXPECT_TRUE(contains(import(), "linalg.generic"));
}

TEST_F(GraphTest, FoldedConstantsAreBounded) {
  // Each node would fold to 8 MiB of its own; the budget ends and ops are left.
  ints("c", std::vector<int64_t>(1 << 10, 1));
  ints("shape", {1 << 10, 1 << 10});
  for (int i = 0; i < 64; ++i) {
    std::string y = "y" + std::to_string(i);
    node("Concat", std::vector<std::string>(1 << 10, "c"), {y});
    attr(*model.mutable_graph()->mutable_node(i), "axis", 0);
    output(y);
  }
  EXPECT_GT(countOps("tensor.concat"), 40);
}

TEST_F(GraphTest, OverlongNames) {
  std::string longName(100000, 'n');
  input("x", {"2"});
  output(longName);
  node("Relu", {"x"}, {longName}, "r");
  EXPECT_TRUE(contains(import(), "has a name of 100000 bytes"));
}

TEST_F(GraphTest, FunctionsAreInlined) {
  opset(1, "local");
  auto *f = model.add_functions();
  f->set_domain("local");
  f->set_name("Twice");
  f->add_input("a");
  f->add_output("b");
  f->add_attribute("axis");
  auto *o = f->add_opset_import();
  o->set_version(18);
  auto &concat = fill(*f->add_node(), "Concat", {"a", "a"}, {"b"});
  auto *ref = concat.add_attribute();
  ref->set_name("axis");
  ref->set_type(2);
  ref->set_ref_attr_name("axis");
  input("x", {"2", "3"});
  output("y");
  auto &n = node("Twice", {"x"}, {"y"}, "call");
  n.set_domain("local");
  attr(n, "axis", 1);
  EXPECT_TRUE(contains(import(), "tensor<2x6xf32>"));
  n.mutable_attribute(0)->set_i(0);
  EXPECT_TRUE(contains(import(), "tensor<4x3xf32>"));
}

TEST_F(GraphTest, FunctionsThatCallThemselves) {
  opset(1, "local");
  auto *f = model.add_functions();
  f->set_domain("local");
  f->set_name("F");
  f->add_input("a");
  f->add_output("b");
  auto *o = f->add_opset_import();
  o->set_domain("local");
  o->set_version(1);
  fill(*f->add_node(), "F", {"a"}, {"b"}).set_domain("local");
  input("x", {"2"});
  output("y");
  node("F", {"x"}, {"y"}, "call").set_domain("local");
  EXPECT_TRUE(contains(import(), "in a cycle"));
}

TEST_F(GraphTest, FunctionsThatGrowExponentially) {
  opset(1, "local");
  for (int i = 0; i < 30; ++i) {
    auto *f = model.add_functions();
    f->set_domain("local");
    f->set_name("F" + std::to_string(i));
    f->add_input("a");
    f->add_output("c");
    auto *o = f->add_opset_import();
    o->set_version(18);
    o = f->add_opset_import();
    o->set_domain("local");
    o->set_version(1);
    std::string next = i == 29 ? "Relu" : "F" + std::to_string(i + 1);
    for (auto names : {std::pair("a", "b"), std::pair("b", "c")}) {
      auto &n = fill(*f->add_node(), next, {names.first}, {names.second});
      if (i != 29)
        n.set_domain("local");
    }
  }
  input("x", {"2"});
  output("y");
  node("F0", {"x"}, {"y"}, "call").set_domain("local");
  EXPECT_TRUE(contains(import(), "inline to more than"));
}

TEST_F(GraphTest, OddNames) {
  std::string odd("a\0\"\n%)\xff", 7);
  input(odd, {"2"});
  output("y");
  node("Relu", {odd}, {"y"}, odd);
  EXPECT_TRUE(contains(import(), ".name = \"a\\00\\22\\0A%)\\FF\""));
}

TEST_F(GraphTest, DamagedBytes) {
  input("x", {"2", "3"});
  output("y");
  ints("shape", {3, 2});
  node("Reshape", {"x", "shape"}, {"y"}, "n");
  std::string bytes = model.SerializeAsString();
  ASSERT_FALSE(contains(importBytes(bytes), "error"));
  for (size_t i = 0; i < bytes.size(); ++i) {
    importBytes(bytes.substr(0, i)); // errors or imports, never crashes
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x81);
    importBytes(flipped);
  }
}

TEST_F(GraphTest, AnOutputThatTheModelCallsAScalarIsOne) {
  input("x", {"n", "1"});
  output("y"); // the fixture's outputs are scalars
  node("Squeeze", {"x"}, {"y"});
  std::string text = import();
  EXPECT_TRUE(contains(text, "-> (tensor<f32>")) << text;
  EXPECT_TRUE(contains(text, "cf.assert")) << text;
  // A size that is known not to be 1 stays, and so does the rank.
  model.mutable_graph()->clear_input();
  input("x", {"n", "3"});
  EXPECT_TRUE(contains(import(), "-> (tensor<?x3xf32>")) << import();
}

} // namespace
