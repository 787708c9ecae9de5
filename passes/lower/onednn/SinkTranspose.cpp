// SinkTranspose.cpp - moves a transposition behind the ops that use its result.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With T(v)[i…] = v[p(i…)]: f(T(v), T(w)) = T(f'(v, w)), where f' is f with its
// dims renamed. A primitive only renames dims in its layout and needs no T
// behind it; elementwise ops, gates, norms, concatenations, pads, slices and reshapes
// of whole dims pass T on to their users; a reduction takes it in.
#include "passes/lower/onednn/SinkTranspose.h"

#include "dialect/gate/GateOps.h"
#include "dialect/norm/NormOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/lower/onednn/PrimitiveBuilder.h"

using namespace mlir;

namespace heed::lower {

using Permutation = ArrayRef<int64_t>;

static bool isIdentity(Permutation permutation) {
  for (auto [i, dim] : llvm::enumerate(permutation))
    if (dim != static_cast<int64_t>(i))
      return false;
  return true;
}

/// before[permutation[i]] = after[i]
template <typename T>
static SmallVector<T> unpermuted(ArrayRef<T> after, Permutation permutation) {
  SmallVector<T> before(after.begin(), after.end());
  for (auto [i, dim] : llvm::enumerate(permutation))
    before[dim] = after[i];
  return before;
}

static RankedTensorType unpermutedType(Type type, Permutation permutation) {
  auto ranked = cast<RankedTensorType>(type);
  return RankedTensorType::get(unpermuted(ranked.getShape(), permutation),
                               ranked.getElementType());
}

Value TransposeSinker::createTranspose(Location loc, Value input,
                                       Permutation permutation) {
  if (isIdentity(permutation))
    return input;
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  for (int64_t dim : permutation) {
    shape.push_back(type.getDimSize(dim));
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(rewriter, loc, input, dim));
  }
  Value empty = tensor::EmptyOp::create(rewriter, loc, shape,
                                        type.getElementType(), sizes);
  return linalg::TransposeOp::create(rewriter, loc, input, empty,
                                     SmallVector<int64_t>(permutation))
      ->getResult(0);
}

Value TransposeSinker::transpose(Location loc, Value input,
                                 Permutation permutation) {
  Value result = createTranspose(loc, input, permutation);
  if (result != input)
    work.insert(result.getDefiningOp<linalg::TransposeOp>());
  return result;
}

Value TransposeSinker::untransposed(Value value, Permutation permutation) {
  if (auto op = value.getDefiningOp<linalg::TransposeOp>())
    if (Permutation(op.getPermutation()) == permutation)
      return op.getInput();
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = i;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfterValue(value);
  return createTranspose(value.getLoc(), value, inverse);
}

Value TransposeSinker::untransposedEmpty(Location loc, Value init,
                                         Permutation permutation) {
  auto type = cast<RankedTensorType>(init.getType());
  SmallVector<OpFoldResult> sizes;
  if (auto empty = init.getDefiningOp<tensor::EmptyOp>())
    sizes = empty.getMixedSizes();
  else
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      sizes.push_back(
          type.isDynamicDim(dim)
              ? OpFoldResult(
                    tensor::DimOp::create(rewriter, loc, init, dim).getResult())
              : rewriter.getIndexAttr(type.getDimSize(dim)));
  return tensor::EmptyOp::create(
      rewriter, loc, unpermuted(ArrayRef<OpFoldResult>(sizes), permutation),
      type.getElementType());
}

void TransposeSinker::replace(Operation *op, Value value,
                              Permutation permutation) {
  rewriter.setInsertionPoint(op);
  Value result = transpose(op->getLoc(), value, permutation);
  rewriter.replaceOp(op, result);
}

bool TransposeSinker::sinkIntoDim(linalg::TransposeOp op, OpOperand &use) {
  auto dim = dyn_cast<tensor::DimOp>(use.getOwner());
  if (!dim || !dim.getConstantIndex())
    return false;
  rewriter.setInsertionPoint(dim);
  rewriter.replaceOpWithNewOp<tensor::DimOp>(
      dim, op.getInput(), op.getPermutation()[*dim.getConstantIndex()]);
  return true;
}

bool TransposeSinker::sinkIntoTranspose(linalg::TransposeOp op,
                                        OpOperand &use) {
  auto next = dyn_cast<linalg::TransposeOp>(use.getOwner());
  if (!next || next.isDpsInit(&use))
    return false;
  SmallVector<int64_t> both;
  for (int64_t dim : next.getPermutation())
    both.push_back(op.getPermutation()[dim]);
  work.remove(next);
  replace(next, op.getInput(), both);
  return true;
}

bool TransposeSinker::sinkIntoPrimitive(linalg::TransposeOp op,
                                        OpOperand &use) {
  auto primitive = dyn_cast<attn::PrimitiveOp>(use.getOwner());
  if (!primitive || primitive.isDpsInit(&use))
    return false;
  SmallVector<Attribute> layouts(primitive.getLayouts().begin(),
                                 primitive.getLayouts().end());
  SmallVector<int64_t> layout = primitive.getLayout(use.getOperandNumber());
  for (int64_t &dim : layout)
    if (dim >= 0)
      dim = op.getPermutation()[dim];
  layouts[use.getOperandNumber()] = rewriter.getI64ArrayAttr(layout);
  rewriter.modifyOpInPlace(primitive, [&] {
    use.set(op.getInput());
    primitive.setLayoutsAttr(rewriter.getArrayAttr(layouts));
  });
  return true;
}

/// Renames dim d to permutation[d].
static AffineMap renameDims(AffineMap map, Permutation permutation) {
  SmallVector<AffineExpr> names;
  for (int64_t dim : permutation)
    names.push_back(getAffineDimExpr(dim, map.getContext()));
  return map.replaceDimsAndSymbols(names, {}, map.getNumDims(), 0);
}

/// Reads the op's input in place of its result.
static AffineMap readUntransposed(AffineMap map, Permutation permutation) {
  return AffineMap::get(map.getNumDims(), 0,
                        unpermuted(map.getResults(), permutation),
                        map.getContext());
}

bool TransposeSinker::sinkIntoElementwise(linalg::TransposeOp op,
                                          OpOperand &use) {
  auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
  Permutation permutation = op.getPermutation();
  if (!generic || generic->getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      generic.getNumLoops() != permutation.size() ||
      !generic.isDpsInput(&use) ||
      !generic.getIndexingMapsArray().back().isIdentity() ||
      !generic.getBody()->getArguments().back().use_empty())
    return false;
  // The operand's dims are the loops, or are read at 0 where it broadcasts.
  AffineMap own = generic.getMatchingIndexingMap(&use);
  for (auto [i, expr] : llvm::enumerate(own.getResults()))
    if (!isa<AffineConstantExpr>(expr) &&
        expr != getAffineDimExpr(i, op.getContext()))
      return false;

  rewriter.setInsertionPoint(generic);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (OpOperand *operand : generic.getDpsInputOperands()) {
    AffineMap map =
        renameDims(generic.getMatchingIndexingMap(operand), permutation);
    Value input = operand->get();
    auto before = input.getDefiningOp<linalg::TransposeOp>();
    bool full = generic.getMatchingIndexingMap(operand).isIdentity();
    if ((before && Permutation(before.getPermutation()) == permutation) ||
        full) {
      input = untransposed(input, permutation);
      map = readUntransposed(map, permutation);
    }
    inputs.push_back(input);
    maps.push_back(map);
  }
  rewriter.setInsertionPoint(generic);
  Value empty = untransposedEmpty(generic.getLoc(), generic.getDpsInits()[0],
                                  permutation);
  maps.push_back(rewriter.getMultiDimIdentityMap(permutation.size()));
  auto created = linalg::GenericOp::create(rewriter, generic.getLoc(),
                                           empty.getType(), inputs, empty, maps,
                                           generic.getIteratorTypesArray());
  rewriter.inlineRegionBefore(generic.getRegion(), created.getRegion(),
                              created.getRegion().begin());
  created.walk([&](linalg::IndexOp index) {
    index.setDim(permutation[index.getDim()]);
  });
  replace(generic, created.getResult(0), permutation);
  return true;
}

bool TransposeSinker::sinkIntoReduction(linalg::TransposeOp op,
                                        OpOperand &use) {
  auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
  Permutation permutation = op.getPermutation();
  if (!generic || generic.getNumReductionLoops() == 0 ||
      !generic.isDpsInput(&use) || generic.getNumDpsInputs() != 1 ||
      generic.getNumLoops() != permutation.size() ||
      !generic.getMatchingIndexingMap(&use).isIdentity() ||
      generic.hasIndexSemantics())
    return false;
  // The loops in the order of the memory that is read.
  SmallVector<AffineMap> maps;
  for (AffineMap map : generic.getIndexingMapsArray())
    maps.push_back(renameDims(map, permutation));
  maps[0] = rewriter.getMultiDimIdentityMap(permutation.size());
  SmallVector<utils::IteratorType> iterators = generic.getIteratorTypesArray();
  iterators = unpermuted(ArrayRef<utils::IteratorType>(iterators), permutation);
  rewriter.setInsertionPoint(generic);
  auto created = linalg::GenericOp::create(
      rewriter, generic.getLoc(), generic->getResultTypes(), op.getInput(),
      generic.getDpsInits(), maps, iterators);
  rewriter.inlineRegionBefore(generic.getRegion(), created.getRegion(),
                              created.getRegion().begin());
  rewriter.replaceOp(generic, created->getResults());
  return true;
}

/// Removing the pooled dims must leave the others in their order.
static bool keepsOrder(ArrayRef<int64_t> pooled, Permutation permutation) {
  int64_t last = -1;
  for (auto [i, dim] : llvm::enumerate(permutation)) {
    if (llvm::is_contained(pooled, static_cast<int64_t>(i)))
      continue;
    if (dim < last)
      return false;
    last = dim;
  }
  return true;
}

bool TransposeSinker::sinkIntoGate(linalg::TransposeOp op, OpOperand &use) {
  auto gate = dyn_cast<attn::GateOp>(use.getOwner());
  Permutation permutation = op.getPermutation();
  if (!gate || gate->getNumResults() != 1 || gate.getX() != use.get() ||
      !keepsOrder(gate.getDimensions(), permutation))
    return false;
  rewriter.setInsertionPoint(gate);
  SmallVector<int64_t> dimensions;
  for (int64_t dim : gate.getDimensions())
    dimensions.push_back(permutation[dim]);
  llvm::sort(dimensions);
  SmallVector<Value> operands = {op.getInput()};
  for (Value extra : gate.getExtras())
    operands.push_back(untransposed(extra, permutation));
  rewriter.setInsertionPoint(gate);
  // outs(%x) permits to work in place; keep that.
  bool inPlace = gate.getInit() == gate.getX();
  operands.push_back(
      inPlace ? op.getInput()
              : untransposedEmpty(gate.getLoc(), gate.getInit(), permutation));
  OperationState state(gate.getLoc(), attn::GateOp::getOperationName(),
                       operands,
                       unpermutedType(gate.getResult(0).getType(), permutation),
                       gate->getAttrs());
  for (Region &region : gate->getRegions())
    state.addRegion()->takeBody(region);
  auto created = cast<attn::GateOp>(rewriter.create(state));
  created.setDimensions(dimensions);
  replace(gate, created->getResult(0), permutation);
  return true;
}

bool TransposeSinker::sinkIntoNorm(linalg::TransposeOp op, OpOperand &use) {
  auto norm = dyn_cast<attn::NormOp>(use.getOwner());
  Permutation permutation = op.getPermutation();
  if (!norm || norm->getNumResults() != 1 || norm.getX() != use.get())
    return false;
  auto moved = [&](ArrayRef<int64_t> dims) {
    SmallVector<int64_t> result;
    for (int64_t dim : dims)
      result.push_back(permutation[dim]);
    return result;
  };
  SmallVector<int64_t> dimensions = moved(norm.getDimensions());
  SmallVector<int64_t> weight = moved(norm.getWeightDims());
  SmallVector<int64_t> bias = moved(norm.getBiasDims());
  llvm::sort(dimensions);
  if (!llvm::is_sorted(weight) || !llvm::is_sorted(bias))
    return false;
  rewriter.setInsertionPoint(norm);
  // outs(%x) permits to work in place; keep that.
  Value init =
      norm.getInit() == norm.getX()
          ? op.getInput()
          : untransposedEmpty(norm.getLoc(), norm.getInit(), permutation);
  IRMapping mapping;
  mapping.map(norm.getX(), op.getInput());
  mapping.map(norm.getInit(), init);
  auto created = cast<attn::NormOp>(rewriter.clone(*norm, mapping));
  created->getResult(0).setType(
      unpermutedType(norm.getResult(0).getType(), permutation));
  created.setDimensions(dimensions);
  if (norm.getWeight())
    created.setWeightDimensions(weight);
  if (norm.getBias())
    created.setBiasDimensions(bias);
  replace(norm, created->getResult(0), permutation);
  return true;
}

bool TransposeSinker::sinkIntoConcat(linalg::TransposeOp op, OpOperand &use) {
  auto concat = dyn_cast<tensor::ConcatOp>(use.getOwner());
  if (!concat)
    return false;
  Permutation permutation = op.getPermutation();
  SmallVector<Value> inputs;
  for (Value input : concat.getInputs())
    inputs.push_back(untransposed(input, permutation));
  rewriter.setInsertionPoint(concat);
  auto created = tensor::ConcatOp::create(
      rewriter, concat.getLoc(), unpermutedType(concat.getType(), permutation),
      permutation[concat.getDim()], inputs);
  replace(concat, created, permutation);
  return true;
}

bool TransposeSinker::sinkIntoPad(linalg::TransposeOp op, OpOperand &use) {
  auto pad = dyn_cast<tensor::PadOp>(use.getOwner());
  if (!pad || pad.getSource() != use.get() || !pad.getConstantPaddingValue())
    return false;
  Permutation permutation = op.getPermutation();
  SmallVector<OpFoldResult> low = pad.getMixedLowPad();
  SmallVector<OpFoldResult> high = pad.getMixedHighPad();
  rewriter.setInsertionPoint(pad);
  auto created = tensor::PadOp::create(
      rewriter, pad.getLoc(), unpermutedType(pad.getType(), permutation),
      op.getInput(), unpermuted(ArrayRef<OpFoldResult>(low), permutation),
      unpermuted(ArrayRef<OpFoldResult>(high), permutation),
      pad.getConstantPaddingValue(), pad.getNofold());
  replace(pad, created, permutation);
  return true;
}

bool TransposeSinker::sinkIntoSlice(linalg::TransposeOp op, OpOperand &use) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(use.getOwner());
  if (!slice || slice.getSource() != use.get() ||
      slice.getType().getRank() != slice.getSourceType().getRank())
    return false;
  Permutation permutation = op.getPermutation();
  auto reorder = [&](SmallVector<OpFoldResult> list) {
    return unpermuted(ArrayRef<OpFoldResult>(list), permutation);
  };
  rewriter.setInsertionPoint(slice);
  auto created = tensor::ExtractSliceOp::create(
      rewriter, slice.getLoc(), unpermutedType(slice.getType(), permutation),
      op.getInput(), reorder(slice.getMixedOffsets()),
      reorder(slice.getMixedSizes()), reorder(slice.getMixedStrides()));
  replace(slice, created, permutation);
  return true;
}

namespace {
/// A reshape of groups of dims, before and after the groups change places.
struct GroupMove {
  SmallVector<ReassociationIndices> groups; // of the op that works on the input
  SmallVector<int64_t> permutation;         // of the expanded dims behind it
};
} // namespace

/// Group i of the expanded dims belongs to dim i of a tensor that is `input`
/// transposed by `permutation`.
static GroupMove moveGroups(ArrayRef<ReassociationIndices> groups,
                            Permutation permutation) {
  GroupMove move;
  SmallVector<int64_t> source(permutation.size()); // group of each input dim
  for (auto [i, dim] : llvm::enumerate(permutation))
    source[dim] = i;
  int64_t next = 0;
  size_t expanded = 0;
  for (const ReassociationIndices &group : groups)
    expanded += group.size();
  move.permutation.resize(expanded);
  for (int64_t group : source) {
    move.groups.emplace_back();
    for (int64_t dim : groups[group]) {
      move.permutation[dim] = next;
      move.groups.back().push_back(next++);
    }
  }
  return move;
}

bool TransposeSinker::sinkIntoExpand(linalg::TransposeOp op, OpOperand &use) {
  auto expand = dyn_cast<tensor::ExpandShapeOp>(use.getOwner());
  if (!expand || expand.getSrc() != use.get())
    return false;
  GroupMove move =
      moveGroups(expand.getReassociationIndices(), op.getPermutation());
  SmallVector<OpFoldResult> sizes = expand.getMixedOutputShape();
  rewriter.setInsertionPoint(expand);
  auto created = tensor::ExpandShapeOp::create(
      rewriter, expand.getLoc(),
      unpermutedType(expand.getType(), move.permutation), op.getInput(),
      move.groups, unpermuted(ArrayRef<OpFoldResult>(sizes), move.permutation));
  replace(expand, created, move.permutation);
  return true;
}

bool TransposeSinker::sinkIntoCollapse(linalg::TransposeOp op, OpOperand &use) {
  auto collapse = dyn_cast<tensor::CollapseShapeOp>(use.getOwner());
  if (!collapse)
    return false;
  // Each group has to lie together, in order, in the input too.
  Permutation permutation = op.getPermutation();
  SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices();
  SmallVector<std::pair<int64_t, size_t>> order; // first input dim, group
  for (auto [i, group] : llvm::enumerate(groups)) {
    for (size_t k = 1; k < group.size(); ++k)
      if (permutation[group[k]] !=
          permutation[group[0]] + static_cast<int64_t>(k))
        return false;
    order.push_back({permutation[group[0]], i});
  }
  llvm::sort(order);
  SmallVector<ReassociationIndices> moved;
  SmallVector<int64_t> behind(groups.size());
  for (auto [position, entry] : llvm::enumerate(order)) {
    moved.emplace_back();
    for (int64_t dim : groups[entry.second])
      moved.back().push_back(permutation[dim]);
    behind[entry.second] = position;
  }
  rewriter.setInsertionPoint(collapse);
  auto created = tensor::CollapseShapeOp::create(
      rewriter, collapse.getLoc(), unpermutedType(collapse.getType(), behind),
      op.getInput(), moved);
  replace(collapse, created, behind);
  return true;
}

bool TransposeSinker::sinkInto(linalg::TransposeOp op, OpOperand &use) {
  return sinkIntoDim(op, use) || sinkIntoTranspose(op, use) ||
         sinkIntoPrimitive(op, use) || sinkIntoElementwise(op, use) ||
         sinkIntoReduction(op, use) || sinkIntoGate(op, use) ||
         sinkIntoNorm(op, use) || sinkIntoConcat(op, use) ||
         sinkIntoPad(op, use) || sinkIntoSlice(op, use) ||
         sinkIntoExpand(op, use) || sinkIntoCollapse(op, use);
}

void TransposeSinker::run() {
  while (!work.empty()) {
    linalg::TransposeOp op = work.pop_back_val();
    // An op that is rewritten may use the result several times.
    bool changed = true;
    while (changed) {
      changed = false;
      for (OpOperand &use : op->getUses())
        if (sinkInto(op, use)) {
          changed = true;
          break;
        }
    }
  }
}

} // namespace heed::lower
