// FuseQkv.cpp - projections of one input that feed attention, as one product.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   q = x·Wq + bq,  k = x·Wk + bk,  v = x·Wv + bv
//   [q k v] = x·[Wq Wk Wv] + [bq bk bv],   q, k, v its slices
//
// x is read once, and one product is larger than three. The slices are views:
// the attention reads them in place.
#include "passes/fuse/Passes.h"

#include "dialect/rope/RopeOps.h"
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "passes/fuse/Weights.h"
#include "passes/recognize/Element.h"

using namespace mlir;

namespace heed::fuse {
#define GEN_PASS_DEF_FUSEQKV
#include "passes/fuse/Passes.h.inc"

namespace {
using recognize::FactorTable;

/// x·W: one column of the result for each n, which W and the result have.
struct Projection {
  linalg::LinalgOp op;
  Value x;
  ElementsAttr weights;
  RankedTensorType weightsType;
  linalg::TransposeOp transpose; // of the weights, or null
  int64_t weightsAxis, resultAxis;

  Value result() const { return op->getResult(0); }
  int64_t width() const { return weightsType.getDimSize(weightsAxis); }
};

/// Reaches q, k or v of an attention by movement and elementwise ops.
bool feedsAttention(Value value) {
  SmallVector<Value> worklist{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!worklist.empty() && seen.size() < 96) {
    Value current = worklist.pop_back_val();
    for (OpOperand &use : current.getUses()) {
      Operation *user = use.getOwner();
      if (isa<attn::SdpaOp>(user) && use.getOperandNumber() < 3)
        return true;
      if (!seen.insert(user).second)
        continue;
      auto op = dyn_cast<linalg::LinalgOp>(user);
      if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
              tensor::ExtractSliceOp, tensor::ConcatOp, attn::RopeOp>(user) ||
          (op && op.getNumParallelLoops() == op.getNumLoops()))
        llvm::append_range(worklist, user->getResults());
    }
  }
  return false;
}

/// A sum of products of two operands into zeros, the second a matrix.
linalg::LinalgOp asProduct(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || linalgOp.getNumDpsInputs() != 2 ||
      linalgOp->getNumResults() != 1 || !linalgOp.hasPureTensorSemantics() ||
      !linalg::isaContractionOpInterface(linalgOp))
    return {};
  auto right = dyn_cast<RankedTensorType>(
      linalgOp.getDpsInputOperand(1)->get().getType());
  return right && right.getRank() == 2 ? linalgOp : linalg::LinalgOp();
}

std::optional<Projection> matchProjection(linalg::LinalgOp op) {
  Value weights = op.getDpsInputOperand(1)->get();
  auto transpose = weights.getDefiningOp<linalg::TransposeOp>();
  ElementsAttr values;
  Value root = transpose ? transpose.getInput() : weights;
  if (!matchPattern(root, m_Constant(&values)) || !isReadable(values))
    return std::nullopt;
  FactorTable table;
  recognize::Element init(recognize::makeView(op.getDpsInits()[0], table));
  if (recognize::constantOf(init, table) != 0.0)
    return std::nullopt;
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims) || dims->n.size() != 1 || !dims->batch.empty())
    return std::nullopt;
  auto positionOf = [&](AffineMap map) -> int64_t {
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr);
          dim && dim.getPosition() == dims->n[0])
        return i;
    return -1;
  };
  int64_t weightsAxis =
      positionOf(op.getMatchingIndexingMap(op.getDpsInputOperand(1)));
  int64_t resultAxis =
      positionOf(op.getMatchingIndexingMap(op.getDpsInitOperand(0)));
  if (weightsAxis < 0 || resultAxis < 0)
    return std::nullopt;
  if (transpose)
    weightsAxis = transpose.getPermutation()[weightsAxis];
  return Projection{op,        op.getDpsInputOperand(0)->get(),
                    values,    cast<RankedTensorType>(root.getType()),
                    transpose, weightsAxis,
                    resultAxis};
}

/// Both compute the same but for the width.
bool isAlike(Projection a, Projection b) {
  auto others = [](Projection p) {
    return p.weightsType.getDimSize(1 - p.weightsAxis);
  };
  return a.op->getName() == b.op->getName() &&
         a.op.getIndexingMapsArray() == b.op.getIndexingMapsArray() &&
         a.op.getIteratorTypesArray() == b.op.getIteratorTypesArray() &&
         a.weightsAxis == b.weightsAxis && others(a) == others(b) &&
         bool(a.transpose) == bool(b.transpose) &&
         (!a.transpose ||
          a.transpose.getPermutation() == b.transpose.getPermutation()) &&
         a.weightsType.getElementType() == b.weightsType.getElementType();
}

/// The only user, where that adds one constant for each column.
struct Bias {
  Operation *add;
  ElementsAttr values;
};
std::optional<Bias> matchBias(Projection projection) {
  Value result = projection.result();
  if (!result.hasOneUse())
    return std::nullopt;
  auto add = dyn_cast<linalg::LinalgOp>(*result.getUsers().begin());
  if (!add || add->getNumResults() != 1 ||
      add->getResult(0).getType() != result.getType())
    return std::nullopt;
  FactorTable table;
  recognize::TensorView out = recognize::makeView(add->getResult(0), table);
  std::optional<recognize::Element> sum =
      recognize::enterElementwise(recognize::Element(out));
  if (!sum || !recognize::definedBy<arith::AddFOp>(*sum))
    return std::nullopt;
  for (unsigned i : {0, 1}) {
    std::optional<recognize::Element> product =
        recognize::leaveFrame(sum->operand(i));
    std::optional<recognize::TensorView> addend =
        recognize::asTensor(sum->operand(1 - i), table);
    ElementsAttr values;
    if (!product || product->value != result || product->dims != out.dims ||
        !addend || !matchPattern(addend->value, m_Constant(&values)) ||
        !isReadable(values) || values.getNumElements() != projection.width() ||
        values.getElementType() != projection.weightsType.getElementType() ||
        table.flatten(addend->dims) != out.dims[projection.resultAxis])
      continue;
    return Bias{add, values};
  }
  return std::nullopt;
}

struct QkvFusion {
  IRRewriter &rewriter;
  ArrayRef<Projection> parts;
  Location loc;
  SmallVector<OpFoldResult> rows; // the result's sizes, columns to be filled in

  QkvFusion(IRRewriter &rewriter, ArrayRef<Projection> parts)
      : rewriter(rewriter), parts(parts), loc(fusedLocation(parts)) {
    Value result = parts.front().result();
    rewriter.setInsertionPoint(parts.front().op);
    int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
    for (int64_t i = 0; i < rank; ++i)
      rows.push_back(recognize::Size::of(result, i).materialize(rewriter, loc));
  }

  static Location fusedLocation(ArrayRef<Projection> parts) {
    SmallVector<Location> locations;
    for (Projection part : parts)
      locations.push_back(part.op.getLoc());
    return FusedLoc::get(parts.front().op->getContext(), locations);
  }

  Value constant(ElementsAttr values) {
    return arith::ConstantOp::create(rewriter, loc, values.getType(), values);
  }

  SmallVector<OpFoldResult> sizes(int64_t columns) {
    SmallVector<OpFoldResult> result = rows;
    result[parts.front().resultAxis] = rewriter.getIndexAttr(columns);
    return result;
  }

  void fuse() {
    Projection first = parts.front();
    SmallVector<WeightPart> weights, biasParts;
    SmallVector<std::optional<Bias>> biases;
    int64_t columns = 0;
    bool biased = false;
    Type element = first.weightsType.getElementType();
    for (Projection part : parts) {
      weights.push_back({part.weights, part.weightsType});
      biases.push_back(matchBias(part));
      biased |= biases.back().has_value();
      biasParts.push_back({biases.back() ? biases.back()->values : nullptr,
                           RankedTensorType::get({part.width()}, element)});
      columns += part.width();
    }
    Value matrix = constant(concatenate(weights, first.weightsAxis));
    if (first.transpose) {
      auto type = cast<RankedTensorType>(matrix.getType());
      SmallVector<int64_t> shape;
      for (int64_t from : first.transpose.getPermutation())
        shape.push_back(type.getDimSize(from));
      Value init = tensor::EmptyOp::create(rewriter, loc, shape, element);
      matrix = linalg::TransposeOp::create(rewriter, loc, matrix, init,
                                           first.transpose.getPermutation())
                   ->getResult(0);
    }
    Type resultElement = getElementTypeOrSelf(first.result().getType());
    Value empty =
        tensor::EmptyOp::create(rewriter, loc, sizes(columns), resultElement);
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getZeroAttr(resultElement));
    Value init =
        linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
    Value product = clone(rewriter, first.op, TypeRange{init.getType()},
                          ValueRange{first.x, matrix, init})
                        ->getResult(0);
    product.getDefiningOp()->setLoc(loc);
    if (biased)
      product = addBias(product, constant(concatenate(biasParts, 0)));
    slice(product, biases);
  }

  Value addBias(Value product, Value bias) {
    auto type = cast<RankedTensorType>(product.getType());
    int64_t rank = type.getRank();
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    AffineMap column = AffineMap::get(
        rank, 0, {rewriter.getAffineDimExpr(parts.front().resultAxis)},
        rewriter.getContext());
    Value init = tensor::EmptyOp::create(
        rewriter, loc, sizes(type.getDimSize(parts.front().resultAxis)),
        type.getElementType());
    return linalg::GenericOp::create(
               rewriter, loc, type, ValueRange{product, bias}, init,
               ArrayRef<AffineMap>{identity, column, identity},
               SmallVector<utils::IteratorType>(rank,
                                                utils::IteratorType::parallel),
               [&](OpBuilder &b, Location, ValueRange arguments) {
                 Value sum =
                     arith::AddFOp::create(b, loc, arguments[0], arguments[1]);
                 linalg::YieldOp::create(b, loc, sum);
               })
        .getResult(0);
  }

  /// Each projection's columns in its place.
  void slice(Value product, ArrayRef<std::optional<Bias>> biases) {
    int64_t offset = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      Projection part = parts[i];
      const std::optional<Bias> &bias = biases[i];
      Operation *replaced = bias ? bias->add : part.op.getOperation();
      SmallVector<OpFoldResult> partSizes = sizes(part.width());
      SmallVector<OpFoldResult> offsets(partSizes.size(),
                                        rewriter.getIndexAttr(0));
      SmallVector<OpFoldResult> strides(partSizes.size(),
                                        rewriter.getIndexAttr(1));
      offsets[part.resultAxis] = rewriter.getIndexAttr(offset);
      offset += part.width();
      Value columns = tensor::ExtractSliceOp::create(
          rewriter, replaced->getLoc(),
          cast<RankedTensorType>(replaced->getResult(0).getType()), product,
          offsets, partSizes, strides);
      rewriter.replaceOp(replaced, columns);
    }
  }
};

struct FuseQkv : impl::FuseQkvBase<FuseQkv> {
  void runOnOperation() override {
    // Products of one input in one block, in their order.
    llvm::MapVector<std::pair<Block *, Value>, SmallVector<linalg::LinalgOp>>
        groups;
    getOperation()->walk([&](Operation *op) {
      if (linalg::LinalgOp product = asProduct(op))
        if (feedsAttention(op->getResult(0)))
          groups[{op->getBlock(), product.getDpsInputOperand(0)->get()}]
              .push_back(product);
    });
    for (auto &[key, products] : groups)
      if (products.size() > 1)
        fuseGroup(products);
  }

  void fuseGroup(MutableArrayRef<linalg::LinalgOp> products) {
    Location loc = products.front().getLoc();
    auto options = remark::RemarkOpts::name("qkv").category("heed-fuse");
    SmallVector<Projection> projections;
    for (linalg::LinalgOp product : products)
      if (std::optional<Projection> projection = matchProjection(product))
        projections.push_back(*projection);
    if (projections.size() < 2) {
      remark::missed(loc, options)
          << remark::reason("expected constant weights of the projections, got "
                            "computed ones")
          << remark::suggest("export the model with its weights inside");
      return;
    }
    SmallVector<Projection> alike;
    for (Projection projection : projections)
      if (isAlike(projections.front(), projection))
        alike.push_back(projection);
    if (alike.size() < 2) {
      remark::missed(loc, options)
          << remark::reason("expected projections that lay out their weights "
                            "alike, got different layouts")
          << remark::suggest("use one kind of layer for all projections");
      return;
    }
    IRRewriter rewriter(&getContext());
    QkvFusion(rewriter, alike).fuse();
    remark::passed(loc, options) << remark::add(
        "{0} projections of one input as one product", alike.size());
  }
};
} // namespace
} // namespace heed::fuse
