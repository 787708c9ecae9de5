// SdpaSoftmax.h - the online softmax of the GPU's attention, in registers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_SDPA_SDPASOFTMAX_H
#define HEED_PASSES_LOWER_GPU_SDPA_SDPASOFTMAX_H

#include "passes/lower/gpu/sdpa/SdpaKernel.h"

namespace heed::cuda {

/// What a lane has of its two rows, from a block of keys to the next.
struct SdpaSums {
  Scores o;                            // tiles of 8 columns of e
  std::array<Value, kRowsOfLane> m, l; // l: of the lane's own columns

  /// No key so far.
  static SdpaSums build(KernelBuilder &k, int64_t tiles);
  void appendTo(Values &all) const;
  /// Takes them from the front of `all`.
  static SdpaSums take(mlir::ValueRange &all, int64_t tiles);
};

/// The score stage, and the bounds where the block is not open to all.
Scores buildScores(SdpaKernel &kernel, SdpaTask &task, Scores s,
                   Value firstKey);

/// m and l follow the maximum of s. What o must be multiplied by.
std::array<Value, kRowsOfLane> buildMaximum(SdpaKernel &kernel, const Scores &s,
                                            SdpaSums &sums);
/// s becomes p, which l adds up.
void buildExponents(SdpaKernel &kernel, Scores &s, SdpaSums &sums);
void rescale(KernelBuilder &k, Scores &o,
             const std::array<Value, kRowsOfLane> &factors);

/// o / l and lse of the rows that exist, or the sums of a part (SdpaStore.cpp).
void storeResult(SdpaKernel &kernel, const SdpaTask &task,
                 const SdpaSums &sums);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_SDPA_SDPASOFTMAX_H
