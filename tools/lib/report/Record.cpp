// Record.cpp - watches passes, and keeps for the report what the program was
// before and is after.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnDialect.h"
#include "dialect/gate/GateOps.h"
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "tools/lib/report/Report.h"

using namespace mlir;

namespace heed {
namespace {

/// Copies of the program at the two moments that the report shows.
struct Snapshots {
  OwningOpRef<Operation *> source, fused;
  OpCounts before, after;
  bool counted = false, lowering = false;
};

/// The place that a remark names; fusions append the places of what they
/// absorb.
const void *placeOf(Operation *op) {
  Location loc = op->getLoc();
  auto fused = dyn_cast<FusedLoc>(loc);
  if (fused && !fused.getMetadata() && !fused.getLocations().empty())
    loc = fused.getLocations().front();
  return loc.getAsOpaquePointer();
}

bool isAttn(Operation *op) {
  return isa_and_nonnull<attn::AttnDialect>(op->getDialect()) &&
         !op->hasTrait<OpTrait::IsTerminator>();
}

using OpsByPlace = llvm::DenseMap<const void *, SmallVector<Operation *>>;

OpsByPlace findOps(Operation *module,
                   llvm::function_ref<bool(Operation *)> is) {
  OpsByPlace ops;
  module->walk([&](Operation *op) {
    if (is(op))
      ops[placeOf(op)].push_back(op);
  });
  return ops;
}

/// What a remark may be about, outside of loop bodies of linalg.
bool isWhole(Operation *op) {
  return op->getNumResults() == 1 &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

/// The ops of a gate: of several at one place (a node that is a formula), the
/// multiplication that the fewest ops lead to.
SmallVector<Operation *> pickGate(ArrayRef<Operation *> candidates,
                                  const Places &absorbed) {
  SmallVector<Operation *> best;
  for (Operation *op : candidates) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (!linalgOp || linalgOp.getNumReductionLoops() != 0 ||
        linalgOp.getBlock()->getOps<arith::MulFOp>().empty())
      continue;
    SmallVector<Operation *> slice = sliceOfGate(op, absorbed);
    if (best.size() < 3 || (slice.size() >= 3 && slice.size() < best.size()))
      best = slice;
  }
  if (best.empty())
    best.append(candidates.begin(), candidates.end());
  return best;
}

/// The ops of the source program that an anchor stands for.
SmallVector<Operation *> pickSource(const Anchor &anchor,
                                    ArrayRef<Operation *> candidates,
                                    const Places &absorbed) {
  for (Operation *op : candidates)
    if (isAttn(op))
      return {op};
  if (candidates.empty() || anchor.op != "sdpa")
    return pickGate(candidates, absorbed);
  for (Operation *op : candidates)
    if (isa<linalg::SoftmaxOp>(op))
      return sliceOfAttention(op);
  return sliceOfAttention(candidates.back());
}

using Shape = std::vector<std::pair<std::string, Count>>;

Shape sizesOf(Value tensor) {
  Shape shape;
  for (int64_t i = 0, e = cast<RankedTensorType>(tensor.getType()).getRank();
       i < e; ++i)
    shape.emplace_back("", sizeOf(tensor, i));
  return shape;
}

Shape shapeOf(Operation *op) {
  if (auto gate = dyn_cast<attn::GateOp>(op))
    return sizesOf(gate.getX());
  if (auto sdpa = dyn_cast<attn::SdpaOp>(op)) {
    Shape shape;
    for (auto [name, dim] :
         {std::pair("b", attn::SdpaOp::B), std::pair("h", attn::SdpaOp::H),
          std::pair("q", attn::SdpaOp::I), std::pair("k", attn::SdpaOp::J),
          std::pair("d", attn::SdpaOp::D), std::pair("e", attn::SdpaOp::E)})
      shape.emplace_back(name, sizeOf(sdpa, dim));
    return shape;
  }
  return op->getNumResults() ? sizesOf(op->getResult(0)) : Shape();
}

class Build {
public:
  Build(Report &report, Snapshots &snapshots)
      : report(report), snapshots(snapshots),
        fused(findOps(*snapshots.fused, isAttn)),
        source(findOps(*snapshots.source, isWhole)) {}

  void run() {
    sortAnchors(report.anchors);
    report.before = snapshots.before;
    report.after = snapshots.after;
    snapshots.fused.get()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      report.total += costOf(op);
      return isAttn(op) || isa<linalg::LinalgOp>(op) ? WalkResult::skip()
                                                     : WalkResult::advance();
    });
    llvm::DenseMap<const void *, unsigned> used;
    for (size_t i = 0; i < report.anchors.size(); ++i) {
      const Anchor &anchor = report.anchors[i];
      // Ops of one place are told apart by their order.
      unsigned number = used[anchor.place]++;
      report.blocks.push_back(buildBlock(i, anchor, number));
    }
    report.complete = true;
  }

private:
  Block buildBlock(size_t index, const Anchor &anchor, unsigned number) {
    Block block;
    block.anchor = index;
    Operation *op =
        anchor.fused ? nth(fused.lookup(anchor.place), number) : nullptr;
    Places absorbed;
    if (op) {
      block.fusedIr = printAsFunction(op);
      block.after = countOps(ArrayRef<Operation *>(op));
      block.shape = shapeOf(op);
      block.cost = costOf(op);
      op->walk([&](Operation *inner) { absorbed.insert(inner->getLoc()); });
    }
    SmallVector<Operation *> candidates = source.lookup(anchor.place);
    SmallVector<Operation *> slice;
    if (op && !isa<attn::GateOp, attn::SdpaOp>(op))
      slice = sliceOf(op, candidates);
    if (slice.empty())
      slice = pickSource(anchor, candidates, absorbed);
    if (!slice.empty()) {
      block.sourceIr = printAsFunction(slice);
      block.before = countOps(slice);
      for (Operation *part : slice)
        block.sourceCost += costOf(part);
      if (block.shape.empty())
        block.shape = shapeOf(slice.back());
    }
    if (!op) {
      block.cost = block.sourceCost;
      block.after = block.before;
    }
    return block;
  }

  /// Of an op of another kind: from where its first operand stood to the last
  /// op of its place.
  SmallVector<Operation *> sliceOf(Operation *op,
                                   ArrayRef<Operation *> candidates) {
    Value top = op->getNumOperands() ? sourceOf(op->getOperand(0), placeOf(op))
                                     : Value();
    if (!top || candidates.empty() || isAttn(candidates.back()))
      return {};
    return sliceBetween(top, candidates.back());
  }

  /// The value of the source program that a value after fusion is, before what
  /// was put in at `place`; null where there is none of its kind.
  Value sourceOf(Value value, const void *place) {
    value = peelMovement(value);
    while (Operation *def = value.getDefiningOp()) {
      if (placeOf(def) != place || def->getNumOperands() == 0) {
        for (Operation *candidate : llvm::reverse(source.lookup(placeOf(def))))
          for (Value result : candidate->getResults())
            if (result.getType() == value.getType())
              return result;
        return {};
      }
      value = peelMovement(def->getOperand(0));
    }
    auto argument = cast<BlockArgument>(value);
    auto function =
        dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
    if (!function)
      return {};
    auto before =
        dyn_cast_or_null<FunctionOpInterface>(SymbolTable::lookupSymbolIn(
            snapshots.source.get(), function.getName()));
    return before && argument.getArgNumber() < before.getNumArguments()
               ? before.getArgument(argument.getArgNumber())
               : Value();
  }

  static Operation *nth(ArrayRef<Operation *> ops, unsigned number) {
    return ops.empty() ? nullptr
                       : ops[std::min<size_t>(number, ops.size() - 1)];
  }

  Report &report;
  Snapshots &snapshots;
  OpsByPlace fused, source;
};

bool beginsLowering(StringRef pass) {
  // The lowering begins with the inliner.
  return pass == "inline" || pass.starts_with("heed-lower-") ||
         pass.starts_with("heed-decompose");
}

class Watch : public PassInstrumentation {
public:
  explicit Watch(std::shared_ptr<Snapshots> snapshots)
      : snapshots(std::move(snapshots)) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    if (op->getParentOp())
      return;
    if (!snapshots->counted) {
      snapshots->counted = true;
      snapshots->before = countOps(op);
    }
    StringRef name = pass->getArgument();
    if (!snapshots->source && name.starts_with("heed-recognize-"))
      snapshots->source = op->clone();
    if (!snapshots->source || snapshots->lowering)
      return;
    // Layers that share a function have lost their places.
    if (!snapshots->fused &&
        (beginsLowering(name) || name == "heed-fuse-layers"))
      snapshots->fused = op->clone();
    if (beginsLowering(name)) {
      snapshots->lowering = true;
      snapshots->after = countOps(op);
    }
  }

private:
  std::shared_ptr<Snapshots> snapshots;
};

/// Runs last: the report is plain data from here on.
struct Finish : PassWrapper<Finish, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Finish)

  Finish(std::shared_ptr<Snapshots> snapshots, Report &report)
      : snapshots(std::move(snapshots)), report(&report) {}

  StringRef getName() const override { return "FinishReport"; }
  bool canScheduleOn(RegisteredOperationName) const override { return true; }

  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (!snapshots->source)
      return;
    if (!snapshots->fused)
      snapshots->fused = getOperation()->clone();
    if (!snapshots->lowering)
      snapshots->after = countOps(getOperation());
    Build(*report, *snapshots).run();
    snapshots->source = nullptr;
    snapshots->fused = nullptr;
  }

  std::shared_ptr<Snapshots> snapshots;
  Report *report;
};

} // namespace

void recordReport(PassManager &pm, Report &report) {
  auto snapshots = std::make_shared<Snapshots>();
  pm.addInstrumentation(std::make_unique<Watch>(snapshots));
  pm.addPass(std::make_unique<Finish>(snapshots, report));
}

} // namespace heed
