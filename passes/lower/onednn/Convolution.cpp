// Convolution.cpp - linalg convolutions and poolings as primitives.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y[n, g·o, p…] += Σ_{i, k…} x[n, g·i, p·s + k·d…] · w[g, o, i, k…]
//   y[n, c, p…]    = max or Σ_{k…} x[n, c, p·s + k·d…]
//
// in any order of dims of each operand; n, g, o and i may be absent. Where g
// and i (or g and o) are two dims of a tensor, they are made one by a reshape,
// so they have to lie side by side. A tensor.pad of x by what the primitive
// takes for padding becomes padding.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"

using namespace mlir;

namespace heed::lower {

namespace {
/// One spatial dim: x is read at out · stride + tap · dilation.
struct Window {
  unsigned out, tap;
  int64_t stride, dilation;
  int64_t position; // in x
};

struct ConvolutionMaps {
  AffineMap x, w, y;
  SmallVector<Window> windows;                // in y's order
  int64_t group, outputChannel, inputChannel; // −1: none
};
} // namespace

/// Which result of the map is dim `dim` alone; −1 for none, or for no dim.
static int64_t positionOf(AffineMap map, int64_t dim) {
  if (dim < 0)
    return -1;
  for (auto [position, result] : llvm::enumerate(map.getResults()))
    if (result == getAffineDimExpr(dim, map.getContext()))
      return static_cast<int64_t>(position);
  return -1;
}

/// A term d or d · c.
static std::optional<std::pair<unsigned, int64_t>> matchTerm(AffineExpr expr) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return std::make_pair(dim.getPosition(), int64_t(1));
  auto product = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!product || product.getKind() != AffineExprKind::Mul)
    return std::nullopt;
  auto dim = dyn_cast<AffineDimExpr>(product.getLHS());
  auto factor = dyn_cast<AffineConstantExpr>(product.getRHS());
  if (!dim || !factor)
    return std::nullopt;
  return std::make_pair(dim.getPosition(), factor.getValue());
}

/// The windows among x's map results, ordered by where y has their out dims.
static std::optional<SmallVector<Window>>
matchWindows(linalg::LinalgOp op, AffineMap x, AffineMap y) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<Window> windows;
  for (auto [position, expr] : llvm::enumerate(x.getResults())) {
    if (isa<AffineDimExpr>(expr))
      continue;
    auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
    if (!sum || sum.getKind() != AffineExprKind::Add)
      return std::nullopt;
    auto l = matchTerm(sum.getLHS()), r = matchTerm(sum.getRHS());
    if (!l || !r)
      return std::nullopt;
    if (iterators[l->first] == utils::IteratorType::reduction)
      std::swap(l, r);
    if (iterators[l->first] != utils::IteratorType::parallel ||
        iterators[r->first] != utils::IteratorType::reduction ||
        positionOf(y, l->first) < 0)
      return std::nullopt;
    windows.push_back({l->first, r->first, l->second, r->second,
                       static_cast<int64_t>(position)});
  }
  llvm::sort(windows, [&](const Window &a, const Window &b) {
    return positionOf(y, a.out) < positionOf(y, b.out);
  });
  return windows;
}

/// The one dim of a role, −1 for none; failure for more.
static FailureOr<int64_t> single(ArrayRef<unsigned> dims) {
  if (dims.size() > 1)
    return failure();
  return dims.empty() ? -1 : static_cast<int64_t>(dims[0]);
}

static FailureOr<ConvolutionMaps> matchMaps(linalg::LinalgOp op) {
  FailureOr<linalg::ConvolutionDimensions> dims =
      linalg::inferConvolutionDims(op);
  if (failed(dims))
    return failure();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto windows = matchWindows(op, maps[0], maps[2]);
  if (!windows || windows->empty() || windows->size() > 3)
    return failure();
  FailureOr<int64_t> group = single(dims->depth),
                     output = single(dims->outputChannel),
                     input = single(dims->inputChannel);
  if (failed(group) || failed(output) || failed(input))
    return failure();
  return ConvolutionMaps{maps[0], maps[1], maps[2], *windows,
                         *group,  *output, *input};
}

/// Sizes of the windows, from the filter; failure if one is dynamic.
static FailureOr<SmallVector<int64_t>> kernelSizes(const ConvolutionMaps &maps,
                                                   RankedTensorType filter) {
  SmallVector<int64_t> kernel;
  for (const Window &window : maps.windows) {
    int64_t position = positionOf(maps.w, window.tap);
    if (position < 0 || filter.isDynamicDim(position))
      return failure();
    kernel.push_back(filter.getDimSize(position));
  }
  return kernel;
}

/// Reads x through a tensor.pad of its spatial dims by constants, where
/// `isNeutral` says that the value is padding.
static Value foldPad(PrimitiveParts &parts, Value x,
                     llvm::function_ref<bool(Value)> isNeutral) {
  auto pad = x.getDefiningOp<tensor::PadOp>();
  if (!pad)
    return x;
  Value value = pad.getConstantPaddingValue();
  ArrayRef<int64_t> low = pad.getStaticLow(), high = pad.getStaticHigh();
  if (!value || !isNeutral(value) || ShapedType::isDynamicShape(low) ||
      ShapedType::isDynamicShape(high))
    return x;
  ArrayRef<int64_t> spatial =
      ArrayRef<int64_t>(parts.sourceLayout).drop_front(2);
  for (int64_t dim = 0; dim < static_cast<int64_t>(low.size()); ++dim)
    if (low[dim] < 0 || high[dim] < 0 ||
        ((low[dim] || high[dim]) && !llvm::is_contained(spatial, dim)))
      return x;
  for (auto [i, dim] : llvm::enumerate(spatial)) {
    parts.padLow[i] = low[dim];
    parts.padHigh[i] = high[dim];
  }
  return pad.getSource();
}

static Value foldMovement(PrimitiveParts &parts, Value x,
                          llvm::function_ref<bool(Value)> isNeutral) {
  x = foldTransposes(x, parts.sourceLayout);
  x = foldPad(parts, x, isNeutral);
  return foldTransposes(x, parts.sourceLayout);
}

/// Whether the primitive's formula gives the sizes that y has; linalg lets x be
/// larger than what is read.
static bool sizesAgree(const PrimitiveParts &parts, RankedTensorType x,
                       RankedTensorType y) {
  for (size_t i = 0; i < parts.kernel.size(); ++i) {
    int64_t in = x.getDimSize(parts.sourceLayout[i + 2]);
    int64_t out = y.getDimSize(parts.initLayout[i + 2]);
    if (ShapedType::isDynamic(in) || ShapedType::isDynamic(out))
      continue;
    int64_t extent = (parts.kernel[i] - 1) * parts.dilations[i] + 1;
    int64_t room = in + parts.padLow[i] + parts.padHigh[i] - extent;
    if (room < 0 || room / parts.strides[i] + 1 != out)
      return false;
  }
  return true;
}

static void setWindows(PrimitiveParts &parts, const ConvolutionMaps &maps,
                       ArrayRef<int64_t> kernel) {
  for (const Window &window : maps.windows) {
    parts.strides.push_back(window.stride);
    parts.dilations.push_back(window.dilation);
    parts.sourceLayout.push_back(window.position);
    parts.initLayout.push_back(positionOf(maps.y, window.out));
  }
  parts.kernel.assign(kernel.begin(), kernel.end());
  parts.padLow.assign(kernel.size(), 0);
  parts.padHigh.assign(kernel.size(), 0);
}

namespace {
/// Two neighbouring dims of a tensor that the primitive has as one.
struct Merge {
  int64_t first = -1; // the outer of the two; −1: nothing to merge
  SmallVector<ReassociationIndices> groups(int64_t rank) const {
    SmallVector<ReassociationIndices> result;
    for (int64_t dim = 0; dim < rank; ++dim) {
      if (first >= 0 && dim == first + 1)
        result.back().push_back(dim);
      else
        result.push_back({dim});
    }
    return result;
  }
  /// Where dimension `dim` is after the merge.
  int64_t after(int64_t dim) const {
    return first >= 0 && dim > first ? dim - 1 : dim;
  }
};
} // namespace

/// The channel dim of x or y: the group and a channel in it. Failure if both
/// are there but not side by side, or of dynamic size.
static FailureOr<Merge> matchMerge(AffineMap map, int64_t group,
                                   int64_t channel, RankedTensorType type) {
  int64_t outer = positionOf(map, group), inner = positionOf(map, channel);
  if (outer < 0 || inner < 0)
    return Merge();
  if (inner != outer + 1 || type.isDynamicDim(outer) ||
      type.isDynamicDim(inner))
    return failure();
  return Merge{outer};
}

static RankedTensorType mergedType(RankedTensorType type, const Merge &merge) {
  SmallVector<int64_t> shape(type.getShape());
  shape[merge.first] *= shape[merge.first + 1];
  shape.erase(shape.begin() + merge.first + 1);
  return RankedTensorType::get(shape, type.getElementType());
}

static FailureOr<Value> lowerFiltered(RewriterBase &rewriter,
                                      linalg::LinalgOp op, ConvolutionMaps maps,
                                      ArrayRef<unsigned> batch) {
  if (!areOfLibrary(op->getOperands()) || batch.size() > 1)
    return failure();
  int64_t n = batch.empty() ? -1 : static_cast<int64_t>(batch[0]);
  Value x = op.getDpsInputs()[0], w = op.getDpsInputs()[1];
  Value init = op.getDpsInits()[0];
  auto xType = cast<RankedTensorType>(x.getType());
  auto yType = cast<RankedTensorType>(init.getType());
  FailureOr<SmallVector<int64_t>> kernel =
      kernelSizes(maps, cast<RankedTensorType>(w.getType()));
  FailureOr<Merge> mergeX =
      matchMerge(maps.x, maps.group, maps.inputChannel, xType);
  FailureOr<Merge> mergeY =
      matchMerge(maps.y, maps.group, maps.outputChannel, yType);
  if (failed(kernel) || failed(mergeX) || failed(mergeY))
    return failure();

  PrimitiveParts parts;
  parts.kind = attn::PrimitiveKind::convolution;
  auto channelOf = [&](AffineMap map, int64_t channel) {
    int64_t group = positionOf(map, maps.group);
    return group >= 0 ? group : positionOf(map, channel);
  };
  parts.sourceLayout = {positionOf(maps.x, n),
                        channelOf(maps.x, maps.inputChannel)};
  parts.initLayout = {positionOf(maps.y, n),
                      channelOf(maps.y, maps.outputChannel)};
  setWindows(parts, maps, *kernel);
  parts.weightsLayout = {positionOf(maps.w, maps.group),
                         positionOf(maps.w, maps.outputChannel),
                         positionOf(maps.w, maps.inputChannel)};
  for (const Window &window : maps.windows)
    parts.weightsLayout.push_back(positionOf(maps.w, window.tap));

  if (!sizesAgree(parts, xType, yType))
    return failure();
  // From here on the op is replaced.
  Location loc = op.getLoc();
  if (mergeX->first >= 0) {
    x = tensor::CollapseShapeOp::create(rewriter, loc,
                                        mergedType(xType, *mergeX), x,
                                        mergeX->groups(xType.getRank()));
    for (int64_t &dim : parts.sourceLayout)
      dim = mergeX->after(dim);
  } else {
    x = foldMovement(parts, x, [](Value value) {
      return matchPattern(value, m_AnyZeroFloat());
    });
  }
  parts.source = x;
  parts.weights = foldTransposes(w, parts.weightsLayout);
  if (mergeY->first < 0) {
    foldInit(parts, init, /*channel=*/1);
    Value empty = createEmptyLike(rewriter, loc, init);
    return parts.create(rewriter, loc, empty)->getResult(0);
  }
  // The primitive's result has one channel dim; what it is added to, too.
  auto merge = [&](Value value) -> Value {
    return tensor::CollapseShapeOp::create(rewriter, loc,
                                           mergedType(yType, *mergeY), value,
                                           mergeY->groups(yType.getRank()));
  };
  for (int64_t &dim : parts.initLayout)
    dim = mergeY->after(dim);
  PrimitiveParts probe = parts;
  foldInit(probe, init, /*channel=*/1);
  if (!probe.post.empty() || probe.bias)
    parts.addPostOp(attn::PostOpKind::add, merge(init), parts.initLayout);
  Value empty = merge(createEmptyLike(rewriter, loc, init));
  Value merged = parts.create(rewriter, loc, empty)->getResult(0);
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0; dim < yType.getRank(); ++dim)
    sizes.push_back(
        yType.isDynamicDim(dim)
            ? OpFoldResult(
                  tensor::DimOp::create(rewriter, loc, init, dim).getResult())
            : rewriter.getIndexAttr(yType.getDimSize(dim)));
  return tensor::ExpandShapeOp::create(rewriter, loc, yType, merged,
                                       mergeY->groups(yType.getRank()), sizes)
      .getResult();
}

/// The op that combines a window's elements: body(x, w, y) = combine(x, y).
static Operation *matchPoolBody(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  Operation *combine = yield.getValues()[0].getDefiningOp();
  if (!combine || combine->getNumOperands() != 2 ||
      !llvm::hasSingleElement(body->without_terminator()))
    return nullptr;
  Value x = body->getArgument(0), y = body->getArguments().back();
  bool straight = combine->getOperand(0) == x && combine->getOperand(1) == y;
  bool crossed = combine->getOperand(0) == y && combine->getOperand(1) == x;
  return straight || crossed ? combine : nullptr;
}

/// A value that no element is below.
static bool isLowest(Value value) {
  APFloat number(0.0f);
  if (!matchPattern(value, m_ConstantFloat(&number)) || !number.isNegative())
    return false;
  return number.isInfinity() || number.isLargest();
}

static bool startsFrom(Value init, llvm::function_ref<bool(Value)> isNeutral) {
  auto fill = init.getDefiningOp<linalg::FillOp>();
  return fill && isNeutral(fill.getInputs()[0]);
}

static FailureOr<Value> lowerPool(RewriterBase &rewriter, linalg::LinalgOp op,
                                  ConvolutionMaps maps,
                                  ArrayRef<unsigned> batch) {
  Operation *combine = matchPoolBody(op);
  Value x = op.getDpsInputs()[0], init = op.getDpsInits()[0];
  if (!combine || !areOfLibrary({x, init}) || batch.empty() || batch.size() > 2)
    return failure();
  auto isZero = [](Value value) {
    return matchPattern(value, m_AnyZeroFloat());
  };
  bool isSum = isa<arith::AddFOp>(combine);
  bool isMax = isa<arith::MaximumFOp, arith::MaxNumFOp>(combine);
  if (!(isSum && startsFrom(init, isZero)) &&
      !(isMax && startsFrom(init, isLowest)))
    return failure();
  FailureOr<SmallVector<int64_t>> kernel =
      kernelSizes(maps, cast<RankedTensorType>(op.getDpsInputs()[1].getType()));
  if (failed(kernel))
    return failure();

  PrimitiveParts parts;
  parts.kind = isMax ? attn::PrimitiveKind::pool_max
                     : attn::PrimitiveKind::pool_avg_include_pad;
  for (AffineMap map : {maps.x, maps.y}) {
    Layout &layout = map == maps.x ? parts.sourceLayout : parts.initLayout;
    layout = {batch.size() == 2 ? positionOf(map, batch[0]) : -1,
              positionOf(map, batch.back())};
  }
  setWindows(parts, maps, *kernel);
  if (!sizesAgree(parts, cast<RankedTensorType>(x.getType()),
                  cast<RankedTensorType>(init.getType())))
    return failure();
  parts.source =
      isMax ? foldMovement(parts, x, isLowest) : foldMovement(parts, x, isZero);
  if (isSum) { // Σ = mean · count
    double count = 1;
    for (int64_t size : *kernel)
      count *= static_cast<double>(size);
    if (count != 1)
      parts.postOps.push_back(attn::PostOpAttr::get(
          op.getContext(), attn::PostOpKind::linear, count));
  }
  Value empty = createEmptyLike(rewriter, op.getLoc(), init);
  return parts.create(rewriter, op.getLoc(), empty)->getResult(0);
}

FailureOr<Value> lowerConvolution(RewriterBase &rewriter, linalg::LinalgOp op) {
  if (op->getNumResults() != 1 || op.getNumDpsInputs() != 2 ||
      !linalg::isaConvolutionOpInterface(op))
    return failure();
  FailureOr<ConvolutionMaps> maps = matchMaps(op);
  FailureOr<linalg::ConvolutionDimensions> dims =
      linalg::inferConvolutionDims(op);
  if (failed(maps) || failed(dims))
    return failure();
  // The filter of a pool gives sizes only; its element is not used.
  if (op.getBlock()->getArgument(1).use_empty())
    return lowerPool(rewriter, op, *maps, dims->batch);
  return lowerFiltered(rewriter, op, *maps, dims->batch);
}

} // namespace heed::lower
