// GateBuild.cpp - writes an attn.gate in the place of a matched multiplication.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/recognize/Elementwise.h"
#include "passes/recognize/GateMatch.h"

using namespace mlir;

namespace heed::recognize {

/// Destinations and their sizes are made anew in the region, so that nothing
/// outside is written from there.
static void cloneDestination(OpBuilder &b, Value value, IRMapping &map) {
  Operation *def = value.getDefiningOp();
  if (!def || map.contains(value))
    return;
  bool isBroadcast =
      movementSource(value) && isa<linalg::BroadcastOp, linalg::GenericOp>(def);
  if (auto dim = dyn_cast<tensor::DimOp>(def)) {
    if (map.contains(dim.getSource()))
      b.clone(*def, map);
    return;
  }
  if (!isa<tensor::EmptyOp, linalg::FillOp>(def) && !isBroadcast)
    return;
  for (Value operand : def->getOperands())
    cloneDestination(b, operand, map);
  b.clone(*def, map);
}

static void cloneInto(OpBuilder &b, Operation *op, IRMapping &map) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    for (OpOperand &init : linalgOp.getDpsInitsMutable()) {
      if (map.contains(init.get()))
        continue;
      bool read = linalgOp.payloadUsesValueFromOperand(&init);
      cloneDestination(b, init.get(), map);
      if (read || map.contains(init.get()))
        continue;
      // Only its shape counts: it may stand for anything, the root included.
      auto type = cast<RankedTensorType>(init.get().getType());
      SmallVector<OpFoldResult> sizes =
          tensor::getMixedSizes(b, op->getLoc(), init.get());
      map.map(init.get(), tensor::EmptyOp::create(b, op->getLoc(), sizes,
                                                  type.getElementType())
                              .getResult());
    }
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    cloneDestination(b, insert.getDest(), map);
  for (Value operand : op->getOperands())
    if (auto dim = operand.getDefiningOp<tensor::DimOp>())
      cloneDestination(b, operand, map);
  b.clone(*op, map);
}

/// `core`, whose digits are `by` dimension of x, laid out as x without D.
static Value layOutGate(OpBuilder &b, Location loc, Value core,
                        const Layout &by, const GateMatch &match,
                        RankedTensorType type, Block *block) {
  Layout axes;
  SmallVector<int64_t> added, shape;
  int64_t next = 0;
  for (auto [dim, axis] : llvm::enumerate(by)) {
    if (llvm::is_contained(match.dimensions, static_cast<int64_t>(dim)))
      continue;
    if (llvm::any_of(axis, [](Atom atom) { return atom.dim < 0; })) {
      added.push_back(next++);
      continue;
    }
    axes.push_back(axis);
    shape.push_back(type.getDimSize(next++));
  }
  auto inner = RankedTensorType::get(shape, type.getElementType());
  Value gate = emitRelayout(b, loc, core, identityLayout(core.getType()), axes,
                            added.empty() ? type : inner);
  if (added.empty())
    return gate;
  SmallVector<OpFoldResult> sizes;
  if (block->getNumArguments() != 0)
    sizes = tensor::getMixedSizes(b, loc, block->getArgument(0));
  else
    for (auto [dim, size] :
         llvm::enumerate(tensor::getMixedSizes(b, loc, match.x)))
      if (!llvm::is_contained(match.dimensions, static_cast<int64_t>(dim)))
        sizes.push_back(size);
  Value empty = tensor::EmptyOp::create(b, loc, sizes, type.getElementType());
  return linalg::BroadcastOp::create(b, loc, gate, empty, added)->getResult(0);
}

/// tensor · factor, a scalar or a tensor of the same shape.
static Value multiply(OpBuilder &b, Location loc, Value tensor, Value factor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value empty = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSizes(b, loc, tensor), type.getElementType());
  SmallVector<Value> inputs{tensor};
  if (isa<RankedTensorType>(factor.getType()))
    inputs.push_back(factor);
  SmallVector<AffineMap> maps(inputs.size() + 1,
                              b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, empty.getType(), inputs, empty, maps, iterators,
             [&](OpBuilder &inner, Location at, ValueRange args) {
               Value by = inputs.size() == 2 ? args[1] : factor;
               Value product = arith::MulFOp::create(inner, at, args[0], by);
               linalg::YieldOp::create(inner, at, product);
             })
      ->getResult(0);
}

static void buildExcite(OpBuilder &b, attn::GateOp gate,
                        const GateMatch &match) {
  Location loc = gate.getLoc();
  auto pooledType = cast<RankedTensorType>(Type(gate.getPooledType()));
  Block *block = b.createBlock(
      &gate.getExcite(), {}, SmallVector<Type>(match.pools.size(), pooledType),
      SmallVector<Location>(match.pools.size(), loc));
  Layout kept;
  for (auto [dim, axis] : llvm::enumerate(match.xAxes))
    if (!llvm::is_contained(match.dimensions, static_cast<int64_t>(dim)))
      kept.push_back(axis);
  IRMapping map;
  for (const GatePool &pool : match.excitation.pools) {
    if (pool.isCaptured)
      continue;
    Value argument = block->getArgument(llvm::find(match.pools, pool.kind) -
                                        match.pools.begin());
    Location at = pool.value.getLoc();
    auto type = cast<RankedTensorType>(pool.value.getType());
    Value value = emitRelayout(b, at, argument, kept, pool.axes, type);
    if (pool.factor != 1)
      value =
          multiply(b, at, value,
                   attn::buildFloat(b, at, type.getElementType(), pool.factor));
    map.map(pool.value, value);
  }
  for (Operation *op : match.excitation.ops)
    cloneInto(b, op, map);
  Value core = map.lookup(match.anchor.core);
  Value value =
      layOutGate(b, loc, core, match.anchor.gateAxes, match, pooledType, block);
  if (match.scale != 1)
    value = multiply(
        b, loc, value,
        attn::buildFloat(b, loc, pooledType.getElementType(), match.scale));
  if (match.factor)
    value = multiply(b, loc, value,
                     layOutGate(b, loc, match.factor->root, match.factor->axes,
                                match, pooledType, block));
  attn::YieldOp::create(b, loc, value);
}

static void buildEpilogue(OpBuilder &b, attn::GateOp gate,
                          const GateMatch &match) {
  linalg::LinalgOp op = match.anchor.op;
  Block *body = op.getBlock();
  auto product =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  auto isFactor = [&](Value scalar) {
    OpOperand *operand = operandOf(op, scalar);
    return operand == match.anchor.x || operand == match.anchor.gate;
  };
  if (match.extras.empty() && product && isFactor(product.getLhs()) &&
      isFactor(product.getRhs()) && product.getLhs() != product.getRhs())
    return; // the default, x · g
  SmallVector<OpOperand *> operands{match.anchor.x, match.anchor.gate};
  operands.append(match.extras.begin(), match.extras.end());
  SmallVector<Type> types;
  for (OpOperand *operand : operands)
    types.push_back(getElementTypeOrSelf(operand->get().getType()));
  Block *block =
      b.createBlock(&gate.getEpilogue(), {}, types,
                    SmallVector<Location>(types.size(), gate.getLoc()));
  IRMapping map;
  for (auto [operand, argument] : llvm::zip(operands, block->getArguments()))
    map.map(op.getMatchingBlockArgument(operand), argument);
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value scalar = op.getMatchingBlockArgument(input);
    if (!map.contains(scalar))
      map.map(scalar, arith::ConstantOp::create(
                          b, op->getLoc(),
                          b.getFloatAttr(scalar.getType(),
                                         *constantValue(input->get())))
                          .getResult());
  }
  for (Operation &inner : body->without_terminator())
    b.clone(inner, map);
  attn::YieldOp::create(
      b, gate.getLoc(),
      map.lookupOrDefault(body->getTerminator()->getOperand(0)));
}

attn::GateOp buildGate(RewriterBase &rewriter, const GateMatch &match) {
  linalg::LinalgOp op = match.anchor.op;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Value x = match.x;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  // In place is a permission; arguments and constants never give it.
  Operation *owner = peelMovement(x).root.getDefiningOp();
  Value init = x;
  if (!owner || owner->hasTrait<OpTrait::ConstantLike>() || x.getType() != type)
    init = tensor::EmptyOp::create(
        rewriter, op->getLoc(),
        tensor::getMixedSizes(rewriter, op->getLoc(), x),
        type.getElementType());
  SmallVector<Value> extras;
  for (OpOperand *extra : match.extras)
    extras.push_back(extra->get());
  SmallVector<Attribute> pools;
  for (attn::Pool kind : match.pools)
    pools.push_back(attn::PoolAttr::get(op->getContext(), kind));
  auto gate = attn::GateOp::create(
      rewriter, op->getLoc(), TypeRange(init.getType()), x, extras, init,
      rewriter.getDenseI64ArrayAttr(match.dimensions),
      rewriter.getArrayAttr(pools));
  buildExcite(rewriter, gate, match);
  buildEpilogue(rewriter, gate, match);
  rewriter.setInsertionPointAfter(gate);
  Value result = gate->getResult(0);
  if (result.getType() != type)
    result = tensor::CastOp::create(rewriter, op->getLoc(), type, result);
  rewriter.replaceOp(op, result);
  return gate;
}

} // namespace heed::recognize
