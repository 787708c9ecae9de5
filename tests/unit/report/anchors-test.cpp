// anchors-test.cpp - each anchor of a model has exactly one final remark.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Transforms/RegionUtils.h"
#include "tools/lib/model/LoadModel.h"
#include "tools/lib/report/Explain.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace heed {
namespace {

/// How often each place of the model occurs; locations are unique by pointer.
using Places = llvm::MapVector<Location, int>;

std::string text(Location loc) {
  std::string result;
  llvm::raw_string_ostream(result) << loc;
  return result;
}

/// Final remarks of recognition by the op they are about.
struct Final {
  llvm::StringMap<Places> of;
};

class Streamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Streamer(Final &found) : found(found) {}
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    if (remark.getCategoryName() == "heed-recognize" &&
        remark.getRemarkType() != llvm::remarks::Type::Analysis) {
      ++found.of[remark.getRemarkName()][remark.getLocation()];
      if (remark.getRemarkName() == "norm" &&
          remark.getRemarkType() == llvm::remarks::Type::Missed)
        ++found.of["norm-missed"][remark.getLocation()];
    }
  }

private:
  Final &found;
};

// Anchors, counted without the recognisers' own helpers.

void forEachOperand(Operation *op, llvm::function_ref<void(Value)> visit) {
  llvm::for_each(op->getOperands(), visit);
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  llvm::for_each(captured, visit);
}

llvm::SetVector<Value> slice(Value value) {
  llvm::SetVector<Value> values;
  values.insert(value);
  for (size_t i = 0; i < values.size(); ++i)
    if (Operation *op = values[i].getDefiningOp())
      forEachOperand(op, [&](Value operand) {
        if (isa<RankedTensorType>(operand.getType()))
          values.insert(operand);
      });
  return values;
}

/// Σ or max of one tensor, or a softmax; not a product of two.
bool reducesOneTensor(Operation *op) {
  if (isa_and_nonnull<linalg::SoftmaxOp>(op))
    return true;
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  return linalgOp && linalgOp.getNumReductionLoops() != 0 &&
         !linalg::isaContractionOpInterface(linalgOp) &&
         !linalg::isaConvolutionOpInterface(linalgOp);
}

Value operandOf(linalg::LinalgOp op, Value scalar) {
  auto argument = dyn_cast<BlockArgument>(scalar);
  if (!argument || argument.getOwner() != op.getBlock())
    return {};
  return op->getOperand(argument.getArgNumber());
}

/// By the op's own maps, or by an op before it that only copies.
bool isBroadcast(linalg::LinalgOp op, Value operand) {
  if (auto copy = operand.getDefiningOp<linalg::LinalgOp>();
      copy && copy->getNumResults() == 1 && copy.getNumDpsInputs() == 1 &&
      copy.getNumReductionLoops() == 0 &&
      operandOf(copy, copy.getBlock()->getTerminator()->getOperand(0)) &&
      isBroadcast(copy, copy.getDpsInputOperand(0)->get()))
    return true;
  for (OpOperand &use : op->getOpOperands())
    if (use.get() == operand && isa<RankedTensorType>(operand.getType()) &&
        !op.isDpsInit(&use))
      return !op.getMatchingIndexingMap(&use).isPermutation();
  return false;
}

/// x · g with g broadcast along x and made from a reduction.
bool isGateAnchor(linalg::LinalgOp op) {
  if (op.getNumParallelLoops() != op.getNumLoops() ||
      op->getNumResults() != 1 || !op.hasPureTensorSemantics())
    return false;
  bool found = false;
  op.getBlock()->walk([&](arith::MulFOp product) {
    for (int side : {0, 1}) {
      Value x = operandOf(op, product->getOperand(side));
      Value g = operandOf(op, product->getOperand(1 - side));
      if (!x || !g || isBroadcast(op, x) || !isBroadcast(op, g))
        continue;
      for (Value value : slice(g))
        found |= value == x || reducesOneTensor(value.getDefiningOp());
    }
  });
  return found;
}

/// A root between the reduction and the factor: the anchor of a norm, whose
/// remark, where it is missed, is the only one.
void findRoots(Value factor, DenseSet<Location> &roots) {
  llvm::SetVector<Value> values;
  values.insert(factor);
  for (size_t i = 0; i < values.size(); ++i) {
    Operation *op = values[i].getDefiningOp();
    auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
    if (!op || (linalgOp && linalgOp.getNumReductionLoops() != 0))
      continue;
    op->walk([&](Operation *inner) {
      if (isa<math::SqrtOp, math::RsqrtOp, math::PowFOp>(inner))
        roots.insert(op->getLoc());
    });
    forEachOperand(op, [&](Value operand) {
      if (isa<RankedTensorType>(operand.getType()))
        values.insert(operand);
    });
  }
}

/// Pools over dimensions of size 1: the gate has the shape of x, and only the
/// recogniser can tell.
bool mayBeGateOfOne(linalg::LinalgOp op) {
  return op->getNumResults() == 1 &&
         llvm::is_contained(op.getStaticLoopRanges(), 1) &&
         !op.getBlock()->getOps<arith::MulFOp>().empty();
}

/// Counts the anchors when their recogniser is about to run.
struct Count : PassInstrumentation {
  Count(Places &attentions, Places &gates, DenseSet<Location> &gatesOfOne,
        const Places &norms)
      : attentions(attentions), gates(gates), gatesOfOne(gatesOfOne),
        norms(norms) {}
  void runBeforePass(Pass *pass, Operation *module) override {
    if (pass->getArgument() == "heed-recognize-sdpa")
      module->walk([&](Operation *op) {
        if (isa<linalg::SoftmaxOp, attn::SdpaOp>(op))
          ++attentions[op->getLoc()];
      });
    if (pass->getArgument() == "heed-recognize-gate")
      module->walk([&](linalg::LinalgOp op) {
        if (isGateAnchor(op) && !isMissedNorm(op))
          ++gates[op.getLoc()];
        else if (mayBeGateOfOne(op))
          gatesOfOne.insert(op.getLoc());
      });
  }
  bool isMissedNorm(linalg::LinalgOp op) {
    bool found = false;
    for (Value input : op.getDpsInputs())
      if (isa<RankedTensorType>(input.getType()) && isBroadcast(op, input)) {
        DenseSet<Location> roots;
        findRoots(input, roots);
        for (Location root : roots)
          found |= norms.contains(root);
      }
    return found;
  }
  Places &attentions, &gates;
  DenseSet<Location> &gatesOfOne;
  const Places &norms;
};

void expectSame(const Places &anchors, const DenseSet<Location> &perhaps,
                const Places &remarks, StringRef what) {
  for (auto [loc, count] : anchors)
    EXPECT_EQ(remarks.lookup(loc), count)
        << "remarks on the " << what.str() << " at " << text(loc);
  for (auto [loc, count] : remarks)
    EXPECT_TRUE(anchors.contains(loc) || (count == 1 && perhaps.contains(loc)))
        << "a remark on no " << what.str() << " at " << text(loc);
}

void check(StringRef path) {
  SCOPED_TRACE(path.str());
  DialectRegistry registry;
  registerModelDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  Final found;
  remark::RemarkCategories categories;
  categories.passed = categories.missed = categories.failed = "heed-.*";
  ASSERT_TRUE(succeeded(remark::enableOptimizationRemarks(
      context, std::make_unique<Streamer>(found),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories)));
  auto module = loadModel(path, context);
  ASSERT_TRUE(static_cast<bool>(module)) << llvm::toString(module.takeError());
  Places attentions, gates;
  const Places &norms = found.of["norm-missed"];
  DenseSet<Location> gatesOfOne;
  llvm::Error error = explainModule(**module, [&](PassManager &pm) {
    pm.addInstrumentation(
        std::make_unique<Count>(attentions, gates, gatesOfOne, norms));
  });
  ASSERT_FALSE(error) << llvm::toString(std::move(error));
  expectSame(attentions, {}, found.of["sdpa"], "attention");
  expectSame(gates, gatesOfOne, found.of["gate"], "gate");
}

TEST(Anchors, EachHasOneFinalRemark) {
  // Another folder of models to try, by hand.
  const char *other = std::getenv("HEED_TEST_MODELS");
  std::error_code error;
  int models = 0;
  for (llvm::sys::fs::recursive_directory_iterator
           file(other ? other : HEED_TEST_MODELS, error),
       end;
       file != end && !error; file.increment(error)) {
    if (!StringRef(file->path()).ends_with(".onnx"))
      continue;
    ++models;
    check(file->path());
  }
  EXPECT_GT(models, 8);
}

// x · 1/√(Σ x² + ε): no norm, as it does not divide by the count; no gate.
TEST(Anchors, AMissedNormHasOneFinalRemark) {
  llvm::SmallString<128> path;
  int file = -1;
  ASSERT_FALSE(
      llvm::sys::fs::createTemporaryFile("missed-norm", "mlir", file, path));
  llvm::raw_fd_ostream(file, /*shouldClose=*/true) << R"(
    #id = affine_map<(i, j) -> (i, j)>
    #row = affine_map<(i, j) -> (i)>
    #vec = affine_map<(i) -> (i)>
    func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %zero = arith.constant dense<0.0> : tensor<4xf32>
      %epsilon = arith.constant 1.0e-5 : f32
      %e = tensor.empty() : tensor<4x8xf32>
      %e4 = tensor.empty() : tensor<4xf32>
      %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
          ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) {
        ^bb0(%a: f32, %t: f32):
          %p = arith.mulf %a, %a : f32
          %t1 = arith.addf %t, %p : f32
          linalg.yield %t1 : f32
        } -> tensor<4xf32>
      %r = linalg.generic {indexing_maps = [#vec, #vec], iterator_types = ["parallel"]}
          ins(%s : tensor<4xf32>) outs(%e4 : tensor<4xf32>) {
        ^bb0(%a: f32, %t: f32):
          %v = arith.addf %a, %epsilon : f32
          %q = math.rsqrt %v : f32
          linalg.yield %q : f32
        } -> tensor<4xf32>
      %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
          ins(%x, %r : tensor<4x8xf32>, tensor<4xf32>) outs(%e : tensor<4x8xf32>) {
        ^bb0(%a: f32, %b: f32, %t: f32):
          %z = arith.mulf %a, %b : f32
          linalg.yield %z : f32
        } -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    })";
  check(path);
  llvm::sys::fs::remove(path);
}

} // namespace
} // namespace heed
