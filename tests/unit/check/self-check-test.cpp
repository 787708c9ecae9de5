// self-check-test.cpp - a planted miscompile is found, and named.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/check/SelfCheck.h"

#include "dialect/gate/GateOps.h"
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Pass/Pass.h"
#include "tools/lib/model/LoadModel.h"
#include <gtest/gtest.h>

using namespace heed;
using namespace mlir;

namespace {
/// Which blocks of `count` are found when exactly the sets that hold all of
/// `bad` fail.
std::vector<size_t> culprits(size_t count, std::vector<size_t> bad,
                             int *asked = nullptr) {
  auto found = findCulprits(count, [&](ArrayRef<size_t> set) {
    if (asked)
      ++*asked;
    return llvm::all_of(bad,
                        [&](size_t i) { return llvm::is_contained(set, i); });
  });
  EXPECT_TRUE(static_cast<bool>(found));
  return *found;
}
} // namespace

TEST(FindCulpritsTest, FindsTheOne) {
  for (size_t count : {1, 2, 3, 7, 64})
    for (size_t bad = 0; bad < count; ++bad)
      EXPECT_EQ(culprits(count, {bad}), std::vector<size_t>{bad});
}

TEST(FindCulpritsTest, AsksTwiceForEachHalving) {
  int asked = 0;
  culprits(1024, {1023}, &asked);
  EXPECT_LE(asked, 20);
}

TEST(FindCulpritsTest, TwoThatFailTogetherStayTogether) {
  EXPECT_EQ(culprits(8, {1, 6}), (std::vector<size_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(culprits(8, {4, 7}), (std::vector<size_t>{4, 5, 6, 7}));
}

TEST(FindCulpritsTest, AnErrorEndsTheSearch) {
  auto found = findCulprits(4, [](ArrayRef<size_t>) -> llvm::Expected<bool> {
    return llvm::createStringError("no compiler");
  });
  EXPECT_EQ(llvm::toString(found.takeError()), "no compiler");
}

namespace {
/// Drops the scale of an attention, or pools the maximum for the mean: where
/// `node` is in the location.
struct Miscompile : PassWrapper<Miscompile, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Miscompile)
  explicit Miscompile(StringRef node) : node(node) {}
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      std::string place;
      llvm::raw_string_ostream(place) << op->getLoc();
      if (!StringRef(place).contains("\"" + node + "\""))
        return;
      if (auto sdpa = dyn_cast<attn::SdpaOp>(op))
        sdpa.setScale(APFloat(1.0));
      else if (auto gate = dyn_cast<attn::GateOp>(op))
        gate->setAttr("pools",
                      ArrayAttr::get(&getContext(),
                                     {gate.getPools()[1], gate.getPools()[0]}));
    });
  }
  std::string node;
};

class SelfCheckTest : public ::testing::Test {
protected:
  SelfCheckTest() : context(registry()) {
    EXPECT_TRUE(succeeded(collectAnchors(context, anchors)));
  }

  /// Of a model of tests/models, with a miscompile planted at the node.
  llvm::Expected<double> check(StringRef model, StringRef node = "") {
    anchors.clear();
    auto module =
        loadModel((HEED_TEST_MODELS "/" + model + ".onnx").str(), context);
    if (!module)
      return module.takeError();
    OwningOpRef<ModuleOp> source = (*module)->clone();
    SelfCheckOptions options;
    options.threads = 1;
    if (!node.empty())
      options.compilation.beforeLowering = [node](OpPassManager &pm) {
        pm.addPass(std::make_unique<Miscompile>(node));
      };
    auto program = CompiledProgram::compile(**module, options.compilation);
    if (!program)
      return program.takeError();
    auto input = readNpy((HEED_TEST_MODELS "/" + model + ".in0.npy").str());
    if (!input)
      return input.takeError();
    size_t found = anchors.size();
    auto result =
        selfCheck(*source, **program, anchors, {{*input}, {*input}}, options);
    EXPECT_EQ(anchors.size(), found);
    return result;
  }

  std::string failure(StringRef model, StringRef node) {
    auto result = check(model, node);
    EXPECT_FALSE(static_cast<bool>(result));
    return result ? "" : llvm::toString(result.takeError());
  }

  std::vector<Anchor> anchors;
  MLIRContext context;

private:
  static DialectRegistry registry() {
    DialectRegistry registry;
    registerModelDialects(registry);
    return registry;
  }
};
} // namespace

TEST_F(SelfCheckTest, RightProgramsPass) {
  for (StringRef model : {"mha_self", "cbam_timm"}) {
    auto largest = check(model);
    ASSERT_TRUE(static_cast<bool>(largest))
        << llvm::toString(largest.takeError());
    EXPECT_LT(*largest, 1e-4);
  }
}

TEST_F(SelfCheckTest, DroppedScaleIsNamed) {
  ASSERT_TRUE(static_cast<bool>(check("mha_self")));
  std::string node = anchors.front().node;
  std::string error = failure("mha_self", node);
  EXPECT_NE(error.find("self-check, run 1 of 2: output "), std::string::npos)
      << error;
  EXPECT_NE(error.find("mismatch at ["), std::string::npos) << error;
  EXPECT_NE(error.find("at block '" + node +
                       "' (attn.sdpa): the op computes something else than"),
            std::string::npos)
      << error;
}

TEST_F(SelfCheckTest, SwappedPoolsAreNamedAmongTwoGates) {
  std::string error = failure("cbam_timm", "/spatial/Mul");
  EXPECT_NE(error.find("at block '/spatial/Mul' (attn.gate)"),
            std::string::npos)
      << error;
}
