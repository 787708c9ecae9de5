// GateLayout.h - gates on buffers, their dims in runs that are pooled or kept.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_GATELAYOUT_H
#define HEED_PASSES_LOWER_CPU_GATELAYOUT_H

#include "dialect/gate/GateOps.h"
#include "passes/lower/cpu/VectorLoop.h"

namespace heed::lower {

struct GateStage {
  attn::GateOp gate; // for its pools and its epilogue
  llvm::SmallVector<int64_t> dimensions;
  Values extras; // of x's shape
  Values pools;  // of x's shape without the dimensions
  Value value;   // g, of that shape too; null until it is computed
};

/// Gates of which each takes the result of the one before: one, or the two of
/// a CBAM. What stands between them is never stored:
///   y_0 = x,  y_{k+1} = epilogue_k(y_k, g_k),  init = the last y.
struct GateChain {
  Location loc;
  Value x, init;
  llvm::SmallVector<GateStage> stages;
  /// Whether init is stored past the caches, as a condition; null: it is not.
  Value pastCaches;
  /// Of an image, the body of the parallel loop over images.
  mlir::Block *task = nullptr;

  /// Stages of `gates`, pools in new buffers, without values of gates yet.
  GateChain(OpBuilder &b, llvm::ArrayRef<attn::GateOp> gates);
  /// The same of image `n` in the body of a parallel loop: buffers without their
  /// first dim, which no gate pools.
  GateChain getImage(OpBuilder &b, Value n) const;
};

/// `buffer` at index `n` of its first dim.
Value sliceImage(OpBuilder &b, Location loc, Value buffer, Value n);

/// The buffers that are needed to read y_`applied` and to write init or the
/// pools of stage `applied`, with neighbouring dims as one where all gates pool
/// or keep both and all buffers are contiguous: NCHW over H, W is (NC)(HW).
struct GateView {
  Location loc;
  const GateChain &chain;
  unsigned applied;
  Value x, init;
  llvm::SmallVector<Values> extras; // of a stage
  Values values, pools;             // g of a stage; pools of the last
  llvm::SmallVector<llvm::SmallVector<bool>> pooled; // of a stage, of a dim
  Values sizes;                                      // of the dims

  GateView(OpBuilder &b, const GateChain &chain, unsigned applied,
           bool writesInit);

  /// Whether vectors along the last dim hold y.
  bool isVectorizable();
  /// The indices of a pooled tensor of `stage`.
  Values keptIndices(unsigned stage, ValueRange all);
  /// The gates that are one value along the last dim, as `type`; `outer`: the
  /// indices of the other dims. Null for other stages.
  Values loadFactors(OpBuilder &b, ValueRange outer, unsigned length);
  /// The gates that vary along the last dim and not along the one before it, at
  /// `at`; `outer`: the indices of the other dims. Null for other stages.
  Values loadColumns(OpBuilder &b, ValueRange outer, Value at, unsigned length);
  /// y at `all`: `length` elements of the last dim, a scalar if 0. `factors`
  /// are those of loadFactors.
  Value load(OpBuilder &b, ValueRange all, Value mask, unsigned length,
             llvm::ArrayRef<Value> factors);
  /// Whether all whole vectors of a row of init are aligned where its first is.
  bool hasAlignedRows(unsigned length);
  /// Elements of y, 0 where that is not constant.
  int64_t getNumElements();
};

/// The pools of stage `stage`, all in one pass over x.
void lowerGatePools(OpBuilder &b, const GateChain &chain, unsigned stage,
                    unsigned vectorBytes);

/// The last y into init.
void lowerGateScale(OpBuilder &b, const GateChain &chain, unsigned vectorBytes);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_GATELAYOUT_H
