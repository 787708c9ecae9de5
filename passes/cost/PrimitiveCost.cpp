// PrimitiveCost.cpp - what a library primitive computes, by the formula of its
// kind.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/cost/Cost.h"

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

Count flopsOf(PrimitiveOp op) {
  constexpr unsigned src = 0, weights = 1;
  unsigned dst = op->getNumOperands() - 1;
  Count results = productFrom(op, dst, 0);
  Count flops =
      results * Count(op.getPostOps().size() + (op.getBias() ? 1 : 0));
  switch (op.getKind()) {
  case PrimitiveKind::matmul: // b… m n, each of k products
    return flops + Count(2) * results *
                       logicalSize(op, src, op.getLayout(src).size() - 1);
  case PrimitiveKind::convolution: // n o d…, each of i · taps; g o i d…
    return flops + Count(2) * results * productFrom(op, weights, 2);
  case PrimitiveKind::deconvolution: // n c d…, each into o · taps; g o i d…
    return flops + Count(2) * productFrom(op, src, 0) *
                       logicalSize(op, weights, 1) *
                       productFrom(op, weights, 3);
  case PrimitiveKind::pool_avg:
  case PrimitiveKind::pool_avg_include_pad:
  case PrimitiveKind::pool_max: {
    double taps = 1;
    for (int64_t size : op.getKernel())
      taps *= size;
    return flops + results * Count(taps);
  }
  case PrimitiveKind::reorder:
    return flops;
  }
  return flops;
}

} // namespace heed
