// BlockReduce.cpp - reductions over the lanes of a warp and the warps of a block.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/BlockReduce.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace heed::cuda {

void barrier(KernelBuilder &k) { NVVM::Barrier0Op::create(k.b, k.loc); }

Value reduceWarp(KernelBuilder &k, Value value, Combine combine) {
  for (int64_t distance = kWarpLanes / 2; distance > 0; distance /= 2)
    value = combine(value, exchange(k, value, distance));
  return value;
}

Value reduceWarps(KernelBuilder &k, const Lane &lane, int64_t warps,
                  Value scratch, Value value, Combine combine) {
  value = reduceWarp(k, value, combine);
  if (warps == 1)
    return value;
  auto slot = [&](Value warp) {
    return k.advance(scratch, k.mul(warp, k.i32(4)));
  };
  // What the last reduction left there has been read.
  barrier(k);
  k.ifThen(k.lessThan(lane.lane, k.i32(1)),
           [&] { LLVM::StoreOp::create(k.b, k.loc, value, slot(lane.warp)); });
  barrier(k);
  Value first = k.mul(k.div(lane.warp, warps), k.i32(warps));
  Value total;
  for (int64_t warp = 0; warp < warps; ++warp) {
    Value part = LLVM::LoadOp::create(k.b, k.loc, k.b.getF32Type(),
                                      slot(k.add(first, k.i32(warp))));
    total = total ? combine(total, part) : part;
  }
  return total;
}

} // namespace heed::cuda
