// GateDecompose.cpp - the definition of attn.gate in linalg.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   p_k = pool_k over D of x       one reduction a pool, avg = sum, then / |D|
//   g   = excite(p_0, p_1, …)      the body, cloned
//   y   = epilogue(x, g, extras)   one elementwise op with g broadcast over D
//
// Sums of elements narrower than 32 bits are accumulated in f32.
#include "dialect/AttnDecompose.h"
#include "dialect/gate/GateOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace heed::attn;

namespace {
/// The definition of one gate, with what all of its parts need.
struct GateDefinition {
  GateOp op;
  OpBuilder &b;
  Location loc;
  RankedTensorType xType, pooledType;
  AffineMap identity, pooledMap; // x's dims; x's dims without D
  SmallVector<OpFoldResult> xSizes, pooledSizes;

  GateDefinition(GateOp gate, OpBuilder &builder)
      : op(gate), b(builder), loc(gate.getLoc()),
        xType(cast<RankedTensorType>(gate.getX().getType())),
        pooledType(cast<RankedTensorType>(gate.getPooledType())) {
    unsigned rank = xType.getRank();
    identity = b.getMultiDimIdentityMap(rank);
    SmallVector<AffineExpr> kept;
    xSizes = tensor::getMixedSizes(b, loc, op.getX());
    for (unsigned dim = 0; dim < rank; ++dim)
      if (!isPooled(dim)) {
        kept.push_back(b.getAffineDimExpr(dim));
        pooledSizes.push_back(xSizes[dim]);
      }
    pooledMap = AffineMap::get(rank, 0, kept, b.getContext());
  }

  bool isPooled(int64_t dim) {
    return llvm::is_contained(op.getDimensions(), dim);
  }

  Value empty(Type element) {
    return tensor::EmptyOp::create(b, loc, pooledSizes, element);
  }

  /// One pool of x over D.
  Value pool(Pool kind) {
    auto element = cast<FloatType>(xType.getElementType());
    FloatType sumType =
        kind != Pool::max && element.getWidth() < 32 ? b.getF32Type() : element;
    APFloat start =
        kind == Pool::max
            ? APFloat::getInf(sumType.getFloatSemantics(), /*Negative=*/true)
            : APFloat::getZero(sumType.getFloatSemantics());
    Value init =
        arith::ConstantOp::create(b, loc, b.getFloatAttr(sumType, start));
    Value filled =
        linalg::FillOp::create(b, loc, init, empty(sumType)).getResult(0);
    SmallVector<utils::IteratorType> iterators;
    for (int64_t dim = 0; dim < xType.getRank(); ++dim)
      iterators.push_back(isPooled(dim) ? utils::IteratorType::reduction
                                        : utils::IteratorType::parallel);
    auto reduced = linalg::GenericOp::create(
        b, loc, filled.getType(), op.getX(), filled,
        ArrayRef<AffineMap>{identity, pooledMap}, iterators,
        [&](OpBuilder &b, Location loc, ValueRange args) {
          Value x = args[0];
          if (sumType != element)
            x = arith::ExtFOp::create(b, loc, sumType, x);
          Value next =
              kind == Pool::max
                  ? Value(arith::MaximumFOp::create(b, loc, x, args[1]))
                  : Value(arith::AddFOp::create(b, loc, x, args[1]));
          linalg::YieldOp::create(b, loc, next);
        });
    Value result = reduced.getResult(0);
    if (kind == Pool::avg || sumType != element)
      result = finishSum(result, kind, sumType, element);
    return result;
  }

  /// sum → mean where asked, and back to the element type of x.
  Value finishSum(Value sum, Pool kind, FloatType sumType, FloatType element) {
    Value count =
        kind == Pool::avg
            ? createElementCount(b, loc, xSizes, op.getDimensions(), sumType)
            : Value();
    AffineMap map = b.getMultiDimIdentityMap(pooledType.getRank());
    SmallVector<utils::IteratorType> iterators(pooledType.getRank(),
                                               utils::IteratorType::parallel);
    auto finished = linalg::GenericOp::create(
        b, loc,
        RankedTensorType::get(cast<RankedTensorType>(sum.getType()).getShape(),
                              element),
        sum, empty(element), ArrayRef<AffineMap>{map, map}, iterators,
        [&](OpBuilder &b, Location loc, ValueRange args) {
          Value value = args[0];
          if (count)
            value = arith::DivFOp::create(b, loc, value, count);
          if (sumType != element)
            value = arith::TruncFOp::create(b, loc, element, value);
          linalg::YieldOp::create(b, loc, value);
        });
    return finished.getResult(0);
  }

  Value castTo(Value value, Type type) {
    return value.getType() == type
               ? value
               : Value(tensor::CastOp::create(b, loc, type, value));
  }

  /// The body of `excite` on the pools.
  Value excite(ArrayRef<Value> pools) {
    Block &body = op.getExcite().front();
    IRMapping mapping;
    for (auto [argument, pool] : llvm::zip_equal(body.getArguments(), pools))
      mapping.map(argument, castTo(pool, argument.getType()));
    for (Operation &inner : body.without_terminator())
      b.clone(inner, mapping);
    return mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
  }

  Value scale(Value gate) {
    SmallVector<Value> inputs{op.getX(), gate};
    llvm::append_range(inputs, op.getExtras());
    SmallVector<AffineMap> maps{identity, pooledMap};
    maps.append(op.getExtras().size() + 1, identity);
    SmallVector<utils::IteratorType> iterators(xType.getRank(),
                                               utils::IteratorType::parallel);
    auto scaled = linalg::GenericOp::create(
        b, loc, op.getInit().getType(), inputs, op.getInit(), maps, iterators,
        [&](OpBuilder &b, Location loc, ValueRange args) {
          if (op.getEpilogue().empty()) {
            Value y = arith::MulFOp::create(b, loc, args[0], args[1]);
            linalg::YieldOp::create(b, loc, y);
            return;
          }
          Block &body = op.getEpilogue().front();
          IRMapping mapping;
          mapping.map(body.getArguments(), args.drop_back());
          for (Operation &inner : body.without_terminator())
            b.clone(inner, mapping);
          linalg::YieldOp::create(
              b, loc,
              mapping.lookupOrDefault(body.getTerminator()->getOperand(0)));
        });
    return scaled.getResult(0);
  }
};
} // namespace

FailureOr<SmallVector<Value>> GateOp::decomposeOperation(OpBuilder &b) {
  if (!isa<RankedTensorType>(getX().getType()) ||
      !isa<FloatType>(getElementTypeOrSelf(getX().getType())))
    return failure();
  GateDefinition definition(*this, b);
  SmallVector<Value> pools;
  for (unsigned k = 0; k < getPools().size(); ++k)
    pools.push_back(definition.pool(getPool(k)));
  Value gate = definition.excite(pools);
  return SmallVector<Value>{definition.scale(gate)};
}
