// SdpaKernel.h - what the parts of the GPU's attention kernel share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FlashAttention-2, forward (Dao, arXiv 2307.08691): a block of threads owns QB
// queries of one head, a warp 16 of them, and visits the keys in blocks of KB.
//
//   Q, K₀, V₀ ⇒ shared memory
//   for each block of keys that some query attends:            SdpaSchedule
//     await; the next K, V ⇒ the other stage
//     s = Q·Kᵀ                              16 × KB a warp, in registers
//     s = score(s), −inf where masked                           SdpaScore
//     m, l, p = 2^(c·(s − m)), o ← o·2^(c·(m_old − m))
//     o += p·V                              p never leaves its registers
//   o / l, lse
//
// ⇒ is cp.async: it runs beside the products. Scores and sums are f32; p is
// rounded to elements of 16 bits for its product, and summed before. Elements of
// 32 bits are multiplied in two parts each (Fragment.h): errors stay those of
// f32.
#ifndef HEED_PASSES_LOWER_GPU_SDPA_SDPAKERNEL_H
#define HEED_PASSES_LOWER_GPU_SDPA_SDPAKERNEL_H

#include "dialect/sdpa/SdpaScore.h"
#include "passes/lower/gpu/kernel/SharedTile.h"

#include <optional>
#include <string>

namespace heed::cuda {

constexpr double kLog2E = 1.4426950408889634;
/// The score of a key that is not attended where `masked_rows` is uniform: of
/// equal scores the softmax is the mean, and beside any other they vanish. A
/// power of two: its product with c is exact, and c·s − c·m is 0.
constexpr double kLeastScore = -0x1p100;
/// Rows of a warp: those of a fragment.
constexpr int64_t kWarpRows = 16;

/// Sizes of the kernel's blocks, and where they lie in shared memory.
struct SdpaTiles {
  unsigned warps;
  int64_t elementBytes = 2;          // or 4
  int64_t keys;                      // KB, a multiple of 16
  int64_t headColumns, valueColumns; // d and e, filled up to whole steps
  bool keepsQueries; // Q is in registers; else it is read for each block

  int64_t queries() const { return warps * kWarpRows; }
  unsigned threads() const { return warps * 32; }
  SharedTile queryTile() const {
    return {queries(), headColumns, elementBytes, 0};
  }
  SharedTile keyTile() const {
    return {keys, headColumns, elementBytes, queryTile().bytes()};
  }
  SharedTile valueTile() const {
    return {keys, valueColumns, elementBytes,
            keyTile().offset + keyTile().bytes()};
  }
  /// From a stage of K and V to the other.
  int64_t stageBytes() const { return keyTile().bytes() + valueTile().bytes(); }
  int64_t sharedBytes() const { return queryTile().bytes() + 2 * stageBytes(); }
};

/// The tiles for an op that `whyNotLowerable` has nothing against.
SdpaTiles chooseTiles(attn::SdpaOp op, const Chip &chip);

/// Why the kernel cannot hold the op, on buffers; empty if it can.
std::string whyNotLowerable(attn::SdpaOp op, const Chip &chip);

/// Few queries and many keys: blocks of threads take a part of the keys each, and
/// a second kernel combines their sums (Flash-Decoding).
struct SdpaSplit {
  OpFoldResult parts; // index
  OpFoldResult keys;  // of a part, index; a multiple of KB
  /// memref<B×H×parts×I×pitch×f32>: o, not yet divided, with m and l at the end.
  Value sums;

  /// E, so that rows begin at multiples of 16 bytes.
  static int64_t columns(attn::SdpaOp op);
  static int64_t pitch(attn::SdpaOp op) { return columns(op) + 4; }
};

/// The split of an op that has not blocks enough without; built on the host.
std::optional<SdpaSplit> chooseSplit(OpBuilder &host, attn::SdpaOp op,
                                     const SdpaTiles &tiles);
/// Threads of the second kernel, a warp to a query.
constexpr unsigned kCombineThreads = 128;

/// A tensor of the op and its map.
struct SdpaOperand {
  GlobalTensor tensor;
  mlir::AffineMap map;
  /// What can be accessed at a time of rows along d, e or, of bias and mask, j
  /// (Alignment.h).
  int64_t unitBytes = 0;

  explicit operator bool() const { return static_cast<bool>(tensor.pointer); }
  int64_t elementBytes() const;
  /// Elements from one index of `dim` to the next (i64); null: broadcast.
  Value stride(attn::SdpaOp::Dim dim) const;
  /// The same in bytes.
  Value strideBytes(KernelBuilder &k, attn::SdpaOp::Dim dim) const;
  /// The element at (b, h) whose other indices are 0.
  Value head(KernelBuilder &k, Value batch, Value head) const;
};

struct SdpaKernel {
  attn::SdpaOp op;
  KernelBuilder &k;
  SdpaTiles tiles;
  SdpaOperand q, keys, values, bias, mask, kvLength, o, lse;
  Value queryCount, keyCount; // i32
  /// Where keys are split: SdpaSplit's in the kernel, i32; else null.
  GlobalTensor sums;
  Value parts, partKeys;

  /// `combines`: the second kernel of a split, which has no q, k and v.
  SdpaKernel(KernelBuilder &k, attn::SdpaOp op, const SdpaTiles &tiles,
             const SdpaSplit *split = nullptr, bool combines = false);

  bool isSplit() const { return static_cast<bool>(parts); }
  /// The row of sums of a part; i32.
  Value sumsRow(Value b, Value h, Value part, Value row);

  mlir::FloatType elementType();
  /// The scores are multiplied by the scale as they are made; else the softmax
  /// does it within the exponent, for nothing.
  bool scalesInStage();
  /// c > 0 of the softmax.
  double softmaxFactor();
  /// Keys are limited by causal, window or kv_length.
  bool hasKeyBounds();
  /// The last block of keys is not a whole one, or may not be.
  bool hasTail();
  /// Blocks that no query attends by the bounds need no visit: no row is the
  /// mean over all keys.
  bool skipsBlocks();
  bool isUniform();
  /// The score region loads from memory.
  bool readsMemory();
};

/// One block of queries of one head, as a thread sees it. All i32.
struct SdpaTask {
  Lane lane;
  Value b, h, first;
  Value part;                          // of the keys, where they are split
  std::array<Value, kRowsOfLane> rows; // queries
  /// The keys that each of the rows attends by its bounds; begin is null where
  /// there is none.
  std::array<attn::KeyBounds, kRowsOfLane> keys;
  /// Keys that some query of the block attends, from a whole block on; and
  /// those that all of them attend (begin may be null).
  attn::KeyBounds visited, open;
};
/// `lane`: its warp counts those that own queries.
SdpaTask makeTask(SdpaKernel &kernel, const Lane &lane);

using Scores = llvm::SmallVector<FragmentC>; // tiles of 8 keys
/// The first key (i32) of the block that a lane holds in its first tile.
Value firstKeyOfLane(SdpaKernel &kernel, SdpaTask &task, Value firstKey);
/// scale, softcap, bias, the score region and the mask.
void buildScoreStage(SdpaKernel &kernel, SdpaTask &task, Value firstKey,
                     Scores &scores);
/// The bounds of each row, in blocks that not all queries attend as a whole.
void maskScores(SdpaKernel &kernel, SdpaTask &task, Value firstKey,
                Scores &scores);

/// 1 / l; of a row that attends no key as `masked_rows` says.
Value invertSum(SdpaKernel &kernel, Value l);
/// Elements of o beside each other: up to 16 bytes of them.
void storeElements(SdpaKernel &kernel, llvm::ArrayRef<Value> values,
                   Value address);
/// lse = m + ln l.
void storeLogSum(SdpaKernel &kernel, Value b, Value h, Value row, Value m,
                 Value l);

/// The body of the kernel, and of the one that combines the parts of a split.
void buildSchedule(SdpaKernel &kernel);
void buildCombine(SdpaKernel &kernel);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_SDPA_SDPAKERNEL_H
