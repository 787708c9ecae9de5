// CostModel.cpp - every choice by shape on the CPU, and the constants behind it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cost/CostModel.h"

#include <algorithm>
#include <cstring>

namespace heed::cost {

namespace {
int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Vector code moves 16 elements in the time of 1 to 4 scalar operations, from
/// the L2 or the L3: a loop over 64 K elements (256 KiB, 4 µs) is the first to
/// gain by a fork.
constexpr int64_t kElementsPerScalarOp = 2;

/// Multiply-adds out of the L1 or L2: 16 in half a cycle to two.
constexpr int64_t kMultiplyAddsPerScalarOp = 4;
} // namespace

int64_t costOfStreaming(int64_t elements) {
  return elements / kElementsPerScalarOp;
}

int64_t costOfComputing(int64_t multiplyAdds) {
  return multiplyAdds / kMultiplyAddsPerScalarOp;
}

//===----------------------------------------------------------------------===//
// Gates
//===----------------------------------------------------------------------===//

int64_t choosePoolParts(int64_t tasks, int64_t rows, int64_t elements) {
  // Enough for the threads of most machines; a part of few rows is not worth
  // the addition of its sums.
  constexpr int64_t kTasks = 16, kRows = 16;
  if (elements > 0 && costOfStreaming(elements) < kForkCost)
    return 1;
  int64_t parts = ceilDiv(kTasks, std::max<int64_t>(tasks, 1));
  return std::max<int64_t>(1, rows > 0 ? std::min(parts, rows / kRows) : parts);
}

bool isNativeExcitation(int64_t multiplyAdds, int64_t weightBytes,
                        int64_t images) {
  // A call of the library costs 1 to 2 µs, the time of 64 K multiply-adds of
  // simple vector code. Products of an image beyond these are worth a packed
  // kernel, and that each pass of the gate goes over all images before the next:
  // from memory, where they are more than the caches hold.
  constexpr int64_t kNativeMultiplyAdds = 8 << 20;
  // Weights up to here stay in the L2 from image to image; larger ones are read
  // once for all images by a product of matrices.
  constexpr int64_t kResidentWeightBytes = 512 << 10;
  return multiplyAdds / std::max<int64_t>(images, 1) <= kNativeMultiplyAdds &&
         (images == 1 || weightBytes <= kResidentWeightBytes);
}

//===----------------------------------------------------------------------===//
// Products with one row
//===----------------------------------------------------------------------===//

int64_t chooseRowParts(int64_t rows, int64_t columns) {
  // Four streams of 32 rows. Halves and quarters of 512 x 512 and 2048 x 512
  // are read at 22 to 28 GB/s by the two cores of a Zen 3, whole ones by one core
  // at 14 to 18.
  constexpr int64_t kPartRows = 128;
  if (costOfStreaming(rows * columns) < kForkCost)
    return 1;
  return std::max<int64_t>(1, rows / kPartRows);
}

//===----------------------------------------------------------------------===//
// oneDNN's primitives
//===----------------------------------------------------------------------===//

// oneDNN gives the first implementation of its list that can do the work. On
// AVX2 that is not the fastest one. The figures are times of oneDNN 3.2 on one
// core of a Zen 3, in turns in one process, on the shapes of PP-OCRv4, MiniLM
// and BERT; with AVX-512 the first implementations stay.

const char *fasterThan(const char *implementation) {
  static constexpr struct {
    const char *slower, *faster;
  } kPairs[] = {
      // Depthwise, channels last, 16 to 480 channels, 3x3 and 5x5, strides 1
      // and 2: 0.60 to 0.90 of the time.
      {"brdgmm_dw:avx2", "jit_dw:avx2"},
      // 1x1, 8 to 480 channels in and out: 0.79 to 1.00 of the time; 1.1 where
      // there are fewer than 5 µs to save anything of.
      {"brgconv_1x1:avx2", "jit_1x1:avx2"},
  };
  for (const auto &pair : kPairs)
    if (std::strcmp(implementation, pair.slower) == 0)
      return pair.faster;
  return nullptr;
}

/// A general GEMM packs the weights at each call, n · k elements beside m · n ·
/// k products: the time of some eight rows. The other two families have them
/// packed: with 2 to 16 rows they take 0.4 to 0.8 of the time, with 32 to 128
/// rows 0.5 to 0.98, the less the larger k · n is.
ProductFamily chooseProductFamily(int64_t m, int64_t k, int64_t n,
                                  int64_t threads) {
  // One row is no product of matrices: oneDNN reads the weights as they lie.
  // From a mebibyte of them on, packed ones are read 1.04 to 1.14 times as fast.
  constexpr int64_t kFewWeights = 1 << 18;
  // The convolution deals tiles of four pixels out to the threads: with one for
  // two of them, or three, one thread has nothing to do in the end, and the
  // inner product, which cuts by columns too, takes 0.7 to 0.95 of the time.
  constexpr int64_t kTileRows = 4;
  int64_t tiles = ceilDiv(m, kTileRows), rounds = ceilDiv(tiles, threads);
  bool isUneven = rounds <= 2 && 5 * tiles < 4 * rounds * threads;
  // Its tiles have 8 channels: of fewer it computes 8, which shows from so many
  // rows on.
  constexpr int64_t kTileColumns = 8, kSomeRows = 8;
  // Where the result is much larger than the weights (120 to 6625), writing it
  // tile by tile costs more than packing saves: 1.07 to 1.25 of the time from
  // 48 rows on.
  constexpr int64_t kWide = 16, kManyRows = 48;
  if (m == 1 && k * n < kFewWeights)
    return ProductFamily::Matmul;
  if (m >= kManyRows && n > kWide * k)
    return ProductFamily::Matmul;
  if ((n < kTileColumns && m >= kSomeRows) || isUneven)
    return ProductFamily::InnerProduct;
  return ProductFamily::Convolution;
}

bool isNarrowDeconvolution(int64_t channels) {
  // oneDNN's transposed convolutions are for blocks of 8 or 16 channels. From
  // 24 channels to 1, 2, 4, 8, 16 and 24 they take 7.0, 5.8, 5.1, 1.8, 1.0 and
  // 0.94 times as long as the other way (2x2, 160 x 240 pixels).
  constexpr int64_t kNarrowChannels = 8;
  return channels <= kNarrowChannels;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

namespace {
/// A task's tile of scores, QB × KB floats, shares the L2 with the keys; blocks
/// of 32 to 128 queries are equally fast on Zen 4, larger ones on CPUs with two
/// products of 16 a cycle.
constexpr int64_t kMinQueryBlock = 32, kMaxQueryBlock = 128;
constexpr int64_t kMaxKeyBlock = 512;
/// Rows of a task that reads keys as they lie: more would pay for packing.
constexpr int64_t kMaxFewRows = 16;
/// Tasks that are too few for most machines, and enough for any.
constexpr int64_t kFewTasks = 8, kManyTasks = 64;

int64_t alignTo(int64_t size, int64_t multiple) {
  return ceilDiv(size, multiple) * multiple;
}

/// `size` in equal blocks of at most `most`, rounded up to `multiple`.
int64_t chooseBlock(int64_t size, int64_t most, int64_t multiple) {
  if (size == kUnknown)
    return most;
  int64_t blocks = std::max<int64_t>(1, ceilDiv(size, most));
  return alignTo(std::max<int64_t>(1, ceilDiv(size, blocks)), multiple);
}

int64_t largestPowerOfTwo(int64_t most) {
  int64_t power = 1;
  while (2 * power <= most)
    power *= 2;
  return most < 1 ? 0 : power;
}
} // namespace

int64_t chooseQueryBlock(const Attention &a) {
  bool isDeep = a.depth > 128 || a.width > 128;
  int64_t most = isDeep ? kMaxQueryBlock / 2 : kMaxQueryBlock;
  // A block computes what any of its queries attends: with a window, QB keys
  // more than one query does, below a diagonal QB / 2.
  if (a.window > 0)
    most = std::clamp(largestPowerOfTwo(a.window / 2), kMinQueryBlock, most);
  else if (a.causal)
    most = kMaxQueryBlock / 2;
  // One head of 128 queries is work for more than one thread.
  int64_t heads = 1;
  for (int64_t size : {a.batch, a.heads})
    if (size != kUnknown)
      heads *= size;
  if (a.queries != kUnknown)
    while (most > kMinQueryBlock &&
           heads * ceilDiv(a.queries, most) < kFewTasks)
      most /= 2;
  // Tiles have 6 or 4 rows; every even number from 4 up is a sum of those.
  return std::max<int64_t>(4, chooseBlock(a.queries, most, 2));
}

int64_t chooseKeyBlock(const Attention &a) {
  return chooseBlock(a.keys, kMaxKeyBlock, 64);
}

int64_t chooseGroup(const Attention &a, int64_t queries) {
  int64_t group = std::max<int64_t>(1, kMaxFewRows / queries);
  while (group > 1 && a.sharing % group != 0)
    --group;
  return std::min(group, std::max<int64_t>(a.sharing, 1));
}

bool mayLackTasks(const Attention &a, int64_t queryBlock, int64_t group) {
  if (a.keys != kUnknown && a.keys <= kMaxKeyBlock)
    return false;
  // A batch is unknown where nothing is known of it. With many queries, two
  // versions of the kernel would be paid for what is rarely needed.
  if (a.queries == kUnknown)
    return false;
  int64_t tasks = ceilDiv(a.queries, queryBlock);
  for (int64_t size : {a.batch, a.heads})
    if (size != kUnknown)
      tasks *= size;
  return tasks / group < kManyTasks;
}

bool isWorthPrefetching(const Attention &a, int64_t rows) {
  // In the last-level cache, prefetches cost an eighth of the time; from memory
  // they save a quarter. More rows have products enough to wait for.
  constexpr int64_t kLastLevelBytes = int64_t(16) << 20;
  return rows <= 2 && (a.keyBytes == kUnknown || a.keyBytes > kLastLevelBytes);
}

} // namespace heed::cost
