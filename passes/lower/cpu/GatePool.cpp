// GatePool.cpp - the pools of a gate, all of them in one pass over x.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   last dim of x pooled, contiguous: a row at a time, four vectors in flight,
//     so that the adds do not wait for each other
//   last dim of x kept, contiguous:   GatePoolColumns.cpp
//   else                              scalars
#include "passes/lower/cpu/GatePool.h"
#include "passes/lower/cpu/CostedLoops.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using heed::attn::buildFloat;
using heed::attn::buildFloatCast;
using heed::attn::GateOp;
using heed::attn::Pool;

namespace heed::lower {

/// Vectors of a row in flight, of a pool.
constexpr unsigned kUnroll = 4;

PoolLowering::PoolLowering(OpBuilder &b, const GateChain &chain, unsigned stage,
                           unsigned vectorBytes)
    : chain(chain), view(b, chain, stage, /*writesInit=*/false),
      gate(chain.stages[stage].gate), loc(gate.getLoc()) {
  element = cast<FloatType>(getElementTypeOrSelf(chain.x.getType()));
  sumType = element.getWidth() < 32 ? b.getF32Type() : element;
  length = vectorBytes * 8 / element.getWidth();
  pooled = view.pooled[stage];
  for (auto [size, isPooled] : llvm::zip(view.sizes, pooled))
    (isPooled ? pooledSizes : keptSizes).push_back(size);
}

OpBuilder PoolLowering::besidePools() {
  const GateStage &stage = chain.stages[view.applied];
  OpBuilder b(gate.getContext());
  b.setInsertionPointAfterValue(stage.pools.front());
  return b;
}

Values PoolLowering::indices(ValueRange kept, ValueRange reduced) {
  Values all;
  for (bool isPooled : pooled) {
    ValueRange &from = isPooled ? reduced : kept;
    if (from.empty())
      break;
    all.push_back(from.front());
    from = from.drop_front();
  }
  return all;
}

Value PoolLowering::start(OpBuilder &b, Type type, unsigned k) {
  double value =
      kind(k) == Pool::max ? -std::numeric_limits<double>::infinity() : 0.0;
  return buildFloat(b, loc, type, value);
}

Value PoolLowering::combine(OpBuilder &b, unsigned k, Value a, Value c) {
  if (kind(k) == Pool::max)
    return arith::MaximumFOp::create(b, loc, a, c);
  return arith::AddFOp::create(b, loc, a, c);
}

void PoolLowering::accumulate(OpBuilder &b, MutableArrayRef<Value> sums,
                              Value value, Value mask) {
  value = buildFloatCast(b, loc, value, sumType);
  for (unsigned k = 0; k < numPools(); ++k) {
    Value masked = value; // lanes of x beyond the row are 0
    if (mask && (kind(k) == Pool::max || view.applied > 0))
      masked = arith::SelectOp::create(b, loc, mask, value,
                                       start(b, value.getType(), k));
    sums[k] = combine(b, k, sums[k], masked);
  }
}

Value PoolLowering::finish(OpBuilder &b, unsigned k, Value value) {
  if (kind(k) == Pool::avg) {
    Value count = buildIndex(b, loc, 1);
    for (Value size : pooledSizes)
      count = b.createOrFold<arith::MulIOp>(loc, count, size);
    Value integer =
        b.createOrFold<arith::IndexCastOp>(loc, b.getI64Type(), count);
    Value divisor = b.createOrFold<arith::SIToFPOp>(loc, sumType, integer);
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      divisor = vector::BroadcastOp::create(b, loc, vector, divisor);
    value = arith::DivFOp::create(b, loc, value, divisor);
  }
  return buildFloatCast(b, loc, value, element);
}

void PoolLowering::lowerRows(OpBuilder &b) {
  buildStreaming(
      b, loc, keptSizes, view.getNumElements(),
      [&](OpBuilder &b, ValueRange kept) {
        Values accumulators;
        for (unsigned slot = 0; slot < kUnroll; ++slot)
          for (unsigned k = 0; k < numPools(); ++k)
            accumulators.push_back(start(b, vectorOf(sumType), k));
        accumulators = buildNest(
            b, loc, ValueRange(pooledSizes).drop_back(), accumulators,
            [&](OpBuilder &b, ValueRange reduced, ValueRange carried) {
              Values factors =
                  view.loadFactors(b, indices(kept, reduced), length);
              return buildVectorLoop(
                  b, loc, pooledSizes.back(), length, kUnroll, carried,
                  [&](OpBuilder &b, Value at, Value mask, unsigned slot,
                      ValueRange carried) {
                    Values values = llvm::to_vector(carried);
                    Values inner = llvm::to_vector(reduced);
                    inner.push_back(at);
                    Value loaded = view.load(b, indices(kept, inner), mask,
                                             length, factors);
                    accumulate(b,
                               MutableArrayRef<Value>(values).slice(
                                   slot * numPools(), numPools()),
                               loaded, mask);
                    return values;
                  });
            });
        for (unsigned k = 0; k < numPools(); ++k) {
          Value sum = accumulators[k];
          for (unsigned slot = 1; slot < kUnroll; ++slot)
            sum = combine(b, k, sum, accumulators[slot * numPools() + k]);
          auto reduction = kind(k) == Pool::max
                               ? vector::CombiningKind::MAXIMUMF
                               : vector::CombiningKind::ADD;
          // Reassociation lets LLVM add the lanes as a tree.
          Value scalar = vector::ReductionOp::create(
              b, loc, reduction, sum, arith::FastMathFlags::reassoc);
          memref::StoreOp::create(b, loc, finish(b, k, scalar), view.pools[k],
                                  kept);
        }
      });
}

void PoolLowering::lowerScalars(OpBuilder &b) {
  buildParallel(b, loc, keptSizes, [&](OpBuilder &b, ValueRange kept) {
    Values accumulators;
    for (unsigned k = 0; k < numPools(); ++k)
      accumulators.push_back(start(b, sumType, k));
    accumulators =
        buildNest(b, loc, pooledSizes, accumulators,
                  [&](OpBuilder &b, ValueRange reduced, ValueRange carried) {
                    Values values = llvm::to_vector(carried);
                    Values all = indices(kept, reduced);
                    Values factors =
                        view.loadFactors(b, ValueRange(all).drop_back(), 0);
                    Value loaded = view.load(b, all, Value(), 0, factors);
                    accumulate(b, values, loaded, Value());
                    return values;
                  });
    for (unsigned k = 0; k < numPools(); ++k)
      memref::StoreOp::create(b, loc, finish(b, k, accumulators[k]),
                              view.pools[k], kept);
  });
}

void lowerGatePools(OpBuilder &b, const GateChain &chain, unsigned stage,
                    unsigned vectorBytes) {
  if (chain.stages[stage].pools.empty())
    return;
  PoolLowering lowering(b, chain, stage, vectorBytes);
  if (!lowering.view.isVectorizable())
    lowering.lowerScalars(b);
  else if (lowering.pooled.back())
    lowering.lowerRows(b);
  else
    lowering.lowerColumns(b);
}

} // namespace heed::lower
