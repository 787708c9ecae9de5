// SmallLinalg.cpp - a small linalg op as loops of vector code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   lane dim parallel (activation, conv1d, W^T·x):   for the other parallel dims:
//     up to 8 vectors of the lane dim at a time, each its own accumulator;
//     for the reduction dims: accumulate
//   lane dim reduced (W·x, rows of W contiguous):    for the parallel dims, up to
//     8 results at a time, so that the adds do not wait for each other:
//     accumulate over the lane dim, then add the lanes
//
// Dims of size 1 are dropped first: a 1x1 convolution of a 1x1 image is a
// product with contiguous rows.
#include "passes/lower/cpu/SmallLinalg.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/lower/cpu/CostedLoops.h"

#include <limits>

using namespace mlir;
using heed::attn::buildFloat;

namespace heed::lower {

/// Vectors or results in flight.
constexpr int64_t kInFlight = 8;

//===----------------------------------------------------------------------===//
// What the op is
//===----------------------------------------------------------------------===//

/// The combining op of a body that is combine(accumulator, value).
static Operation *getCombiner(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  Operation *combiner = body->getTerminator()->getOperand(0).getDefiningOp();
  Value accumulator = op.getRegionOutputArgs()[0];
  if (!isa_and_nonnull<arith::AddFOp, arith::MaximumFOp>(combiner) ||
      !accumulator.hasOneUse() || *accumulator.user_begin() != combiner)
    return nullptr;
  return combiner;
}

static bool isUnitStride(Type type, unsigned dim) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return true;
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(memref.getStridesAndOffset(strides, offset)) &&
         strides[dim] == 1 && strides.back() == 1;
}

namespace {
/// How a dim of the loops walks an operand.
enum class Walk { absent, contiguous, other };
} // namespace

/// Dims of size 1 of the operand do not count.
static Walk getWalk(AffineMap map, ShapedType type, unsigned dim) {
  Walk walk = Walk::absent;
  bool isLast = true;
  for (int64_t i = map.getNumResults() - 1; i >= 0; --i) {
    if (type.getDimSize(i) == 1)
      continue;
    AffineExpr expr = map.getResult(i);
    if (expr.isFunctionOfDim(dim)) {
      // d or d + others: the next element of d is the next of the operand.
      AffineExpr self = getAffineDimExpr(dim, map.getContext());
      AffineExpr rest = simplifyAffineExpr(expr - self, map.getNumDims(), 0);
      if (!isLast || rest.isFunctionOfDim(dim) || walk != Walk::absent)
        return Walk::other;
      if (!isUnitStride(type, i))
        return Walk::other;
      walk = Walk::contiguous;
    }
    isLast = false;
  }
  return walk;
}

std::optional<SmallLinalg> SmallLinalg::match(linalg::LinalgOp op) {
  SmallLinalg small;
  small.op = op;
  if (op.getNumDpsInits() != 1 || !attn::isVectorizable(op->getRegion(0)))
    return std::nullopt;
  for (OpOperand &operand : op->getOpOperands()) {
    Type type = operand.get().getType();
    if (!getElementTypeOrSelf(type).isF32())
      return std::nullopt;
    // Vectors lie in the last dim, even if it has one element.
    auto memref = dyn_cast<MemRefType>(type);
    if (memref && memref.getRank() > 0 && !memref.isLastDimUnitStride())
      return std::nullopt;
  }
  auto isFloat = [](Type type) { return isa<Float32Type, IntegerType>(type); };
  for (Operation &inner : op.getBlock()->without_terminator())
    if (!llvm::all_of(inner.getResultTypes(), isFloat))
      return std::nullopt;
  auto iterators = op.getIteratorTypesArray();
  bool reduces = false;
  for (auto [dim, size] : llvm::enumerate(op.getStaticLoopRanges())) {
    small.sizes.push_back(size);
    reduces |= iterators[dim] != utils::IteratorType::parallel && size != 1;
  }
  if (reduces && !op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return std::nullopt;
  Operation *combiner = getCombiner(op);
  small.takesMaximum = isa_and_nonnull<arith::MaximumFOp>(combiner);

  // The longest dim that all operands walk contiguously or not at all.
  OpOperand *init = op.getDpsInitOperand(0);
  int64_t best = 0;
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim) {
    bool isReduction = iterators[dim] != utils::IteratorType::parallel;
    if (isReduction && !combiner)
      continue;
    bool fits = true;
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<ShapedType>(operand.get().getType());
      if (!type)
        continue;
      Walk walk = getWalk(op.getMatchingIndexingMap(&operand), type, dim);
      fits &= walk != Walk::other;
      if (&operand == init && small.sizes[dim] != 1)
        fits &= (walk == Walk::contiguous) == !isReduction;
    }
    int64_t size = ShapedType::isDynamic(small.sizes[dim])
                       ? std::numeric_limits<int64_t>::max()
                       : small.sizes[dim];
    // Adding lanes costs time: twice the length makes up for it.
    int64_t votes = isReduction ? size / 2 : size;
    if (!fits || votes < best)
      continue;
    best = votes;
    small.lane = dim;
    small.reducesLanes = isReduction;
  }
  if (best == 0)
    return std::nullopt;
  small.work = 1;
  for (int64_t size : small.sizes)
    small.work *= ShapedType::isDynamic(size) ? 0 : size;
  return small;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
/// An operand without its dims of size 1.
struct Operand {
  Value value; // a buffer or a scalar
  SmallVector<AffineExpr> exprs;
  bool walksLane = false;
};

struct Builder {
  linalg::LinalgOp op;
  Location loc;
  unsigned length, lane;
  SmallVector<Operand> operands;
  Values indices; // of the loops
  VectorType type;

  Builder(OpBuilder &b, linalg::LinalgOp op, unsigned length, unsigned lane)
      : op(op), loc(op.getLoc()), length(length), lane(lane),
        type(VectorType::get({length}, b.getF32Type())) {
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(makeOperand(b, operand));
    indices.resize(op.getNumLoops());
  }

  Operand makeOperand(OpBuilder &b, OpOperand &operand) {
    Operand result{operand.get(), {}, false};
    auto buffer = dyn_cast<MemRefType>(operand.get().getType());
    if (!buffer)
      return result;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<ReassociationIndices> groups;
    bool open = false; // the last group has only dims of size 1 so far
    for (int64_t dim = 0; dim < buffer.getRank(); ++dim) {
      bool unit = buffer.getDimSize(dim) == 1;
      if (groups.empty() || (!unit && !open)) {
        groups.emplace_back();
        result.exprs.push_back(map.getResult(dim));
        open = unit;
      } else if (!unit) {
        result.exprs.back() = map.getResult(dim);
        open = false;
      }
      groups.back().push_back(dim);
      if (!unit)
        result.walksLane |= map.getResult(dim).isFunctionOfDim(lane);
    }
    if (static_cast<int64_t>(groups.size()) < buffer.getRank() &&
        memref::CollapseShapeOp::isGuaranteedCollapsible(buffer, groups) &&
        // The stride of a group may come from a dim of size 1.
        memref::CollapseShapeOp::computeCollapsedType(buffer, groups)
            .isLastDimUnitStride())
      result.value =
          memref::CollapseShapeOp::create(b, loc, operand.get(), groups);
    else
      result.exprs = llvm::to_vector(map.getResults());
    return result;
  }

  Value load(OpBuilder &b, const Operand &operand, Value mask) {
    Value value = operand.value;
    if (isa<MemRefType>(value.getType())) {
      Values at = indicesOf(b, operand);
      if (operand.walksLane)
        return buildLoad(b, loc, type, value, at, mask);
      value = memref::LoadOp::create(b, loc, value, at);
    }
    return vector::BroadcastOp::create(b, loc, type, value);
  }

  Values indicesOf(OpBuilder &b, const Operand &operand) {
    Values at;
    for (AffineExpr expr : operand.exprs) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        at.push_back(indices[dim.getPosition()]);
      else
        at.push_back(affine::makeComposedAffineApply(
            b, loc, AffineMap::get(indices.size(), 0, expr),
            llvm::map_to_vector(indices,
                                [](Value v) -> OpFoldResult { return v; })));
    }
    return at;
  }

  /// The body's value at the indices for an accumulator, null if not read.
  Value compute(OpBuilder &b, Value mask, Value accumulator) {
    Values args;
    for (const Operand &operand : ArrayRef(operands).drop_back())
      args.push_back(load(b, operand, mask));
    args.push_back(accumulator ? accumulator : buildFloat(b, loc, type, 0));
    return attn::cloneScalarBody(b, *op.getBlock(), args);
  }
};
} // namespace

/// A product and its sum may be one operation.
static void allowContraction(linalg::LinalgOp op) {
  for (Operation &inner : op.getBlock()->without_terminator())
    if (auto fast = dyn_cast<arith::ArithFastMathInterface>(inner)) {
      arith::FastMathFlagsAttr known = fast.getFastMathFlagsAttr();
      auto flags = (known ? known.getValue() : arith::FastMathFlags::none) |
                   arith::FastMathFlags::contract;
      inner.setAttr(fast.getFastMathAttrName(),
                    arith::FastMathFlagsAttr::get(op.getContext(), flags));
    }
}

void SmallLinalg::build(OpBuilder &b, unsigned length, Value fixed,
                        unsigned fixedDim) const {
  linalg::LinalgOp op = this->op;
  Location loc = op.getLoc();
  allowContraction(op);
  Builder builder(b, op, length, lane);
  Operand &out = builder.operands.back();
  bool readsOut = op.payloadUsesValueFromOperand(op.getDpsInitOperand(0));
  auto iterators = op.getIteratorTypesArray();
  SmallVector<unsigned> parallelDims, reductionDims;
  Values bounds;
  for (auto [dim, range] : llvm::enumerate(op.createLoopRanges(b, loc))) {
    bounds.push_back(getValueOrCreateConstantIndexOp(b, loc, range.size));
    builder.indices[dim] = buildIndex(b, loc, 0);
    if (fixed && dim == fixedDim)
      builder.indices[dim] = fixed;
    else if (dim != lane && sizes[dim] != 1)
      (iterators[dim] == utils::IteratorType::parallel ? parallelDims
                                                       : reductionDims)
          .push_back(dim);
  }
  auto select = [&](ArrayRef<unsigned> dims) {
    return llvm::map_to_vector(dims, [&](unsigned dim) { return bounds[dim]; });
  };
  auto setIndices = [&](ArrayRef<unsigned> dims, ValueRange values) {
    for (auto [dim, value] : llvm::zip_equal(dims, values))
      builder.indices[dim] = value;
  };

  if (!reducesLanes) {
    // `count` vectors from `at`, the last one masked.
    auto buildVectors = [&](OpBuilder &b, Value at, int64_t count, Value mask) {
      Values columns;
      for (int64_t i = 0; i < count; ++i)
        columns.push_back(b.createOrFold<arith::AddIOp>(
            loc, at, buildIndex(b, loc, i * length)));
      auto maskOf = [&](int64_t i) { return i + 1 == count ? mask : Value(); };
      Values values(count);
      for (int64_t i = 0; i < count && readsOut; ++i) {
        builder.indices[lane] = columns[i];
        values[i] = builder.load(b, out, maskOf(i));
      }
      auto step = [&](OpBuilder &b, ValueRange old) {
        Values next;
        for (int64_t i = 0; i < count; ++i) {
          builder.indices[lane] = columns[i];
          next.push_back(
              builder.compute(b, maskOf(i), old.empty() ? Value() : old[i]));
        }
        return next;
      };
      if (!readsOut)
        values.clear();
      values =
          reductionDims.empty()
              ? step(b, values)
              : buildNest(b, loc, select(reductionDims), values,
                          [&](OpBuilder &b, ValueRange at, ValueRange old) {
                            setIndices(reductionDims, at);
                            return step(b, old);
                          });
      for (int64_t i = 0; i < count; ++i) {
        builder.indices[lane] = columns[i];
        buildStore(b, loc, values[i], out.value, builder.indicesOf(b, out),
                   maskOf(i));
      }
    };
    buildComputing(
        b, loc, select(parallelDims), work,
        [&](OpBuilder &b, ValueRange outer) {
          setIndices(parallelDims, outer);
          int64_t size = sizes[lane];
          if (ShapedType::isDynamic(size)) {
            buildVectorLoop(b, loc, bounds[lane], length, 1, {},
                            [&](OpBuilder &b, Value at, Value mask, unsigned,
                                ValueRange) -> Values {
                              buildVectors(b, at, 1, mask);
                              return {};
                            });
            return;
          }
          int64_t chunk = kInFlight * length, whole = size - size % chunk;
          buildFor(b, loc, buildIndex(b, loc, 0), buildIndex(b, loc, whole),
                   chunk, {},
                   [&](OpBuilder &b, Value at, ValueRange) -> Values {
                     buildVectors(b, at, kInFlight, Value());
                     return {};
                   });
          if (whole == size)
            return;
          Value mask;
          if (size % length != 0)
            mask = vector::CreateMaskOp::create(
                b, loc, VectorType::get({length}, b.getI1Type()),
                buildIndex(b, loc, size % length));
          buildVectors(b, buildIndex(b, loc, whole),
                       llvm::divideCeil(size - whole, int64_t(length)), mask);
        });
    return;
  }

  // Results in flight: those of the innermost parallel dim.
  int64_t count = 1;
  Values outerBounds = select(parallelDims);
  if (!parallelDims.empty() &&
      !ShapedType::isDynamic(sizes[parallelDims.back()])) {
    int64_t size = sizes[parallelDims.back()];
    count = kInFlight;
    while (size % count != 0)
      count /= 2;
    outerBounds.back() = buildIndex(b, loc, size / count);
  }
  buildComputing(
      b, loc, outerBounds, work, [&](OpBuilder &b, ValueRange outer) {
        setIndices(parallelDims, outer);
        Values results(count);
        if (!parallelDims.empty()) {
          Value first = b.createOrFold<arith::MulIOp>(
              loc, outer.back(), buildIndex(b, loc, count));
          for (int64_t i = 0; i < count; ++i)
            results[i] = b.createOrFold<arith::AddIOp>(loc, first,
                                                       buildIndex(b, loc, i));
        }
        auto selectResult = [&](int64_t i) {
          if (!parallelDims.empty())
            builder.indices[parallelDims.back()] = results[i];
        };
        double neutral =
            takesMaximum ? -std::numeric_limits<double>::infinity() : 0.0;
        Values sums(count, buildFloat(b, loc, builder.type, neutral));
        sums = buildNest(b, loc, select(reductionDims), sums,
                         [&](OpBuilder &b, ValueRange at, ValueRange old) {
                           setIndices(reductionDims, at);
                           return buildVectorLoop(
                               b, loc, bounds[lane], length, 1, old,
                               [&](OpBuilder &b, Value at, Value mask, unsigned,
                                   ValueRange old) {
                                 builder.indices[lane] = at;
                                 Values next;
                                 for (int64_t i = 0; i < count; ++i) {
                                   selectResult(i);
                                   Value value =
                                       builder.compute(b, mask, old[i]);
                                   if (mask)
                                     value = arith::SelectOp::create(
                                         b, loc, mask, value, old[i]);
                                   next.push_back(value);
                                 }
                                 return next;
                               });
                         });
        auto kind = takesMaximum ? vector::CombiningKind::MAXIMUMF
                                 : vector::CombiningKind::ADD;
        builder.indices[lane] = buildIndex(b, loc, 0);
        setIndices(reductionDims,
                   Values(reductionDims.size(), buildIndex(b, loc, 0)));
        for (int64_t i = 0; i < count; ++i) {
          selectResult(i);
          Values at = builder.indicesOf(b, out);
          Value old = memref::LoadOp::create(b, loc, out.value, at);
          Value sum = vector::ReductionOp::create(
              b, loc, kind, sums[i], arith::FastMathFlags::reassoc);
          sum = takesMaximum
                    ? Value(arith::MaximumFOp::create(b, loc, old, sum))
                    : Value(arith::AddFOp::create(b, loc, old, sum));
          memref::StoreOp::create(b, loc, sum, out.value, at);
        }
      });
}

} // namespace heed::lower
