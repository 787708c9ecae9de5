// PrimitiveCost.cpp - what a library primitive computes, by the formula of its
// kind.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using heed::attn::PrimitiveKind;
using heed::attn::PrimitiveOp;

namespace heed {

/// The size of a logical dim of an operand; 1 where it has none.
static Count logicalSize(PrimitiveOp op, unsigned operand, int64_t dim) {
  int64_t held = op.getLayout(operand)[dim];
  return held < 0 ? Count(1) : sizeOf(op->getOperand(operand), held);
}

static Count productFrom(PrimitiveOp op, unsigned operand, int64_t first) {
  Count product(1);
  for (int64_t dim = first, e = op.getLayout(operand).size(); dim < e; ++dim)
    product *= logicalSize(op, operand, dim);
  return product;
}

/// Σ over the results along spatial dim d of the taps that lie inside the
/// source, which has n elements there. Tap k of result o is at
/// o · stride + k · dilation − padLow. Where sizes are not known, all but those
/// that the padding takes at both ends, as if the window fitted exactly:
///   K · O − Σ_k ⌈max(0, padLow − k·dilation) / stride⌉
///         − Σ_k ⌈max(0, padHigh − (K − 1 − k)·dilation) / stride⌉
static Count tapsInside(PrimitiveOp op, unsigned src, unsigned dst,
                        unsigned d) {
  int64_t taps = op.getKernel()[d], stride = op.getStrides()[d];
  int64_t dilation = op.getDilations()[d], low = op.getPadLow()[d];
  int64_t n = op.getLogicalShape(src)[d + 2];
  int64_t results = op.getLogicalShape(dst)[d + 2];
  if (!ShapedType::isDynamic(n) && !ShapedType::isDynamic(results)) {
    int64_t inside = 0;
    for (int64_t o = 0; o < results; ++o)
      for (int64_t k = 0; k < taps; ++k) {
        int64_t at = o * stride + k * dilation - low;
        inside += at >= 0 && at < n;
      }
    return inside;
  }
  int64_t outside = 0, high = op.getPadHigh()[d];
  for (int64_t k = 0; k < taps; ++k) {
    outside += llvm::divideCeil(std::max<int64_t>(0, low - k * dilation),
                                uint64_t(stride));
    outside +=
        llvm::divideCeil(std::max<int64_t>(0, high - (taps - 1 - k) * dilation),
                         uint64_t(stride));
  }
  return Count(taps) * logicalSize(op, dst, d + 2) + Count(-outside);
}

/// The taps that all results of one image and one channel see.
static Count tapsInside(PrimitiveOp op, unsigned src, unsigned dst) {
  Count inside(1);
  for (unsigned d = 0; d < op.getKernel().size(); ++d)
    inside *= tapsInside(op, src, dst, d);
  return inside;
}

Count flopsOf(PrimitiveOp op) {
  constexpr unsigned src = 0, weights = 1;
  unsigned dst = op->getNumOperands() - 1;
  Count results = productFrom(op, dst, 0);
  Count flops =
      results * Count(op.getPostOps().size() + (op.getBias() ? 1 : 0));
  auto images = [&](unsigned operand) { // n · channels
    return logicalSize(op, operand, 0) * logicalSize(op, operand, 1);
  };
  switch (op.getKind()) {
  case PrimitiveKind::matmul: // b… m n, each of k products
    return flops + Count(2) * results *
                       logicalSize(op, src, op.getLayout(src).size() - 1);
  case PrimitiveKind::convolution: // each result of i · taps; g o i d…
    return flops + Count(2) * images(dst) * logicalSize(op, weights, 2) *
                       tapsInside(op, src, dst);
  case PrimitiveKind::deconvolution: // a convolution from dst to src
    return flops + Count(2) * images(src) * logicalSize(op, weights, 1) *
                       tapsInside(op, dst, src);
  case PrimitiveKind::pool_avg:
  case PrimitiveKind::pool_avg_include_pad:
  case PrimitiveKind::pool_max:
    return flops + images(dst) * tapsInside(op, src, dst);
  case PrimitiveKind::reorder:
    return flops;
  }
  return flops;
}

} // namespace heed
