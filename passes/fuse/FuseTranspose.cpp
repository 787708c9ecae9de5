// FuseTranspose.cpp - transposes of an attention's result as its map.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   o : b h i e;  transpose(o) : b i h e   →   attn.sdpa writes b i h e
//
// Merging the heads is then a reshape without a copy. Transposes of operands
// are folded by the canonicalisation of attn.sdpa.
#include "passes/fuse/Passes.h"

#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/recognize/Reshape.h"

using namespace mlir;

namespace heed::fuse {
#define GEN_PASS_DEF_FUSETRANSPOSE
#include "passes/fuse/Passes.h.inc"

namespace {
using recognize::Access;
using recognize::Factor;
using recognize::Factors;
using recognize::FactorTable;
using recognize::TensorView;

/// The attention that a transpose moves, through reshapes with no other user.
struct Moved {
  attn::SdpaOp op;
  Access dims; // of the attention's result, in factors of the transpose's
};

std::optional<Moved> findAttention(const TensorView &transposed,
                                   FactorTable &table) {
  TensorView view = transposed;
  while (true) {
    auto op = view.value.getDefiningOp<attn::SdpaOp>();
    if (op && op->getNumResults() == 1)
      return Moved{op, table.leaves(view.dims)};
    std::optional<TensorView> source = recognize::stepUp(view, table);
    if (!source || !source->value.hasOneUse() ||
        getElementTypeOrSelf(source->value.getType()) !=
            getElementTypeOrSelf(view.value.getType()))
      return std::nullopt;
    view = *source;
  }
}

/// The result's dimensions in the order in which the transpose has them, if
/// each stays whole; dimensions of size 1 keep their place.
std::optional<SmallVector<int64_t>> newOrder(const Access &dims,
                                             const Factors &wanted) {
  SmallVector<int64_t> order;
  for (int64_t i = 0, e = dims.size(); i < e; ++i)
    order.push_back(i);
  auto firstOf = [&](int64_t dim) {
    return llvm::find(wanted, dims[dim].front()) - wanted.begin();
  };
  SmallVector<int64_t> whole;
  for (int64_t i : order)
    if (!dims[i].empty())
      whole.push_back(i);
  llvm::stable_sort(
      whole, [&](int64_t a, int64_t b) { return firstOf(a) < firstOf(b); });
  Factors moved;
  for (int64_t dim : whole)
    llvm::append_range(moved, dims[dim]);
  if (moved != wanted)
    return std::nullopt;
  auto next = whole.begin();
  for (int64_t &dim : order)
    if (!dims[dim].empty())
      dim = *next++;
  return order;
}

/// Rebuilds the attention with its result in the order.
void fuseInto(IRRewriter &rewriter, Value transposed, const TensorView &view,
              const Moved &moved, ArrayRef<int64_t> order, FactorTable &table) {
  attn::SdpaOp op = moved.op;
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<OpFoldResult> sizes;
  SmallVector<AffineExpr> exprs;
  Access dims;
  for (int64_t dim : order) {
    sizes.push_back(
        recognize::Size::of(op.getInit(), dim).materialize(rewriter, loc));
    exprs.push_back(op.getOMap().getResult(dim));
    dims.push_back(moved.dims[dim]);
  }
  Value init =
      tensor::EmptyOp::create(rewriter, loc, sizes, type.getElementType());
  OpOperand &initOperand = op.getDpsInitsMutable()[0];
  SmallVector<Attribute> maps(op.getMaps().begin(), op.getMaps().end());
  maps[initOperand.getOperandNumber()] = AffineMapAttr::get(
      AffineMap::get(attn::SdpaOp::NumDims, 0, exprs, rewriter.getContext()));
  SmallVector<Value> operands(op->getOperands());
  operands[initOperand.getOperandNumber()] = init;
  OperationState state(loc, attn::SdpaOp::getOperationName(), operands,
                       TypeRange{init.getType()}, op->getAttrs());
  state.addRegion();
  auto rebuilt = cast<attn::SdpaOp>(rewriter.create(state));
  rebuilt.getScore().takeBody(op.getScore());
  rebuilt.setMapsAttr(rewriter.getArrayAttr(maps));
  rewriter.setInsertionPoint(transposed.getDefiningOp());
  Value value = recognize::reshapeTo(
      rewriter, loc, TensorView{rebuilt->getResult(0), dims}, view.dims, table);
  rewriter.replaceAllUsesWith(transposed, value);
}

struct FuseTranspose : impl::FuseTransposeBase<FuseTranspose> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> transposes;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op->getNumResults() == 1 &&
          isa<RankedTensorType>(op->getResult(0).getType()))
        transposes.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : transposes) {
      FactorTable table;
      TensorView view = recognize::makeView(op->getResult(0), table);
      // Only what moves data: stepUp gives its source.
      std::optional<Moved> moved = findAttention(view, table);
      if (!moved || moved->op->getResult(0).use_empty())
        continue;
      Factors wanted = table.flatten(view.dims);
      if (table.flatten(moved->dims) == wanted ||
          wanted.size() != table.flatten(moved->dims).size())
        continue;
      std::optional<SmallVector<int64_t>> order = newOrder(moved->dims, wanted);
      if (order)
        fuseInto(rewriter, op->getResult(0), view, *moved, *order, table);
    }
  }
};
} // namespace
} // namespace heed::fuse
