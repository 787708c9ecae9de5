// SdpaShape.cpp - an attention as the cost model sees it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/SdpaShape.h"

#include <numeric>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {
static_assert(ShapedType::kDynamic == cost::kUnknown);

/// Keys that a query attends by a window with both bounds; 0: no such window.
static int64_t windowSpan(SdpaOp op) {
  std::optional<ArrayRef<int64_t>> window = op.getWindow();
  if (!window || (*window)[0] < 0)
    return 0;
  if (op.getCausal() != attn::Causal::none)
    return (*window)[0] + 1;
  return (*window)[1] < 0 ? 0 : (*window)[0] + (*window)[1] + 1;
}

/// Query heads that have a row of the operand of `map` in common.
static int64_t countSharing(SdpaOp op, AffineMap map) {
  for (AffineExpr expr : map.getResults()) {
    if (expr == getAffineDimExpr(SdpaOp::H, map.getContext()))
      return 1;
    if (expr.isFunctionOfDim(SdpaOp::H))
      return cast<AffineConstantExpr>(cast<AffineBinaryOpExpr>(expr).getRHS())
          .getValue();
  }
  int64_t heads = op.getStaticSize(SdpaOp::H); // shared by all
  return ShapedType::isDynamic(heads) ? 1 : heads;
}

static int64_t countKeyBytes(SdpaOp op) {
  auto k = cast<ShapedType>(op.getK().getType());
  auto v = cast<ShapedType>(op.getV().getType());
  if (!k.hasStaticShape() || !v.hasStaticShape())
    return cost::kUnknown;
  return (k.getNumElements() + v.getNumElements()) *
         int64_t(k.getElementTypeBitWidth()) / 8;
}

cost::Attention getShape(SdpaOp op) {
  cost::Attention shape;
  shape.batch = op.getStaticSize(SdpaOp::B);
  shape.heads = op.getStaticSize(SdpaOp::H);
  shape.queries = op.getStaticSize(SdpaOp::I);
  shape.keys = op.getStaticSize(SdpaOp::J);
  shape.depth = op.getStaticSize(SdpaOp::D);
  shape.width = op.getStaticSize(SdpaOp::E);
  shape.window = windowSpan(op);
  shape.causal = op.getCausal() != attn::Causal::none;
  shape.sharing =
      std::gcd(countSharing(op, op.getKMap()), countSharing(op, op.getVMap()));
  shape.keyBytes = countKeyBytes(op);
  return shape;
}

} // namespace heed::lower
