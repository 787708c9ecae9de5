// CopyRing.h - stages of shared memory, filled by one warp and emptied by
// warpgroups.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each stage has two mbarriers: `full` (one arrival, and the bytes of the copies)
// and `empty` (one arrival a warpgroup). Who waits asks for a parity: that of the
// phase, which flips at each turn of the ring. A reader begins with 0; the writer
// with 1, the parity of the phase before the first, so that its first turn finds
// all stages empty.
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_COPYRING_H
#define HEED_PASSES_LOWER_GPU_KERNEL_COPYRING_H

#include "passes/lower/gpu/kernel/KernelBuilder.h"

namespace heed::cuda {

constexpr int64_t kBarrierBytes = 8;

struct CopyRing {
  int64_t stages;
  int64_t stageBytes; // from a stage's tiles to the next's
  int64_t offset;     // of the barriers in shared memory

  int64_t bytes() const { return 2 * stages * kBarrierBytes; }
};

/// Where one walks along the ring.
struct RingPosition {
  Value stage, parity; // i32
};

/// By one thread, before all wait at a barrier.
void buildRing(KernelBuilder &k, Value shared, const CopyRing &ring,
               int64_t readers);
void buildBarrier(KernelBuilder &k, Value shared, int64_t offset,
                  int64_t arrivals);

RingPosition startOfReader(KernelBuilder &k);
RingPosition startOfWriter(KernelBuilder &k);
RingPosition next(KernelBuilder &k, const CopyRing &ring,
                  const RingPosition &position);

/// The shared memory of the position's stage: `shared` for tiles of stage 0.
Value stageBase(KernelBuilder &k, Value shared, const CopyRing &ring,
                const RingPosition &position);

void awaitBarrier(KernelBuilder &k, Value barrier, Value parity);
void awaitFull(KernelBuilder &k, Value shared, const CopyRing &ring,
               const RingPosition &position);
void awaitEmpty(KernelBuilder &k, Value shared, const CopyRing &ring,
                const RingPosition &position);
/// Arrives at `full` for `bytes` of copies, and gives the barrier to them.
Value expectCopies(KernelBuilder &k, Value shared, const CopyRing &ring,
                   const RingPosition &position, int64_t bytes);
Value expectCopies(KernelBuilder &k, Value barrier, int64_t bytes);
/// Arrives at `empty`, by one thread of a warpgroup.
void release(KernelBuilder &k, Value shared, const CopyRing &ring,
             const RingPosition &position, Value isElected);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_COPYRING_H
