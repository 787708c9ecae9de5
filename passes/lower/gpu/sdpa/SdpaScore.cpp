// SdpaScore.cpp - from products to scores: bias, score region, masks, bounds.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/sdpa/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include <limits>

using namespace mlir;
using heed::attn::KeyBounds;
using heed::attn::SdpaOp;

namespace heed::cuda {

static Value asIndex(KernelBuilder &k, Value value) {
  return k.b.createOrFold<arith::IndexCastOp>(k.loc, k.b.getIndexType(), value);
}

static Value asI32(KernelBuilder &k, Value value) {
  return k.b.createOrFold<arith::IndexCastOp>(k.loc, k.b.getI32Type(), value);
}

/// The number of keys of a batch, an index; null if the op has none.
static Value loadKvLength(SdpaKernel &kernel, Value batch) {
  if (!kernel.kvLength)
    return {};
  KernelBuilder &k = kernel.k;
  Value address = kernel.kvLength.head(k, batch, k.i32(0));
  return asIndex(k, LLVM::LoadOp::create(
                        k.b, k.loc, kernel.kvLength.tensor.element, address));
}

/// The keys 0 ≤ begin … end ≤ Sk that a query attends, as i32.
static KeyBounds boundsOf(SdpaKernel &kernel, Value query, Value kvLength) {
  KernelBuilder &k = kernel.k;
  Value keys = asIndex(k, kernel.keyCount);
  KeyBounds bounds =
      attn::buildKeyBounds(k.b, k.loc, kernel.op, asIndex(k, query),
                           asIndex(k, kernel.queryCount), keys, kvLength);
  Value zero = arith::ConstantIndexOp::create(k.b, k.loc, 0);
  if (bounds.begin)
    bounds.begin = asI32(k, k.min(k.max(bounds.begin, zero), keys));
  bounds.end = bounds.end ? asI32(k, k.max(k.min(bounds.end, keys), zero))
                          : kernel.keyCount;
  return bounds;
}

/// Blocks near the end of a causal attention are the longest: they start first.
static Value queryBlock(SdpaKernel &kernel) {
  KernelBuilder &k = kernel.k;
  Type i32 = k.b.getI32Type();
  Value index = NVVM::BlockIdXOp::create(k.b, k.loc, i32);
  if (kernel.op.getCausal() == attn::Causal::none)
    return index;
  Value count = NVVM::GridDimXOp::create(k.b, k.loc, i32);
  return k.sub(k.sub(count, k.i32(1)), index);
}

SdpaTask makeTask(SdpaKernel &kernel, const Lane &lane) {
  KernelBuilder &k = kernel.k;
  const SdpaTiles &tiles = kernel.tiles;
  Type i32 = k.b.getI32Type();
  SdpaTask task;
  task.lane = lane;
  task.h = NVVM::BlockIdYOp::create(k.b, k.loc, i32);
  task.b = NVVM::BlockIdZOp::create(k.b, k.loc, i32);
  if (kernel.isSplit()) {
    task.part = NVVM::BlockIdXOp::create(k.b, k.loc, i32);
    task.first = k.i32(0);
  } else {
    task.first = k.mul(queryBlock(kernel), k.i32(tiles.queries()));
  }
  Value kvLength = loadKvLength(kernel, task.b);

  Value warpRow = k.add(task.first, k.mul(task.lane.warp, k.i32(kWarpRows)));
  for (unsigned row = 0; row < kRowsOfLane; ++row) {
    task.rows[row] = k.add(k.add(warpRow, task.lane.group), k.i32(8 * row));
    task.keys[row] = boundsOf(kernel, task.rows[row], kvLength);
  }
  // Bounds never fall from a query to the next.
  KeyBounds ofFirst = boundsOf(kernel, task.first, kvLength);
  KeyBounds ofLast =
      boundsOf(kernel, k.add(task.first, k.i32(tiles.queries() - 1)), kvLength);
  task.open = {ofLast.begin, ofFirst.end};
  task.visited = {k.i32(0), kernel.keyCount};
  if (kernel.skipsBlocks()) {
    task.visited.end = ofLast.end;
    if (ofFirst.begin)
      task.visited.begin =
          k.mul(k.div(ofFirst.begin, tiles.keys), k.i32(tiles.keys));
  }
  if (kernel.isSplit()) {
    Value begin = k.mul(task.part, kernel.partKeys);
    Value end = k.add(begin, kernel.partKeys);
    task.visited = {k.max(task.visited.begin, begin),
                    k.min(task.visited.end, end)};
  }
  return task;
}

Value firstKeyOfLane(SdpaKernel &kernel, SdpaTask &task, Value firstKey) {
  KernelBuilder &k = kernel.k;
  return k.add(firstKey, k.mul(task.lane.quad, k.i32(2)));
}

/// From the first key of a lane to that of element i of a tile.
static int64_t keyOf(unsigned tile, unsigned i) { return 8 * tile + i % 2; }

/// `index`, or the last of `count`.
static Value inside(KernelBuilder &k, Value index, Value count) {
  return k.min(index, k.sub(count, k.i32(1)));
}

/// `count` elements of bias or mask from (row, key) on; rows and keys past the
/// last read the last, and are masked or not stored.
static Values loadElements(SdpaKernel &kernel, const SdpaOperand &operand,
                           Value head, Value row, Value key, int64_t count) {
  KernelBuilder &k = kernel.k;
  Value offset = k.i64(0);
  if (Value stride = operand.stride(SdpaOp::I))
    offset = k.mul(k.widen(inside(k, row, kernel.queryCount)), stride);
  if (Value stride = operand.stride(SdpaOp::J)) {
    // Where pairs are read, there is an even number of keys.
    Value last = k.sub(kernel.keyCount, k.i32(count));
    offset = k.add(offset, k.mul(k.widen(k.min(key, last)), stride));
  }
  Value address = k.advance(head, k.mul(offset, k.i64(operand.elementBytes())));
  Type type = operand.tensor.element;
  if (type.isInteger(1))
    type = k.b.getI8Type();
  return k.loadVector(type, count, address);
}

/// The elements of a tile: of both rows, the lane's two keys.
static FragmentC loadTile(SdpaKernel &kernel, const SdpaOperand &operand,
                          Value head, const SdpaTask &task, Value ofLane,
                          unsigned tile) {
  bool isPair = operand.unitBytes >= 2 * operand.elementBytes();
  FragmentC elements;
  for (unsigned i = 0; i < 4; ++i) {
    Value key = kernel.k.add(ofLane, kernel.k.i32(keyOf(tile, i)));
    Value row = task.rows[rowOf(i)];
    if (!isPair) {
      elements[i] = loadElements(kernel, operand, head, row, key, 1)[0];
    } else if (i % 2 == 0) {
      Values pair = loadElements(kernel, operand, head, row, key, 2);
      elements[i] = pair[0], elements[i + 1] = pair[1];
    }
  }
  return elements;
}

void buildScoreStage(SdpaKernel &kernel, SdpaTask &task, Value firstKey,
                     Scores &scores) {
  KernelBuilder &k = kernel.k;
  SdpaOp op = kernel.op;
  if (!kernel.scalesInStage() && !kernel.mask)
    return;
  Value biasHead, maskHead;
  if (kernel.bias)
    biasHead = kernel.bias.head(k, task.b, task.h);
  if (kernel.mask)
    maskHead = kernel.mask.head(k, task.b, task.h);
  Value scale = k.f32(op.getScale().convertToDouble());
  Value least = k.f32(kLeastScore);
  Value masked = kernel.isUniform()
                     ? least
                     : k.f32(-std::numeric_limits<double>::infinity());
  Value ofLane = firstKeyOfLane(kernel, task, firstKey);
  attn::ScoreElement element;
  if (!op.getScore().empty()) {
    element.b = asIndex(k, task.b);
    element.h = asIndex(k, task.h);
  }
  for (auto [tile, score] : llvm::enumerate(scores)) {
    FragmentC bias, mask;
    if (kernel.bias)
      bias = loadTile(kernel, kernel.bias, biasHead, task, ofLane, tile);
    if (kernel.mask)
      mask = loadTile(kernel, kernel.mask, maskHead, task, ofLane, tile);
    for (unsigned i = 0; i < 4; ++i) {
      if (kernel.scalesInStage()) {
        element.score = arith::MulFOp::create(k.b, k.loc, score[i], scale);
        element.bias = bias[i];
        if (!op.getScore().empty()) {
          Value row = task.rows[rowOf(i)];
          Value key = k.add(ofLane, k.i32(keyOf(tile, i)));
          if (kernel.readsMemory()) {
            row = inside(k, row, kernel.queryCount);
            key = inside(k, key, kernel.keyCount);
          }
          element.i = asIndex(k, row);
          element.j = asIndex(k, key);
        }
        score[i] = attn::buildScore(k.b, k.loc, op, element);
        if (kernel.isUniform())
          score[i] = arith::MaximumFOp::create(k.b, k.loc, score[i], least);
      }
      if (kernel.mask) {
        Value zero = arith::ConstantIntOp::create(k.b, k.loc, 0, 8);
        Value attends = arith::CmpIOp::create(
            k.b, k.loc, arith::CmpIPredicate::ne, mask[i], zero);
        score[i] = k.select(attends, score[i], masked);
      }
    }
  }
}

void maskScores(SdpaKernel &kernel, SdpaTask &task, Value firstKey,
                Scores &scores) {
  KernelBuilder &k = kernel.k;
  Value none = k.f32(-std::numeric_limits<double>::infinity());
  Value masked = kernel.isUniform() ? k.f32(kLeastScore) : none;
  Value ofLane = firstKeyOfLane(kernel, task, firstKey);
  // Bounds from the lane's first key on: those of an element are constants.
  Value count = k.sub(kernel.keyCount, ofLane);
  for (unsigned i = 0; i < 4; ++i) {
    const KeyBounds &keys = task.keys[rowOf(i)];
    Value end = k.sub(keys.end, ofLane);
    Value begin = keys.begin ? k.sub(keys.begin, ofLane) : Value();
    for (auto [tile, score] : llvm::enumerate(scores)) {
      Value key = k.i32(keyOf(tile, i));
      score[i] = k.select(k.lessThan(key, end), score[i], masked);
      if (begin)
        score[i] = k.select(k.lessThan(key, begin), masked, score[i]);
      if (kernel.isUniform() && kernel.hasTail())
        score[i] = k.select(k.lessThan(key, count), score[i], none);
    }
  }
}

} // namespace heed::cuda
