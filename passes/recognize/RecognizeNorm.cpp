// RecognizeNorm.cpp - finds layer and RMS normalisation in every spelling:
// attn.norm.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y = (x − m) / √(v + ε) · w + b    m, v: mean and variance of x over D
//   y = x / √(mean of x² + ε) · w + b
//
// The anchor is the root: a square root, its reciprocal, or a power ±1/2, over
// a sum of squares (NormStatistics.cpp). From there the elementwise ops that
// follow are tried, the last first: y is a norm if it expands into that form
// (NormMatch.cpp). So weight and bias are taken in where they follow, and what
// follows them is not.
#include "passes/recognize/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/recognize/Elementwise.h"
#include "passes/recognize/Movement.h"
#include "passes/recognize/NormMatch.h"
#include "passes/recognize/Normaliser.h"
#include "passes/recognize/Unfused.h"

using namespace mlir;

namespace heed::recognize {
#define GEN_PASS_DEF_RECOGNIZENORM
#include "passes/recognize/Passes.h.inc"

/// The roots in the body of an elementwise op.
static SmallVector<NormRoot, 1> findRoots(linalg::LinalgOp op) {
  SmallVector<NormRoot, 1> roots;
  if (op.getNumParallelLoops() != op.getNumLoops() ||
      !op.hasPureTensorSemantics())
    return roots;
  for (Operation &inner : *op.getBlock()) {
    if (isa<math::SqrtOp, math::RsqrtOp>(inner))
      roots.push_back({op, &inner});
    auto power = dyn_cast<math::PowFOp>(inner);
    std::optional<double> exponent;
    if (power)
      exponent = constantInBody(op, power.getRhs());
    if (exponent && (*exponent == 0.5 || *exponent == -0.5))
      roots.push_back({op, &inner});
  }
  return roots;
}

/// How many dimensions have more than one element.
static unsigned numLargeDims(Value value) {
  return llvm::count_if(cast<ShapedType>(value.getType()).getShape(),
                        [](int64_t size) { return size != 1; });
}

/// Elementwise ops and movement that follow the root, in program order.
static SmallVector<Operation *> findFollowers(Operation *root) {
  constexpr size_t limit = 24;
  llvm::SetVector<Operation *> found;
  found.insert(root);
  for (size_t i = 0; i < found.size() && found.size() < limit; ++i)
    for (Value result : found[i]->getResults())
      for (Operation *user : result.getUsers())
        if (user->getBlock() == root->getBlock() &&
            user->getNumResults() == 1 &&
            (asElementwise(user) || movementSource(user->getResult(0))))
          found.insert(user);
  SmallVector<Operation *> ops(found.begin(), found.end());
  llvm::sort(ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ops;
}

/// Whether a tensor between the root and `y` that is as large as y is used by
/// something else than y: it would have to be computed twice.
static bool escapes(Operation *y, ArrayRef<Operation *> followers,
                    unsigned rootDims) {
  llvm::SetVector<Operation *> between;
  between.insert(y);
  for (size_t i = 0; i < between.size(); ++i)
    for (Value operand : between[i]->getOperands())
      if (Operation *def = operand.getDefiningOp())
        if (llvm::is_contained(followers, def))
          between.insert(def);
  return llvm::any_of(between, [&](Operation *op) {
    return op != y && numLargeDims(op->getResult(0)) > rootDims &&
           llvm::any_of(op->getUsers(), [&](Operation *user) {
             return !between.contains(user) && !isa<tensor::DimOp>(user);
           });
  });
}

/// The ops that may be the norm of the root, the last first.
static SmallVector<Operation *> findEnds(const NormRoot &root) {
  SmallVector<Operation *> followers = findFollowers(root.op), ends;
  unsigned rootDims = numLargeDims(root.op->getResult(0));
  for (Operation *op : llvm::reverse(followers)) {
    // The root may stand in the body of the last op, with all before it.
    bool scales = numLargeDims(op->getResult(0)) > rootDims || op == root.op;
    if (scales && !movementSource(op->getResult(0)) && !op->use_empty() &&
        !escapes(op, followers, rootDims))
      ends.push_back(op);
  }
  return ends;
}

bool isMissedNorm(Value factor) {
  llvm::SmallSetVector<Operation *, 16> before;
  auto add = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (op && (asElementwise(op) || movementSource(value)))
      before.insert(op);
  };
  add(factor);
  for (size_t i = 0; i < before.size() && i < 24; ++i) {
    if (linalg::LinalgOp op = asElementwise(before[i]))
      for (const NormRoot &root : findRoots(op))
        for (Operation *end : findEnds(root)) {
          FactorTable table;
          if (matchNormAt(end->getResult(0), root, table).refusal)
            return true;
        }
    for (Value operand : before[i]->getOperands())
      add(operand);
  }
  return false;
}

namespace {
struct RecognizeNorm : impl::RecognizeNormBase<RecognizeNorm> {
  void runOnOperation() override {
    SmallVector<NormRoot> roots;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (!isLeftUnfused(op))
        llvm::append_range(roots, findRoots(op));
    });
    IRRewriter rewriter(&getContext());
    for (const NormRoot &root : roots)
      if (!done.contains(root.op))
        recognize(rewriter, root);
    getOperation()->walk<WalkOrder::PostOrder, ReverseIterator>(
        [&](Operation *op) {
          if (isOpTriviallyDead(op))
            rewriter.eraseOp(op);
        });
  }

  void recognize(IRRewriter &rewriter, const NormRoot &root) {
    std::optional<Refusal> refusal;
    for (Operation *op : findEnds(root)) {
      FactorTable table;
      NormAttempt attempt = matchNormAt(op->getResult(0), root, table);
      if (attempt.match) {
        rewriter.setInsertionPoint(op);
        if (Value y = buildNorm(rewriter, *attempt.match, table)) {
          report(op->getLoc(), *attempt.match);
          done.insert(op);
          rewriter.replaceAllUsesWith(op->getResult(0), y);
          return;
        }
        attempt.refusal =
            Refusal{"expected x, weight and bias to have dimensions of the "
                    "result, got a diagonal or a part of one",
                    "reshape before the norm"};
      }
      if (attempt.refusal)
        refusal = attempt.refusal; // that of the first op in the end
    }
    if (!refusal)
      return;
    remark::missed(root.op->getLoc(), options())
        << remark::metric("kind", "norm")
        << remark::reason("{0}", refusal->reason)
        << remark::suggest("{0}", refusal->suggestion);
  }

  static remark::RemarkOpts options() {
    return remark::RemarkOpts::name("norm").category("heed-recognize");
  }

  void report(Location loc, const NormMatch &match) {
    remark::passed(loc, options())
        << remark::metric("kind", "norm")
        << remark::metric("norm", attn::stringifyNormKind(match.kind))
        << remark::metric("epsilon",
                          llvm::formatv("{0:e2}", match.epsilon).str());
  }

  llvm::SmallPtrSet<Operation *, 16> done;
};
} // namespace
} // namespace heed::recognize
