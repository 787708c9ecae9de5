// RopeFolds.cpp - canonicalisations of attn.rope.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   a table that is transposed                → `over` in another order
//   a table repeated along other dimensions   → not over those
//   a table of two equal halves, half-split   → one number for each pair
#include "dialect/rope/RopeOps.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace heed::attn;

namespace {
/// A table and the dims of x that its dims are.
struct Table {
  Value value;
  SmallVector<int64_t> over;
};

/// The table behind one movement, or null.
std::optional<Table> simplify(RopeOp op, Value table, ArrayRef<int64_t> over) {
  if (auto transpose = table.getDefiningOp<linalg::TransposeOp>()) {
    // table[i0, i1, …] = input at i_permuted: input's dim p[i] is table's i.
    SmallVector<int64_t> inner(over.size());
    for (auto [i, from] : llvm::enumerate(transpose.getPermutation()))
      inner[from] = over[i];
    return Table{transpose.getInput(), inner};
  }
  if (auto broadcast = table.getDefiningOp<linalg::BroadcastOp>()) {
    SmallVector<int64_t> inner;
    for (auto [i, dim] : llvm::enumerate(over))
      if (!llvm::is_contained(broadcast.getDimensions(), int64_t(i)))
        inner.push_back(dim);
    if (llvm::is_contained(inner, int64_t(op.getDimension())))
      return Table{broadcast.getInput(), inner};
  }
  if (auto concat = table.getDefiningOp<tensor::ConcatOp>()) {
    int64_t dim = op.getTableDim(over);
    ValueRange parts = concat.getInputs();
    if (!op.getInterleaved() && parts.size() == 2 && parts[0] == parts[1] &&
        int64_t(concat.getDim()) == dim &&
        concat.getResultType().getDimSize(dim) == int64_t(op.getRotated()))
      return Table{parts[0], llvm::to_vector(over)};
  }
  return std::nullopt;
}

struct SimplifyTables : OpRewritePattern<RopeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RopeOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Table> cos = simplify(op, op.getCos(), op.getCosDimensions());
    std::optional<Table> sin = simplify(op, op.getSin(), op.getSinDimensions());
    if (!cos && !sin)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      if (cos) {
        op.getCosMutable().assign(cos->value);
        op.setCosDimensions(cos->over);
      }
      if (sin) {
        op.getSinMutable().assign(sin->value);
        op.setSinDimensions(sin->over);
      }
    });
    return success();
  }
};
} // namespace

void RopeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<SimplifyTables>(context);
}
