// LowerNarrowDeconvolution.cpp - transposed convolutions to few channels as 1x1
// convolutions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y[n, o, p·s + i…] = f(Σ_c x[n, c, p…] · w[c, o, i…] + b[o]),  0 ≤ i < s
//
// No two taps meet, so each pixel of x gives its s·s·o results by itself:
//
//   u[n, p…, (i… o)] = f(Σ_c x[n, c, p…] · w[c, o, i…] + b[o])
//
// is a 1x1 convolution, and y is u in another order. f has no tensors.
#include "passes/lower/onednn/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/lower/onednn/Constants.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"
#include "runtime/cost/CostModel.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERNARROWDECONVOLUTION
#include "passes/lower/onednn/Passes.h.inc"

namespace {
/// The deconvolution, if it can be rewritten.
struct Match {
  PrimitiveParts parts;
  SmallVector<float> weights, bias; // bias is empty where there is none
  RankedTensorType weightsType;
  int64_t inputs, outputs, taps; // channels, and taps of all spatial dims
};
} // namespace

static std::optional<Match> match(attn::PrimitiveOp op) {
  Match match{PrimitiveParts::of(op), {}, {}, {}, 0, 0, 1};
  PrimitiveParts &parts = match.parts;
  if (parts.kind != attn::PrimitiveKind::deconvolution || !parts.post.empty() ||
      op->getNumResults() != 1 || parts.strides != parts.kernel ||
      llvm::is_contained(parts.sourceLayout, -1) ||
      llvm::is_contained(parts.initLayout, -1))
    return std::nullopt;
  for (size_t d = 0; d < parts.kernel.size(); ++d) {
    if (parts.dilations[d] != 1 || parts.padLow[d] != 0 ||
        parts.padHigh[d] != 0)
      return std::nullopt;
    match.taps *= parts.kernel[d];
  }
  SmallVector<int64_t> w = op.getLogicalShape(1);
  if (w[0] != 1 || ShapedType::isDynamicShape(w) ||
      !cost::isNarrowDeconvolution(w[1]))
    return std::nullopt;
  match.outputs = w[1];
  match.inputs = w[2];
  match.weightsType = cast<RankedTensorType>(parts.weights.getType());
  std::optional<SmallVector<float>> weights = readFloats(parts.weights);
  if (!weights)
    return std::nullopt;
  match.weights = *weights;
  if (parts.bias) {
    std::optional<SmallVector<float>> bias = readFloats(parts.bias);
    if (!bias)
      return std::nullopt;
    match.bias = *bias;
  }
  return match;
}

/// w as a matrix of (i… o) by c.
static SmallVector<float> permuteWeights(const Match &match) {
  // The step in memory of each logical dim: g o c i….
  SmallVector<int64_t> strides(match.weightsType.getRank(), 1), steps;
  for (int64_t dim = match.weightsType.getRank() - 1; dim-- > 0;)
    strides[dim] = strides[dim + 1] * match.weightsType.getDimSize(dim + 1);
  for (int64_t dim : match.parts.weightsLayout)
    steps.push_back(dim < 0 ? 0 : strides[dim]);
  SmallVector<float> result;
  ArrayRef<int64_t> kernel = match.parts.kernel;
  for (int64_t tap = 0; tap < match.taps; ++tap) {
    int64_t offset = 0, rest = tap;
    for (size_t d = kernel.size(); d-- > 0; rest /= kernel[d])
      offset += rest % kernel[d] * steps[d + 3];
    for (int64_t o = 0; o < match.outputs; ++o)
      for (int64_t c = 0; c < match.inputs; ++c) {
        int64_t at = offset + o * steps[1] + c * steps[2];
        result.push_back(match.weights[match.weights.size() == 1 ? 0 : at]);
      }
  }
  return result;
}

/// u with all its channels.
static Value createConvolution(OpBuilder &b, Location loc, const Match &match) {
  PrimitiveParts parts = match.parts;
  int64_t spatial = parts.kernel.size(), channels = match.taps * match.outputs;
  parts.kind = attn::PrimitiveKind::convolution;
  parts.weights =
      createFloats(b, loc, {channels, match.inputs}, permuteWeights(match));
  parts.weightsLayout.assign(3 + spatial, -1);
  parts.weightsLayout[1] = 0;
  parts.weightsLayout[2] = 1;
  if (parts.bias) {
    SmallVector<float> bias;
    for (int64_t channel = 0; channel < channels; ++channel)
      bias.push_back(
          match.bias[match.bias.size() == 1 ? 0 : channel % match.outputs]);
    parts.bias = createFloats(b, loc, {channels}, bias);
  }
  parts.kernel.assign(spatial, 1);
  parts.strides.assign(spatial, 1);
  // n p… channels
  parts.initLayout = {0, spatial + 1};
  SmallVector<OpFoldResult> sizes,
      all = tensor::getMixedSizes(b, loc, parts.source);
  sizes.push_back(all[parts.sourceLayout[0]]);
  for (int64_t d = 0; d < spatial; ++d) {
    parts.initLayout.push_back(d + 1);
    sizes.push_back(all[parts.sourceLayout[d + 2]]);
  }
  sizes.push_back(b.getIndexAttr(channels));
  Value empty = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  return parts.create(b, loc, empty)->getResult(0);
}

/// u[n, p…, (i… o)] as y, whose dims have the order that the program asked for.
static Value reorderTaps(OpBuilder &b, attn::PrimitiveOp op, Value u,
                         const Match &match) {
  Location loc = op.getLoc();
  ArrayRef<int64_t> kernel = match.parts.kernel;
  int64_t spatial = kernel.size();
  auto y = cast<RankedTensorType>(op.getResult(0).getType());
  SmallVector<OpFoldResult> apart = tensor::getMixedSizes(b, loc, u);
  apart.pop_back();
  SmallVector<ReassociationIndices> groups(spatial + 2);
  for (int64_t dim = 0; dim <= spatial; ++dim)
    groups[dim] = {dim};
  for (int64_t tap : kernel)
    apart.push_back(b.getIndexAttr(tap));
  apart.push_back(b.getIndexAttr(match.outputs));
  for (int64_t dim = spatial + 1; dim < int64_t(apart.size()); ++dim)
    groups.back().push_back(dim);
  auto typeOf = [&](ArrayRef<OpFoldResult> sizes) {
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes, dynamic, shape);
    return RankedTensorType::get(shape, y.getElementType());
  };
  Value expanded =
      tensor::ExpandShapeOp::create(b, loc, typeOf(apart), u, groups, apart);
  // The dims of `expanded` in the order of y's, p and i side by side.
  SmallVector<int64_t> order;
  SmallVector<ReassociationIndices> pairs;
  for (int64_t dim = 0; dim < y.getRank(); ++dim) {
    int64_t logical = llvm::find(match.parts.initLayout, dim) -
                      match.parts.initLayout.begin();
    SmallVector<int64_t> from;
    if (logical == 0)
      from = {0};
    else if (logical == 1)
      from = {2 * spatial + 1};
    else
      from = {logical - 1, logical - 1 + spatial};
    pairs.emplace_back();
    for (int64_t each : from) {
      pairs.back().push_back(order.size());
      order.push_back(each);
    }
  }
  PrimitiveParts parts;
  parts.kind = attn::PrimitiveKind::reorder;
  parts.source = expanded;
  SmallVector<OpFoldResult> moved;
  for (auto [i, dim] : llvm::enumerate(order)) {
    parts.sourceLayout.push_back(dim);
    parts.initLayout.push_back(i);
    moved.push_back(apart[dim]);
  }
  Value empty = tensor::EmptyOp::create(b, loc, moved, y.getElementType());
  Value reordered = parts.create(b, loc, empty)->getResult(0);
  Value result =
      tensor::CollapseShapeOp::create(b, loc, reordered, pairs).getResult();
  return b.createOrFold<tensor::CastOp>(loc, y, result);
}

namespace {
struct LowerNarrowDeconvolution
    : impl::LowerNarrowDeconvolutionBase<LowerNarrowDeconvolution> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<attn::PrimitiveOp> ops;
    getOperation().walk([&](attn::PrimitiveOp op) { ops.push_back(op); });
    for (attn::PrimitiveOp op : ops) {
      std::optional<Match> matched = match(op);
      if (!matched)
        continue;
      rewriter.setInsertionPoint(op);
      Value u = createConvolution(rewriter, op.getLoc(), *matched);
      rewriter.replaceOp(op, reorderTaps(rewriter, op, u, *matched));
    }
  }
};
} // namespace
} // namespace heed::lower
