// NormDecompose.cpp - the definition of attn.norm in linalg.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   m = (Σ_D x) / |D|                      layer only
//   r = 1 / √((Σ_D (x − m)²) / |D| + ε)    two passes: nothing cancels
//   y = (x − m) · r · weight + bias        one elementwise op
//
// Elements narrower than 32 bits are computed in f32.
#include "dialect/AttnDecompose.h"
#include "dialect/norm/NormOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace heed::attn;

namespace {
/// The definition of one norm, with what all of its parts need.
struct NormDefinition {
  NormOp op;
  OpBuilder &b;
  Location loc;
  RankedTensorType xType;
  FloatType compute;
  AffineMap identity, keptMap; // x's dims; x's dims without D
  SmallVector<OpFoldResult> xSizes, keptSizes;

  NormDefinition(NormOp norm, OpBuilder &builder)
      : op(norm), b(builder), loc(norm.getLoc()),
        xType(cast<RankedTensorType>(norm.getX().getType())),
        compute(norm.getComputeType()) {
    unsigned rank = xType.getRank();
    identity = b.getMultiDimIdentityMap(rank);
    xSizes = tensor::getMixedSizes(b, loc, op.getX());
    SmallVector<int64_t> kept;
    for (unsigned dim = 0; dim < rank; ++dim)
      if (!op.isNormalised(dim)) {
        kept.push_back(dim);
        keptSizes.push_back(xSizes[dim]);
      }
    keptMap = project(kept);
  }

  /// x's loops to those of `dims`.
  AffineMap project(ArrayRef<int64_t> dims) {
    SmallVector<AffineExpr> exprs;
    for (int64_t dim : dims)
      exprs.push_back(b.getAffineDimExpr(dim));
    return AffineMap::get(xType.getRank(), 0, exprs, b.getContext());
  }

  Value convert(OpBuilder &b, Value value, FloatType type) {
    auto from = cast<FloatType>(value.getType());
    if (from == type)
      return value;
    if (from.getWidth() < type.getWidth())
      return arith::ExtFOp::create(b, loc, type, value);
    return arith::TruncFOp::create(b, loc, type, value);
  }

  /// |D| as a scalar of the compute type.
  Value count() {
    return createElementCount(b, loc, xSizes, op.getDimensions(), compute);
  }

  /// Σ_D of (x − m)², or of x where `square` is not set.
  Value sum(Value mean, bool square) {
    Value zero = arith::ConstantOp::create(b, loc, b.getFloatAttr(compute, 0));
    Value empty = tensor::EmptyOp::create(b, loc, keptSizes, compute);
    Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
    SmallVector<utils::IteratorType> iterators;
    for (int64_t dim = 0; dim < xType.getRank(); ++dim)
      iterators.push_back(op.isNormalised(dim) ? utils::IteratorType::reduction
                                               : utils::IteratorType::parallel);
    SmallVector<Value> inputs{op.getX()};
    SmallVector<AffineMap> maps{identity};
    if (mean) {
      inputs.push_back(mean);
      maps.push_back(keptMap);
    }
    maps.push_back(keptMap);
    return linalg::GenericOp::create(
               b, loc, init.getType(), inputs, init, maps, iterators,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 Value value = convert(b, args[0], compute);
                 if (mean)
                   value = arith::SubFOp::create(b, loc, value, args[1]);
                 if (square)
                   value = arith::MulFOp::create(b, loc, value, value);
                 Value next = arith::AddFOp::create(b, loc, args.back(), value);
                 linalg::YieldOp::create(b, loc, next);
               })
        .getResult(0);
  }

  /// sum / |D|; with `root`, 1 / √(sum / |D| + ε).
  Value finish(Value sum, Value count, bool root) {
    AffineMap map = b.getMultiDimIdentityMap(keptSizes.size());
    SmallVector<utils::IteratorType> iterators(keptSizes.size(),
                                               utils::IteratorType::parallel);
    Value empty = tensor::EmptyOp::create(b, loc, keptSizes, compute);
    return linalg::GenericOp::create(
               b, loc, empty.getType(), sum, empty,
               ArrayRef<AffineMap>{map, map}, iterators,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 Value value = arith::DivFOp::create(b, loc, args[0], count);
                 if (root) {
                   Value epsilon = arith::ConstantOp::create(
                       b, loc,
                       b.getFloatAttr(compute,
                                      op.getEpsilon().convertToDouble()));
                   value = arith::AddFOp::create(b, loc, value, epsilon);
                   value = math::RsqrtOp::create(b, loc, value);
                 }
                 linalg::YieldOp::create(b, loc, value);
               })
        .getResult(0);
  }

  Value scale(Value mean, Value inverse) {
    SmallVector<Value> inputs{op.getX(), inverse};
    SmallVector<AffineMap> maps{identity, keptMap};
    auto add = [&](Value value, AffineMap map) {
      if (!value)
        return;
      inputs.push_back(value);
      maps.push_back(map);
    };
    add(mean, keptMap);
    add(op.getWeight(), project(op.getWeightDims()));
    add(op.getBias(), project(op.getBiasDims()));
    maps.push_back(identity);
    SmallVector<utils::IteratorType> iterators(xType.getRank(),
                                               utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, loc, op.getInit().getType(), inputs, op.getInit(), maps,
               iterators,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 Value value = convert(b, args[0], compute);
                 unsigned next = 2;
                 if (mean)
                   value = arith::SubFOp::create(b, loc, value, args[next++]);
                 value = arith::MulFOp::create(b, loc, value, args[1]);
                 if (op.getWeight())
                   value = arith::MulFOp::create(
                       b, loc, value, convert(b, args[next++], compute));
                 if (op.getBias())
                   value = arith::AddFOp::create(
                       b, loc, value, convert(b, args[next++], compute));
                 auto element = cast<FloatType>(xType.getElementType());
                 linalg::YieldOp::create(b, loc, convert(b, value, element));
               })
        .getResult(0);
  }
};
} // namespace

FailureOr<SmallVector<Value>> NormOp::decomposeOperation(OpBuilder &b) {
  if (!isa<RankedTensorType>(getX().getType()))
    return failure();
  NormDefinition definition(*this, b);
  Value count = definition.count(), mean;
  if (getKind() == NormKind::layer)
    mean = definition.finish(definition.sum({}, false), count, false);
  Value inverse = definition.finish(definition.sum(mean, true), count, true);
  return SmallVector<Value>{definition.scale(mean, inverse)};
}
