// CostModel.cpp - the constants by which schedules on the CPU are chosen.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/CostModel.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/lower/cpu/VectorLoop.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {

/// From so many scalar operations on, about 10 µs of them, the runtime forks
/// (runtime/support/Parallel.cpp); a fork and join takes 2 to 3 µs.
constexpr int64_t kForkCost = 32768;

/// Vector code moves 16 elements in the
/// time of 1 to 4 scalar operations, from the L2 or the L3: a loop over 64 K
/// elements (256 KiB, 4 µs) is the first to gain by a fork.
constexpr int64_t kElementsPerScalarOp = 2;

/// Multiply-adds out of the L1 or L2: 16 in half a cycle to two.
constexpr int64_t kMultiplyAddsPerScalarOp = 4;

/// A call of the library costs 1 to 2 µs, the time of 64 K multiply-adds of
/// simple vector code. Products beyond these are worth a packed kernel.
constexpr int64_t kNativeMultiplyAdds = 8 << 20;

/// Weights up to here stay in the L2 from image to image; larger ones are read
/// once for all images by a product of matrices.
constexpr int64_t kResidentWeightBytes = 512 << 10;

/// A loop of `total` scalar operations; 0: they are not known.
static void buildCosted(OpBuilder &b, Location loc, ValueRange sizes,
                        int64_t total,
                        function_ref<void(OpBuilder &, ValueRange)> body) {
  if (sizes.empty())
    return body(b, {});
  Values zeros(sizes.size(), buildIndex(b, loc, 0));
  Values ones(sizes.size(), buildIndex(b, loc, 1));
  auto loop = scf::ParallelOp::create(
      b, loc, zeros, sizes, ones,
      [&](OpBuilder &b, Location, ValueRange indices) { body(b, indices); });
  int64_t trips = 1;
  for (Value size : sizes)
    trips *= getConstantIntValue(size).value_or(0);
  if (total > 0 && trips > 0)
    loop->setAttr(kCostAttr,
                  b.getIndexAttr(std::max<int64_t>(1, total / trips)));
}

void buildStreaming(OpBuilder &b, Location loc, ValueRange sizes,
                    int64_t elements,
                    function_ref<void(OpBuilder &, ValueRange)> body) {
  buildCosted(b, loc, sizes, elements / kElementsPerScalarOp, body);
}

void buildComputing(OpBuilder &b, Location loc, ValueRange sizes,
                    int64_t multiplyAdds,
                    function_ref<void(OpBuilder &, ValueRange)> body) {
  int64_t cost = multiplyAdds / kMultiplyAddsPerScalarOp;
  if (multiplyAdds == 0 || cost >= kForkCost)
    return buildCosted(b, loc, sizes, cost, body);
  buildNest(b, loc, sizes, {},
            [&](OpBuilder &b, ValueRange indices, ValueRange) -> Values {
              body(b, indices);
              return {};
            });
}

int64_t choosePoolParts(int64_t tasks, int64_t rows, int64_t elements) {
  // Enough for the threads of most machines; a part of few rows is not worth
  // the addition of its sums.
  constexpr int64_t kTasks = 16, kRows = 16;
  if (elements > 0 && elements / kElementsPerScalarOp < kForkCost)
    return 1;
  int64_t parts = llvm::divideCeil(kTasks, std::max<int64_t>(tasks, 1));
  return std::max<int64_t>(1, rows > 0 ? std::min(parts, rows / kRows) : parts);
}

bool isNativeExcitation(int64_t multiplyAdds, int64_t weightBytes,
                        int64_t images) {
  return multiplyAdds <= kNativeMultiplyAdds &&
         (images == 1 || weightBytes <= kResidentWeightBytes);
}

/// oneDNN's transposed convolutions are for blocks of 8 or 16 channels. From 24
/// channels to 1, 2, 4, 8, 16 and 24 they take 7.0, 5.8, 5.1, 1.8, 1.0 and 0.94
/// times as long as the other way (2x2, 160 x 240 pixels, one core of a Zen 3).
constexpr int64_t kNarrowChannels = 8;

bool isNarrowDeconvolution(int64_t channels) {
  return channels <= kNarrowChannels;
}

// Attention.

/// A task's tile of scores, QB × KB floats, shares the L2 with the keys; blocks
/// of 32 to 128 queries are equally fast on Zen 4, larger ones on CPUs with two
/// products of 16 a cycle.
static constexpr int64_t kMinQueryBlock = 32, kMaxQueryBlock = 128;
static constexpr int64_t kMaxKeyBlock = 512;
/// Rows of a task that reads keys as they lie: more would pay for packing.
static constexpr int64_t kMaxFewRows = 16;
/// Tasks that are too few for most machines, and enough for any.
static constexpr int64_t kFewTasks = 8, kManyTasks = 64;

/// `size` in equal blocks of at most `most`, rounded up to `multiple`.
static int64_t chooseBlock(int64_t size, int64_t most, int64_t multiple) {
  if (ShapedType::isDynamic(size))
    return most;
  int64_t blocks = std::max<int64_t>(1, llvm::divideCeil(size, most));
  return llvm::alignTo(std::max<int64_t>(1, llvm::divideCeil(size, blocks)),
                       multiple);
}

/// Keys that a query attends by a window with both bounds; 0: no such window.
static int64_t windowSpan(SdpaOp op) {
  std::optional<ArrayRef<int64_t>> window = op.getWindow();
  if (!window || (*window)[0] < 0)
    return 0;
  if (op.getCausal() != attn::Causal::none)
    return (*window)[0] + 1;
  return (*window)[1] < 0 ? 0 : (*window)[0] + (*window)[1] + 1;
}

int64_t chooseQueryBlock(SdpaOp op) {
  bool isDeep =
      op.getStaticSize(SdpaOp::D) > 128 || op.getStaticSize(SdpaOp::E) > 128;
  int64_t most = isDeep ? kMaxQueryBlock / 2 : kMaxQueryBlock;
  // A block computes what any of its queries attends: with a window, QB keys
  // more than one query does, below a diagonal QB / 2.
  if (int64_t span = windowSpan(op))
    most = std::clamp<int64_t>(llvm::bit_floor<uint64_t>(span / 2),
                               kMinQueryBlock, most);
  else if (op.getCausal() != attn::Causal::none)
    most = kMaxQueryBlock / 2;
  // One head of 128 queries is work for more than one thread.
  int64_t queries = op.getStaticSize(SdpaOp::I), heads = 1;
  for (SdpaOp::Dim dim : {SdpaOp::B, SdpaOp::H})
    if (int64_t size = op.getStaticSize(dim); !ShapedType::isDynamic(size))
      heads *= size;
  if (!ShapedType::isDynamic(queries))
    while (most > kMinQueryBlock &&
           heads * llvm::divideCeil(queries, most) < kFewTasks)
      most /= 2;
  // Tiles have 6 or 4 rows; every even number from 4 up is a sum of those.
  return std::max<int64_t>(4, chooseBlock(queries, most, 2));
}

int64_t chooseKeyBlock(SdpaOp op) {
  return chooseBlock(op.getStaticSize(SdpaOp::J), kMaxKeyBlock, 64);
}

int64_t chooseGroup(SdpaOp op, int64_t queries) {
  auto sharing = [&](AffineMap map) -> int64_t {
    for (AffineExpr expr : map.getResults()) {
      if (expr == getAffineDimExpr(SdpaOp::H, map.getContext()))
        return 1;
      if (expr.isFunctionOfDim(SdpaOp::H))
        return cast<AffineConstantExpr>(cast<AffineBinaryOpExpr>(expr).getRHS())
            .getValue();
    }
    int64_t heads = op.getStaticSize(SdpaOp::H); // shared by all
    return ShapedType::isDynamic(heads) ? 1 : heads;
  };
  int64_t shared = std::gcd(sharing(op.getKMap()), sharing(op.getVMap()));
  int64_t group = std::max<int64_t>(1, kMaxFewRows / queries);
  while (group > 1 && shared % group != 0)
    --group;
  return std::min(group, std::max<int64_t>(shared, 1));
}

bool mayLackTasks(SdpaOp op, int64_t queryBlock, int64_t group) {
  int64_t keys = op.getStaticSize(SdpaOp::J);
  if (!ShapedType::isDynamic(keys) && keys <= kMaxKeyBlock)
    return false;
  int64_t tasks = 1;
  for (SdpaOp::Dim dim : {SdpaOp::B, SdpaOp::H, SdpaOp::I}) {
    int64_t size = op.getStaticSize(dim);
    if (ShapedType::isDynamic(size)) {
      // A batch is dynamic where nothing is known of it. With many queries, two
      // versions of the kernel would be paid for what is rarely needed.
      if (dim == SdpaOp::I)
        return false;
      continue;
    }
    tasks *= dim == SdpaOp::I ? llvm::divideCeil(size, queryBlock) : size;
  }
  return tasks / group < kManyTasks;
}

bool isWorthPrefetching(SdpaOp op, int64_t rows) {
  // In the last-level cache, prefetches cost an eighth of the time; from memory
  // they save a quarter. More rows have products enough to wait for.
  constexpr int64_t kCachedBytes = int64_t(16) << 20;
  if (rows > 2)
    return false;
  auto k = cast<ShapedType>(op.getK().getType());
  auto v = cast<ShapedType>(op.getV().getType());
  if (!k.hasStaticShape() || !v.hasStaticShape())
    return true;
  return (k.getNumElements() + v.getNumElements()) *
             int64_t(k.getElementTypeBitWidth()) / 8 >
         kCachedBytes;
}

} // namespace heed::lower
