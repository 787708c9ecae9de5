// FuseParallel.cpp - parallel loops and the little work between them as one run
// of loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A gate is a loop over channels, some work on what they gave, and a loop over
// channels again; to wake and to await all threads for each would take as long
// as the work between. What stands between loops is brought out of the way, so
// that heed-lower-parallel finds loop beside loop, and makes one region of them:
//
//   scf.parallel A                   v = …
//   v = … (pure)                     scf.parallel A
//   store …, for …              ->   scf.parallel (0) to (1) { store …, for … }
//   scf.if c {                       scf.parallel B to (c ? n : 0)
//     scf.parallel B to (n)          scf.parallel C to (c ? 0 : m)
//   } else {
//     scf.parallel C to (m)
//   }
//
// One iteration is done by one thread, and a loop waits for the one before it:
// the order stays what it was. A run of loops ends at what may call (a library
// has threads of its own), allocate or fail, and where a value that is computed
// between loops is used behind it.
#include "passes/fuse/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace heed::fuse {
#define GEN_PASS_DEF_FUSEPARALLEL
#include "passes/fuse/Passes.h.inc"

namespace {
bool isLoop(Operation *op) {
  auto loop = dyn_cast<scf::ParallelOp>(op);
  return loop && loop.getNumReductions() == 0;
}

bool holdsLoops(Operation *op) {
  return op->walk([](scf::ParallelOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// Whether one thread may do `op` while the others wait.
bool isSerial(Operation &op) {
  if (isa<scf::ForOp, scf::IfOp>(op))
    return llvm::all_of(op.getRegions(), [](Region &region) {
      return llvm::all_of(region.getOps(), isSerial);
    });
  return isPure(&op) ||
         isa<memref::LoadOp, memref::StoreOp, vector::LoadOp, vector::StoreOp,
             vector::MaskedLoadOp, vector::MaskedStoreOp,
             vector::TransferReadOp, vector::TransferWriteOp, scf::YieldOp>(op);
}

/// One loop, or work of one thread.
struct Step {
  scf::IfOp branch; // that the step stands in; null: none
  Block *block;
  SmallVector<Operation *> ops;

  bool holdsLoop() const { return isLoop(ops.front()); }

  /// Whether only the step itself uses what it computes.
  bool isClosed() const {
    return llvm::all_of(ops, [&](Operation *op) {
      return llvm::all_of(op->getUsers(), [&](Operation *user) {
        return llvm::is_contained(ops, block->findAncestorOpInBlock(*user));
      });
    });
  }
};

struct Run {
  SmallVector<Step> steps;
  SmallVector<Operation *> hoisted; // in front of the first step
  llvm::SmallPtrSet<Operation *, 16> members, known;

  /// Whether the value is there before the first step.
  bool isKnown(Value value) const {
    Operation *op = value.getDefiningOp();
    return !members.contains(op) || known.contains(op);
  }

  bool addTo(scf::IfOp branch, Operation *op) {
    members.insert(op);
    if (isPure(op) && op->getNumRegions() == 0 &&
        llvm::all_of(op->getOperands(), [&](Value v) { return isKnown(v); })) {
      known.insert(op);
      hoisted.push_back(op);
      return true;
    }
    bool loop = isLoop(op);
    if (!loop && (holdsLoops(op) || !isSerial(*op)))
      return false;
    Block *block = op->getBlock();
    if (loop || steps.empty() || steps.back().holdsLoop() ||
        steps.back().block != block)
      steps.push_back({branch, block, {}});
    steps.back().ops.push_back(op);
    return true;
  }

  /// Takes the op that follows, or none of it.
  bool add(Operation *op) {
    auto branch = dyn_cast<scf::IfOp>(op);
    if (!branch || !holdsLoops(op))
      return addTo({}, op);
    Run longer = *this;
    longer.members.insert(op);
    if (op->getNumResults() != 0 || !isKnown(branch.getCondition()))
      return false;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block.without_terminator())
          if (!longer.addTo(branch, &inner))
            return false;
    if (!llvm::all_of(ArrayRef(longer.steps).drop_front(steps.size()),
                      [](const Step &step) { return step.isClosed(); }))
      return false;
    *this = std::move(longer);
    return true;
  }

  /// Without the work behind the last loop, and what cannot be told apart.
  void trim() {
    auto *open =
        llvm::find_if(steps, [](const Step &step) { return !step.isClosed(); });
    steps.erase(open, steps.end());
    while (!steps.empty() && !steps.back().branch && !steps.back().holdsLoop())
      steps.pop_back();
  }

  /// Loops that one run of the program does, at most.
  int64_t countLoops() const {
    int64_t count = 0;
    llvm::SmallDenseMap<Block *, int64_t> inBlock;
    for (const Step &step : steps) {
      if (!step.holdsLoop())
        continue;
      int64_t own = ++inBlock[step.block];
      scf::IfOp branch = step.branch;
      if (!branch || own > inBlock.lookup(step.block == branch.thenBlock()
                                              ? branch.elseBlock()
                                              : branch.thenBlock()))
        ++count;
    }
    return count;
  }

  /// The last loop.
  Operation *build(Block *block) {
    Operation *front = block->findAncestorOpInBlock(*steps.front().ops.front());
    Operation *back = block->findAncestorOpInBlock(*steps.back().ops.back());
    for (Operation *op : hoisted)
      op->moveBefore(front);
    Operation *next = back->getNextNode();

    // All limits first: nothing may stand between the loops.
    OpBuilder b(front);
    Value zero = arith::ConstantIndexOp::create(b, front->getLoc(), 0);
    Value one = arith::ConstantIndexOp::create(b, front->getLoc(), 1);
    SmallVector<Value> limits;
    for (const Step &step : steps) {
      auto loop = dyn_cast<scf::ParallelOp>(step.ops.front());
      Value lower = loop ? loop.getLowerBound()[0] : zero;
      Value upper = loop ? loop.getUpperBound()[0] : one;
      if (scf::IfOp branch = step.branch) {
        bool isThen = step.block == branch.thenBlock();
        upper = arith::SelectOp::create(
            b, branch.getLoc(), branch.getCondition(), isThen ? upper : lower,
            isThen ? lower : upper);
      }
      limits.push_back(upper);
    }

    llvm::SmallSetVector<Operation *, 4> emptied;
    for (auto [step, limit] : llvm::zip_equal(steps, limits)) {
      if (step.branch)
        emptied.insert(step.branch);
      auto loop = dyn_cast<scf::ParallelOp>(step.ops.front());
      if (loop) {
        loop->moveBefore(next);
        loop.getUpperBoundMutable()[0].set(limit);
        continue;
      }
      b.setInsertionPoint(next);
      auto single = scf::ParallelOp::create(b, step.ops.front()->getLoc(), zero,
                                            limit, one);
      for (Operation *op : step.ops)
        op->moveBefore(single.getBody()->getTerminator());
    }
    for (Operation *branch : emptied)
      branch->erase();
    return next->getPrevNode();
  }
};

/// The run that starts at `op`, or none.
Run findRun(Operation *op) {
  Run run;
  for (; !op->hasTrait<OpTrait::IsTerminator>(); op = op->getNextNode())
    if (!run.add(op))
      break;
  run.trim();
  return run;
}

void fuseIn(Block *block) {
  for (Operation *op = &block->front(); op; op = op->getNextNode()) {
    if (!isLoop(op) && !(isa<scf::IfOp>(op) && holdsLoops(op)))
      continue;
    if (Run run = findRun(op); run.countLoops() > 1)
      op = run.build(block);
  }
}

struct FuseParallel : impl::FuseParallelBase<FuseParallel> {
  void runOnOperation() override {
    getOperation()->walk<WalkOrder::PreOrder>([](Operation *op) {
      if (isa<scf::ParallelOp>(op))
        return WalkResult::skip();
      for (Region &region : op->getRegions())
        for (Block &block : region)
          if (!block.empty() && block.mightHaveTerminator())
            fuseIn(&block);
      return WalkResult::advance();
    });
  }
};
} // namespace
} // namespace heed::fuse
