// GatePools.h - the pools of a gate over rows or columns of an image.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_GATE_GATEPOOLS_H
#define HEED_PASSES_LOWER_GPU_GATE_GATEPOOLS_H

#include "passes/lower/gpu/gate/GateKernel.h"

namespace heed::cuda {

constexpr int64_t kGateWarps = kGateThreads / kWarpLanes;

/// The pools of the first stage of an image that is not applied. All sums are of
/// y behind the stages that are.
class PoolKernel {
public:
  explicit PoolKernel(GateImage &image);

  /// Takes the sum or maximum of a pool at a kept index; by one thread each.
  using Store = llvm::function_ref<void(unsigned pool, Value sum, Value kept)>;

  unsigned count() { return op.getPools().size(); }
  Value combine(unsigned pool, Value x, Value y);
  /// What the pool is of the sum of `elements` (i32).
  Value finish(unsigned pool, Value sum, Value elements);

  /// The columns of `row`, by `warps` neighbouring warps, which all call it; in
  /// each of their threads. `thread` is this one among them.
  Values poolColumns(Value row, Value thread, int64_t warps, Value scratch);
  /// `rows` (i32) rows from `first` on, of 32 vectors of columns from `column`
  /// on, by all warps of the block. `scratch`: joinBytes.
  void poolRows(Value first, Value rows, Value column, Value scratch,
                Store store);
  int64_t joinBytes();

private:
  Values starts();
  Values accumulate(mlir::ValueRange sums, Value row, Value column,
                    int64_t length);
  void joinWarps(mlir::ArrayRef<Value> sums, Value column, Value scratch,
                 Store store);

  GateImage &image;
  KernelBuilder &k;
  attn::GateOp op;
};

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_GATE_GATEPOOLS_H
