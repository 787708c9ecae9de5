// SdpaSchedule.cpp - the body of the GPU's attention kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <limits>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {
namespace {

constexpr double kLn2 = 0.6931471805599453;
constexpr double kInf = std::numeric_limits<double>::infinity();

/// What a warp carries from a block of keys to the next.
struct Sums {
  Scores o;                            // tiles of 8 columns of e
  std::array<Value, kRowsOfLane> m, l; // l: of the lane's own columns
  Value stage;                         // i32: bytes to the K, V that come next

  Values flatten() const {
    Values all;
    for (const FragmentC &tile : o)
      llvm::append_range(all, tile);
    llvm::append_range(all, m);
    llvm::append_range(all, l);
    all.push_back(stage);
    return all;
  }
  static Sums unflatten(ValueRange all, int64_t tiles) {
    Sums sums;
    unsigned at = 0;
    sums.o.resize(tiles);
    for (FragmentC &tile : sums.o)
      for (Value &value : tile)
        value = all[at++];
    for (auto *rows : {&sums.m, &sums.l})
      for (Value &value : *rows)
        value = all[at++];
    sums.stage = all[at];
    return sums;
  }
};

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

  int64_t outputTiles() const { return kernel.op.getStaticSize(SdpaOp::E) / 8; }

  Value multiply(Value x, Value y) {
    return arith::MulFOp::create(k.b, k.loc, x, y);
  }
  Value subtract(Value x, Value y) {
    return arith::SubFOp::create(k.b, k.loc, x, y);
  }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(k.b, k.loc, x, y, z);
  }
  Value exp2(Value x) {
    return math::Exp2Op::create(k.b, k.loc, x, arith::FastMathFlags::afn);
  }
  Value isEqual(Value x, double y) {
    return arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ, x,
                                 k.f32(y));
  }

  /// Rows of q, k or v from `first` on; `count` null: the tile is all inside.
  void copy(const SdpaOperand &operand, SdpaOp::Dim rowDim, SdpaOp::Dim dim,
            const SharedTile &tile, Value base, Value first, Value count) {
    Value rowBytes = k.mul(operand.stride(rowDim), k.i64(2));
    Value start = k.advance(operand.head(k, task.b, task.h),
                            k.mul(k.widen(first), rowBytes));
    TileSource source{start, rowBytes, kernel.op.getStaticSize(dim),
                      count ? k.sub(count, first) : Value()};
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

  FragmentA query(int64_t step) {
    return tiles.keepsQueries ? queries[step] : loadA(k, queryAddress, step);
  }

  /// s = Q·Kᵀ.
  Scores multiplyKeys(Value stage) {
    Value zero = k.f32(0);
    Scores s(tiles.keys / 8, FragmentC{zero, zero, zero, zero});
    Value address = k.advance(keyAddress, stage);
    for (int64_t step = 0; step < tiles.headColumns / 16; ++step) {
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

  /// The score stage, and the bounds where the block is not open to all.
  Scores score(Scores s, Value firstKey) {
    buildScoreStage(kernel, task, firstKey, s);
    if (!kernel.hasKeyBounds() && !kernel.hasTail())
      return s;
    Value last = k.add(firstKey, k.i32(tiles.keys));
    Value isPartial = k.lessThan(task.open.end, last);
    if (task.open.begin)
      isPartial = k.b.createOrFold<arith::OrIOp>(
          k.loc, isPartial, k.lessThan(firstKey, task.open.begin));
    Values flat;
    for (const FragmentC &tile : s)
      llvm::append_range(flat, tile);
    flat = k.ifElse(isPartial, flat, [&]() -> Values {
      maskScores(kernel, task, firstKey, s);
      Values masked;
      for (const FragmentC &tile : s)
        llvm::append_range(masked, tile);
      return masked;
    });
    for (unsigned i = 0; i < flat.size(); ++i)
      s[i / 4][i % 4] = flat[i];
    return s;
  }

  /// s becomes p; m, l and o follow the new maximum.
  void softmax(Scores &s, Sums &sums) {
    Value c = k.f32(kernel.softmaxFactor());
    std::array<Value, kRowsOfLane> shift;
    for (unsigned row = 0; row < kRowsOfLane; ++row) {
      Value max = s[0][2 * row];
      for (const FragmentC &tile : s)
        for (unsigned i : {2 * row, 2 * row + 1})
          max = arith::MaxNumFOp::create(k.b, k.loc, max, tile[i]);
      max =
          arith::MaxNumFOp::create(k.b, k.loc, maxOfQuad(k, max), sums.m[row]);
      // No key so far: 2^(−inf − 0) is 0, 2^(−inf + inf) would be NaN.
      Value finite = k.select(isEqual(max, -kInf), k.f32(0), max);
      Value rescale = exp2(multiply(subtract(sums.m[row], finite), c));
      sums.m[row] = max;
      sums.l[row] = multiply(sums.l[row], rescale);
      for (FragmentC &tile : sums.o)
        for (unsigned i : {2 * row, 2 * row + 1})
          tile[i] = multiply(tile[i], rescale);
      // One multiply-add where scores are products; others may be as large as
      // floats are, and their difference is taken first.
      shift[row] = finite;
      if (!kernel.scalesInStage())
        shift[row] = arith::NegFOp::create(k.b, k.loc, multiply(finite, c));
    }
    for (FragmentC &tile : s) {
      for (unsigned i = 0; i < 4; ++i) {
        Value exponent = kernel.scalesInStage()
                             ? multiply(subtract(tile[i], shift[rowOf(i)]), c)
                             : fma(tile[i], c, shift[rowOf(i)]);
        tile[i] = exp2(exponent);
        sums.l[rowOf(i)] =
            arith::AddFOp::create(k.b, k.loc, sums.l[rowOf(i)], tile[i]);
      }
    }
  }

  /// o += p·V.
  void multiplyValues(const Scores &p, Sums &sums, Value stage) {
    Value address = k.advance(valueAddress, stage);
    for (int64_t step = 0; step < tiles.keys / 16; ++step) {
      FragmentA a =
          packA(k, kernel.elementType(), p[2 * step], p[2 * step + 1]);
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

  /// o / l and lse of the rows that exist.
  void finish(Sums &sums) {
    Value rowBytes = k.mul(kernel.o.stride(SdpaOp::I), k.i64(2));
    Value head = kernel.o.head(k, task.b, task.h);
    for (unsigned row = 0; row < kRowsOfLane; ++row) {
      Value l = sumOfQuad(k, sums.l[row]);
      auto fast = arith::FastMathFlags::afn | arith::FastMathFlags::arcp;
      Value inverse = arith::DivFOp::create(k.b, k.loc, k.f32(1), l, fast);
      if (kernel.op.getMaskedRows() == attn::MaskedRows::zero)
        inverse = k.select(isEqual(l, 0), k.f32(0), inverse);
      k.ifThen(k.lessThan(task.rows[row], kernel.queryCount), [&] {
        Value address =
            k.advance(head, k.add(k.mul(k.widen(task.rows[row]), rowBytes),
                                  k.widen(k.mul(task.lane.quad, k.i32(4)))));
        for (auto [at, tile] : llvm::enumerate(sums.o)) {
          Value pair = packPair(k, kernel.elementType(),
                                multiply(tile[2 * row], inverse),
                                multiply(tile[2 * row + 1], inverse));
          LLVM::StoreOp::create(k.b, k.loc, pair, k.advance(address, 16 * at));
        }
        if (kernel.lse)
          storeLogSum(task.rows[row], sums.m[row], l);
      });
    }
  }

  /// lse = m + ln l, by the first lane of a row.
  void storeLogSum(Value row, Value m, Value l) {
    double unit =
        kernel.scalesInStage() ? 1 : kernel.op.getScale().convertToDouble();
    Value log = math::Log2Op::create(k.b, k.loc, l);
    Value lse = fma(log, k.f32(kLn2), multiply(m, k.f32(unit)));
    if (kernel.isUniform()) {
      Value attendsNone = arith::CmpFOp::create(
          k.b, k.loc, arith::CmpFPredicate::OLE, m, k.f32(kLeastScore));
      lse = k.select(attendsNone, k.f32(-kInf), lse);
    }
    k.ifThen(k.lessThan(task.lane.quad, k.i32(1)), [&] {
      Value offset = k.mul(k.mul(k.widen(row), kernel.lse.stride(SdpaOp::I)),
                           k.i64(kernel.lse.elementBytes()));
      Value address = k.advance(kernel.lse.head(k, task.b, task.h), offset);
      Value rounded =
          attn::buildFloatCast(k.b, k.loc, lse, kernel.lse.tensor.element);
      LLVM::StoreOp::create(k.b, k.loc, rounded, address);
    });
  }

  void build() {
    copyQueries();
    copyKeys(task.visited.begin, k.i32(0));
    if (tiles.keepsQueries) {
      awaitCopies(k);
      for (int64_t step = 0; step < tiles.headColumns / 16; ++step)
        queries.push_back(loadA(k, queryAddress, step));
    }
    Value zero = k.f32(0), least = k.f32(-kInf);
    Sums start{Scores(outputTiles(), FragmentC{zero, zero, zero, zero}),
               {least, least},
               {zero, zero},
               k.i32(0)};
    Values done = k.forLoop(
        task.visited.begin, task.visited.end, tiles.keys, start.flatten(),
        [&](Value firstKey, ValueRange carried) -> Values {
          Sums sums = Sums::unflatten(carried, outputTiles());
          Value stage = sums.stage;
          Value otherStage = k.sub(k.i32(tiles.stageBytes()), stage);
          Value next = k.add(firstKey, k.i32(tiles.keys));
          awaitCopies(k);
          k.ifThen(k.lessThan(next, task.visited.end),
                   [&] { copyKeys(next, otherStage); });
          Scores s = score(multiplyKeys(stage), firstKey);
          softmax(s, sums);
          multiplyValues(s, sums, stage);
          sums.stage = otherStage;
          return sums.flatten();
        });
    Sums sums = Sums::unflatten(done, outputTiles());
    finish(sums);
  }
};

} // namespace

void buildSchedule(SdpaKernel &kernel) { Schedule(kernel).build(); }

} // namespace heed::cuda
