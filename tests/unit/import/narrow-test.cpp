// narrow-test.cpp - sizes and flags that the caller knows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/unit/import/fixture.h"

namespace {

struct NarrowTest : ImportTest {
  std::map<std::string, std::vector<int64_t>> seen;

  /// Sets dim `dim` of input `name`, and the element of boolean inputs.
  void narrow(std::map<std::pair<std::string, int>, int64_t> sizes,
              std::map<std::string, bool> elements = {}) {
    options.narrow = [=, this](llvm::StringRef name,
                               llvm::MutableArrayRef<int64_t> dims,
                               std::optional<bool> &element) {
      seen[name.str()] = dims.vec();
      for (auto &[place, size] : sizes)
        if (place.first == name)
          dims[place.second] = size;
      if (auto it = elements.find(name.str()); it != elements.end())
        element = it->second;
    };
  }
};

TEST_F(NarrowTest, ASizeHoldsForAllOfItsName) {
  input("x", {"batch", "n", "4"});
  input("y", {"batch", "4"});
  output("z");
  node("Add", {"x", "y"}, {"z"});
  narrow({{{"x", 0}, 1}});
  std::string text = import();
  EXPECT_TRUE(contains(text, "%arg0: tensor<1x?x4xf32>")) << text;
  EXPECT_TRUE(contains(text, "%arg1: tensor<1x4xf32>")) << text;
  EXPECT_EQ(seen["x"], (std::vector<int64_t>{-1, -1, 4}));
  EXPECT_EQ(seen["y"], (std::vector<int64_t>{-1, 4}));
}

TEST_F(NarrowTest, SizesThatCannotBe) {
  input("x", {"n", "4"});
  input("y", {"n", "4"});
  output("z");
  node("Add", {"x", "y"}, {"z"});
  narrow({{{"x", 1}, 3}});
  EXPECT_EQ(import(), "error: input 'x': a dimension of 4 cannot be narrowed "
                      "to 3");
  narrow({{{"x", 0}, 3}, {{"y", 0}, 2}});
  EXPECT_EQ(import(), "error: input 'y': dimension 'n' cannot be both 3 and 2");
}

TEST_F(NarrowTest, AFlagChoosesTheBranch) {
  input("x", {"2"});
  input("flag", {"1"}, 9);
  output("y");
  auto &n = node("If", {"flag"}, {"y"}, "if");
  for (auto [which, op] :
       {std::pair("then", "Exp"), std::pair("else", "Tanh")}) {
    auto *a = n.add_attribute();
    a->set_name(std::string(which) + "_branch");
    a->set_type(5);
    fill(*a->mutable_g()->add_node(), op, {"x"}, {which});
    a->mutable_g()->add_output()->set_name(which);
  }
  narrow({}, {{"flag", true}});
  std::string text = import();
  EXPECT_TRUE(contains(text, "math.exp")) << text;
  EXPECT_FALSE(contains(text, "%arg1")) << text; // no argument any more
  narrow({}, {{"flag", false}});
  EXPECT_TRUE(contains(import(), "math.tanh"));
}

TEST_F(NarrowTest, OnlyABooleanOfOneElementIsAFlag) {
  input("x", {"2"});
  input("flags", {"2"}, 9);
  output("y");
  node("Exp", {"x"}, {"y"});
  narrow({}, {{"x", true}});
  EXPECT_EQ(import(), "error: input 'x': only a boolean input can be narrowed "
                      "to a constant");
  narrow({}, {{"flags", true}});
  EXPECT_EQ(import(), "error: input 'flags': only an input of one element can "
                      "be narrowed to a constant");
}

} // namespace
