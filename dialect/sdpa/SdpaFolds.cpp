// SdpaFolds.cpp - canonicalisations of attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   movement of an operand (transpose, unit dims)  → its map
//   transpose of the only use of o                 → o's map
//   q · c, k · c, q / c                            → scale
//   bias 0, mask true                              → dropped
//   constant lower-triangular mask                 → causal
//   operand through a cast that forgets sizes      → what is cast
#include "dialect/sdpa/SdpaOps.h"

#include "dialect/AttnCasts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace heed::attn;

namespace {

/// An operand read further up, and the map that reads it so.
struct Peeled {
  Value source;
  SmallVector<AffineExpr> results;
};

/// Dims that the verifier demands of an operand (sdpa_c2).
bool isRequired(SdpaOp op, Value operand, AffineExpr expr) {
  auto dim = dyn_cast<AffineDimExpr>(expr);
  bool matrix =
      operand == op.getQ() || operand == op.getK() || operand == op.getV();
  return dim && matrix && dim.getPosition() >= SdpaOp::I;
}

/// transpose: out[..i..] = in[..i at perm..].
std::optional<Peeled> peelTranspose(SdpaOp, OpOperand &, AffineMap map,
                                    Operation *producer) {
  auto transpose = dyn_cast_or_null<linalg::TransposeOp>(producer);
  if (!transpose)
    return std::nullopt;
  Peeled peeled{transpose.getInput(), {}};
  peeled.results.resize(map.getNumResults());
  for (auto [at, from] : llvm::enumerate(transpose.getPermutation()))
    peeled.results[from] = map.getResult(at);
  return peeled;
}

/// expand_shape that only adds dims of size 1: their results are dropped.
std::optional<Peeled> peelUnitExpand(SdpaOp op, OpOperand &operand,
                                     AffineMap map, Operation *producer) {
  auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(producer);
  if (!expand)
    return std::nullopt;
  Peeled peeled{expand.getSrc(), {}};
  auto type = cast<RankedTensorType>(expand.getType());
  for (const ReassociationIndices &group : expand.getReassociationIndices()) {
    std::optional<int64_t> kept; // the dim that is not 1, else a required one
    for (int64_t dim : group)
      if (type.getDimSize(dim) != 1) {
        if (kept)
          return std::nullopt;
        kept = dim;
      }
    for (int64_t dim : group)
      if (!kept && isRequired(op, operand.get(), map.getResult(dim)))
        kept = dim;
    if (!kept)
      kept = group.front();
    for (int64_t dim : group)
      if (dim != *kept && isRequired(op, operand.get(), map.getResult(dim)))
        return std::nullopt;
    peeled.results.push_back(map.getResult(*kept));
  }
  // A tensor of one element in dims that are all 1 has no groups.
  if (expand.getReassociationIndices().empty())
    return std::nullopt;
  return peeled;
}

/// collapse_shape that only drops dims of size 1: they are read at 0, or by b
/// or h of size 1 where the operand must not hold constants.
std::optional<Peeled> peelUnitCollapse(SdpaOp op, OpOperand &operand,
                                       AffineMap map, Operation *producer) {
  auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(producer);
  if (!collapse || collapse.getReassociationIndices().empty())
    return std::nullopt;
  auto type = cast<RankedTensorType>(collapse.getSrcType());
  Peeled peeled{collapse.getSrc(), {}};
  peeled.results.resize(type.getRank());
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> unitDims; // b and h, where they are free
  bool matrix =
      llvm::is_contained({op.getQ(), op.getK(), op.getV()}, operand.get());
  for (SdpaOp::Dim dim : {SdpaOp::B, SdpaOp::H})
    if (matrix && op.getStaticSize(dim) == 1 && !map.isFunctionOfDim(dim))
      unitDims.push_back(getAffineDimExpr(dim, context));
  for (auto [at, group] : llvm::enumerate(collapse.getReassociationIndices())) {
    int64_t kept = group.front();
    for (int64_t dim : group)
      if (type.getDimSize(dim) != 1)
        kept = dim;
    for (int64_t dim : group) {
      if (dim == kept) {
        peeled.results[dim] = map.getResult(at);
      } else if (type.getDimSize(dim) != 1) {
        return std::nullopt;
      } else if (!matrix) {
        peeled.results[dim] = getAffineConstantExpr(0, context);
      } else if (!unitDims.empty()) {
        peeled.results[dim] = unitDims.pop_back_val();
      } else {
        return std::nullopt;
      }
    }
  }
  return peeled;
}

void setMap(SdpaOp op, unsigned index, AffineMap map) {
  SmallVector<Attribute> maps(op.getMaps().getValue());
  maps[index] = AffineMapAttr::get(map);
  op.setMapsAttr(ArrayAttr::get(op.getContext(), maps));
}

struct FoldMovementOfOperand : OpRewritePattern<SdpaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SdpaOp op,
                                PatternRewriter &rewriter) const override {
    for (OpOperand &operand : op->getOpOperands()) {
      if (op.isDpsInit(&operand))
        continue;
      AffineMap map = op.getMapOf(operand);
      Operation *producer = operand.get().getDefiningOp();
      std::optional<Peeled> peeled;
      for (auto peel : {peelTranspose, peelUnitExpand, peelUnitCollapse})
        if (!peeled)
          peeled = peel(op, operand, map, producer);
      if (!peeled)
        continue;
      rewriter.modifyOpInPlace(op, [&] {
        operand.set(peeled->source);
        setMap(op, operand.getOperandNumber(),
               AffineMap::get(SdpaOp::NumDims, 0, peeled->results,
                              op.getContext()));
      });
      return success();
    }
    return failure();
  }
};

/// transpose(o), the only use of o: o is written transposed.
struct FoldTransposeOfResult : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp transpose,
                                PatternRewriter &rewriter) const override {
    auto op = transpose.getInput().getDefiningOp<SdpaOp>();
    if (!op || transpose.getInput() != op.getResult(0) ||
        !op.getResult(0).hasOneUse())
      return failure();
    // The other result may be used before the transpose.
    if (op.getNumResults() != 1)
      return failure();
    SmallVector<AffineExpr> results;
    for (int64_t from : transpose.getPermutation())
      results.push_back(op.getOMap().getResult(from));
    rewriter.setInsertionPoint(transpose);
    IRMapping mapping;
    mapping.map(op.getInit(), transpose.getInit());
    auto moved = cast<SdpaOp>(rewriter.cloneWithoutRegions(*op, mapping));
    moved.getScore().takeBody(op.getScore());
    moved.getInitMutable().assign(transpose.getInit());
    rewriter.modifyOpInPlace(moved, [&] {
      moved->getResult(0).setType(
          cast<RankedTensorType>(transpose.getInit().getType()));
      setMap(moved, moved.getInitMutable().getOperandNumber(),
             AffineMap::get(SdpaOp::NumDims, 0, results, op.getContext()));
    });
    rewriter.replaceOp(transpose, moved.getResults());
    rewriter.eraseOp(op);
    return success();
  }
};

/// x of x · c or x / c, elementwise with a constant scalar; the factor.
std::optional<std::pair<Value, double>> matchScaled(Value value) {
  auto generic = value.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumDpsInputs() != 1 ||
      generic.getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      !llvm::all_of(generic.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return std::nullopt;
  Block *body = generic.getBody();
  Operation *yield = body->getTerminator();
  Operation *scaled = yield->getOperand(0).getDefiningOp();
  if (!scaled || scaled->getBlock() != body ||
      !isa<arith::MulFOp, arith::DivFOp>(scaled) ||
      getElementTypeOrSelf(generic.getInputs()[0].getType()) !=
          scaled->getResult(0).getType())
    return std::nullopt;
  for (unsigned x : {0u, 1u}) {
    FloatAttr constant;
    if (scaled->getOperand(x) != body->getArgument(0) ||
        !matchPattern(scaled->getOperand(1 - x), m_Constant(&constant)))
      continue;
    double factor = constant.getValueAsDouble();
    if (isa<arith::DivFOp>(scaled)) {
      if (x != 0)
        return std::nullopt; // c / x
      factor = 1.0 / factor;
    }
    if (!std::isfinite(factor))
      return std::nullopt;
    return std::pair(Value(generic.getInputs()[0]), factor);
  }
  return std::nullopt;
}

struct MergeScale : OpRewritePattern<SdpaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SdpaOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned index : {0u, 1u}) { // q, k
      auto scaled = matchScaled(op->getOperand(index));
      if (!scaled || scaled->first.getType() != op->getOperand(index).getType())
        continue;
      rewriter.modifyOpInPlace(op, [&] {
        op->setOperand(index, scaled->first);
        op.setScaleAttr(rewriter.getF64FloatAttr(
            op.getScale().convertToDouble() * scaled->second));
      });
      return success();
    }
    return failure();
  }
};

/// Removes an optional operand with its map.
void dropOperand(SdpaOp op, MutableOperandRange operand, unsigned index) {
  SmallVector<Attribute> maps(op.getMaps().getValue());
  maps.erase(maps.begin() + index);
  operand.clear();
  op.setMapsAttr(ArrayAttr::get(op.getContext(), maps));
}

struct DropZeroBias : OpRewritePattern<SdpaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SdpaOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getBias() || !matchPattern(op.getBias(), m_AnyZeroFloat()))
      return failure();
    unsigned index = op.getODSOperandIndexAndLength(3).first;
    rewriter.modifyOpInPlace(
        op, [&] { dropOperand(op, op.getBiasMutable(), index); });
    return success();
  }
};

/// Which causal attribute a constant mask over (i, j) is; none if it is not.
Causal matchCausal(DenseElementsAttr mask, int64_t queries, int64_t keys) {
  SmallVector<bool> values = llvm::to_vector(mask.getValues<bool>());
  for (Causal kind : {Causal::top_left, Causal::bottom_right}) {
    int64_t offset = kind == Causal::top_left ? 0 : keys - queries;
    bool holds = true;
    for (int64_t i = 0; holds && i < queries; ++i)
      for (int64_t j = 0; holds && j < keys; ++j)
        holds = values[i * keys + j] == (j <= i + offset);
    if (holds)
      return kind;
  }
  return Causal::none;
}

struct SimplifyConstantMask : OpRewritePattern<SdpaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SdpaOp op,
                                PatternRewriter &rewriter) const override {
    DenseElementsAttr mask;
    if (!op.getMask() || !matchPattern(op.getMask(), m_Constant(&mask)))
      return failure();
    unsigned index = op.getODSOperandIndexAndLength(4).first;
    auto drop = [&](Causal causal) {
      rewriter.modifyOpInPlace(op, [&] {
        dropOperand(op, op.getMaskMutable(), index);
        if (causal != Causal::none)
          op.setCausalAttr(CausalAttr::get(op.getContext(), causal));
      });
      return success();
    };
    if (mask.isSplat())
      return mask.getSplatValue<bool>() ? drop(Causal::none) : failure();
    // The last two dims are (i, j), the others have size 1.
    AffineMap map = op.getMaskMap();
    unsigned rank = map.getNumResults();
    MLIRContext *context = op.getContext();
    if (op.getCausal() != Causal::none || op.getWindow() || rank < 2 ||
        map.getResult(rank - 2) != getAffineDimExpr(SdpaOp::I, context) ||
        map.getResult(rank - 1) != getAffineDimExpr(SdpaOp::J, context))
      return failure();
    ArrayRef<int64_t> shape = mask.getType().getShape();
    int64_t queries = shape[rank - 2], keys = shape[rank - 1];
    if (mask.getNumElements() != queries * keys)
      return failure();
    Causal causal = matchCausal(mask, queries, keys);
    return causal == Causal::none ? failure() : drop(causal);
  }
};
} // namespace

namespace {
struct FoldCasts : OpRewritePattern<SdpaOp> {
  FoldCasts(MLIRContext *context) : OpRewritePattern(context, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(SdpaOp op,
                                PatternRewriter &rewriter) const override {
    return success(foldCastOperands(rewriter, op));
  }
};
} // namespace

void SdpaOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<FoldMovementOfOperand, FoldTransposeOfResult, MergeScale,
               DropZeroBias, SimplifyConstantMask, FoldCasts>(context);
}
