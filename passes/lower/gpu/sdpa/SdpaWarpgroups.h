// SdpaWarpgroups.h - the attention kernel of sm_90a.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_SDPA_SDPAWARPGROUPS_H
#define HEED_PASSES_LOWER_GPU_SDPA_SDPAWARPGROUPS_H

#include "passes/lower/gpu/kernel/CopyRing.h"
#include "passes/lower/gpu/kernel/PanelTile.h"
#include "passes/lower/gpu/sdpa/SdpaKernel.h"

namespace heed::cuda {

/// Where the tiles lie in shared memory: Q, then stages of K and V, then the
/// barriers.
struct SdpaPanels {
  static constexpr int64_t kStages = 2;

  SdpaTiles tiles;
  CopyRing ring, values; // of K, of V

  explicit SdpaPanels(const SdpaTiles &tiles);
  PanelTile queryTile() const;
  PanelTile keyTile() const;   // of stage 0
  PanelTile valueTile() const; // of stage 0
  int64_t queryBarrier() const;
  int64_t sharedBytes() const;
  unsigned threads() const;
};

/// Registers of a thread for s, p and o, of the owners' 232.
constexpr int64_t kProductRegisters = 196;

/// The tiles for an op that `whyNotLowerable` has nothing against; none where
/// mma.sync is the better kernel, or the only one.
std::optional<SdpaTiles> chooseWarpgroupTiles(attn::SdpaOp op,
                                              const Chip &chip);

/// The body of the kernel.
void buildWarpgroupSchedule(SdpaKernel &kernel);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_SDPA_SDPAWARPGROUPS_H
