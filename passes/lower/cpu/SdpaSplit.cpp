// SdpaSplit.cpp - few tasks over many keys: parts of the keys in parallel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decoding one sequence with two heads leaves all threads but two idle, so the
// keys of a task are split. Each part p leaves m_p, l_p and o_p of its keys; with
// M = max_p m_p
//   l = Σ_p 2^(c·(m_p − M))·l_p
//   o = Σ_p 2^(c·(m_p − M))·o_p
// ("flash-decoding"). A part without a key has m_p = −inf and weighs nothing.
#include "passes/lower/cpu/ExpPolynomial.h"
#include "passes/lower/cpu/Maximum.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/cpu/SdpaKernel.h"
#include "runtime/cost/CostModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace heed::lower {

/// Threads of the context; 1 in a function that is not lowered to have one.
static Value countThreads(OpBuilder &b, SdpaKernel &kernel) {
  auto function = kernel.op->getParentOfType<func::FuncOp>();
  Value context = function ? getContext(function) : Value();
  if (!context)
    return buildIndex(b, kernel.loc, 1);
  return arith::IndexCastOp::create(
      b, kernel.loc, b.getIndexType(),
      callRuntime(b, kernel.loc, "heed_num_threads", b.getI64Type(), context));
}

SdpaParts allocParts(OpBuilder &b, SdpaKernel &kernel, ValueRange sizes) {
  Location loc = kernel.loc;
  SdpaParts parts;
  parts.sizes = llvm::to_vector(sizes);
  Value tasks = buildIndex(b, loc, 1);
  for (Value size : sizes)
    tasks = b.createOrFold<arith::MulIOp>(loc, tasks, size);
  // Four parts a thread even out what does not divide; where tasks divide, or
  // are that many, they are not split.
  Value one = buildIndex(b, loc, 1), threads = countThreads(b, kernel);
  tasks = arith::MaxSIOp::create(b, loc, tasks, one);
  Value wanted = arith::MulIOp::create(b, loc, threads, buildIndex(b, loc, 4));
  Value rest = arith::RemUIOp::create(b, loc, tasks, threads);
  Value divides = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest,
                                        buildIndex(b, loc, 0));
  Value count = arith::SelectOp::create(
      b, loc, divides, one,
      arith::CeilDivUIOp::create(b, loc, wanted, tasks).getResult());
  Value most = arith::DivUIOp::create(b, loc, kernel.sizeK,
                                      buildIndex(b, loc, cost::kMinPart));
  count = arith::MaxSIOp::create(
      b, loc, arith::MinSIOp::create(b, loc, count, most), one);
  // Whole panels.
  Value panel = buildIndex(b, loc, kernel.panel());
  Value panels = arith::CeilDivUIOp::create(
      b, loc, arith::CeilDivUIOp::create(b, loc, kernel.sizeK, count), panel);
  parts.keys = arith::MulIOp::create(
      b, loc, arith::MaxSIOp::create(b, loc, panels, one), panel);
  parts.count = count;

  Value rows = buildIndex(b, loc, kernel.queryBlock);
  Value slots = arith::MulIOp::create(b, loc, tasks, count);
  Type f32 = b.getF32Type();
  parts.m = allocScratch(b, loc, {slots, rows}, f32);
  parts.l = allocScratch(b, loc,
                         {slots, rows, buildIndex(b, loc, kernel.lanes)}, f32);
  parts.o = allocScratch(
      b, loc,
      {slots, rows, buildIndex(b, loc, kernel.valueVectors() * kernel.lanes)},
      f32);
  return parts;
}

/// Where the part of the task of `ids` lies in the scratch.
static Value slotOf(OpBuilder &b, Location loc, SdpaParts &parts,
                    ValueRange ids, Value part) {
  Value slot = ids[0];
  auto add = [&](Value size, Value index) {
    slot = arith::AddIOp::create(
        b, loc, arith::MulIOp::create(b, loc, slot, size), index);
  };
  add(parts.sizes[1], ids[1]);
  add(parts.sizes[2], ids[2]);
  add(parts.count, part);
  return slot;
}

/// scratch[slot]
static Value sliceAt(OpBuilder &b, Location loc, Value scratch, Value slot) {
  auto type = cast<MemRefType>(scratch.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(1)};
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  offsets[0] = slot;
  for (int64_t size : type.getShape().drop_front())
    sizes.push_back(b.getIndexAttr(size));
  MemRefType slice = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, loc, slice, scratch, offsets, sizes,
                                   strides);
}

void usePart(OpBuilder &b, SdpaKernel &kernel, SdpaParts &parts, ValueRange ids,
             Value part, SdpaTask &task) {
  Location loc = kernel.loc;
  Value slot = slotOf(b, loc, parts, ids, part);
  task.m = sliceAt(b, loc, parts.m, slot);
  task.l = sliceAt(b, loc, parts.l, slot);
  task.o = sliceAt(b, loc, parts.o, slot);
  Value begin = arith::MulIOp::create(b, loc, part, parts.keys);
  task.part.begin = begin;
  task.part.end = arith::MinSIOp::create(
      b, loc, arith::AddIOp::create(b, loc, begin, parts.keys), kernel.sizeK);
}

void mergeParts(OpBuilder &b, SdpaKernel &kernel, SdpaParts &parts,
                ValueRange ids, SdpaTask &task) {
  Location loc = kernel.loc;
  VectorType type = kernel.vectorType(b);
  Value zero = buildIndex(b, loc, 0);
  buildFor(b, loc, zero, parts.count, 1, {},
           [&](OpBuilder &b, Value part, ValueRange) -> Values {
             Value slot = slotOf(b, loc, parts, ids, part);
             return buildFor(
                 b, loc, zero, task.rows, 1, {},
                 [&](OpBuilder &b, Value row, ValueRange) -> Values {
                   Value m = memref::LoadOp::create(b, loc, task.m, row);
                   Value own = memref::LoadOp::create(b, loc, parts.m,
                                                      ValueRange{slot, row});
                   Value max = buildMaximum(b, loc, m, own);
                   memref::StoreOp::create(b, loc, max, task.m, row);
                   auto splat = [&](Value scalar) {
                     return vector::BroadcastOp::create(b, loc, type, scalar);
                   };
                   Value before = splat(buildRescaling(b, kernel, m, max));
                   Value weight = splat(buildRescaling(b, kernel, own, max));
                   auto merge = [&](Value sums, Value partial, int64_t column) {
                     Value at = buildIndex(b, loc, column);
                     Value old = vector::LoadOp::create(b, loc, type, sums,
                                                        ValueRange{row, at});
                     Value added = vector::LoadOp::create(
                         b, loc, type, partial, ValueRange{slot, row, at});
                     vector::StoreOp::create(
                         b, loc,
                         buildMulAdd(b, loc, weight, added,
                                     arith::MulFOp::create(b, loc, old, before),
                                     kernel.target.fma),
                         sums, ValueRange{row, at});
                   };
                   merge(task.l, parts.l, 0);
                   for (int64_t v = 0; v < kernel.valueVectors(); ++v)
                     merge(task.o, parts.o, v * kernel.lanes);
                   return {};
                 });
           });
}

} // namespace heed::lower
