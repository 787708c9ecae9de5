// LowerSdpa.cpp - attn.sdpa on memrefs -> one flash schedule in vector code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"

#include <limits>

using namespace mlir;
using heed::attn::buildFloat;
using heed::attn::SdpaOp;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERSDPA
#include "passes/lower/cpu/Passes.h.inc"

namespace {

Value allocStack(OpBuilder &b, Location loc, ArrayRef<int64_t> shape) {
  return memref::AllocaOp::create(
      b, loc, MemRefType::get(shape, b.getF32Type()), b.getI64IntegerAttr(64));
}

/// s, and p in its place: as bf16, a row of p fills half of a row of s, and a
/// vector of it never overlaps scores that are still to be read.
void allocScores(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task) {
  Location loc = kernel.loc;
  int64_t rows = kernel.queryBlock, stride = kernel.scoreStride();
  if (!kernel.usesPairs) {
    task.s = task.p = allocStack(b, loc, {rows, stride});
    return;
  }
  Value bytes = memref::AllocaOp::create(
      b, loc, MemRefType::get({rows * stride * 4}, b.getI8Type()),
      b.getI64IntegerAttr(64));
  auto view = [&](int64_t columns, Type element) -> Value {
    return memref::ViewOp::create(b, loc,
                                  MemRefType::get({rows, columns}, element),
                                  bytes, buildIndex(b, loc, 0), ValueRange{});
  };
  task.s = view(stride, b.getF32Type());
  task.p = view(2 * stride, b.getBF16Type());
}

/// m = −inf, l = 0, o = 0.
void clearSums(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task) {
  Location loc = kernel.loc;
  Value zeroIndex = buildIndex(b, loc, 0);
  Value least = buildFloat(b, loc, b.getF32Type(),
                           -std::numeric_limits<double>::infinity());
  buildFor(b, loc, zeroIndex, task.rows, 1, {},
           [&](OpBuilder &b, Value row, ValueRange) -> Values {
             memref::StoreOp::create(b, loc, least, task.m, row);
             return {};
           });
  Value zeros = buildFloat(b, loc, kernel.vectorType(b), 0.0);
  buildFor(b, loc, zeroIndex, task.paddedRows, 1, {},
           [&](OpBuilder &b, Value row, ValueRange) -> Values {
             for (int64_t v = 0; v < kernel.valueVectors(); ++v)
               vector::StoreOp::create(
                   b, loc, zeros, task.o,
                   ValueRange{row, buildIndex(b, loc, v * kernel.lanes)});
             vector::StoreOp::create(b, loc, zeros, task.l,
                                     ValueRange{row, zeroIndex});
             return {};
           });
}

/// The keys that some query of the task attends, from a whole panel on.
attn::KeyBounds attendedKeys(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task) {
  Location loc = kernel.loc;
  Value zero = buildIndex(b, loc, 0);
  attn::KeyBounds keys{zero, kernel.sizeK};
  if (task.part.end)
    keys = task.part;
  if (!kernel.hasKeyBounds())
    return keys;
  auto bounds = [&](Value i) {
    return attn::buildKeyBounds(b, loc, kernel.op, i, kernel.sizeQ,
                                kernel.sizeK, task.kvLength);
  };
  Value last = arith::SubIOp::create(
      b, loc, arith::AddIOp::create(b, loc, task.first, task.queries),
      buildIndex(b, loc, 1));
  if (Value begin = bounds(task.first).begin) {
    begin = arith::MaxSIOp::create(b, loc, begin, zero);
    begin = roundDown(b, loc, begin, kernel.panel());
    keys.begin = b.createOrFold<arith::MaxSIOp>(loc, begin, keys.begin);
  }
  if (Value end = bounds(last).end)
    keys.end = arith::MinSIOp::create(b, loc, end, keys.end);
  return keys;
}

void buildKeyBlock(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                   SdpaKeyBlock &block) {
  Location loc = kernel.loc;
  if (std::optional<int64_t> count = getConstantIntValue(block.count)) {
    block.columns = buildIndex(b, loc, llvm::alignTo(*count, kernel.lanes));
  } else {
    Value lanes = buildIndex(b, loc, kernel.lanes);
    block.columns = arith::MulIOp::create(
        b, loc, arith::CeilDivUIOp::create(b, loc, block.count, lanes), lanes);
  }
  buildScoreTiles(b, kernel, task, block);
  buildScoreStage(b, kernel, task, block);
  buildOnlineSoftmax(b, kernel, task, block);
  buildValueTiles(b, kernel, task, block);
}

Value countBlocks(OpBuilder &b, SdpaKernel &kernel) {
  if (kernel.fewQueries)
    return buildIndex(b, kernel.loc, 1);
  return b.createOrFold<arith::CeilDivUIOp>(
      kernel.loc, kernel.sizeQ, buildIndex(b, kernel.loc, kernel.queryBlock));
}

/// Neighbours in this order are a block near the diagonal's begin and one near
/// its end: equal parts of the blocks are equal work. 0, n − 1, 1, n − 2 …
Value foldIndex(OpBuilder &b, Location loc, Value index, Value blocks) {
  Value one = buildIndex(b, loc, 1);
  Value half = arith::ShRUIOp::create(b, loc, index, one);
  Value fromEnd = arith::SubIOp::create(
      b, loc, arith::SubIOp::create(b, loc, blocks, one), half);
  Value isEven = arith::CmpIOp::create(
      b, loc, arith::CmpIPredicate::eq,
      arith::AndIOp::create(b, loc, index, one), buildIndex(b, loc, 0));
  return arith::SelectOp::create(b, loc, isEven, half, fromEnd);
}

/// What the task of (b, h or group, block) is: its queries.
SdpaTask makeTask(OpBuilder &b, SdpaKernel &kernel, ValueRange ids) {
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  SdpaTask task;
  task.b = ids[0];
  task.h = ids[1];
  if (kernel.group > 1)
    task.h =
        arith::MulIOp::create(b, loc, ids[1], buildIndex(b, loc, kernel.group));
  task.keyHead = headIndices(b, loc, op.getKMap(), task.b, task.h);
  task.valueHead = headIndices(b, loc, op.getVMap(), task.b, task.h);
  Value blockSize = buildIndex(b, loc, kernel.queryBlock);
  std::optional<int64_t> queries = getConstantIntValue(kernel.sizeQ);
  if (kernel.fewQueries) {
    task.first = buildIndex(b, loc, 0);
    task.rows = task.paddedRows = blockSize;
    task.queries = kernel.sizeQ;
    return task;
  }
  Value index = ids[2];
  if (op.getCausal() != attn::Causal::none && !op.getWindow())
    index = foldIndex(b, loc, index, countBlocks(b, kernel));
  task.first = arith::MulIOp::create(b, loc, index, blockSize);
  if (queries && *queries % kernel.queryBlock == 0) {
    task.rows = task.paddedRows = blockSize;
  } else if (queries && *queries < kernel.queryBlock) {
    task.rows = kernel.sizeQ;
    task.paddedRows = blockSize;
  } else {
    Value left = arith::SubIOp::create(b, loc, kernel.sizeQ, task.first);
    task.rows = arith::MinSIOp::create(b, loc, left, blockSize);
    // Even, and 4 at least.
    Value one = buildIndex(b, loc, 1);
    Value even = arith::AddIOp::create(
        b, loc, task.rows, arith::AndIOp::create(b, loc, task.rows, one));
    task.paddedRows =
        arith::MaxSIOp::create(b, loc, even, buildIndex(b, loc, 4));
  }
  task.queries = task.rows;
  return task;
}

void allocSums(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task) {
  Location loc = kernel.loc;
  int64_t rows = kernel.queryBlock;
  task.o = allocStack(b, loc, {rows, kernel.valueVectors() * kernel.lanes});
  task.m = allocStack(b, loc, {rows});
  task.l = allocStack(b, loc, {rows, kernel.lanes});
}

/// m, l and o of a task over its keys.
void buildTask(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task) {
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  allocScores(b, kernel, task);
  if (kernel.copiesQueries())
    task.q = allocStack(b, loc, {kernel.queryBlock, kernel.headDim});
  if (kernel.finishesInTile())
    task.inverse = allocStack(b, loc, {kernel.queryBlock});
  if (op.getKvLength()) {
    Point point;
    point.fill(task.b);
    task.kvLength =
        memref::LoadOp::create(b, loc, op.getKvLength(),
                               mapIndices(b, loc, op.getKvLengthMap(), point));
    if (!task.kvLength.getType().isIndex())
      task.kvLength =
          arith::IndexCastOp::create(b, loc, b.getIndexType(), task.kvLength);
  }
  if (!kernel.finishesInTile())
    clearSums(b, kernel, task);
  copyQueries(b, kernel, task);

  attn::KeyBounds keys = attendedKeys(b, kernel, task);
  std::optional<int64_t> all = getConstantIntValue(keys.end);
  if (kernel.blockMap) {
    buildKeyRuns(b, kernel, task, keys, [&](OpBuilder &b, SdpaKeyBlock &block) {
      buildKeyBlock(b, kernel, task, block);
    });
  } else if (all && kernel.isSingleBlock() && !kernel.hasKeyBounds()) {
    SdpaKeyBlock block{keys.begin, keys.end, {}, {}};
    if (*all > 0)
      buildKeyBlock(b, kernel, task, block);
  } else {
    Value size = buildIndex(b, loc, kernel.keyBlock);
    buildFor(b, loc, keys.begin, keys.end, kernel.keyBlock, {},
             [&](OpBuilder &b, Value first, ValueRange) -> Values {
               SdpaKeyBlock block{first, size, {}, {}};
               if (!all || *all % kernel.keyBlock != 0)
                 block.count = arith::MinSIOp::create(
                     b, loc, arith::SubIOp::create(b, loc, keys.end, first),
                     size);
               buildKeyBlock(b, kernel, task, block);
               return {};
             });
  }
}

void buildTasks(OpBuilder &b, SdpaKernel &kernel) {
  Location loc = kernel.loc;
  Value groups = b.createOrFold<arith::DivUIOp>(
      loc, kernel.sizeH, buildIndex(b, loc, kernel.group));
  Values sizes{kernel.sizeB, groups, countBlocks(b, kernel)};
  if (!kernel.splitsKeys) {
    buildParallel(b, loc, sizes, [&](OpBuilder &b, ValueRange ids) {
      SdpaTask task = makeTask(b, kernel, ids);
      allocSums(b, kernel, task);
      buildTask(b, kernel, task);
      buildFinish(b, kernel, task);
    });
    return;
  }
  SdpaParts parts = allocParts(b, kernel, sizes);
  Values split = sizes;
  split.push_back(parts.count);
  buildParallel(b, loc, split, [&](OpBuilder &b, ValueRange ids) {
    SdpaTask task = makeTask(b, kernel, ids);
    usePart(b, kernel, parts, ids.drop_back(), ids.back(), task);
    buildTask(b, kernel, task);
  });
  buildParallel(b, loc, sizes, [&](OpBuilder &b, ValueRange ids) {
    SdpaTask task = makeTask(b, kernel, ids);
    allocSums(b, kernel, task);
    clearSums(b, kernel, task);
    mergeParts(b, kernel, parts, ids, task);
    buildFinish(b, kernel, task);
  });
}

struct LowerSdpa : impl::LowerSdpaBase<LowerSdpa> {
  using LowerSdpaBase::LowerSdpaBase;
  void runOnOperation() override {
    std::optional<TargetDescriptor> target =
        requireTargetDescriptor(getOperation(), mcpu);
    if (!target)
      return signalPassFailure();
    SmallVector<SdpaOp> ops;
    getOperation().walk([&](SdpaOp op) {
      if (isa<MemRefType>(op.getQ().getType()))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (SdpaOp op : ops) {
      std::string reason = whyNotLowerable(op);
      if (!reason.empty()) {
        op.emitOpError(reason) << " (heed-decompose-unsupported replaces such "
                                  "ops before bufferisation)";
        return signalPassFailure();
      }
      rewriter.setInsertionPoint(op);
      SdpaKernel kernel(rewriter, op, *target);
      packKeys(rewriter, kernel);
      packValues(rewriter, kernel);
      buildBlockMap(rewriter, kernel);
      buildTasks(rewriter, kernel);
      rewriter.eraseOp(op);
    }
  }
};
} // namespace
} // namespace heed::lower
