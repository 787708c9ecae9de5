// ContribNorm.cpp - the normalising ops of com.microsoft: a residual and a
// bias added first, embeddings looked up first.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Gather.h"
#include "tools/lib/import/ops/Map.h"
#include "tools/lib/import/ops/Normalization.h"

using namespace mlir;

namespace heed::import {

namespace {

using Add = arith::AddFOp;
using Mul = arith::MulFOp;

void requireVector(Emitter &e, const Tensor &t, const Tensor &x,
                   StringRef what) {
  if (t->rank() != 1)
    fail(what + " is no vector");
  e.require(t->shape[0], x->shape.back(), what);
}

/// Over the last dim: x / √(mean x² + ε), or less its mean as a layer norm.
Tensor normalised(Emitter &e, const Tensor &x, bool isRms, double epsilon) {
  int64_t last = x->rank() - 1;
  if (!isRms)
    return normalise(e, x, {last}, epsilon).y;
  Tensor squares = e.mean(square(e, x), {last}, true);
  return map2<Mul>(e, x, inverseRoot(e, squares, epsilon));
}

/// norm(x + skip + bias)·gamma + beta; output 3 is the sum.
void importSkipNorm(Node &n) {
  Emitter &e = n.e;
  n.requireSameTypes();
  n.requireRank(0, 2, 3);
  bool isRms = n.op() == "SkipSimplifiedLayerNormalization";
  const Tensor &x = n.floatInput(0), &skip = n.input(1), &gamma = n.input(2);
  if (skip->rank() > x->rank())
    fail("the skip input has a larger rank than the input");
  Tensor beta = isRms ? Tensor() : n.optional(3);
  Tensor bias = n.optional(isRms ? 3 : 4);
  requireVector(e, gamma, x, "gamma");
  Tensor sum = map2<Add>(e, x, skip);
  if (bias) {
    requireVector(e, bias, x, "bias");
    sum = map2<Add>(e, sum, bias);
  }
  double epsilon = n.floatAttr("epsilon", 1e-12);
  Tensor y = map2<Mul>(e, normalised(e, sum, isRms, epsilon), gamma);
  if (beta) {
    requireVector(e, beta, x, "beta");
    y = map2<Add>(e, y, beta);
  }
  n.set(y);
  if (n.wants(3))
    n.set(3, sum);
}

/// norm(word[ids] + position[p] + segment[s])·gamma + beta.
void importEmbedNorm(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 2, 2);
  const Tensor &ids = n.input(0);
  auto table = [&](size_t i) {
    n.requireRank(i, 2, 2);
    return n.floatInput(i);
  };
  auto indices = [&](size_t i) {
    const Tensor &t = n.input(i);
    if (t->type != DType::I32 && t->type != DType::I64)
      fail("input " + Twine(i) + ": expected int32 or int64, got " +
           name(t->type));
    return t;
  };
  Tensor sum = gather(e, table(2), indices(0), 0);
  if (n.has(8)) {
    sum = map2<Add>(e, sum, gather(e, table(3), indices(8), 0));
  } else { // positions 0, 1, ...: the first rows
    Tensor rows = table(3);
    Sym length = e.canonical(ids->shape[1]);
    e.requireAtLeast(rows->shape[0] - length, 0, "positions that are left");
    SmallVector<Sym> offsets = {0, 0};
    SmallVector<int64_t> strides = {1, 1};
    sum = map2<Add>(e, sum,
                    e.slice(rows, offsets, {length, rows->shape[1]}, strides));
  }
  if (n.has(4)) {
    if (!n.has(1))
      fail("a segment table without segment ids");
    sum = map2<Add>(e, sum, gather(e, table(4), indices(1), 0));
  }
  const Tensor &gamma = n.floatInput(5), &beta = n.floatInput(6);
  requireVector(e, gamma, sum, "gamma");
  requireVector(e, beta, sum, "beta");
  Tensor y = map2<Mul>(
      e, normalised(e, sum, false, n.floatAttr("epsilon", 1e-12)), gamma);
  n.set(map2<Add>(e, y, beta));
  if (n.wants(1)) { // lengths of the sequences by their mask
    if (!n.has(7) || n.intAttr("mask_index_type", 1) != 1)
      fail("output 1 without a mask, or with attribute 'mask_index_type'");
    n.set(1, e.reduce(e.cast(n.input(7), DType::I32), {1}, false,
                      ReduceKind::Sum));
  }
  if (n.wants(2))
    n.set(2, sum);
}

/// The standard's op by its older name, and its RMS form.
void importSimplifiedNorm(Node &n) {
  Emitter &e = n.e;
  n.requireSameTypes();
  n.requireRank(0, 1);
  const Tensor &x = n.floatInput(0);
  if (Node::normalisedAxis(n.intAttr("axis", -1), x->rank()) !=
      int64_t(x->rank()) - 1)
    fail("attribute 'axis' is not the last one");
  requireVector(e, n.input(1), x, "the scale");
  n.set(map2<Mul>(e, normalised(e, x, true, n.floatAttr("epsilon", 1e-5)),
                  n.input(1)));
}

} // namespace

llvm::ArrayRef<OpEntry> contribNormOps() {
  static const OpEntry ops[] = {
      {"SkipLayerNormalization", 1, 3, 5, importSkipNorm},
      {"SkipSimplifiedLayerNormalization", 1, 3, 4, importSkipNorm},
      {"SimplifiedLayerNormalization", 1, 2, 2, importSimplifiedNorm},
      {"EmbedLayerNormalization", 1, 7, 9, importEmbedNorm},
  };
  return ops;
}

/// ONNX Runtime writes this one into the standard's domain.
llvm::ArrayRef<OpEntry> simplifiedNormOps() {
  static const OpEntry ops[] = {
      {"SimplifiedLayerNormalization", 1, 2, 2, importSimplifiedNorm},
  };
  return ops;
}

} // namespace heed::import
