// SdpaWarpgroups.cpp - the body of the attention kernel of sm_90a.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FlashAttention-3, forward (Shah et al., arXiv 2407.08608): one warpgroup copies,
// two others own 64 queries each. Products are of a warpgroup, begun and awaited
// (wgmma), so that the softmax of a block runs beside the product of the one
// before:
//
//   copier                       owners
//   Q ⇒                          await Q
//   for each block j:            s = Q·K₀ᵀ, await; p, m, l = softmax(s)
//     await empty K; K_j ⇒       for each block j > 0:
//     await empty V; V_j ⇒         await my turn
//                                  begin s = Q·K_jᵀ
//                                  begin o += p·V_{j−1}, give the turn away
//                                  await s, release K_j; p', m, l, α = softmax(s)
//                                  await o, release V_{j−1}; o ← α·o, p = p'
//                                o += p·V_last, await; o / l, lse
//
// The owners take turns ("ping-pong"): while one begins its products, the other's
// softmax runs. With wide heads the products take so much longer than a softmax
// that waiting costs more.
//
// ⇒ is TMA. p never leaves its registers: rounded to pairs, the elements of s are
// the first factor of the next product.
#include "passes/lower/gpu/sdpa/SdpaWarpgroups.h"
#include "passes/lower/gpu/kernel/Alignment.h"
#include "passes/lower/gpu/kernel/CopyRing.h"
#include "passes/lower/gpu/sdpa/SdpaSoftmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {

/// Registers of a thread of either role, of the 65536 of an SM: 128 threads copy
/// and 256 own queries.
static constexpr uint32_t kCopierRegisters = 40, kOwnerRegisters = 232;
static constexpr int64_t kOwners = 2, kWarpgroupThreads = 128;
static constexpr int64_t kOwnerRows = 64;
/// The widest heads whose owners take turns; as FlashAttention-3 has it.
static constexpr int64_t kTurnColumns = 128;

SdpaPanels::SdpaPanels(const SdpaTiles &tiles)
    : tiles(tiles), ring{kStages, keyTile().bytes() + valueTile().bytes(),
                         queryTile().bytes() + kStages * (keyTile().bytes() +
                                                          valueTile().bytes())},
      values{kStages, ring.stageBytes, ring.offset + ring.bytes()} {}

PanelTile SdpaPanels::queryTile() const {
  return {tiles.queries(), tiles.headColumns, 0};
}
PanelTile SdpaPanels::keyTile() const {
  return {tiles.keys, tiles.headColumns, queryTile().bytes()};
}
PanelTile SdpaPanels::valueTile() const {
  PanelTile keys = keyTile();
  return {tiles.keys, tiles.valueColumns, keys.offset + keys.bytes()};
}
int64_t SdpaPanels::queryBarrier() const {
  return values.offset + values.bytes();
}
int64_t SdpaPanels::sharedBytes() const {
  return queryBarrier() + kBarrierBytes;
}
unsigned SdpaPanels::threads() const {
  return (1 + kOwners) * kWarpgroupThreads;
}

/// Whether TMA can copy the rows, and 16 bits are multiplied: contiguous rows
/// that begin at multiples of 16 bytes.
static bool hasWholeRows(SdpaOp op) {
  auto isWhole = [](Value buffer, AffineMap map, SdpaOp::Dim dim) {
    unsigned last = map.getNumResults() - 1;
    return getElementTypeOrSelf(buffer).getIntOrFloatBitWidth() == 16 &&
           map.getResult(last) == getAffineDimExpr(dim, map.getContext()) &&
           rowUnitBytes(buffer, last) == kMaxUnitBytes;
  };
  return isWhole(op.getQ(), op.getQMap(), SdpaOp::D) &&
         isWhole(op.getK(), op.getKMap(), SdpaOp::D) &&
         isWhole(op.getV(), op.getVMap(), SdpaOp::E) &&
         isWhole(op.getInit(), op.getOMap(), SdpaOp::E);
}

std::optional<SdpaTiles> chooseWarpgroupTiles(SdpaOp op, const Chip &chip) {
  // Few queries leave an owner idle.
  int64_t queries = op.getStaticSize(SdpaOp::I);
  if (!chip.hasWgmma || !hasWholeRows(op) ||
      (!ShapedType::isDynamic(queries) && queries <= kOwnerRows) ||
      op.getStaticSize(SdpaOp::J) == 0)
    return std::nullopt;
  SdpaTiles tiles;
  tiles.warps = kOwners * kWarpgroupThreads / 32;
  tiles.headColumns = llvm::alignTo(op.getStaticSize(SdpaOp::D), 16);
  tiles.valueColumns = llvm::alignTo(op.getStaticSize(SdpaOp::E), 8);
  tiles.keepsQueries = false;
  for (int64_t keys : {128, 80, 64}) {
    tiles.keys = keys;
    // s and o are in registers, and p beside them: keys/2, e/2, keys/4.
    if (keys / 2 + keys / 4 + tiles.valueColumns / 2 <= kProductRegisters &&
        SdpaPanels(tiles).sharedBytes() <= chip.sharedBytes)
      return tiles;
  }
  return std::nullopt;
}

namespace {

struct WarpgroupSchedule {
  SdpaKernel &kernel;
  KernelBuilder &k;
  SdpaPanels panels;
  Value shared;
  Lane lane;
  SdpaTask task; // of an owner
  Value last;    // behind the last block of keys
  Value queryMap, keyMap, valueMap;

  explicit WarpgroupSchedule(SdpaKernel &kernel)
      : kernel(kernel), k(kernel.k), panels(kernel.tiles),
        shared(k.sharedMemory()), lane(buildLane(k)) {
    auto map = [&](Value buffer, AffineMap map, SdpaOp::Dim row,
                   const PanelTile &tile) {
      return buildTensorMap(k, buffer, dimOf(map, row), tile);
    };
    SdpaOp op = kernel.op;
    queryMap = map(op.getQ(), op.getQMap(), SdpaOp::I, panels.queryTile());
    keyMap = map(op.getK(), op.getKMap(), SdpaOp::J, panels.keyTile());
    valueMap = map(op.getV(), op.getVMap(), SdpaOp::J, panels.valueTile());
    Lane owner = lane;
    owner.warp = k.sub(lane.warp, k.i32(kWarpgroupThreads / 32));
    task = makeTask(kernel, owner);
    // One block at least: where no key is attended, all its keys are masked.
    last = k.max(task.visited.end,
                 k.add(task.visited.begin, k.i32(kernel.tiles.keys)));
  }

  static unsigned dimOf(AffineMap map, SdpaOp::Dim dim) {
    return *map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
  }

  /// The indices of a buffer's dims but the last, where its rows begin at `row`.
  Values indices(AffineMap map, SdpaOp::Dim rowDim, Value row) {
    Values at;
    for (AffineExpr expr : map.getResults().drop_back()) {
      if (expr.isFunctionOfDim(rowDim))
        at.push_back(row);
      else if (expr.isFunctionOfDim(SdpaOp::B))
        at.push_back(task.b);
      else if (auto group = dyn_cast<AffineBinaryOpExpr>(expr)) // h floordiv G
        at.push_back(
            k.div(task.h, cast<AffineConstantExpr>(group.getRHS()).getValue()));
      else if (expr.isFunctionOfDim(SdpaOp::H))
        at.push_back(task.h);
      else
        at.push_back(k.i32(0));
    }
    return at;
  }

  void setRegisters(uint32_t count, NVVM::SetMaxRegisterAction action) {
    NVVM::SetMaxRegisterOp::create(k.b, k.loc, count, action);
  }
  Value isEqual(Value x, int64_t y) {
    return arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq, x,
                                 k.i32(y));
  }

  void buildBarriers() {
    k.ifThen(isEqual(lane.thread, 0), [&] {
      buildRing(k, shared, panels.ring, kOwners);
      buildRing(k, shared, panels.values, kOwners);
      buildBarrier(k, shared, panels.queryBarrier(), 1);
      NVVM::FenceMbarrierInitOp::create(k.b, k.loc);
    });
    NVVM::Barrier0Op::create(k.b, k.loc);
  }

  //===--------------------------------------------------------------------===//
  // The copier
  //===--------------------------------------------------------------------===//

  /// Fills the position's stage with a block when it is empty.
  void copyBlock(const CopyRing &ring, const RingPosition &position, Value map,
                 ArrayRef<Value> at, const PanelTile &tile) {
    awaitEmpty(k, shared, ring, position);
    Value barrier = expectCopies(k, shared, ring, position, tile.bytes());
    copyPanels(k, map, at, stageBase(k, shared, ring, position), tile, barrier);
  }

  void buildCopier() {
    setRegisters(kCopierRegisters, NVVM::SetMaxRegisterAction::decrease);
    k.ifThen(isEqual(lane.thread, 0), [&] {
      SdpaOp op = kernel.op;
      Value barrier = expectCopies(k, k.advance(shared, panels.queryBarrier()),
                                   panels.queryTile().bytes());
      copyPanels(k, queryMap, indices(op.getQMap(), SdpaOp::I, task.first),
                 shared, panels.queryTile(), barrier);
      RingPosition start = startOfWriter(k);
      k.forLoop(task.visited.begin, last, kernel.tiles.keys,
                {start.stage, start.parity},
                [&](Value key, ValueRange carried) -> Values {
                  RingPosition position{carried[0], carried[1]};
                  copyBlock(panels.ring, position, keyMap,
                            indices(op.getKMap(), SdpaOp::J, key),
                            panels.keyTile());
                  copyBlock(panels.values, position, valueMap,
                            indices(op.getVMap(), SdpaOp::J, key),
                            panels.valueTile());
                  RingPosition after = next(k, panels.ring, position);
                  return {after.stage, after.parity};
                });
    });
  }

  //===--------------------------------------------------------------------===//
  // An owner
  //===--------------------------------------------------------------------===//

  /// Begins s = Q·Kᵀ with the keys of the position.
  Scores startScores(const RingPosition &position, Value queries) {
    Value keys = describeRows(k, stageBase(k, shared, panels.ring, position),
                              panels.keyTile());
    Values a, b;
    for (int64_t step = 0; step < kernel.tiles.headColumns / 16; ++step) {
      a.push_back(stepRows(k, queries, panels.queryTile(), step));
      b.push_back(stepRows(k, keys, panels.keyTile(), step));
    }
    return startProduct(k, kernel.elementType(), a, b, {}, kernel.tiles.keys,
                        /*byColumns=*/false);
  }

  /// Begins o += p·V with the values of the position.
  Scores startSums(const RingPosition &position, ValueRange p,
                   const Scores &o) {
    Value values = describeColumns(
        k, stageBase(k, shared, panels.values, position), panels.valueTile());
    Values b;
    for (int64_t step = 0; step < kernel.tiles.keys / 16; ++step)
      b.push_back(stepColumns(k, values, step));
    return startProduct(k, kernel.elementType(), p, b, o,
                        kernel.tiles.valueColumns, /*byColumns=*/true);
  }

  /// p, rounded, as the first factor of 16 keys after the other.
  Values pack(const Scores &p) {
    Values packed;
    for (size_t step = 0; step < p.size() / 2; ++step)
      llvm::append_range(packed, packA(k, kernel.elementType(),
                                       {p[2 * step], p[2 * step + 1]}));
    return packed;
  }

  bool takesTurns() const {
    return std::max(kernel.tiles.headColumns, kernel.tiles.valueColumns) <=
           kTurnColumns;
  }
  Value turnThreads() { return k.i32(kOwners * kWarpgroupThreads); }

  /// Turns are named barriers; their ids are the numbers of the warpgroups, 0 is
  /// the block's.
  void awaitTurn(Value warpgroup) {
    if (takesTurns())
      NVVM::BarrierOp::create(k.b, k.loc, TypeRange{}, warpgroup, turnThreads(),
                              {}, Value());
  }
  void giveTurn(Value warpgroup) {
    Value other = k.sub(k.i32(kOwners + 1), warpgroup);
    if (takesTurns())
      NVVM::BarrierArriveOp::create(k.b, k.loc, other, turnThreads());
  }

  void buildOwner(Value warpgroup) {
    setRegisters(kOwnerRegisters, NVVM::SetMaxRegisterAction::increase);
    // A warp's lane 0 is thread 0 of its warpgroup in the first warp only.
    Value isElected = isEqual(k.rem(lane.thread, kWarpgroupThreads), 0);
    Value row = k.mul(k.sub(warpgroup, k.i32(1)), k.i32(kOwnerRows));
    Value queries = describeRows(k, shared, panels.queryTile(), row);
    awaitBarrier(k, k.advance(shared, panels.queryBarrier()), k.i32(0));

    int64_t tiles = kernel.tiles.valueColumns / 8;
    SdpaSums sums = SdpaSums::build(k, tiles);
    RingPosition start = startOfReader(k);
    Value first = task.visited.begin;
    awaitFull(k, shared, panels.ring, start);
    Scores s = awaitProduct(k, startScores(start, queries), 0);
    release(k, shared, panels.ring, start, isElected);
    s = buildScores(kernel, task, s, first);
    buildMaximum(kernel, s, sums);
    buildExponents(kernel, s, sums);
    Values p = pack(s);

    RingPosition second = next(k, panels.ring, start);
    Values carried{start.stage, start.parity, second.stage, second.parity};
    llvm::append_range(carried, p);
    sums.appendTo(carried);
    size_t packed = p.size();
    // Q·Kᵀ is one block ahead of p·V.
    struct State {
      RingPosition values, keys;
      ValueRange p;
      SdpaSums sums;
    };
    auto unpack = [&](ValueRange all) {
      State state{{all[0], all[1]}, {all[2], all[3]}, all.slice(4, packed), {}};
      all = all.drop_front(4 + packed);
      state.sums = SdpaSums::take(all, tiles);
      return state;
    };
    Value secondKey = k.add(first, k.i32(kernel.tiles.keys));
    // The first owner begins.
    k.ifThen(isEqual(warpgroup, 2), [&] { giveTurn(warpgroup); });
    Values done =
        k.forLoop(secondKey, last, kernel.tiles.keys, carried,
                  [&](Value firstKey, ValueRange all) -> Values {
                    State state = unpack(all);
                    awaitFull(k, shared, panels.ring, state.keys);
                    awaitTurn(warpgroup);
                    Scores s = startScores(state.keys, queries);
                    awaitFull(k, shared, panels.values, state.values);
                    Scores o = startSums(state.values, state.p, state.sums.o);
                    giveTurn(warpgroup);
                    s = awaitProduct(k, s, 1);
                    release(k, shared, panels.ring, state.keys, isElected);
                    s = buildScores(kernel, task, s, firstKey);
                    auto factors = buildMaximum(kernel, s, state.sums);
                    buildExponents(kernel, s, state.sums);
                    state.sums.o = awaitProduct(k, o, 0);
                    release(k, shared, panels.values, state.values, isElected);
                    rescale(k, state.sums.o, factors);
                    RingPosition after = next(k, panels.ring, state.keys);
                    Values next{state.keys.stage, state.keys.parity,
                                after.stage, after.parity};
                    llvm::append_range(next, pack(s));
                    state.sums.appendTo(next);
                    return next;
                  });
    State state = unpack(done);
    awaitFull(k, shared, panels.values, state.values);
    Scores o = startSums(state.values, state.p, state.sums.o);
    state.sums.o = awaitProduct(k, o, 0);
    storeResult(kernel, task, state.sums);
  }

  void build() {
    buildBarriers();
    // The same in all lanes, for the compiler to see: a branch of warps.
    Value warpgroup =
        NVVM::ShflOp::create(k.b, k.loc, k.b.getI32Type(), k.i32(-1),
                             k.div(lane.thread, kWarpgroupThreads), k.i32(0),
                             k.i32(31), NVVM::ShflKind::idx, UnitAttr());
    k.ifThenElse(
        isEqual(warpgroup, 0), [&] { buildCopier(); },
        [&] { buildOwner(warpgroup); });
  }
};

} // namespace

void buildWarpgroupSchedule(SdpaKernel &kernel) {
  WarpgroupSchedule(kernel).build();
}

} // namespace heed::cuda
