// CopyRing.cpp - mbarriers of a ring of stages.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/CopyRing.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace heed::cuda {

/// Nanoseconds that a wait may sleep at once; it tries again.
static constexpr int64_t kTicks = 10000000;

static Value fullBarrier(KernelBuilder &k, Value shared, const CopyRing &ring,
                         Value stage) {
  return k.advance(k.advance(shared, k.mul(stage, k.i32(kBarrierBytes))),
                   ring.offset);
}

static Value emptyBarrier(KernelBuilder &k, Value shared, const CopyRing &ring,
                          Value stage) {
  return k.advance(fullBarrier(k, shared, ring, stage),
                   ring.stages * kBarrierBytes);
}

void buildBarrier(KernelBuilder &k, Value shared, int64_t offset,
                  int64_t arrivals) {
  NVVM::MBarrierInitOp::create(k.b, k.loc, k.advance(shared, offset),
                               k.i32(arrivals), Value());
}

void buildRing(KernelBuilder &k, Value shared, const CopyRing &ring,
               int64_t readers) {
  for (int64_t stage = 0; stage < ring.stages; ++stage) {
    int64_t full = ring.offset + stage * kBarrierBytes;
    buildBarrier(k, shared, full, 1);
    buildBarrier(k, shared, full + ring.stages * kBarrierBytes, readers);
  }
}

RingPosition startOfReader(KernelBuilder &k) { return {k.i32(0), k.i32(0)}; }
RingPosition startOfWriter(KernelBuilder &k) { return {k.i32(0), k.i32(1)}; }

RingPosition next(KernelBuilder &k, const CopyRing &ring,
                  const RingPosition &position) {
  Value after = k.add(position.stage, k.i32(1));
  Value isInside = k.lessThan(after, k.i32(ring.stages));
  Value flipped =
      k.b.createOrFold<arith::XOrIOp>(k.loc, position.parity, k.i32(1));
  return {k.select(isInside, after, k.i32(0)),
          k.select(isInside, position.parity, flipped)};
}

Value stageBase(KernelBuilder &k, Value shared, const CopyRing &ring,
                const RingPosition &position) {
  return k.advance(shared, k.mul(position.stage, k.i32(ring.stageBytes)));
}

void awaitBarrier(KernelBuilder &k, Value barrier, Value parity) {
  NVVM::MBarrierTryWaitParityOp::create(k.b, k.loc, barrier, parity,
                                        k.i32(kTicks));
}

void awaitFull(KernelBuilder &k, Value shared, const CopyRing &ring,
               const RingPosition &position) {
  awaitBarrier(k, fullBarrier(k, shared, ring, position.stage),
               position.parity);
}

void awaitEmpty(KernelBuilder &k, Value shared, const CopyRing &ring,
                const RingPosition &position) {
  awaitBarrier(k, emptyBarrier(k, shared, ring, position.stage),
               position.parity);
}

Value expectCopies(KernelBuilder &k, Value barrier, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(k.b, k.loc, /*res=*/Type(), barrier,
                                         k.i32(bytes), NVVM::MemScopeKind::CTA,
                                         /*relaxed=*/false, Value());
  return barrier;
}

Value expectCopies(KernelBuilder &k, Value shared, const CopyRing &ring,
                   const RingPosition &position, int64_t bytes) {
  return expectCopies(k, fullBarrier(k, shared, ring, position.stage), bytes);
}

void release(KernelBuilder &k, Value shared, const CopyRing &ring,
             const RingPosition &position, Value isElected) {
  Value barrier = emptyBarrier(k, shared, ring, position.stage);
  k.ifThen(isElected, [&] {
    NVVM::MBarrierArriveOp::create(k.b, k.loc, k.b.getI64Type(), barrier,
                                   Value());
  });
}

} // namespace heed::cuda
