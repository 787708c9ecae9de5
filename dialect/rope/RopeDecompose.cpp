// RopeDecompose.cpp - the definition of attn.rope in linalg.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   first, second: the slices of the pairs' elements a and b
//   y = init with  first·cos[a] − second·sin[a]  in the first slice,
//                  second·cos[b] + first·sin[b]  in the second,
//                  x in what is not rotated
//
// Elements narrower than 32 bits are computed in f32.
#include "dialect/rope/RopeOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace heed::attn;

namespace {
struct RopeDefinition {
  RopeOp op;
  OpBuilder &b;
  Location loc;
  RankedTensorType xType;
  FloatType compute;
  int64_t rank, dimension, pairs;
  SmallVector<OpFoldResult> sizes;

  RopeDefinition(RopeOp rope, OpBuilder &builder)
      : op(rope), b(builder), loc(rope.getLoc()),
        xType(cast<RankedTensorType>(rope.getX().getType())),
        compute(rope.getComputeType()), rank(xType.getRank()),
        dimension(rope.getDimension()), pairs(rope.getPairs()),
        sizes(tensor::getMixedSizes(builder, loc, rope.getX())) {}

  /// Offsets, sizes and strides of `count` elements of one dimension.
  struct Range {
    SmallVector<OpFoldResult> offsets, sizes, strides;
  };
  Range range(ArrayRef<OpFoldResult> whole, int64_t dim, int64_t offset,
              int64_t count, int64_t stride) {
    Range range{SmallVector<OpFoldResult>(whole.size(), b.getIndexAttr(0)),
                llvm::to_vector(whole),
                SmallVector<OpFoldResult>(whole.size(), b.getIndexAttr(1))};
    range.offsets[dim] = b.getIndexAttr(offset);
    range.sizes[dim] = b.getIndexAttr(count);
    range.strides[dim] = b.getIndexAttr(stride);
    return range;
  }
  /// The first or second elements of all pairs.
  Range halfOf(ArrayRef<OpFoldResult> whole, int64_t dim, bool second) {
    if (op.getInterleaved())
      return range(whole, dim, second ? 1 : 0, pairs, 2);
    return range(whole, dim, second ? pairs : 0, pairs, 1);
  }
  Value slice(Value value, const Range &range) {
    return tensor::ExtractSliceOp::create(b, loc, value, range.offsets,
                                          range.sizes, range.strides);
  }
  Value insert(Value value, Value into, const Range &range) {
    return tensor::InsertSliceOp::create(b, loc, value, into, range.offsets,
                                         range.sizes, range.strides);
  }

  Value table(Value value, ArrayRef<int64_t> over, bool second) {
    int64_t dim = op.getTableDim(over);
    if (cast<RankedTensorType>(value.getType()).getDimSize(dim) == pairs)
      return value; // one number for each pair
    return slice(value,
                 halfOf(tensor::getMixedSizes(b, loc, value), dim, second));
  }
  AffineMap mapOf(ArrayRef<int64_t> over) {
    SmallVector<AffineExpr> exprs;
    for (int64_t dim : over)
      exprs.push_back(b.getAffineDimExpr(dim));
    return AffineMap::get(rank, 0, exprs, b.getContext());
  }

  Value convert(OpBuilder &b, Value value, FloatType type) {
    auto from = cast<FloatType>(value.getType());
    if (from == type)
      return value;
    if (from.getWidth() < type.getWidth())
      return arith::ExtFOp::create(b, loc, type, value);
    return arith::TruncFOp::create(b, loc, type, value);
  }

  /// own·cos ∓ other·sin
  Value rotate(Value own, Value other, bool second) {
    Value cos = table(op.getCos(), op.getCosDimensions(), second);
    Value sin = table(op.getSin(), op.getSinDimensions(), second);
    AffineMap identity = b.getMultiDimIdentityMap(rank);
    Range half = halfOf(sizes, dimension, second);
    Value empty =
        tensor::EmptyOp::create(b, loc, half.sizes, xType.getElementType());
    SmallVector<AffineMap> maps{identity, identity,
                                mapOf(op.getCosDimensions()),
                                mapOf(op.getSinDimensions()), identity};
    SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, loc, empty.getType(), ValueRange{own, other, cos, sin}, empty,
               maps, loops,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 SmallVector<Value> values;
                 for (Value arg : args.drop_back())
                   values.push_back(convert(b, arg, compute));
                 Value left =
                     arith::MulFOp::create(b, loc, values[0], values[2]);
                 Value right =
                     arith::MulFOp::create(b, loc, values[1], values[3]);
                 Value sum =
                     second ? Value(arith::AddFOp::create(b, loc, left, right))
                            : Value(arith::SubFOp::create(b, loc, left, right));
                 linalg::YieldOp::create(
                     b, loc,
                     convert(b, sum, cast<FloatType>(xType.getElementType())));
               })
        .getResult(0);
  }

  Value build() {
    Range first = halfOf(sizes, dimension, false);
    Range second = halfOf(sizes, dimension, true);
    Value a = slice(op.getX(), first), c = slice(op.getX(), second);
    Value y = insert(rotate(a, c, false), op.getInit(), first);
    y = insert(rotate(c, a, true), y, second);
    int64_t rest = xType.getDimSize(dimension) - 2 * pairs;
    if (rest == 0)
      return y;
    Range passed = range(sizes, dimension, 2 * pairs, rest, 1);
    return insert(slice(op.getX(), passed), y, passed);
  }
};
} // namespace

FailureOr<SmallVector<Value>> RopeOp::decomposeOperation(OpBuilder &b) {
  if (!isa<RankedTensorType>(getX().getType()))
    return failure();
  return SmallVector<Value>{RopeDefinition(*this, b).build()};
}
