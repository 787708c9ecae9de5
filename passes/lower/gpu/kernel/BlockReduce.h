// BlockReduce.h - reductions over the lanes of a warp and the warps of a block.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_BLOCKREDUCE_H
#define HEED_PASSES_LOWER_GPU_KERNEL_BLOCKREDUCE_H

#include "passes/lower/gpu/kernel/Fragment.h"

namespace heed::cuda {

constexpr int64_t kWarpLanes = 32;

/// Joins two partial results, in f32.
using Combine = llvm::function_ref<Value(Value, Value)>;

/// The result over all lanes of the warp, in each of them (shfl.bfly).
Value reduceWarp(KernelBuilder &k, Value value, Combine combine);

/// The result over `warps` neighbouring warps, in each of their threads: all
/// warps of the block call it, through `scratch`, an f32 of shared memory for
/// each warp of the block. Two barriers.
Value reduceWarps(KernelBuilder &k, const Lane &lane, int64_t warps,
                  Value scratch, Value value, Combine combine);

/// bar.sync of all threads.
void barrier(KernelBuilder &k);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_BLOCKREDUCE_H
