// SdpaBlockMap.h - the keys a block of queries may attend, by constant masks.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_SDPABLOCKMAP_H
#define HEED_PASSES_LOWER_CPU_SDPABLOCKMAP_H

#include "dialect/sdpa/SdpaOps.h"

#include <optional>
#include <string>

namespace heed::lower {

/// Keys [first, first + count) of one block of queries; `isOpen`: every query
/// attends every one of them.
struct KeyRun {
  int32_t first, count, isOpen;
};

/// For each slice (b, h) of the masks and each block of queries the runs of
/// keys outside of which nothing is attended, in order:
///   runs[starts[t]] … runs[starts[t + 1] − 1],  t = (b · sizeH + h) · blocks + i
struct SdpaBlockMap {
  int64_t sizeB = 1, sizeH = 1, blocks = 0; // 1: no mask depends on it
  llvm::SmallVector<int32_t> starts;
  llvm::SmallVector<KeyRun> runs;
  int64_t openTiles = 0, tiles = 0;

  /// No block of queries has two runs.
  bool isSingleRun() const;
  /// "block map 12% open"
  std::string describe() const;
};

/// The block map of an op (on tensors or buffers) whose mask, or bias with −inf,
/// is a constant; null where nothing can be skipped. Runs have `keyBlock` keys
/// at most and begin at a multiple of 64, a whole panel.
std::optional<SdpaBlockMap> analyzeBlocks(attn::SdpaOp op, int64_t queryBlock,
                                          int64_t keyBlock);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_SDPABLOCKMAP_H
