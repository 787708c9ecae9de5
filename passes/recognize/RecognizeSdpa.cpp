// RecognizeSdpa.cpp - softmax(score(Q K^T)) V, however it is spelled, as
// attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   o[..] = Σ_j p[.., j] · v[.., j],   p = softmax_j(score(Σ_d q · k))
//
// Each linalg.softmax is an anchor. From its result down to the products it
// takes part in; from each of those up again: to the values, through the
// softmax, and along the score to the product of queries and keys. Indices, not
// ops, are compared: see AccessMap.h.
#include "passes/recognize/Passes.h"

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "passes/recognize/SdpaMatch.h"
#include "passes/recognize/Unfused.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {
#define GEN_PASS_DEF_RECOGNIZESDPA
#include "passes/recognize/Passes.h.inc"

namespace {
constexpr Missed kNoValues = {
    "expected the probabilities to be multiplied with values, got no such "
    "product",
    "none needed for the softmax of a classifier or a sampler; an attention "
    "sums values by its probabilities"};
constexpr Missed kChanged = {
    "expected the probabilities to reach the values unchanged, got an "
    "operation between",
    "apply masks and factors to the scores, before the softmax"};
constexpr Missed kOtherAxis = {
    "expected a softmax over the keys, got one over another dimension than "
    "the values are summed over",
    "take the softmax over the keys, the dimension that the values share"};
constexpr Missed kOverQueries = {
    "expected a softmax over the keys, got one over the queries",
    "take the softmax over the last dimension of Q K^T, or transpose the "
    "scores first"};
constexpr Missed kMixedWeights = {
    "expected the probabilities of one head, got a mix of those of several "
    "heads",
    "leave out the layer between the heads' probabilities (talking heads, "
    "re-attention) to fuse the block"};
constexpr Missed kAccumulates = {
    "expected the product with the values alone, got a sum onto another "
    "tensor",
    "add the other tensor in an operation after the attention"};

constexpr Missed kZeroed = {
    "expected the mask of the scores again after the softmax, got another one",
    "mask the scores before the softmax; a mask after it leaves rows that do "
    "not sum to 1"};

bool isMovement(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
             tensor::ExtractSliceOp, linalg::TransposeOp, linalg::BroadcastOp>(
      op);
}

/// The sums that the value takes part in, through movement and elementwise ops.
SmallVector<OpResult> sumsBelow(Value value) {
  SmallVector<Value> worklist{value};
  llvm::SmallSetVector<Operation *, 8> seen;
  SmallVector<OpResult> sums;
  while (!worklist.empty() && seen.size() < 64) {
    Value current = worklist.pop_back_val();
    for (Operation *user : current.getUsers()) {
      if (!seen.insert(user))
        continue;
      auto op = dyn_cast<linalg::LinalgOp>(user);
      if (op && op.getNumReductionLoops() != 0 && op->getNumResults() == 1)
        sums.push_back(op->getResult(0));
      else if (isMovement(user) ||
               (op && op.getNumParallelLoops() == op.getNumLoops() &&
                op->getNumResults() == 1))
        worklist.push_back(user->getResult(0));
    }
  }
  llvm::sort(sums, [](OpResult a, OpResult b) {
    return a.getOwner()->getBlock() == b.getOwner()->getBlock() &&
           a.getOwner()->isBeforeInBlock(b.getOwner());
  });
  return sums;
}

bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

/// One product of the softmax's result with values.
Match<Attention> matchAt(OpResult sum, linalg::SoftmaxOp softmax,
                         FactorTable &table) {
  TensorView out = makeView(sum, table);
  std::optional<Product> product = matchProduct(Element(out), table);
  if (!product)
    return kNoValues;
  std::optional<Weights> weights = findWeights(product->lhs, softmax, table);
  std::optional<TensorView> v = asTensor(product->rhs, table);
  if (!weights) {
    weights = findWeights(product->rhs, softmax, table);
    v = asTensor(product->lhs, table);
  }
  if (!weights || !v)
    return kChanged;
  if (constantOf(product->init, table) != 0.0)
    return kAccumulates;
  Factors keys = table.leaves(weights->keys);
  Factors summed = table.leaves(product->contracted);
  Factors valueFactors = table.flatten(v->dims);
  auto isValueFactor = [&](Factor factor) {
    return llvm::is_contained(valueFactors, factor);
  };
  // Σ_h w[g, h] · p[h, ..]: weights of a layer, and keys that stay.
  if (isConstant(v->value) && llvm::none_of(keys, [&](Factor factor) {
        return llvm::is_contained(summed, factor);
      }))
    return kMixedWeights;
  if (keys.size() != summed.size() ||
      !std::is_permutation(keys.begin(), keys.end(), summed.begin()) ||
      !llvm::all_of(keys, isValueFactor)) {
    // What the softmax normalises is a dimension of the result: the queries.
    Factors kept = table.flatten(out.dims);
    bool overQueries = !keys.empty() && llvm::all_of(keys, [&](Factor factor) {
      return llvm::is_contained(kept, factor) && !isValueFactor(factor);
    });
    return overQueries ? kOverQueries : kOtherAxis;
  }
  bool memory = isConstant(v->value) && valueFactors.size() > keys.size();
  Match<Score> score = matchScore(weights->scores, keys, table, memory);
  if (auto *missed = std::get_if<Missed>(&score))
    return *missed;
  for (const Score::RowFactor &factor : weights->factors)
    if (!isFactorOf(factor.value, out, table))
      return kChanged;
  if (weights->zeroed &&
      !isMaskOf(*weights->zeroed, std::get<Score>(score), table))
    return kZeroed;
  return Attention{softmax,
                   product->op,
                   out,
                   *weights,
                   *v,
                   keys,
                   std::move(std::get<Score>(score))};
}

/// Why no sum below the softmax is an attention: what is nearest to one.
Missed explain(linalg::SoftmaxOp softmax,
               const std::optional<Missed> &nearest) {
  FactorTable table;
  TensorView result = makeView(softmax->getResult(0), table);
  Factors keys = table.leaves(result.dims[softmax.getDimension()]);
  Match<Score> score =
      matchScore({softmax.getInput(), result.dims}, keys, table);
  if (auto *missed = std::get_if<Missed>(&score))
    return *missed;
  return nearest.value_or(kNoValues);
}

void remarkPassed(Location loc, attn::SdpaOp op) {
  auto remark = remark::passed(
      loc, remark::RemarkOpts::name("sdpa").category("heed-recognize"));
  std::string scale;
  llvm::raw_string_ostream(scale)
      << llvm::format("%.9g", op.getScale().convertToDouble());
  std::string facts;
  if (op.getCausal() != attn::Causal::none)
    facts += ("causal " + attn::stringifyCausal(op.getCausal())).str();
  auto fact = [&](StringRef name) {
    facts += (facts.empty() ? "" : ", ") + name.str();
  };
  if (op.getWindow())
    fact("window");
  if (op.getSoftcap())
    fact("softcap");
  if (op.getBias())
    fact("bias");
  if (op.getMask())
    fact("mask");
  if (op.getKvLength())
    fact("kv_length");
  if (!op.getScore().empty())
    fact("score");
  remark << "scaled dot-product attention"
         << remark::metric("kind", "attention")
         << remark::metric("scale", scale)
         << remark::metric("facts", facts.empty() ? "none" : facts);
}

struct RecognizeSdpa : impl::RecognizeSdpaBase<RecognizeSdpa> {
  void runOnOperation() override {
    // Attentions that the model already spells as one op.
    getOperation()->walk(
        [&](attn::SdpaOp op) { remarkPassed(op.getLoc(), op); });
    SmallVector<linalg::SoftmaxOp> anchors;
    getOperation()->walk([&](linalg::SoftmaxOp op) {
      if (isa<RankedTensorType>(op.getInput().getType()) && !isLeftUnfused(op))
        anchors.push_back(op);
    });
    for (linalg::SoftmaxOp anchor : anchors)
      recognize(anchor);
  }

  void recognize(linalg::SoftmaxOp softmax) {
    IRRewriter rewriter(&getContext());
    std::optional<Missed> nearest;
    Location loc = softmax.getLoc();
    attn::SdpaOp made;
    for (OpResult sum : sumsBelow(softmax->getResult(0))) {
      FactorTable table;
      Match<Attention> match = matchAt(sum, softmax, table);
      if (auto *missed = std::get_if<Missed>(&match)) {
        // A sum that is no product with values says least.
        if (!nearest || nearest->reason == kNoValues.reason)
          nearest = *missed;
        continue;
      }
      rewriter.setInsertionPoint(sum.getOwner());
      Match<Value> built =
          buildSdpa(rewriter, std::get<Attention>(match), table);
      if (auto *missed = std::get_if<Missed>(&built)) {
        nearest = *missed;
        continue;
      }
      Value result = std::get<Value>(built);
      Operation *previous = sum.getOwner()->getPrevNode();
      while (previous && !made) {
        made = dyn_cast<attn::SdpaOp>(previous);
        previous = previous->getPrevNode();
      }
      rewriter.replaceOp(sum.getOwner(), result);
    }
    if (made)
      return remarkPassed(loc, made);
    Missed why = explain(softmax, nearest);
    remark::missed(loc,
                   remark::RemarkOpts::name("sdpa").category("heed-recognize"))
        << remark::metric("kind", "attention")
        << remark::reason("{0}", why.reason)
        << remark::suggest("{0}", why.suggestion);
  }
};
} // namespace
} // namespace heed::recognize
