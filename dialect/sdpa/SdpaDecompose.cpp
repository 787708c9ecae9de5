// SdpaDecompose.cpp - the definition of attn.sdpa in linalg.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   s[b,h,i,j] = Σ_d q·k                       contraction
//   s          = masked(score(softcap(scale·s) + bias))     elementwise
//   m[b,h,i]   = max_j s, then 0 where −inf (no key)        reduction
//   p          = exp(s − m); 1 in rows without a key if uniform
//   l[b,h,i]   = Σ_j p
//   p          = p / l; 0 where l = 0 if masked_rows is zero (else 0/0 = NaN)
//   o[b,h,i,e] = Σ_j p·v                       contraction, in o's own layout
//   lse        = m + log l
//
// Element types narrower than 32 bits are computed in f32.
#include "dialect/sdpa/SdpaScore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace heed::attn;

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();

struct SdpaDefinition {
  using Body = function_ref<Value(OpBuilder &, Location, ValueRange)>;
  SdpaOp op;
  OpBuilder &b;
  Location loc;
  FloatType type;     // of all arithmetic
  AffineMap rowMap;   // (b,h,i,j) -> (b,h,i)
  AffineMap scoreMap; // (b,h,i,j) -> (b,h,i,j)
  SmallVector<OpFoldResult> scoreSizes;

  SdpaDefinition(SdpaOp sdpa, OpBuilder &builder)
      : op(sdpa), b(builder), loc(sdpa.getLoc()), type(sdpa.getComputeType()) {
    scoreMap = b.getMultiDimIdentityMap(4);
    rowMap = scoreMap.getMajorSubMap(3);
    for (SdpaOp::Dim dim : {SdpaOp::B, SdpaOp::H, SdpaOp::I, SdpaOp::J})
      scoreSizes.push_back(op.getDimSize(b, dim));
  }

  Value filled(ArrayRef<OpFoldResult> sizes, double value) {
    Value empty = tensor::EmptyOp::create(b, loc, sizes, type);
    return linalg::FillOp::create(b, loc, buildFloat(b, loc, type, value),
                                  empty)
        .getResult(0);
  }

  /// `map` of an operand, whose result dims are among the first `dims`.
  AffineMap restrict(AffineMap map, unsigned dims) {
    return AffineMap::get(dims, 0, map.getResults(), b.getContext());
  }

  /// A generic with one result; the last `reductions` dims are reduced. The
  /// body gets the scalars of all operands, the output last.
  Value generic(ValueRange inputs, Value out, ArrayRef<AffineMap> maps,
                unsigned reductions, Body body) {
    unsigned dims = maps.front().getNumDims();
    SmallVector<utils::IteratorType> iterators(dims,
                                               utils::IteratorType::parallel);
    for (unsigned k = 0; k < reductions; ++k)
      iterators[dims - 1 - k] = utils::IteratorType::reduction;
    return linalg::GenericOp::create(
               b, loc, out.getType(), inputs, out, maps, iterators,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 linalg::YieldOp::create(b, loc, body(b, loc, args));
               })
        .getResult(0);
  }

  Value emptyScores() {
    return tensor::EmptyOp::create(b, loc, scoreSizes, type);
  }

  /// Σ_d q·k over (b, h, i, j, d).
  Value dot() {
    AffineMap out = AffineMap::get(5, 0, scoreMap.getResults(), b.getContext());
    return generic({op.getQ(), op.getK()}, filled(scoreSizes, 0.0),
                   {restrict(op.getQMap(), 5), restrict(op.getKMap(), 5), out},
                   1,
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     Value product = arith::MulFOp::create(
                         b, loc, buildFloatCast(b, loc, args[0], type),
                         buildFloatCast(b, loc, args[1], type));
                     return arith::AddFOp::create(b, loc, args[2], product);
                   });
  }

  /// scale, softcap, bias, score region, then −inf where not attended.
  Value scores(Value dots) {
    SmallVector<Value> inputs{dots};
    SmallVector<AffineMap> maps{scoreMap};
    auto optional = [&](Value operand, AffineMap map) -> int {
      if (!operand)
        return -1;
      inputs.push_back(operand);
      maps.push_back(restrict(map, 4));
      return inputs.size() - 1;
    };
    int bias = optional(op.getBias(), op.getBiasMap());
    int mask = optional(op.getMask(), op.getMaskMap());
    int length = optional(op.getKvLength(), op.getKvLengthMap());
    maps.push_back(scoreMap);
    Value sq = getValueOrCreateConstantIndexOp(b, loc, scoreSizes[2]);
    Value sk = getValueOrCreateConstantIndexOp(b, loc, scoreSizes[3]);
    return generic(
        inputs, emptyScores(), maps, 0,
        [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
          ScoreElement element;
          element.score = arith::MulFOp::create(
              b, loc, args[0],
              buildFloat(b, loc, type, op.getScale().convertToDouble()));
          element.bias = bias < 0 ? Value() : args[bias];
          element.b = linalg::IndexOp::create(b, loc, 0);
          element.h = linalg::IndexOp::create(b, loc, 1);
          element.i = linalg::IndexOp::create(b, loc, 2);
          element.j = linalg::IndexOp::create(b, loc, 3);
          Value score = buildScore(b, loc, op, element);
          Value kvLength;
          if (length >= 0) {
            kvLength = args[length];
            if (!kvLength.getType().isIndex())
              kvLength = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                                    kvLength);
          }
          KeyBounds bounds =
              buildKeyBounds(b, loc, op, element.i, sq, sk, kvLength);
          Value attended = mask < 0 ? Value() : args[mask];
          auto require = [&](arith::CmpIPredicate predicate, Value bound) {
            if (!bound)
              return;
            Value holds =
                arith::CmpIOp::create(b, loc, predicate, element.j, bound);
            attended =
                attended ? Value(arith::AndIOp::create(b, loc, attended, holds))
                         : holds;
          };
          require(arith::CmpIPredicate::sge, bounds.begin);
          require(arith::CmpIPredicate::slt, bounds.end);
          if (!attended)
            return score;
          return arith::SelectOp::create(b, loc, attended, score,
                                         buildFloat(b, loc, type, -kInf));
        });
  }

  Value isEqual(OpBuilder &b, Location loc, Value value, double constant) {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, value,
                                 buildFloat(b, loc, type, constant));
  }

  /// max_j s.
  Value rowMax(Value s) {
    ArrayRef<OpFoldResult> rowSizes = ArrayRef(scoreSizes).drop_back();
    return generic({s}, filled(rowSizes, -kInf), {scoreMap, rowMap}, 1,
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     return arith::MaximumFOp::create(b, loc, args[0], args[1]);
                   });
  }

  /// exp(s − m), with 0 for m in rows without a key, so that p is 0 there.
  Value exponentials(Value s, Value max) {
    return generic({s, max}, emptyScores(), {scoreMap, rowMap, scoreMap}, 0,
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     Value noKey = isEqual(b, loc, args[1], -kInf);
                     Value m = arith::SelectOp::create(
                         b, loc, noKey, buildFloat(b, loc, type, 0.0), args[1]);
                     Value p = math::ExpOp::create(
                         b, loc, arith::SubFOp::create(b, loc, args[0], m));
                     if (op.getMaskedRows() == MaskedRows::uniform)
                       p = arith::SelectOp::create(
                           b, loc, noKey, buildFloat(b, loc, type, 1.0), p);
                     return p;
                   });
  }

  Value rowSum(Value p) {
    ArrayRef<OpFoldResult> rowSizes = ArrayRef(scoreSizes).drop_back();
    return generic({p}, filled(rowSizes, 0.0), {scoreMap, rowMap}, 1,
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     return arith::AddFOp::create(b, loc, args[0], args[1]);
                   });
  }

  Value probabilities(Value p, Value sum) {
    return generic({p, sum}, emptyScores(), {scoreMap, rowMap, scoreMap}, 0,
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     Value quotient =
                         arith::DivFOp::create(b, loc, args[0], args[1]);
                     if (op.getMaskedRows() != MaskedRows::zero)
                       return quotient;
                     return arith::SelectOp::create(
                         b, loc, isEqual(b, loc, args[1], 0.0),
                         buildFloat(b, loc, type, 0.0), quotient);
                   });
  }

  /// Σ_j p·v over (b, h, i, e, j), in the layout of o.
  Value output(Value p) {
    MLIRContext *context = b.getContext();
    AffineExpr j = b.getAffineDimExpr(4), e = b.getAffineDimExpr(3);
    auto remap = [&](AffineMap map) {
      SmallVector<AffineExpr> dims = llvm::to_vector_of<AffineExpr>(
          llvm::ArrayRef{b.getAffineDimExpr(0), b.getAffineDimExpr(1),
                         b.getAffineDimExpr(2), j, j, e});
      return map.replaceDimsAndSymbols(dims, {}, 5, 0);
    };
    AffineMap pMap =
        AffineMap::get(5, 0,
                       {b.getAffineDimExpr(0), b.getAffineDimExpr(1),
                        b.getAffineDimExpr(2), j},
                       context);
    auto oType = cast<RankedTensorType>(op.getInit().getType());
    bool same = oType.getElementType() == type;
    Value zero = buildFloat(b, loc, type, 0.0);
    Value target = op.getInit();
    if (!same)
      target = tensor::EmptyOp::create(
          b, loc, tensor::getMixedSizes(b, loc, op.getInit()), type);
    target = linalg::FillOp::create(b, loc, zero, target).getResult(0);
    Value o =
        generic({p, op.getV()}, target,
                {pMap, remap(op.getVMap()), remap(op.getOMap())}, 1,
                [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                  Value product = arith::MulFOp::create(
                      b, loc, args[0], buildFloatCast(b, loc, args[1], type));
                  return arith::AddFOp::create(b, loc, args[2], product);
                });
    if (same)
      return o;
    AffineMap map = b.getMultiDimIdentityMap(oType.getRank());
    return generic({o}, op.getInit(), {map, map}, 0,
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     return buildFloatCast(b, loc, args[0],
                                           oType.getElementType());
                   });
  }

  /// m + log l, −inf in rows without a key.
  Value logSumExp(Value max, Value sum) {
    Type element = getElementTypeOrSelf(op.getLse().getType());
    AffineMap map = b.getMultiDimIdentityMap(3);
    return generic({max, sum}, op.getLse(),
                   {map, map, restrict(op.getLseMap(), 3)}, 0,
                   [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                     Value lse = arith::AddFOp::create(
                         b, loc, args[0], math::LogOp::create(b, loc, args[1]));
                     lse = arith::SelectOp::create(
                         b, loc, isEqual(b, loc, args[0], -kInf), args[0], lse);
                     return buildFloatCast(b, loc, lse, element);
                   });
  }
};
} // namespace

FailureOr<SmallVector<Value>> SdpaOp::decomposeOperation(OpBuilder &b) {
  if (!isa<RankedTensorType>(getQ().getType()))
    return failure();
  SdpaDefinition definition(*this, b);
  Value s = definition.scores(definition.dot());
  Value max = definition.rowMax(s);
  Value p = definition.exponentials(s, max);
  Value sum = definition.rowSum(p);
  SmallVector<Value> results{
      definition.output(definition.probabilities(p, sum))};
  if (getLse())
    results.push_back(definition.logSumExp(max, sum));
  return results;
}
