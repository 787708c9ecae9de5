// SdpaKernel.h - what the parts of the attention kernel share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   pack K^T into panels, V where its rows are not contiguous     SdpaPack
//   parallel over (b, h, block of queries[, part of the keys]):   LowerSdpa
//     for each block of keys that some query attends
//     (causal, window, kv_length; constant masks):                SdpaKeyRuns
//       s = q·K^T                                                 SdpaTile, or
//                                                                 SdpaFewQueries
//       s = score(s), −inf where masked                           SdpaScoreTile
//       m, l, p = 2^(c·(s − m)), o ← o·2^(c·(m_old − m))          SdpaSoftmax
//       o += p·V                                                  SdpaTile
//     o / l, lse                                                  SdpaFinish
//   where tasks are few, over parts of the keys too, then merged  SdpaSplit
//
// The tile of scores is QB × KB floats: memory is O(S), never S × S. The scale
// and log2 e are applied within the exponent, to differences of scores: scaled
// before, large scores would lose digits.
//
// Scores and sums are f32. Operands of f16 or bf16 are widened where they are
// packed; where the CPU multiplies pairs of bf16 (VDPBF16PS), bf16 stays, and a
// step k of a product is a pair: (q, q')·(k, k') and (p, p')·(v, v')
//                                                              SdpaElements
#ifndef HEED_PASSES_LOWER_CPU_SDPAKERNEL_H
#define HEED_PASSES_LOWER_CPU_SDPAKERNEL_H

#include "dialect/sdpa/SdpaScore.h"
#include "passes/lower/cpu/SdpaBlockMap.h"
#include "passes/lower/cpu/TargetDescriptor.h"
#include "passes/lower/cpu/VectorLoop.h"

#include <array>
#include <string>

namespace heed::lower {

constexpr double kLog2E = 1.4426950408889634;

/// Indices of the iteration space, by SdpaOp::Dim.
using Point = std::array<Value, attn::SdpaOp::NumDims>;

struct SdpaTask;

struct SdpaKernel {
  attn::SdpaOp op;
  Location loc;
  TargetDescriptor target;

  unsigned lanes; // f32 in a register
  unsigned
      panelVectors; // of keys in a register tile: 4, or 2 with 16 registers
  int64_t headDim, valueDim;        // D, E
  int64_t queryBlock, keyBlock;     // QB, KB
  Value sizeB, sizeH, sizeQ, sizeK; // constants where static
  bool fewQueries; // one to three: keys and values are read as they lie
  /// Query heads of a task: few queries of the heads that share a key head are
  /// its rows, so that keys and values are read once for all of them.
  int64_t group = 1;
  /// Tasks may be fewer than threads: the keys of each are done in parts.
  bool splitsKeys;
  /// The score stage multiplies by the scale (else the softmax does).
  bool scalesInStage;
  /// Products of bf16 pairs: packed buffers hold a pair in an i32.
  bool usesPairs;
  /// [b][h][panel][step of d][key of the panel], and [b][h][step of j][e]
  /// (null: V as it is).
  Value packedK, packedV;
  /// Runs of keys by a constant mask, and its two tables in memory:
  /// starts[t], runs[r][first, count, isOpen].
  std::optional<SdpaBlockMap> blockMap;
  Value runStarts, runs;

  SdpaKernel(OpBuilder &b, attn::SdpaOp op, const TargetDescriptor &target);

  int64_t panel() const { return panelVectors * lanes; }
  int64_t valueVectors() const { return (valueDim + lanes - 1) / lanes; }
  /// Elements of d or j that a step of a product takes: 1, or a pair.
  int64_t step() const { return usesPairs ? 2 : 1; }
  /// The f32 lanes of a register.
  mlir::VectorType vectorType(OpBuilder &b) const;
  /// What a packed buffer holds: f32, or an i32 with a pair of bf16.
  mlir::Type packedType(OpBuilder &b) const;
  /// The elements of q, k, v and o.
  mlir::FloatType elementType() const;
  /// Keys and values come from memory and are used once or twice: nothing but
  /// the memory is waited for.
  bool prefetches() const;
  /// Tiles read q from a copy of the task's rows, widened to f32.
  bool copiesQueries() const;
  /// Row stride of the tile of scores: off a power of two, against conflicts.
  int64_t scoreStride() const { return keyBlock + lanes; }
  /// What keys are multiplied by where they are first read: 1, or −1 and 0 for
  /// scales that must not stay for the softmax, whose maximum is of q·k.
  double keyScale() const;
  /// The factor c > 0 of the softmax, p = 2^(c·(s − m)): log2 e, and the scale.
  double softmaxFactor() const;
  /// Keys are limited by causal, window or kv_length.
  bool hasKeyBounds() const;
  /// All attended keys are one block for every query.
  bool isSingleBlock() const;
  /// bias, mask, softcap or a score region.
  bool hasScoreStage() const;
  /// The last product of a task divides by l and writes the output: there is
  /// one block of keys, of known size, that every query attends.
  bool finishesInTile() const;
};

/// The indices of an operand with this map at a point.
Values mapIndices(OpBuilder &b, Location loc, mlir::AffineMap map,
                  const Point &point);
/// Whether vectors along `dim` can be loaded from an operand.
bool isContiguousAlong(Value buffer, mlir::AffineMap map,
                       attn::SdpaOp::Dim dim);
/// The query head and the query that a row of the task is.
struct RowPlace {
  Value h, i;
};
RowPlace placeOfRow(OpBuilder &b, SdpaKernel &kernel, const SdpaTask &task,
                    Value row);
/// The indices of the output at (row, e) of the task.
Values outputIndices(OpBuilder &b, SdpaKernel &kernel, const SdpaTask &task,
                     Value row, Value e);
/// Where a head of (b, h) lies in a buffer packed by `map`: two indices, 0
/// where the map lacks the dim; and how many of each there are.
Values headIndices(OpBuilder &b, Location loc, mlir::AffineMap map, Value batch,
                   Value head);
Values headCounts(OpBuilder &b, SdpaKernel &kernel, Value buffer,
                  mlir::AffineMap map);

/// One block of queries of one head (or of a group), and its scratch on the
/// stack.
struct SdpaTask {
  Value b, h, first;         // first head, first query
  Value queries;             // of a head
  attn::KeyBounds part;      // keys of the task, null: all
  Value rows, paddedRows;    // queries; rounded up to what the tiles compute
  Value s, o, m, l;          // [QB][KB], [QB][E], [QB], [QB][lanes]
  Value q;                   // [QB][D], where copiesQueries
  Value p;                   // [QB][KB]: s itself, or in its place as bf16
  Value inverse;             // [QB]: 1 / l, where finishesInTile
  Value kvLength;            // index, null
  Values keyHead, valueHead; // indices into the packed buffers
};

/// A block of keys: [first, first + count), its scores in `columns` columns.
struct SdpaKeyBlock {
  Value first, count, columns;
  Value isOpen; // i1: the mask holds for all of it; null: not known
};

/// A vector or an element of an operand as f32, whatever it is stored in.
Value loadFloats(OpBuilder &b, SdpaKernel &kernel, Value buffer,
                 ValueRange indices, Value mask = {});
Value loadFloat(OpBuilder &b, SdpaKernel &kernel, Value buffer,
                ValueRange indices);
/// f32, a vector or an element, into a buffer of any float.
void storeFloats(OpBuilder &b, SdpaKernel &kernel, Value floats, Value buffer,
                 ValueRange indices, Value mask = {});
/// Asks for keys or values some rows ahead, where the kernel prefetches.
void buildPrefetch(OpBuilder &b, SdpaKernel &kernel, Value buffer,
                   mlir::AffineMap map, Point point);
/// The task's rows of q, widened.
void copyQueries(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task);
/// Step k of query i: an f32, or a pair as i32.
Value loadQueryStep(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task, Value i,
                    Value k);
/// Step k of a row of p.
Value loadProbabilityStep(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                          Value row, Value k);
/// sum + a·column: a step of one row (a scalar) and of as many columns as
/// lanes.
Value buildProductStep(OpBuilder &b, SdpaKernel &kernel, Value a, Value column,
                       Value sum);
/// How many steps `count` elements are.
Value countSteps(OpBuilder &b, SdpaKernel &kernel, Value count);

/// 64-byte aligned scratch of the function, dynamic where `sizes` are.
Value allocScratch(OpBuilder &b, Location loc, llvm::ArrayRef<Value> sizes,
                   mlir::Type element);
void packKeys(OpBuilder &b, SdpaKernel &kernel);
void packValues(OpBuilder &b, SdpaKernel &kernel);
/// The tables of the block map as constants.
void buildBlockMap(OpBuilder &b, SdpaKernel &kernel);
/// `body` for every run of the task's block of queries.
void buildKeyRuns(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                  const attn::KeyBounds &keys,
                  llvm::function_ref<void(OpBuilder &, SdpaKeyBlock &)> body);
void buildScoreTiles(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                     SdpaKeyBlock &block);
void buildFewQueryScores(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                         SdpaKeyBlock &block);
void buildValueTiles(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                     SdpaKeyBlock &block);
void buildScoreStage(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                     SdpaKeyBlock &block);
void buildOnlineSoftmax(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                        SdpaKeyBlock &block);
/// The lanes of a vector together.
Value buildLaneSum(OpBuilder &b, Location loc, Value vector);
/// 1 / l of a row, 0 where masked_rows asks for it.
Value buildInverse(OpBuilder &b, SdpaKernel &kernel, Value l);
void buildFinish(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task);

/// The keys of every task in parts, each with m, l and o of its own.
struct SdpaParts {
  Value count, keys; // keys of a part but the last
  Values sizes;      // of (b, h or group, block)
  Value m, l, o;     // [task, part][QB], [..][QB][lanes], [..][QB][E]
};
/// As many parts as give all threads work, at run time.
SdpaParts allocParts(OpBuilder &b, SdpaKernel &kernel, ValueRange sizes);
/// The task of `ids` does this part, into the part's own sums.
void usePart(OpBuilder &b, SdpaKernel &kernel, SdpaParts &parts, ValueRange ids,
             Value part, SdpaTask &task);
/// The sums of all parts into those of the task, which are clear.
void mergeParts(OpBuilder &b, SdpaKernel &kernel, SdpaParts &parts,
                ValueRange ids, SdpaTask &task);

/// c·m in the exponent, or m where the difference is taken first.
Value scaleMaximum(OpBuilder &b, SdpaKernel &kernel, Value m);
/// 2^(c·(m − M)) with M ≥ m, of scalars; 0 where both are −inf.
Value buildRescaling(OpBuilder &b, SdpaKernel &kernel, Value m, Value max);
/// 0 in place of −inf.
Value finiteMaximum(OpBuilder &b, Location loc, Value max);
/// A vector of v at a step of keys, from its vector number `column`: f32, or
/// pairs as i32.
Value loadValues(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task, Value step,
                 unsigned column);

/// Why the kernel cannot hold the op (on tensors or buffers); empty if it can.
std::string whyNotLowerable(attn::SdpaOp op);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_SDPAKERNEL_H
