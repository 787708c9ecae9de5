// SdpaSchedule.cpp - the body of the GPU's attention kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/sdpa/SdpaSoftmax.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {
namespace {

struct Schedule {
  SdpaKernel &kernel;
  KernelBuilder &k;
  const SdpaTiles &tiles;
  SdpaTask task;
  Value shared;
  /// Addresses of the lane's fragments in stage 0.
  Value queryAddress, keyAddress, valueAddress;
  SmallVector<FragmentA> queries; // where they are kept

  explicit Schedule(SdpaKernel &kernel)
      : kernel(kernel), k(kernel.k), tiles(kernel.tiles),
        task(makeTask(kernel, buildLane(k))), shared(k.sharedMemory()) {
    Value warpRow = k.mul(task.lane.warp, k.i32(kWarpRows));
    queryAddress = addressOfA(k, task.lane, shared, tiles.queryTile(), warpRow);
    keyAddress = addressOfRows(k, task.lane, shared, tiles.keyTile());
    valueAddress = addressOfColumns(k, task.lane, shared, tiles.valueTile());
  }

  /// Tiles of o: those that hold a column of it.
  int64_t outputTiles() const {
    int64_t span = 8 * columnsOfLane(tiles.elementBytes).tiles;
    return llvm::alignTo(kernel.op.getStaticSize(SdpaOp::E), span) / 8;
  }

  /// Rows of q, k or v from `first` on; `count` null: the tile is all inside.
  void copy(const SdpaOperand &operand, SdpaOp::Dim rowDim, SdpaOp::Dim dim,
            const SharedTile &tile, Value base, Value first, Value count) {
    Value rowBytes = operand.strideBytes(k, rowDim);
    Value start = k.advance(operand.head(k, task.b, task.h),
                            k.mul(k.widen(first), rowBytes));
    bool isContiguous = isConstantIntValue(operand.stride(dim), 1);
    TileSource source{start,
                      rowBytes,
                      isContiguous ? Value() : operand.strideBytes(k, dim),
                      kernel.op.getStaticSize(dim),
                      count ? k.sub(count, first) : Value(),
                      operand.unitBytes};
    copyTile(k, task.lane, tiles.threads(), base, tile, source);
  }

  void copyQueries() {
    std::optional<int64_t> count = getConstantIntValue(kernel.queryCount);
    bool isWhole = count && *count % tiles.queries() == 0;
    copy(kernel.q, SdpaOp::I, SdpaOp::D, tiles.queryTile(), shared, task.first,
         isWhole ? Value() : kernel.queryCount);
  }

  /// K and V of a block into a stage, as one group of copies.
  void copyKeys(Value firstKey, Value stage) {
    // A first block may lie behind the last key, where no key is attended.
    bool isWhole = !kernel.hasTail() && !kernel.skipsBlocks();
    Value count = isWhole ? Value() : kernel.keyCount;
    Value base = k.advance(shared, stage);
    copy(kernel.keys, SdpaOp::J, SdpaOp::D, tiles.keyTile(), base, firstKey,
         count);
    copy(kernel.values, SdpaOp::J, SdpaOp::E, tiles.valueTile(), base, firstKey,
         count);
    commitCopies(k);
  }

  int64_t headSteps() const {
    return tiles.queryTile().rowBytes() / kStepBytes;
  }
  FragmentA query(int64_t step) {
    return tiles.keepsQueries ? queries[step] : loadA(k, queryAddress, step);
  }

  /// s = Q·Kᵀ.
  Scores multiplyKeys(Value stage) {
    Value zero = k.f32(0);
    Scores s(tiles.keys / 8, FragmentC{zero, zero, zero, zero});
    Value address = k.advance(keyAddress, stage);
    for (int64_t step = 0; step < headSteps(); ++step) {
      FragmentA q = query(step);
      for (int64_t pair = 0; pair < tiles.keys / 16; ++pair) {
        auto keys = loadRows(k, address, tiles.keyTile(), pair, step);
        for (unsigned half : {0, 1}) {
          FragmentC &tile = s[2 * pair + half];
          tile = cuda::multiply(k, kernel.elementType(), q, keys[half], tile);
        }
      }
    }
    return s;
  }

  /// o += p·V.
  void multiplyValues(const Scores &p, SdpaSums &sums, Value stage) {
    Value address = k.advance(valueAddress, stage);
    unsigned count = tilesOfA(kernel.elementType());
    for (unsigned step = 0; step < p.size() / count; ++step) {
      FragmentA a = packA(k, kernel.elementType(),
                          ArrayRef(p).slice(step * count, count));
      for (int64_t pair = 0; pair < tiles.valueColumns / 16; ++pair) {
        auto values = loadColumns(k, address, tiles.valueTile(), pair, step);
        for (unsigned half : {0, 1}) {
          if (2 * pair + half >= outputTiles())
            continue;
          FragmentC &tile = sums.o[2 * pair + half];
          tile = cuda::multiply(k, kernel.elementType(), a, values[half], tile);
        }
      }
    }
  }

  void build() {
    copyQueries();
    copyKeys(task.visited.begin, k.i32(0));
    if (tiles.keepsQueries) {
      awaitCopies(k);
      for (int64_t step = 0; step < headSteps(); ++step)
        queries.push_back(loadA(k, queryAddress, step));
    }
    // Beside the sums: bytes to the K, V that come next.
    Values start{k.i32(0)};
    SdpaSums::build(k, outputTiles()).appendTo(start);
    Values done = k.forLoop(
        task.visited.begin, task.visited.end, tiles.keys, start,
        [&](Value firstKey, ValueRange carried) -> Values {
          Value stage = carried.front();
          carried = carried.drop_front();
          SdpaSums sums = SdpaSums::take(carried, outputTiles());
          Value otherStage = k.sub(k.i32(tiles.stageBytes()), stage);
          Value next = k.add(firstKey, k.i32(tiles.keys));
          awaitCopies(k);
          k.ifThen(k.lessThan(next, task.visited.end),
                   [&] { copyKeys(next, otherStage); });
          Scores s = buildScores(kernel, task, multiplyKeys(stage), firstKey);
          // At once: the factors' registers are free for p.
          rescale(k, sums.o, buildMaximum(kernel, s, sums));
          buildExponents(kernel, s, sums);
          multiplyValues(s, sums, stage);
          Values all{otherStage};
          sums.appendTo(all);
          return all;
        });
    ValueRange sums = ValueRange(done).drop_front();
    storeResult(kernel, task, SdpaSums::take(sums, outputTiles()));
  }
};

} // namespace

void buildSchedule(SdpaKernel &kernel) { Schedule(kernel).build(); }

} // namespace heed::cuda
