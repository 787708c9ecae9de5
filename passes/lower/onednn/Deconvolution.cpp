// Deconvolution.cpp - contractions that are transposed convolutions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y[n, o, p·s + i…] = Σ_c x[n, c, p…] · w[c, o, i…],  0 ≤ i < s
//
// A kernel as large as its stride: no two taps meet. Source programs say it as
// a contraction to t[n, o, (p, i)…] and a reshape of each pair (p, i) to one
// dim. As a primitive it writes y at once.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"

using namespace mlir;

namespace heed::lower {

static int64_t positionOf(AffineMap map, unsigned dim) {
  for (auto [position, result] : llvm::enumerate(map.getResults()))
    if (result == getAffineDimExpr(dim, map.getContext()))
      return static_cast<int64_t>(position);
  return -1;
}

/// The one user of t, if it reshapes t[n, o, p, i, p, i…] by pairs.
static tensor::CollapseShapeOp matchPairs(linalg::LinalgOp op) {
  if (!op->hasOneUse())
    return nullptr;
  auto collapse = dyn_cast<tensor::CollapseShapeOp>(*op->user_begin());
  if (!collapse || collapse.getType().getRank() < 3)
    return nullptr;
  for (auto [dim, group] : llvm::enumerate(collapse.getReassociationIndices()))
    if (group.size() != (dim < 2 ? 1u : 2u))
      return nullptr;
  return collapse;
}

FailureOr<Value> lowerDeconvolution(RewriterBase &rewriter,
                                    linalg::LinalgOp op) {
  if (!linalg::isaContractionOpInterface(op) || op->getNumResults() != 1 ||
      !areOfLibrary(op->getOperands()))
    return failure();
  tensor::CollapseShapeOp collapse = matchPairs(op);
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (!collapse || failed(dims) || dims->k.size() != 1 || !dims->batch.empty())
    return failure();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  unsigned x = 0, w = 1;
  AffineMap yMap = maps[2];
  auto dimAt = [&](unsigned position) {
    return cast<AffineDimExpr>(yMap.getResult(position)).getPosition();
  };
  if (!yMap.isPermutation() && !yMap.isProjectedPermutation())
    return failure();
  if (positionOf(maps[0], dimAt(0)) < 0)
    std::swap(x, w); // x is the operand with n
  AffineMap xMap = maps[x], wMap = maps[w];

  // x has n and each p, w has o and each i; neither has the other's.
  PrimitiveParts parts;
  parts.kind = attn::PrimitiveKind::deconvolution;
  auto wType = cast<RankedTensorType>(op.getDpsInputs()[w].getType());
  parts.sourceLayout = {positionOf(xMap, dimAt(0)),
                        positionOf(xMap, dims->k[0])};
  parts.weightsLayout = {-1, positionOf(wMap, dimAt(1)),
                         positionOf(wMap, dims->k[0])};
  for (unsigned position = 2; position < yMap.getNumResults(); position += 2) {
    int64_t tap = positionOf(wMap, dimAt(position + 1));
    parts.sourceLayout.push_back(positionOf(xMap, dimAt(position)));
    parts.weightsLayout.push_back(tap);
    if (tap < 0 || wType.isDynamicDim(tap))
      return failure();
    parts.kernel.push_back(wType.getDimSize(tap));
  }
  if (llvm::is_contained(parts.sourceLayout, -1) ||
      llvm::is_contained(ArrayRef<int64_t>(parts.weightsLayout).drop_front(),
                         -1) ||
      parts.kernel.size() > 3)
    return failure();
  PrimitiveParts probe = parts; // t has to start from zeros
  probe.initLayout = {0, 1};
  foldInit(probe, op.getDpsInits()[0], 1);
  if (probe.bias || !probe.post.empty())
    return failure();

  parts.strides = parts.kernel;
  parts.dilations.assign(parts.kernel.size(), 1);
  parts.padLow.assign(parts.kernel.size(), 0);
  parts.padHigh.assign(parts.kernel.size(), 0);
  parts.source = foldTransposes(op.getDpsInputs()[x], parts.sourceLayout);
  parts.weights = foldTransposes(op.getDpsInputs()[w], parts.weightsLayout);
  auto yType = collapse.getType();
  Location loc = op.getLoc();
  SmallVector<OpFoldResult> sizes, expanded;
  Value t = op.getDpsInits()[0];
  auto sizeOf = [&](int64_t dim) -> OpFoldResult {
    auto type = cast<RankedTensorType>(t.getType());
    if (!type.isDynamicDim(dim))
      return rewriter.getIndexAttr(type.getDimSize(dim));
    return tensor::DimOp::create(rewriter, loc, t, dim).getResult();
  };
  for (int64_t dim = 0; dim < yType.getRank(); ++dim) {
    parts.initLayout.push_back(dim);
    if (dim < 2) {
      sizes.push_back(sizeOf(dim));
      expanded.push_back(sizes.back());
      continue;
    }
    OpFoldResult outer = sizeOf(2 * dim - 2);
    int64_t tap = parts.kernel[dim - 2];
    expanded.append({outer, rewriter.getIndexAttr(tap)});
    if (!yType.isDynamicDim(dim)) {
      sizes.push_back(rewriter.getIndexAttr(yType.getDimSize(dim)));
      continue;
    }
    Value factor = arith::ConstantIndexOp::create(rewriter, loc, tap);
    sizes.push_back(
        arith::MulIOp::create(rewriter, loc, cast<Value>(outer), factor)
            .getResult());
  }
  Value empty =
      tensor::EmptyOp::create(rewriter, loc, sizes, yType.getElementType());
  Value y = parts.create(rewriter, loc, empty)->getResult(0);
  return tensor::ExpandShapeOp::create(
             rewriter, loc, cast<RankedTensorType>(t.getType()), y,
             collapse.getReassociationIndices(), expanded)
      .getResult();
}

} // namespace heed::lower
