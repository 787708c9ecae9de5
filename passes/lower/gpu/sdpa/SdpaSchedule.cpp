// SdpaSchedule.cpp - the body of the GPU's attention kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/sdpa/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {
namespace {

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

  /// Tiles of o: those that hold a column of it.
  int64_t outputTiles() const {
    int64_t span = 8 * columnsOfLane(tiles.elementBytes).tiles;
    return llvm::alignTo(kernel.op.getStaticSize(SdpaOp::E), span) / 8;
  }
  /// From an index of `dim` to the next, i64.
  Value strideBytes(const SdpaOperand &operand, SdpaOp::Dim dim) {
    return k.mul(operand.stride(dim), k.i64(operand.elementBytes()));
  }

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
    Value rowBytes = strideBytes(operand, rowDim);
    Value start = k.advance(operand.head(k, task.b, task.h),
                            k.mul(k.widen(first), rowBytes));
    bool isContiguous = isConstantIntValue(operand.stride(dim), 1);
    TileSource source{start,
                      rowBytes,
                      isContiguous ? Value() : strideBytes(operand, dim),
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

  /// o / l and lse of the rows that exist, or the sums of a part.
  void finish(Sums &sums) {
    for (unsigned row = 0; row < kRowsOfLane; ++row) {
      Value m = sums.m[row], l = sumOfQuad(k, sums.l[row]);
      Value isFirst = k.lessThan(task.lane.quad, k.i32(1));
      if (kernel.isSplit()) {
        k.ifThen(k.lessThan(task.rows[row], kernel.queryCount), [&] {
          Value address =
              kernel.sumsRow(task.b, task.h, task.part, task.rows[row]);
          storeSums(sums, row, address);
          int64_t end = SdpaSplit::columns(kernel.op);
          k.ifThen(isFirst, [&] {
            k.storeVector({m, l}, k.advance(address, 4 * end));
          });
        });
        continue;
      }
      Value inverse = invertSum(kernel, l);
      k.ifThen(k.lessThan(task.rows[row], kernel.queryCount), [&] {
        storeRow(sums, row, inverse);
        if (kernel.lse)
          k.ifThen(isFirst, [&] {
            storeLogSum(kernel, task.b, task.h, task.rows[row], m, l);
          });
      });
    }
  }

  /// The lane's columns of a row of o from `first` on, which lie beside each
  /// other.
  Values columnsFrom(const Sums &sums, unsigned row, int64_t first) {
    LaneColumns columns = columnsOfLane(tiles.elementBytes);
    Values values;
    for (int64_t i = 0; i < columns.width; ++i) {
      const FragmentC &tile = sums.o[first / 8 + columns.tileOf(i)];
      values.push_back(tile[2 * row + columns.elementOf(i)]);
    }
    return values;
  }

  /// Of each group of columns, those that exist: store(first column of the
  /// lane's, the values, the first of them).
  void storeColumns(const Sums &sums, unsigned row, int64_t count,
                    int64_t width,
                    llvm::function_ref<void(int64_t, ArrayRef<Value>)> store) {
    LaneColumns columns = columnsOfLane(tiles.elementBytes);
    int64_t span = 8 * columns.tiles;
    Value ofLane = k.mul(task.lane.quad, k.i32(columns.width));
    for (int64_t first = 0; first < count; first += span) {
      Values values = columnsFrom(sums, row, first);
      for (int64_t i = 0; i < columns.width; i += width) {
        Value exists = k.i1(true);
        if (first + span > count)
          exists = k.lessThan(ofLane, k.i32(count - first - i));
        k.ifThen(exists,
                 [&] { store(first + i, ArrayRef(values).slice(i, width)); });
      }
    }
  }

  /// A row of o, as many columns at a time as the lane has beside each other,
  /// where the row allows that.
  void storeRow(const Sums &sums, unsigned row, Value inverse) {
    LaneColumns columns = columnsOfLane(tiles.elementBytes);
    bool isWide = kernel.o.unitBytes >= columns.width * tiles.elementBytes;
    Value columnBytes = strideBytes(kernel.o, SdpaOp::E);
    Value ofLane = k.mul(task.lane.quad, k.i32(columns.width));
    Value address = k.advance(
        kernel.o.head(k, task.b, task.h),
        k.add(k.mul(k.widen(task.rows[row]), strideBytes(kernel.o, SdpaOp::I)),
              k.mul(k.widen(ofLane), columnBytes)));
    storeColumns(
        sums, row, kernel.op.getStaticSize(SdpaOp::E),
        isWide ? columns.width : 1, [&](int64_t first, ArrayRef<Value> values) {
          Values scaled = llvm::map_to_vector(
              values, [&](Value x) { return multiply(x, inverse); });
          storeElements(kernel, scaled,
                        k.advance(address, k.mul(columnBytes, k.i64(first))));
        });
  }

  /// A row of o before it is divided.
  void storeSums(const Sums &sums, unsigned row, Value address) {
    int64_t width = columnsOfLane(tiles.elementBytes).width;
    Value ofLane = k.mul(task.lane.quad, k.i32(4 * width));
    address = k.advance(address, k.widen(ofLane));
    int64_t count =
        std::min<int64_t>(SdpaSplit::columns(kernel.op), 8 * outputTiles());
    storeColumns(sums, row, count, width,
                 [&](int64_t first, ArrayRef<Value> values) {
                   k.storeVector(values, k.advance(address, 4 * first));
                 });
  }

  void build() {
    copyQueries();
    copyKeys(task.visited.begin, k.i32(0));
    if (tiles.keepsQueries) {
      awaitCopies(k);
      for (int64_t step = 0; step < headSteps(); ++step)
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
