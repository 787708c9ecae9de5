// LowerLoops.cpp - linalg on memrefs to loops: parallel outside, vectorisable
// inside.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   for all parallel dims but the inner one, flattened:  scf.parallel
//     for all reduction dims:                              scf.for
//       for the inner dim:                                 scf.for   (LLVM
//       vectorises it)
//
// The inner dim is the one that most operands walk with stride one. Where it
// is a reduction the accumulators are carried in registers.
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERLOOPS
#include "passes/lower/cpu/Passes.h.inc"

namespace {

/// Parallel dims that are walked serially so that a task is worth its start:
/// an outer loop is flattened over at most this many dims.
constexpr unsigned kMaxFlattenedDims = 3;

/// One linalg op being lowered.
struct LoopNest {
  linalg::LinalgOp op;
  SmallVector<Value> upperBounds;  // per dim
  SmallVector<Value> indices;      // per dim, set as loops are opened
  SmallVector<unsigned> flattened; // parallel dims of the scf.parallel
  SmallVector<unsigned> serial;    // the other outer dims, in order
  std::optional<unsigned> inner;   // innermost dim
};

/// The dim that most operands walk contiguously; an operand counts by its rank
/// (a row sum reads more than it writes), and the last dim wins a tie.
std::optional<unsigned> chooseInner(linalg::LinalgOp op) {
  unsigned numLoops = op.getNumLoops();
  if (numLoops == 0)
    return std::nullopt;
  SmallVector<int> votes(numLoops, 0);
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (map.getNumResults() == 0)
      continue;
    AffineExpr last = map.getResult(map.getNumResults() - 1);
    for (unsigned dim = 0; dim < numLoops; ++dim)
      if (last.isFunctionOfDim(dim))
        votes[dim] += 2 * map.getNumResults() + op.isDpsInit(&operand);
  }
  unsigned best = 0;
  for (unsigned dim = 0; dim < numLoops; ++dim)
    if (votes[dim] >= votes[best])
      best = dim;
  return best;
}

LoopNest planLoops(OpBuilder &b, linalg::LinalgOp op) {
  LoopNest nest;
  nest.op = op;
  Location loc = op.getLoc();
  nest.indices.resize(op.getNumLoops());
  for (Range range : op.createLoopRanges(b, loc))
    nest.upperBounds.push_back(
        getValueOrCreateConstantIndexOp(b, loc, range.size));
  nest.inner = chooseInner(op);
  auto iterators = op.getIteratorTypesArray();
  SmallVector<unsigned> reductions;
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim) {
    if (nest.inner && dim == *nest.inner)
      continue;
    if (iterators[dim] != utils::IteratorType::parallel)
      reductions.push_back(dim);
    else if (nest.flattened.size() < kMaxFlattenedDims)
      nest.flattened.push_back(dim);
    else
      nest.serial.push_back(dim);
  }
  llvm::append_range(nest.serial, reductions);
  return nest;
}

Value applyExpr(OpBuilder &b, Location loc, AffineExpr expr,
                ValueRange indices) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return indices[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return arith::ConstantIndexOp::create(b, loc, constant.getValue());
  return affine::AffineApplyOp::create(
      b, loc, AffineMap::get(indices.size(), 0, expr), indices);
}

SmallVector<Value> operandIndices(OpBuilder &b, const LoopNest &nest,
                                  OpOperand &operand) {
  SmallVector<Value> result;
  linalg::LinalgOp op = nest.op;
  for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
    result.push_back(applyExpr(b, op.getLoc(), expr, nest.indices));
  return result;
}

/// Reductions may be reordered: with floats that is what lets LLVM use vector
/// accumulators. Other ops may only contract a·b + c.
void allowReordering(Operation *op, bool reduction) {
  auto flags = arith::FastMathFlags::contract;
  if (reduction)
    flags = flags | arith::FastMathFlags::reassoc | arith::FastMathFlags::nsz;
  if (auto fast = dyn_cast<arith::ArithFastMathInterface>(op)) {
    // Absent on extf and truncf.
    arith::FastMathFlagsAttr known = fast.getFastMathFlagsAttr();
    op->setAttr(
        fast.getFastMathAttrName(),
        arith::FastMathFlagsAttr::get(
            op->getContext(),
            (known ? known.getValue() : arith::FastMathFlags::none) | flags));
  }
}

/// Emits the scalar body with `accumulators` in place of the outputs' old
/// values; returns the new values.
SmallVector<Value> emitBody(OpBuilder &b, const LoopNest &nest,
                            ValueRange accumulators, bool reduction) {
  linalg::LinalgOp op = nest.op;
  Location loc = op.getLoc();
  Block *body = op.getBlock();
  IRMapping mapping;
  for (OpOperand *input : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(input);
    if (argument.use_empty())
      continue;
    Value value = input->get();
    if (isa<MemRefType>(value.getType()))
      value = memref::LoadOp::create(b, loc, value,
                                     operandIndices(b, nest, *input));
    mapping.map(argument, value);
  }
  for (auto [index, value] : llvm::enumerate(accumulators))
    mapping.map(op.getRegionOutputArgs()[index], value);
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), nest.indices[index.getDim()]);
      continue;
    }
    Operation *clone = b.clone(inner, mapping);
    allowReordering(clone, reduction);
  }
  SmallVector<Value> results;
  for (Value value : body->getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(value));
  return results;
}

SmallVector<Value> loadOutputs(OpBuilder &b, const LoopNest &nest) {
  linalg::LinalgOp op = nest.op;
  SmallVector<Value> values;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    // An output whose old value is not read is not loaded.
    values.push_back(op.payloadUsesValueFromOperand(&init)
                         ? memref::LoadOp::create(b, op.getLoc(), init.get(),
                                                  operandIndices(b, nest, init))
                         : Value());
  }
  return values;
}

void storeOutputs(OpBuilder &b, const LoopNest &nest, ValueRange values) {
  linalg::LinalgOp op = nest.op;
  for (auto [init, value] : llvm::zip_equal(op.getDpsInitsMutable(), values))
    memref::StoreOp::create(b, op.getLoc(), value, init.get(),
                            operandIndices(b, nest, init));
}

/// The innermost loop, or the single point of an op of rank 0.
void emitInner(OpBuilder &b, LoopNest &nest) {
  linalg::LinalgOp op = nest.op;
  Location loc = op.getLoc();
  if (!nest.inner) {
    SmallVector<Value> old = loadOutputs(b, nest);
    storeOutputs(b, nest, emitBody(b, nest, old, /*reduction=*/false));
    return;
  }
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  unsigned inner = *nest.inner;
  bool reduces =
      op.getIteratorTypesArray()[inner] == utils::IteratorType::reduction;
  bool carried =
      reduces && llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
        return op.payloadUsesValueFromOperand(&init) &&
               !op.getMatchingIndexingMap(&init).isFunctionOfDim(inner);
      });
  if (!carried) {
    auto loop = scf::ForOp::create(b, loc, zero, nest.upperBounds[inner], one);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    nest.indices[inner] = loop.getInductionVar();
    SmallVector<Value> old = loadOutputs(b, nest);
    storeOutputs(b, nest, emitBody(b, nest, old, /*reduction=*/false));
    return;
  }
  SmallVector<Value> initial = loadOutputs(b, nest);
  auto loop =
      scf::ForOp::create(b, loc, zero, nest.upperBounds[inner], one, initial);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    nest.indices[inner] = loop.getInductionVar();
    SmallVector<Value> next =
        emitBody(b, nest, loop.getRegionIterArgs(), /*reduction=*/true);
    scf::YieldOp::create(b, loc, next);
  }
  nest.indices[inner] = Value();
  storeOutputs(b, nest, loop.getResults());
}

void emitSerial(OpBuilder &b, LoopNest &nest, unsigned position) {
  if (position == nest.serial.size())
    return emitInner(b, nest);
  Location loc = nest.op.getLoc();
  unsigned dim = nest.serial[position];
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  auto loop = scf::ForOp::create(b, loc, zero, nest.upperBounds[dim], one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  nest.indices[dim] = loop.getInductionVar();
  emitSerial(b, nest, position + 1);
}

void emitNest(OpBuilder &b, LoopNest &nest) {
  Location loc = nest.op.getLoc();
  auto iterators = nest.op.getIteratorTypesArray();
  // A vector-like op has only its inner dim: that one is split among threads.
  if (nest.flattened.empty() && nest.inner && nest.serial.empty() &&
      iterators[*nest.inner] == utils::IteratorType::parallel) {
    nest.flattened.push_back(*nest.inner);
    nest.inner.reset();
  }
  if (nest.flattened.empty())
    return emitSerial(b, nest, 0);
  Value total = nest.upperBounds[nest.flattened.front()];
  for (unsigned dim : llvm::drop_begin(nest.flattened))
    total = arith::MulIOp::create(b, loc, total, nest.upperBounds[dim]);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  auto parallel = scf::ParallelOp::create(b, loc, zero, total, one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(parallel.getBody());
  Value rest = parallel.getInductionVars().front();
  for (unsigned i = nest.flattened.size(); i-- > 0;) {
    unsigned dim = nest.flattened[i];
    if (i == 0) {
      nest.indices[dim] = rest;
      break;
    }
    Value size = nest.upperBounds[dim];
    nest.indices[dim] = arith::RemUIOp::create(b, loc, rest, size);
    rest = arith::DivUIOp::create(b, loc, rest, size);
  }
  emitSerial(b, nest, 0);
}

/// Runs of dims that every operand walks in the same order and whose buffers
/// are contiguous are one dim: longer inner loops, fewer index computations.
SmallVector<ReassociationIndices> mergeableDims(linalg::LinalgOp op) {
  auto iterators = op.getIteratorTypesArray();
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (type && !type.getLayout().isIdentity())
      return {};
  }
  if (!op.hasPureBufferSemantics() || op.hasIndexSemantics())
    return {};
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!llvm::all_of(maps,
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return {};
  SmallVector<ReassociationIndices> sequences;
  ReassociationIndices current;
  auto close = [&]() {
    if (current.size() > 1)
      sequences.push_back(current);
    current.clear();
  };
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim) {
    if (!current.empty()) {
      ReassociationIndices extended = current;
      extended.push_back(dim);
      bool preserved = llvm::all_of(maps, [&](AffineMap map) {
        return linalg::isDimSequencePreserved(map, extended);
      });
      if (!preserved || iterators[dim] != iterators[dim - 1])
        close();
    }
    current.push_back(dim);
  }
  close();
  return sequences;
}

struct LowerLoops : impl::LowerLoopsBase<LowerLoops> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    IRRewriter rewriter(&getContext());
    SmallVector<memref::CopyOp> copies;
    module.walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies) {
      rewriter.setInsertionPoint(copy);
      linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      rewriter.eraseOp(copy);
    }
    SmallVector<linalg::LinalgOp> ops;
    auto collect = [&]() {
      ops.clear();
      module.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    };
    collect();
    for (linalg::LinalgOp op : ops) {
      SmallVector<ReassociationIndices> merged = mergeableDims(op);
      if (merged.empty())
        continue;
      rewriter.setInsertionPoint(op);
      // A named op's attributes (a transpose's permutation) name dims that are
      // no more after merging; a generic op has maps only.
      if (!isa<linalg::GenericOp>(op)) {
        FailureOr<linalg::GenericOp> generic =
            linalg::generalizeNamedOp(rewriter, op);
        if (failed(generic))
          continue;
        op = *generic;
        rewriter.setInsertionPoint(op);
      }
      FailureOr<linalg::CollapseResult> result =
          linalg::collapseOpIterationDims(op, merged, rewriter);
      if (succeeded(result) && op->getNumResults() == 0)
        rewriter.eraseOp(op);
    }
    collect();
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected memref operands; bufferise first");
        return signalPassFailure();
      }
      rewriter.setInsertionPoint(op);
      LoopNest nest = planLoops(rewriter, op);
      emitNest(rewriter, nest);
      rewriter.eraseOp(op);
    }
  }
};
} // namespace
} // namespace heed::lower
