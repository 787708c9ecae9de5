// GateCluster.cpp - a chain of gates in one launch: a cluster an image.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The blocks of a cluster hold rows of the image in their shared memory, so that
// x is read once:
//
//   rows of the block ⇒ shared memory
//   for each gate:
//     z = pools of the block's rows                      f32, in shared memory
//     cluster barrier
//     p = z of all blocks, joined or put side by side    mapa, ld.shared::cluster
//     g = excite(p)                                      by each block
//   y = epilogue(x, g, extras) of the block's rows
//
// A block ends when all have read its z.
#include "passes/lower/gpu/gate/GatePools.h"
#include "passes/lower/gpu/kernel/SharedTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using heed::attn::GateOp;

namespace heed::cuda {

/// The most that every GPU with clusters takes.
static constexpr int64_t kMostRanks = 8;
/// Two blocks an SM: the stores of one run beside the loads of the other.
static constexpr int64_t kSliceBytes = 100 * 1024;
/// SMs of a GPU with clusters, about: few images are spread over more blocks.
static constexpr int64_t kMultiprocessors = 132;

int64_t chooseCluster(GateChain &chain, const Chip &chip) {
  MemRefType type = chain.type();
  int64_t rows = 1, columns = 1;
  for (auto [dims, size] :
       {std::pair(&chain.rowDims, &rows), {&chain.columnDims, &columns}})
    for (int64_t dim : *dims) {
      if (type.isDynamicDim(dim))
        return 0;
      *size *= type.getDimSize(dim);
    }
  bool isFused = llvm::all_of(chain.stages, [](GateStage &stage) {
    return stage.plan.isFused && !stage.op.getPools().empty();
  });
  int64_t images = !chain.hasImages       ? 1
                   : type.isDynamicDim(0) ? kMultiprocessors
                                          : type.getDimSize(0);
  int64_t rowBytes = columns * bytesOf(type.getElementType());
  if (chip.compute < 90 || !isFused || !type.getLayout().isIdentity())
    return 0;
  // Beside the rows: z and p of f32 at most, partial sums, the excitation.
  int64_t beside = 0;
  for (GateStage &stage : chain.stages) {
    int64_t pools = stage.op.getPools().size();
    int64_t kept = stage.poolsColumns ? rows : columns;
    beside += stage.plan.bytes + pools * 2 * (4 * kept + kVectorBytes);
    if (!stage.poolsColumns)
      beside += pools * vectorLength(type.getElementType()) * kGateThreads * 4;
  }
  int64_t chosen = 0;
  for (int64_t ranks = 1; ranks <= kMostRanks; ranks *= 2) {
    int64_t bytes = rows / ranks * rowBytes;
    // Copies are 16 bytes each.
    if (rows % ranks != 0 || bytes % kVectorBytes != 0 ||
        bytes + beside > chip.sharedBytes)
      continue;
    bool isEnough = chosen > 0 && rows / chosen * rowBytes <= kSliceBytes &&
                    chosen * images >= kMultiprocessors;
    if (!isEnough)
      chosen = ranks;
  }
  return chosen;
}

namespace {

struct ClusterKernel {
  KernelBuilder &k;
  GateImage &image;
  int64_t ranks, rowsOfBlock, columns;
  Value firstRow;

  /// The block's rows into shared memory; x is then read from there.
  void loadRows() {
    int64_t rowBytes = columns * bytesOf(image.x.element);
    int64_t bytes = rowsOfBlock * rowBytes;
    Value slice = image.arena.allocate(bytes);
    Value offset = k.mul(k.widen(firstRow), k.i64(rowBytes));
    Value from = k.advance(image.x.pointer, offset);
    k.forLoop(
        k.i32(0), k.i32(bytes), kGateThreads * kChunkBytes, {},
        [&](Value base, ValueRange) -> Values {
          Value at = k.add(base, k.mul(image.lane.thread, k.i32(kChunkBytes)));
          k.ifThen(k.lessThan(at, k.i32(bytes)), [&] {
            NVVM::CpAsyncOp::create(k.b, k.loc, k.advance(slice, at),
                                    k.advance(from, k.widen(at)), kChunkBytes,
                                    NVVM::LoadCacheModifierKind::CG, Value());
          });
          return {};
        });
    commitCopies(k);
    awaitCopies(k);
    // Where the image's first row would be.
    image.x.pointer = k.advance(slice, k.sub(k.i64(0), offset));
  }

  /// z of the block's rows: kept rows of the block, or all columns.
  Values poolRows(const GateStage &stage, PoolKernel &pool) {
    const Lane &lane = image.lane;
    Values z;
    int64_t kept = stage.poolsColumns ? rowsOfBlock : columns;
    for (unsigned p = 0; p < pool.count(); ++p)
      z.push_back(image.arena.allocate(kept * 4));
    auto store = [&](unsigned p, Value sum, Value at) {
      LLVM::StoreOp::create(k.b, k.loc, sum,
                            k.advance(z[p], k.mul(at, k.i32(4))));
    };
    if (stage.poolsColumns) {
      // A warp a row.
      k.forLoop(k.i32(0), k.i32(rowsOfBlock), kGateWarps, {},
                [&](Value base, ValueRange) -> Values {
                  Value row = k.add(base, lane.warp);
                  k.ifThen(k.lessThan(row, k.i32(rowsOfBlock)), [&] {
                    Values sums = pool.poolColumns(k.add(firstRow, row),
                                                   lane.lane, 1, Value());
                    k.ifThen(k.lessThan(lane.lane, k.i32(1)), [&] {
                      for (auto [p, sum] : llvm::enumerate(sums))
                        store(p, sum, row);
                    });
                  });
                  return {};
                });
      return z;
    }
    Value scratch = image.arena.allocate(pool.joinBytes());
    int64_t length = image.rowVector();
    k.forLoop(k.i32(0), k.i32(columns), kWarpLanes * length, {},
              [&](Value base, ValueRange) -> Values {
                Value column = k.add(base, k.mul(lane.lane, k.i32(length)));
                pool.poolRows(firstRow, k.i32(rowsOfBlock), column, scratch,
                              store);
                barrier(k);
                return {};
              });
    return z;
  }

  Value loadOf(Value z, Value at, Value owner) {
    auto type = LLVM::LLVMPointerType::get(k.b.getContext(), kSharedCluster);
    Value there = NVVM::MapaOp::create(
        k.b, k.loc, type, k.advance(z, k.mul(at, k.i32(4))), owner);
    return LLVM::LoadOp::create(k.b, k.loc, k.b.getF32Type(), there);
  }

  /// The pools of the image from those of its blocks.
  SmallVector<KernelBuffer> join(const GateStage &stage, PoolKernel &pool,
                                 ArrayRef<Value> z) {
    GateOp op = stage.op;
    auto type = cast<MemRefType>(Type(op.getPooledType()));
    Value kept = stage.poolsColumns ? image.rows : image.columns;
    Value elements = stage.poolsColumns ? image.columns : image.rows;
    SmallVector<KernelBuffer> pools;
    for (size_t p = 0; p < z.size(); ++p)
      pools.push_back(image.arena.allocate(type, image.chain.hasImages));
    auto joinAt = [&](unsigned p, Value at) {
      if (stage.poolsColumns)
        return loadOf(z[p], k.rem(at, rowsOfBlock), k.div(at, rowsOfBlock));
      Value sum;
      for (int64_t owner = 0; owner < ranks; ++owner) {
        Value part = loadOf(z[p], at, k.i32(owner));
        sum = sum ? pool.combine(p, sum, part) : part;
      }
      return sum;
    };
    k.forLoop(k.i32(0), kept, kGateThreads, {},
              [&](Value base, ValueRange) -> Values {
                Value at = k.add(base, image.lane.thread);
                k.ifThen(k.lessThan(at, kept), [&] {
                  for (unsigned p = 0; p < z.size(); ++p)
                    storeElement(k, pool.finish(p, joinAt(p, at), elements),
                                 pools[p].address(k, at), pools[p].element);
                });
                return {};
              });
    return pools;
  }

  void arrive() {
    NVVM::ClusterArriveOp::create(k.b, k.loc, k.b.getUnitAttr());
  }
  void wait() { NVVM::ClusterWaitOp::create(k.b, k.loc, k.b.getUnitAttr()); }

  void build() {
    loadRows();
    for (size_t index = 0; index < image.chain.stages.size(); ++index) {
      GateStage &stage = image.chain.stages[index];
      PoolKernel pool(image);
      Values z = poolRows(stage, pool);
      // Of all threads of the cluster: z is there.
      arrive();
      wait();
      SmallVector<KernelBuffer> pools = join(stage, pool, z);
      barrier(k);
      if (index + 1 == image.chain.stages.size())
        arrive();
      image.addStage(pools);
    }
    image.addInit();
    Value first = k.mul(firstRow, k.i32(columns));
    scaleStretch(image, first, k.add(first, k.i32(rowsOfBlock * columns)));
    wait();
  }
};

} // namespace

void launchCluster(OpBuilder &host, GateChain &chain, int64_t ranks,
                   gpu::GPUModuleOp kernels) {
  KernelBuilder k(host, chain.loc, kernels, nameKernel(kernels, "gate_cluster"),
                  kGateThreads);
  k.setCluster(ranks);
  // For their sizes alone.
  for (GateStage &stage : chain.stages)
    stage.pools = makePools(host, stage.op);
  GateImage image(k, chain, k.blockY());
  int64_t rowsOfBlock = *getConstantIntValue(image.rows) / ranks;
  int64_t columns = *getConstantIntValue(image.columns);
  Value firstRow = k.mul(k.blockX(), k.i32(rowsOfBlock));
  ClusterKernel{k, image, ranks, rowsOfBlock, columns, firstRow}.build();
  k.finish(
      {host.getIndexAttr(ranks), imagesOf(host, chain), host.getIndexAttr(1)},
      image.arena.bytes());
}

} // namespace heed::cuda
