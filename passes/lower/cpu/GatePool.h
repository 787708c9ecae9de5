// GatePool.h - the pools of one gate: what its schedules share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_GATEPOOL_H
#define HEED_PASSES_LOWER_CPU_GATEPOOL_H

#include "passes/lower/cpu/GateLayout.h"

namespace heed::lower {

/// The pools of stage `stage`, from y_`stage`.
struct PoolLowering {
  const GateChain &chain;
  GateView view;
  attn::GateOp gate;
  Location loc;
  mlir::FloatType element, sumType; // of x, of the sums
  unsigned length;                  // lanes of a vector
  llvm::SmallVector<bool> pooled;   // of a dim
  Values keptSizes, pooledSizes;

  PoolLowering(OpBuilder &b, const GateChain &chain, unsigned stage,
               unsigned vectorBytes);

  unsigned numPools() { return view.pools.size(); }
  attn::Pool kind(unsigned k) { return gate.getPool(k); }
  mlir::VectorType vectorOf(mlir::FloatType type) {
    return mlir::VectorType::get({length}, type);
  }

  /// One index a dim of x, from those of the kept and the pooled dims; without
  /// the last one where that is not in `reduced`.
  Values indices(ValueRange kept, ValueRange reduced);
  /// Nothing pooled yet, of pool `k`.
  Value start(OpBuilder &b, mlir::Type type, unsigned k);
  Value combine(OpBuilder &b, unsigned k, Value a, Value c);
  /// sums[k] ← sums[k] ∘ value, for all pools.
  void accumulate(OpBuilder &b, llvm::MutableArrayRef<Value> sums, Value value,
                  Value mask);
  /// The pooled value of a sum: divided, and of x's element type.
  Value finish(OpBuilder &b, unsigned k, Value value);

  /// Where the pools are made: in front of all loops, for buffers like them.
  OpBuilder besidePools();

  void lowerRows(OpBuilder &b);
  void lowerColumns(OpBuilder &b); // GatePoolColumns.cpp
  void lowerScalars(OpBuilder &b);
};

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_GATEPOOL_H
