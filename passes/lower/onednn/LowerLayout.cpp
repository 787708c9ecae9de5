// LowerLayout.cpp - convolutional networks with their channels last in memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions and pools write their result channels last, with a transposition
// behind it that gives back the order of dims that the program knows; then the
// transpositions sink through the network until they meet each other, a
// primitive's layout, or an op that cannot do without: mostly the graph's edge.
#include "passes/lower/onednn/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"
#include "passes/lower/onednn/SinkTranspose.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERLAYOUT
#include "passes/lower/onednn/Passes.h.inc"

/// The result's dims, outermost first, as n d… c: one entry for each logical
/// dim. Nothing if they are so already, or cannot be.
static std::optional<Layout> channelsLast(attn::PrimitiveOp op) {
  if (!op.isConvolution() && !op.isPool())
    return std::nullopt;
  Layout now = op.getLayout(op->getNumOperands() - 1);
  if (llvm::is_contained(now, -1))
    return std::nullopt;
  Layout last(now.size());
  last[0] = 0;
  last[1] = static_cast<int64_t>(now.size()) - 1;
  for (size_t i = 2; i < now.size(); ++i)
    last[i] = static_cast<int64_t>(i) - 1;
  // One channel, or one position, has one order in memory.
  auto type = cast<RankedTensorType>(op.getInit().getType());
  bool onePosition =
      llvm::all_of(ArrayRef<int64_t>(now).drop_front(2),
                   [&](int64_t dim) { return type.getDimSize(dim) == 1; });
  if (last == now || type.getDimSize(now[1]) == 1 || onePosition)
    return std::nullopt;
  return last;
}

static void writeChannelsLast(RewriterBase &rewriter, TransposeSinker &sinker,
                              attn::PrimitiveOp op, const Layout &last) {
  rewriter.setInsertionPoint(op);
  PrimitiveParts parts = PrimitiveParts::of(op);
  // Result dimension d is dimension permutation[d] of the new result.
  SmallVector<int64_t> permutation(last.size());
  for (auto [before, after] : llvm::zip(parts.initLayout, last))
    permutation[before] = after;
  parts.initLayout = last;
  Value empty =
      sinker.untransposedEmpty(op.getLoc(), op.getInit(), permutation);
  auto created = parts.create(rewriter, op.getLoc(), empty);
  Value result =
      sinker.transpose(op.getLoc(), created->getResult(0), permutation);
  rewriter.replaceOp(op, result);
}

/// What moves memory by a library is a primitive, too.
static void lowerTranspose(RewriterBase &rewriter, linalg::TransposeOp op) {
  PrimitiveParts parts;
  parts.kind = attn::PrimitiveKind::reorder;
  parts.source = op.getInput();
  ArrayRef<int64_t> permutation = op.getPermutation();
  parts.sourceLayout.assign(permutation.begin(), permutation.end());
  for (size_t i = 0; i < permutation.size(); ++i)
    parts.initLayout.push_back(static_cast<int64_t>(i));
  rewriter.setInsertionPoint(op);
  Value empty = createEmptyLike(rewriter, op.getLoc(), op.getInit());
  auto created = parts.create(rewriter, op.getLoc(), empty);
  rewriter.replaceOp(op, created->getResults());
}

namespace {
struct LowerLayout : impl::LowerLayoutBase<LowerLayout> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    TransposeSinker sinker(rewriter);
    SmallVector<attn::PrimitiveOp> primitives;
    getOperation().walk([&](attn::PrimitiveOp op) {
      if (op->getNumResults() == 1)
        primitives.push_back(op);
    });
    for (attn::PrimitiveOp op : primitives)
      if (std::optional<Layout> last = channelsLast(op))
        writeChannelsLast(rewriter, sinker, op, *last);
    sinker.run();

    SmallVector<linalg::TransposeOp> transposes;
    getOperation().walk([&](linalg::TransposeOp op) {
      auto type = dyn_cast<RankedTensorType>(op.getInput().getType());
      if (op->use_empty())
        rewriter.eraseOp(op);
      else if (type && type.getElementType().isF32())
        transposes.push_back(op);
    });
    for (linalg::TransposeOp op : transposes)
      lowerTranspose(rewriter, op);
  }
};
} // namespace
} // namespace heed::lower
