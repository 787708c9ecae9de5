// GatePool.cpp - the pools of a gate, all of them in one pass over x.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   last dim of x pooled, contiguous: a row at a time, four vectors in flight,
//     so that the adds do not wait for each other
//   last dim of x kept, contiguous:   a chunk of the last dim at a time, one
//     accumulator a vector
//   else                              scalars
#include "passes/lower/cpu/GateLayout.h"
#include "passes/lower/cpu/VectorLoop.h"

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

namespace {
struct PoolLowering {
  GateOp gate;
  Location loc;
  FloatType element, sumType; // of x, of the accumulators
  unsigned length;            // lanes of a vector
  GateLayout layout;
  Value x;      // collapsed
  Values pools; // collapsed
  Values sizes; // of the groups
  Values keptSizes, pooledSizes;
  static constexpr unsigned unroll = 4;

  PoolLowering(OpBuilder &b, GateOp gate, ValueRange buffers,
               unsigned vectorBytes)
      : gate(gate), loc(gate.getLoc()) {
    element = cast<FloatType>(getElementTypeOrSelf(gate.getX().getType()));
    sumType = element.getWidth() < 32 ? b.getF32Type() : element;
    length = vectorBytes * 8 / element.getWidth();
    layout = getGateLayout(gate, gate.getX(), buffers);
    x = collapse(b, loc, gate.getX(), layout.full);
    for (Value buffer : buffers)
      pools.push_back(collapse(b, loc, buffer, layout.kept));
    for (auto [dim, pooled] : llvm::enumerate(layout.pooled)) {
      sizes.push_back(b.createOrFold<memref::DimOp>(loc, x, dim));
      (pooled ? pooledSizes : keptSizes).push_back(sizes.back());
    }
  }

  unsigned numPools() { return pools.size(); }
  Pool kind(unsigned k) { return gate.getPool(k); }

  /// One index a group of x, from those of the kept and the pooled groups.
  Values indices(ValueRange kept, ValueRange pooled) {
    Values all;
    for (bool isPooled : layout.pooled) {
      ValueRange &from = isPooled ? pooled : kept;
      all.push_back(from.front());
      from = from.drop_front();
    }
    return all;
  }

  Value start(OpBuilder &b, Type type, unsigned k) {
    double value =
        kind(k) == Pool::max ? -std::numeric_limits<double>::infinity() : 0.0;
    return buildFloat(b, loc, type, value);
  }

  Value combine(OpBuilder &b, unsigned k, Value a, Value c) {
    if (kind(k) == Pool::max)
      return arith::MaximumFOp::create(b, loc, a, c);
    return arith::AddFOp::create(b, loc, a, c);
  }

  /// accumulators[k] ← accumulators[k] ∘ value, for all pools.
  void accumulate(OpBuilder &b, MutableArrayRef<Value> accumulators,
                  Value value, Value mask) {
    value = buildFloatCast(b, loc, value, sumType);
    for (unsigned k = 0; k < numPools(); ++k) {
      Value masked = value; // lanes beyond the row are 0
      if (mask && kind(k) == Pool::max)
        masked = arith::SelectOp::create(b, loc, mask, value,
                                         start(b, value.getType(), k));
      accumulators[k] = combine(b, k, accumulators[k], masked);
    }
  }

  /// The pooled value of the accumulator: divided, and of x's element type.
  Value finish(OpBuilder &b, unsigned k, Value value) {
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

  VectorType vectorOf(FloatType type) {
    return VectorType::get({length}, type);
  }

  void lowerRows(OpBuilder &b) {
    buildParallel(b, loc, keptSizes, [&](OpBuilder &b, ValueRange kept) {
      Values accumulators;
      for (unsigned slot = 0; slot < unroll; ++slot)
        for (unsigned k = 0; k < numPools(); ++k)
          accumulators.push_back(start(b, vectorOf(sumType), k));
      accumulators =
          buildNest(b, loc, ValueRange(pooledSizes).drop_back(), accumulators,
                    [&](OpBuilder &b, ValueRange pooled, ValueRange carried) {
                      return buildVectorLoop(
                          b, loc, pooledSizes.back(), length, unroll, carried,
                          [&](OpBuilder &b, Value at, Value mask, unsigned slot,
                              ValueRange carried) {
                            Values values = llvm::to_vector(carried);
                            Values inner = llvm::to_vector(pooled);
                            inner.push_back(at);
                            Value loaded =
                                buildLoad(b, loc, vectorOf(element), x,
                                          indices(kept, inner), mask);
                            accumulate(b,
                                       MutableArrayRef<Value>(values).slice(
                                           slot * numPools(), numPools()),
                                       loaded, mask);
                            return values;
                          });
                    });
      for (unsigned k = 0; k < numPools(); ++k) {
        Value sum = accumulators[k];
        for (unsigned slot = 1; slot < unroll; ++slot)
          sum = combine(b, k, sum, accumulators[slot * numPools() + k]);
        auto reduction = kind(k) == Pool::max ? vector::CombiningKind::MAXIMUMF
                                              : vector::CombiningKind::ADD;
        // Reassociation lets LLVM add the lanes as a tree.
        Value scalar = vector::ReductionOp::create(
            b, loc, reduction, sum, arith::FastMathFlags::reassoc);
        memref::StoreOp::create(b, loc, finish(b, k, scalar), pools[k], kept);
      }
    });
  }

  /// `count` vectors from `at` in the last, kept dim.
  void lowerColumn(OpBuilder &b, ValueRange outer, Value at, Value mask,
                   unsigned count) {
    Values columns;
    for (unsigned slot = 0; slot < count; ++slot)
      columns.push_back(b.createOrFold<arith::AddIOp>(
          loc, at, buildIndex(b, loc, slot * length)));
    auto keptAt = [&](unsigned slot) {
      Values kept = llvm::to_vector(outer);
      kept.push_back(columns[slot]);
      return kept;
    };
    Values accumulators;
    for (unsigned slot = 0; slot < count; ++slot)
      for (unsigned k = 0; k < numPools(); ++k)
        accumulators.push_back(start(b, vectorOf(sumType), k));
    accumulators =
        buildNest(b, loc, pooledSizes, accumulators,
                  [&](OpBuilder &b, ValueRange pooled, ValueRange carried) {
                    Values values = llvm::to_vector(carried);
                    for (unsigned slot = 0; slot < count; ++slot) {
                      Values kept = keptAt(slot);
                      Value loaded = buildLoad(b, loc, vectorOf(element), x,
                                               indices(kept, pooled), mask);
                      // A lane beyond the row is never stored: no need to mask
                      // it here.
                      accumulate(b,
                                 MutableArrayRef<Value>(values).slice(
                                     slot * numPools(), numPools()),
                                 loaded, Value());
                    }
                    return values;
                  });
    for (unsigned slot = 0; slot < count; ++slot)
      for (unsigned k = 0; k < numPools(); ++k)
        buildStore(b, loc, finish(b, k, accumulators[slot * numPools() + k]),
                   pools[k], keptAt(slot), mask);
  }

  void lowerColumns(OpBuilder &b) {
    buildColumnLoop(
        b, loc, keptSizes, length, unroll,
        [&](OpBuilder &b, ValueRange outer, Value column, Value mask,
            unsigned count) { lowerColumn(b, outer, column, mask, count); });
  }

  void lowerScalars(OpBuilder &b) {
    buildParallel(b, loc, keptSizes, [&](OpBuilder &b, ValueRange kept) {
      Values accumulators;
      for (unsigned k = 0; k < numPools(); ++k)
        accumulators.push_back(start(b, sumType, k));
      accumulators =
          buildNest(b, loc, pooledSizes, accumulators,
                    [&](OpBuilder &b, ValueRange pooled, ValueRange carried) {
                      Values values = llvm::to_vector(carried);
                      Value loaded = memref::LoadOp::create(
                          b, loc, x, indices(kept, pooled));
                      accumulate(b, values, loaded, Value());
                      return values;
                    });
      for (unsigned k = 0; k < numPools(); ++k)
        memref::StoreOp::create(b, loc, finish(b, k, accumulators[k]), pools[k],
                                kept);
    });
  }
};
} // namespace

SmallVector<Value> lowerGatePools(OpBuilder &b, GateOp gate,
                                  unsigned vectorBytes) {
  if (gate.getPools().empty())
    return {};
  Location loc = gate.getLoc();
  auto type = cast<MemRefType>(gate.getPooledType());
  Values dynamicSizes;
  for (auto [dim, size] :
       llvm::enumerate(cast<MemRefType>(gate.getX().getType()).getShape()))
    if (ShapedType::isDynamic(size) &&
        !llvm::is_contained(gate.getDimensions(), static_cast<int64_t>(dim)))
      dynamicSizes.push_back(memref::DimOp::create(b, loc, gate.getX(), dim));
  Values buffers;
  for (unsigned k = 0; k < gate.getPools().size(); ++k)
    buffers.push_back(memref::AllocOp::create(b, loc, type, dynamicSizes));
  PoolLowering lowering(b, gate, buffers, vectorBytes);
  if (!isContiguousInLastDim(lowering.x))
    lowering.lowerScalars(b);
  else if (lowering.layout.pooled.back())
    lowering.lowerRows(b);
  else
    lowering.lowerColumns(b);
  return buffers;
}

} // namespace heed::lower
