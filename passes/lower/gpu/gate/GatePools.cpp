// GatePools.cpp - the pools of a gate, all of them in one pass over x.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   columns pooled   a warp, or a block where rows are long, for each row: its
//                    lanes go along the row, four vectors each in flight, and
//                    join by shuffles
//   rows pooled      a block for 32 vectors of columns: its warps take the rows
//                    in turns and join in shared memory
#include "passes/lower/gpu/gate/GatePools.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <limits>

using namespace mlir;
using heed::attn::GateOp;
using heed::attn::Pool;

namespace heed::cuda {

/// Vectors of a thread in flight.
static constexpr int64_t kUnroll = 4;
/// Rows of as many vectors are worth a block: each thread has two rounds.
static constexpr int64_t kLongRow = 2 * kGateThreads * kUnroll;
/// A partial sum of a warp in shared memory.
static constexpr int64_t kPartBytes = kWarpLanes * 4;

PoolKernel::PoolKernel(GateImage &image)
    : image(image), k(image.k), op(image.chain.stages[image.applied].op) {}

Values PoolKernel::starts() {
  Values values;
  for (unsigned pool = 0; pool < count(); ++pool)
    values.push_back(k.f32(op.getPool(pool) == Pool::max
                               ? -std::numeric_limits<double>::infinity()
                               : 0.0));
  return values;
}

Value PoolKernel::combine(unsigned pool, Value x, Value y) {
  if (op.getPool(pool) == Pool::max)
    return arith::MaximumFOp::create(k.b, k.loc, x, y);
  return arith::AddFOp::create(k.b, k.loc, x, y);
}

Value PoolKernel::finish(unsigned pool, Value sum, Value elements) {
  if (op.getPool(pool) != Pool::avg)
    return sum;
  Value number =
      arith::SIToFPOp::create(k.b, k.loc, k.b.getF32Type(), elements);
  return arith::DivFOp::create(k.b, k.loc, sum, number);
}

/// x rounded down to a multiple.
static Value roundDown(KernelBuilder &k, Value x, int64_t multiple) {
  return k.mul(k.div(x, multiple), k.i32(multiple));
}

/// `sums`, one a pool, with one more vector of row `row` from `column` on.
Values PoolKernel::accumulate(ValueRange sums, Value row, Value column,
                              int64_t length) {
  Value offset = k.add(k.mul(row, image.columns), column);
  GateImage::Loaded loaded = image.load(offset, length);
  Values rows(length, row), columns;
  for (int64_t i = 0; i < length; ++i)
    columns.push_back(k.add(column, k.i32(i)));
  Values y = image.apply(loaded, rows, columns);
  // One sum for all elements, or one for each.
  Values next = sums;
  for (size_t i = 0; i < y.size(); ++i)
    for (unsigned pool = 0; pool < count(); ++pool) {
      Value &sum = next[(i * count() + pool) % next.size()];
      sum = combine(pool, sum, y[i]);
    }
  return next;
}

Values PoolKernel::poolColumns(Value row, Value thread, int64_t warps,
                               Value scratch) {
  int64_t length = image.rowVector();
  int64_t step = warps * kWarpLanes * length;
  Value first = k.mul(thread, k.i32(length));
  Value whole = roundDown(k, image.columns, step * kUnroll);
  // Sums of their own, so that the adds do not wait for each other.
  Values sums;
  for (int64_t slot = 0; slot < kUnroll; ++slot)
    llvm::append_range(sums, starts());
  sums = k.forLoop(
      k.i32(0), whole, step * kUnroll, sums,
      [&](Value base, ValueRange carried) -> Values {
        Values next;
        for (int64_t slot = 0; slot < kUnroll; ++slot) {
          Value column = k.add(k.add(base, first), k.i32(slot * step));
          llvm::append_range(next,
                             accumulate(carried.slice(slot * count(), count()),
                                        row, column, length));
        }
        return next;
      });
  Values joined(sums.begin(), sums.begin() + count());
  for (int64_t slot = 1; slot < kUnroll; ++slot)
    for (unsigned pool = 0; pool < count(); ++pool)
      joined[pool] = combine(pool, joined[pool], sums[slot * count() + pool]);
  joined = k.forLoop(whole, image.columns, step, joined,
                     [&](Value base, ValueRange carried) -> Values {
                       Value column = k.add(base, first);
                       return k.ifElse(
                           k.lessThan(column, image.columns), carried, [&] {
                             return accumulate(carried, row, column, length);
                           });
                     });
  for (unsigned pool = 0; pool < count(); ++pool)
    joined[pool] =
        reduceWarps(k, image.lane, warps, scratch, joined[pool],
                    [&](Value x, Value y) { return combine(pool, x, y); });
  return joined;
}

int64_t PoolKernel::joinBytes() {
  return count() * image.rowVector() * kGateWarps * kPartBytes;
}

void PoolKernel::poolRows(Value first, Value rows, Value column, Value scratch,
                          Store store) {
  int64_t length = image.rowVector();
  Value warp = image.lane.warp;
  Values sums;
  for (int64_t i = 0; i < length; ++i)
    llvm::append_range(sums, starts());
  Value exists = k.lessThan(column, image.columns);
  sums = k.ifElse(exists, sums, [&]() -> Values {
    Value whole = roundDown(k, rows, kGateWarps * kUnroll);
    Values all = k.forLoop(
        k.i32(0), whole, kGateWarps * kUnroll, sums,
        [&](Value base, ValueRange carried) -> Values {
          Values next = carried;
          for (int64_t slot = 0; slot < kUnroll; ++slot) {
            Value row = k.add(k.add(base, warp), k.i32(slot * kGateWarps));
            next = accumulate(next, k.add(first, row), column, length);
          }
          return next;
        });
    return k.forLoop(whole, rows, kGateWarps, all,
                     [&](Value base, ValueRange carried) -> Values {
                       Value row = k.add(base, warp);
                       return k.ifElse(k.lessThan(row, rows), carried, [&] {
                         return accumulate(carried, k.add(first, row), column,
                                           length);
                       });
                     });
  });
  joinWarps(sums, column, scratch, store);
}

/// Element i of pool p is sums[i · pools + p]; a partial sum of each warp is a
/// row of 32 floats in shared memory.
void PoolKernel::joinWarps(ArrayRef<Value> sums, Value column, Value scratch,
                           Store store) {
  const Lane &lane = image.lane;
  auto slot = [&](int64_t sum, Value warp) {
    Value bytes =
        k.add(k.mul(warp, k.i32(kPartBytes)), k.mul(lane.lane, k.i32(4)));
    return k.advance(k.advance(scratch, bytes), sum * kGateWarps * kPartBytes);
  };
  for (auto [at, sum] : llvm::enumerate(sums))
    LLVM::StoreOp::create(k.b, k.loc, sum, slot(at, lane.warp));
  barrier(k);
  // Sums are dealt to the warps.
  for (int64_t at = 0; at < static_cast<int64_t>(sums.size()); ++at) {
    Value isMine = k.b.createOrFold<arith::CmpIOp>(
        k.loc, arith::CmpIPredicate::eq, lane.warp, k.i32(at % kGateWarps));
    Value index = k.add(column, k.i32(at / count()));
    Value exists = k.lessThan(index, image.columns);
    k.ifThen(k.b.createOrFold<arith::AndIOp>(k.loc, isMine, exists), [&] {
      unsigned pool = at % count();
      Value total;
      for (int64_t warp = 0; warp < kGateWarps; ++warp) {
        Value part = LLVM::LoadOp::create(k.b, k.loc, k.b.getF32Type(),
                                          slot(at, k.i32(warp)));
        total = total ? combine(pool, total, part) : part;
      }
      store(pool, total, index);
    });
  }
}

Values makePools(OpBuilder &b, GateOp gate) {
  auto type = cast<MemRefType>(gate.getX().getType());
  auto pooled = cast<MemRefType>(Type(gate.getPooledType()));
  Values sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim) &&
        !llvm::is_contained(gate.getDimensions(), dim))
      sizes.push_back(
          memref::DimOp::create(b, gate.getLoc(), gate.getX(), dim));
  Values pools;
  for (BlockArgument argument : gate.getExcite().front().getArguments()) {
    Value pool = memref::AllocOp::create(b, gate.getLoc(), pooled, sizes);
    if (argument.getType() != pooled)
      pool = memref::CastOp::create(b, gate.getLoc(), argument.getType(), pool);
    pools.push_back(pool);
  }
  return pools;
}

void launchPools(OpBuilder &host, GateChain &chain, unsigned index,
                 gpu::GPUModuleOp kernels) {
  GateStage &stage = chain.stages[index];
  stage.pools = makePools(host, stage.op);
  if (stage.pools.empty())
    return;
  KernelBuilder k(host, chain.loc, kernels, nameKernel(kernels, "gate_pools"),
                  kGateThreads);
  GateImage image(k, chain, k.blockY());
  for (unsigned applied = 0; applied < index; ++applied)
    image.addStage();
  PoolKernel kernel(image);
  SmallVector<KernelBuffer> pools; // at the image
  for (Value pool : stage.pools) {
    KernelBuffer &buffer = pools.emplace_back(globalBuffer(k, pool));
    if (chain.hasImages)
      buffer.pointer = buffer.address(k, k.mul(image.n, buffer.strides[0]));
  }
  Value elements = stage.poolsColumns ? image.columns : image.rows;
  auto store = [&](unsigned pool, Value sum, Value kept) {
    storeElement(k, kernel.finish(pool, sum, elements),
                 pools[pool].address(k, kept), pools[pool].element);
  };

  int64_t perBlock;
  if (stage.poolsColumns) {
    std::optional<int64_t> columns = getConstantIntValue(image.columns);
    bool isLong = columns && *columns >= kLongRow * image.rowVector();
    int64_t warps = isLong ? kGateWarps : 1;
    perBlock = kGateWarps / warps;
    const Lane &lane = image.lane;
    Value row =
        k.add(k.mul(k.blockX(), k.i32(perBlock)), k.div(lane.warp, warps));
    // Warps past the last row do it again, so that all reach the barriers.
    Value inside = k.min(row, k.sub(image.rows, k.i32(1)));
    Value thread = k.rem(lane.thread, warps * kWarpLanes);
    Value scratch = warps > 1 ? image.arena.allocate(kGateWarps * 4) : Value();
    Values sums = kernel.poolColumns(inside, thread, warps, scratch);
    Value isFirst = k.lessThan(thread, k.i32(1));
    Value exists = k.lessThan(row, image.rows);
    k.ifThen(k.b.createOrFold<arith::AndIOp>(k.loc, isFirst, exists), [&] {
      for (auto [pool, sum] : llvm::enumerate(sums))
        store(pool, sum, row);
    });
  } else {
    int64_t length = image.rowVector();
    perBlock = kWarpLanes * length;
    Value column = k.add(k.mul(k.blockX(), k.i32(perBlock)),
                         k.mul(image.lane.lane, k.i32(length)));
    Value scratch = image.arena.allocate(kernel.joinBytes());
    kernel.poolRows(k.i32(0), image.rows, column, scratch, store);
  }
  ArrayRef<int64_t> across =
      stage.poolsColumns ? chain.rowDims : chain.columnDims;
  Value count = getValueOrCreateConstantIndexOp(
      host, chain.loc, sizeOf(host, chain.loc, chain.x(), across));
  Value size = arith::ConstantIndexOp::create(host, chain.loc, perBlock);
  Value blocks = host.createOrFold<arith::CeilDivUIOp>(chain.loc, count, size);
  k.finish({blocks, imagesOf(host, chain), host.getIndexAttr(1)},
           image.arena.bytes());
}

} // namespace heed::cuda
