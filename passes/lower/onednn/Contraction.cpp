// Contraction.cpp - linalg contractions as matrix products.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   c[b…, m, n] += Σ_k a[b…, m, k] · w[b…, k, n]
//
// in any order of dims of each operand. Of several m or n, the innermost in c
// is the row or column, the others are batches that one of the operands lacks;
// the runtime folds them into rows again where the memory allows that. An
// absent m or n has size 1.
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"

using namespace mlir;

namespace heed::lower {

static int64_t positionOf(AffineMap map, unsigned dim) {
  for (auto [position, result] : llvm::enumerate(map.getResults()))
    if (result == getAffineDimExpr(dim, map.getContext()))
      return static_cast<int64_t>(position);
  return -1;
}

FailureOr<Value> lowerContraction(RewriterBase &rewriter, linalg::LinalgOp op) {
  if (!linalg::isaContractionOpInterface(op) || op->getNumResults() != 1 ||
      !areOfLibrary(op->getOperands()))
    return failure();
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims) || dims->k.size() != 1)
    return failure();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (AffineMap map : maps)
    if (!map.isProjectedPermutation())
      return failure();
  AffineMap aMap = maps[0], wMap = maps[1], cMap = maps[2];

  // The dims of c in its order; the last of m and of n leave the batches.
  SmallVector<unsigned> batches;
  std::optional<unsigned> m, n;
  for (AffineExpr result : cMap.getResults()) {
    unsigned dim = cast<AffineDimExpr>(result).getPosition();
    batches.push_back(dim);
    if (llvm::is_contained(dims->m, dim))
      m = dim;
    if (llvm::is_contained(dims->n, dim))
      n = dim;
  }
  llvm::erase_if(batches, [&](unsigned dim) { return dim == m || dim == n; });

  PrimitiveParts parts;
  parts.kind = attn::PrimitiveKind::matmul;
  auto layoutOf = [&](AffineMap map, std::optional<unsigned> row,
                      std::optional<unsigned> column) {
    Layout layout;
    for (unsigned dim : batches)
      layout.push_back(positionOf(map, dim));
    layout.push_back(row ? positionOf(map, *row) : -1);
    layout.push_back(column ? positionOf(map, *column) : -1);
    return layout;
  };
  parts.sourceLayout = layoutOf(aMap, m, dims->k[0]);
  parts.weightsLayout = layoutOf(wMap, dims->k[0], n);
  parts.initLayout = layoutOf(cMap, m, n);
  parts.source = foldTransposes(op.getDpsInputs()[0], parts.sourceLayout);
  parts.weights = foldTransposes(op.getDpsInputs()[1], parts.weightsLayout);
  Value init = op.getDpsInits()[0];
  foldInit(parts, init, parts.initLayout.size() - 1);
  Value empty = createEmptyLike(rewriter, op.getLoc(), init);
  return parts.create(rewriter, op.getLoc(), empty)->getResult(0);
}

} // namespace heed::lower
