// FoldChannelConstants.cpp - constants of a channel go into weights and bias.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   (w·x + b)·s + t = (w·s)·x + (b·s + t)
//
// for constants w, b and, for each output channel, s and t: what is left of a
// batch normalisation behind a convolution or a matrix product.
#include "mlir/IR/Matchers.h"
#include "passes/lower/onednn/Constants.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"

using namespace mlir;
using heed::attn::PostOpKind;

namespace heed::lower {

/// w · s, where s runs along logical dims `channels` (g and o, or n) of w.
static Value scaleWeights(OpBuilder &builder, const PrimitiveParts &parts,
                          ArrayRef<float> weights, ArrayRef<double> scale,
                          ArrayRef<size_t> channels) {
  auto type = cast<RankedTensorType>(parts.weights.getType());
  int64_t elements = type.getNumElements();
  // The step in s for one step along each dimension of w.
  SmallVector<int64_t> steps(type.getRank(), 0);
  int64_t step = 1;
  for (size_t logical : llvm::reverse(channels))
    if (int64_t dim = parts.weightsLayout[logical]; dim >= 0) {
      steps[dim] = step;
      step *= type.getDimSize(dim);
    }
  SmallVector<float> data(elements);
  SmallVector<int64_t> index(type.getRank(), 0);
  int64_t channel = 0;
  for (int64_t i = 0; i < elements; ++i) {
    double factor = scale[scale.size() == 1 ? 0 : channel];
    data[i] = static_cast<float>(weights[weights.size() == 1 ? 0 : i] * factor);
    for (int64_t dim = type.getRank(); dim-- > 0;) {
      channel += steps[dim];
      if (++index[dim] < type.getDimSize(dim))
        break;
      channel -= steps[dim] * index[dim];
      index[dim] = 0;
    }
  }
  return createFloats(builder, parts.weights.getLoc(), type.getShape(), data);
}

/// A per-channel constant post-op tensor, or nothing.
static std::optional<SmallVector<double>>
channelConstants(const PrimitiveParts &parts, size_t post, size_t channel) {
  std::optional<SmallVector<float>> data = readFloats(parts.post[post]);
  if (!data)
    return std::nullopt;
  auto type = cast<RankedTensorType>(parts.post[post].getType());
  int64_t dim = parts.postLayouts[post][channel];
  if (data->size() > 1 &&
      (dim < 0 || type.getDimSize(dim) != type.getNumElements()))
    return std::nullopt;
  return SmallVector<double>(data->begin(), data->end());
}

bool foldChannelConstants(RewriterBase &rewriter, attn::PrimitiveOp op) {
  if (op.getKind() != attn::PrimitiveKind::matmul && !op.isConvolution())
    return false;
  PrimitiveParts parts = PrimitiveParts::of(op);
  bool isMatmul = op.getKind() == attn::PrimitiveKind::matmul;
  size_t channel = isMatmul ? parts.initLayout.size() - 1 : 1;
  int64_t initDim = parts.initLayout[channel];
  auto initType = cast<RankedTensorType>(op.getInit().getType());
  if (initDim < 0 || initType.isDynamicDim(initDim) || parts.postOps.empty())
    return false;
  size_t size = initType.getDimSize(initDim);

  // What the leading post-ops do to each channel.
  SmallVector<double> scale(size, 1), offset(size, 0);
  size_t taken = 0, tensors = 0;
  auto apply = [&](auto f, ArrayRef<double> values) {
    for (size_t i = 0; i < size; ++i)
      f(scale[i], offset[i], values[values.size() == 1 ? 0 : i]);
  };
  auto add = [](double &, double &offset, double value) { offset += value; };
  auto multiply = [](double &scale, double &offset, double value) {
    scale *= value;
    offset *= value;
  };
  for (attn::PostOpAttr postOp : parts.postOps) {
    if (postOp.getKind() == PostOpKind::linear) {
      apply(multiply, {postOp.getAlpha().convertToDouble()});
      apply(add, {postOp.getBeta().convertToDouble()});
      ++taken;
      continue;
    }
    if (postOp.getKind() != PostOpKind::mul &&
        postOp.getKind() != PostOpKind::add)
      break;
    auto values = channelConstants(parts, tensors, channel);
    if (!values)
      break;
    if (postOp.getKind() == PostOpKind::mul)
      apply(multiply, *values);
    else
      apply(add, *values);
    ++taken;
    ++tensors;
  }
  if (taken == 0)
    return false;

  bool scales = !llvm::all_of(scale, [](double s) { return s == 1; });
  std::optional<SmallVector<float>> weights, bias;
  if (scales && !(weights = readFloats(parts.weights)))
    return false;
  if (parts.bias && !(bias = readFloats(parts.bias)))
    return false;
  rewriter.setInsertionPoint(op);
  if (scales) {
    SmallVector<size_t> channels = {0, 1}; // g, o
    if (isMatmul)
      channels = {parts.weightsLayout.size() - 1}; // n
    parts.weights = scaleWeights(rewriter, parts, *weights, scale, channels);
  }
  SmallVector<float> sum(size);
  for (size_t i = 0; i < size; ++i) {
    double before = bias ? (*bias)[bias->size() == 1 ? 0 : i] : 0;
    sum[i] = static_cast<float>(before * scale[i] + offset[i]);
  }
  parts.bias =
      createFloats(rewriter, op.getLoc(), {static_cast<int64_t>(size)}, sum);
  parts.biasLayout = {0};
  parts.post.erase(parts.post.begin(), parts.post.begin() + tensors);
  parts.postLayouts.erase(parts.postLayouts.begin(),
                          parts.postLayouts.begin() + tensors);
  parts.postOps.erase(parts.postOps.begin(), parts.postOps.begin() + taken);
  auto created = parts.create(rewriter, op.getLoc(), op.getInit());
  rewriter.replaceOp(op, created->getResults());
  return true;
}

} // namespace heed::lower
