// NormalizeTransposes.cpp - a transpose that moves dims of size 1 only is a
// view.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   transpose(x : [1, 1, 8, 64]) to [1, 8, 1, 64]  →  reshape(x)
//
// where the other dims keep their order. So are the heads of one token, which a
// decoder's step splits and joins.
#include "passes/normalize/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace heed::normalize {
#define GEN_PASS_DEF_NORMALIZETRANSPOSES
#include "passes/normalize/Passes.h.inc"

namespace {
bool movesOnesOnly(linalg::TransposeOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getInput().getType());
  if (!type)
    return false;
  int64_t last = -1;
  for (int64_t dim : op.getPermutation()) {
    if (type.getDimSize(dim) == 1)
      continue;
    if (dim < last)
      return false;
    last = dim;
  }
  return true;
}

/// Each dim of another size than 1 with the ones behind it, the first with those
/// in front of it too.
SmallVector<ReassociationIndices> groupOnes(RankedTensorType type) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (size != 1) {
      groups.push_back(std::exchange(leading, {}));
      groups.back().push_back(dim);
    } else {
      (groups.empty() ? leading : groups.back()).push_back(dim);
    }
  }
  return groups; // none where all are 1
}

struct NormalizeTransposes
    : impl::NormalizeTransposesBase<NormalizeTransposes> {
  void runOnOperation() override {
    SmallVector<linalg::TransposeOp> transposes;
    getOperation().walk([&](linalg::TransposeOp op) {
      if (movesOnesOnly(op))
        transposes.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::TransposeOp op : transposes) {
      rewriter.setInsertionPoint(op);
      Location loc = op.getLoc();
      auto from = cast<RankedTensorType>(op.getInput().getType());
      auto to = cast<RankedTensorType>(op->getResultTypes().front());
      SmallVector<int64_t> sizes;
      for (int64_t size : from.getShape())
        if (size != 1)
          sizes.push_back(size);
      Value value = op.getInput();
      if (from.getRank() > int64_t(sizes.size())) {
        value = tensor::CollapseShapeOp::create(
            rewriter, loc, RankedTensorType::get(sizes, from.getElementType()),
            value, groupOnes(from));
        value = tensor::ExpandShapeOp::create(rewriter, loc, to, value,
                                              groupOnes(to));
      }
      rewriter.replaceOp(op, value);
    }
  }
};
} // namespace
} // namespace heed::normalize
