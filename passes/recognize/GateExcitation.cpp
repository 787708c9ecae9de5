// GateExcitation.cpp - everything between a gate's value and the pools of the
// tensor it scales.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/GateExcitation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/recognize/Elementwise.h"
#include "passes/recognize/GateCapture.h"

using namespace mlir;

namespace heed::recognize {

/// All values that `op` reads, its regions included; not the destination that
/// it only overwrites.
static SmallVector<Value> valuesReadBy(Operation *op) {
  llvm::SetVector<Value> values;
  getUsedValuesDefinedAbove(op->getRegions(), values);
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  for (OpOperand &operand : op->getOpOperands())
    if (!linalgOp || !linalgOp.isDpsInit(&operand) ||
        linalgOp.payloadUsesValueFromOperand(&operand))
      values.insert(operand.get());
  return values.takeVector();
}

/// What the user knows it by: the source's node name if there is one, and the
/// operation.
std::string describe(Operation *op) {
  std::string name = op->getName().getStringRef().str();
  NameLoc node;
  op->getLoc()->walk([&](Location loc) {
    node = dyn_cast<NameLoc>(loc);
    return node ? WalkResult::interrupt() : WalkResult::advance();
  });
  return node ? name + " '" + node.getName().str() + "'" : name;
}

/// Whether a body of `op` holds an op of one of the given kinds.
template <typename... Ops> static bool contains(Operation *op) {
  return isa<Ops...>(op) || op->walk([](Operation *inner) {
                                return isa<Ops...>(inner)
                                           ? WalkResult::interrupt()
                                           : WalkResult::advance();
                              }).wasInterrupted();
}

static bool isExponential(Operation *op) {
  return isa<linalg::SoftmaxOp>(op) || contains<math::ExpOp, math::Exp2Op>(op);
}

/// x·x or a power of x.
static bool isPower(Operation *op) {
  return contains<math::PowFOp, math::FPowIOp>(op) ||
         op->walk([&](arith::MulFOp mul) {
             auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
             OpOperand *a =
                 linalgOp ? operandOf(linalgOp, mul.getLhs()) : nullptr;
             OpOperand *b =
                 linalgOp ? operandOf(linalgOp, mul.getRhs()) : nullptr;
             return a && b && a->get() == b->get() ? WalkResult::interrupt()
                                                   : WalkResult::advance();
           }).wasInterrupted();
}

namespace {
enum class Origin { Outside, Inside };

class Walk {
public:
  Walk(Value root, Block *block, ArrayRef<Atom> over)
      : root(root), block(block), over(over) {}

  Excitation run(Value gate) {
    visit(gate);
    refusePowers();
    llvm::sort(result.ops, [](Operation *a, Operation *b) {
      return a->isBeforeInBlock(b);
    });
    llvm::sort(result.pools, [](const GatePool &a, const GatePool &b) {
      Operation *first = a.value.getDefiningOp(),
                *second = b.value.getDefiningOp();
      return first != second && first->isBeforeInBlock(second);
    });
    return std::move(result);
  }

private:
  std::optional<Origin> refuse(const Twine &reason, const Twine &suggestion) {
    if (!result.refusal)
      result.refusal = Refusal{reason.str(), suggestion.str()};
    return std::nullopt;
  }

  /// The root is read by `path.back()`, which is no pool of it: says what the
  /// operations from there to the gate are.
  std::optional<Origin> refuseDirectUse() {
    result.readsRoot = true;
    Operation *reader = path.empty() ? nullptr : path.back();
    // A convolution's padding is named by the convolution.
    if (isa_and_nonnull<tensor::PadOp>(reader) && path.size() > 1)
      reader = path[path.size() - 2];
    if (reader && isWindowPool(reader))
      return refuse("expected pools over whole dimensions, got windows that "
                    "cover a part (" +
                        describe(reader) + ")",
                    "pool with a window of the size of the tensor");
    Operation *reducer = nullptr;
    bool power = false;
    for (Operation *op : llvm::reverse(path)) {
      if (isReduction(op) ||
          linalg::isaContractionOpInterface(dyn_cast<linalg::LinalgOp>(op))) {
        reducer = op;
        break;
      }
      power |= isPower(op);
    }
    if (power && reducer) {
      refuse("expected a pool of the scaled tensor, got a pool of a power of "
             "it: a normalisation",
             "none needed: a norm is not a gate");
      result.refusal->isNorm = true;
      return std::nullopt;
    }
    if (reducer && weighted(reducer))
      return refuse("expected a mean, maximum or sum as the pool, got a "
                    "softmax-weighted sum",
                    "replace attention pooling by a mean to fuse the block");
    if (reducer && reducer != reader && isReduction(reducer))
      return refuse("expected the pooled tensor to be the scaled tensor, got a "
                    "pool of " +
                        describe(reader) + " of it",
                    "scale the tensor that is pooled");
    return refuse("expected a gate that depends on the scaled tensor through "
                  "its pools only, got a direct use by " +
                      (reader ? describe(reader) : std::string("the gate")),
                  "compute the gate from pools of the tensor alone");
  }

  /// A product of the root with exponentials of something.
  bool weighted(Operation *reducer) {
    for (Operation *op : path) {
      for (Value value : valuesReadBy(op)) {
        // What comes from the root along the path is no weight of it.
        Value source = value;
        if (llvm::is_contained(path, value.getDefiningOp()))
          continue;
        for (int step = 0; step < 8 && source; ++step) {
          source = peelMovement(source, true).root;
          Operation *def = source.getDefiningOp();
          if (def && isExponential(def))
            return true;
          linalg::LinalgOp elementwise = asElementwise(def);
          source = elementwise ? elementwise.getDpsInputs()[0] : Value();
        }
      }
      if (op == reducer)
        return false;
    }
    return false;
  }

  bool isBeforeRoot(Operation *op) const {
    if (op->getBlock() != block)
      return true;
    Operation *def = root.getDefiningOp();
    return def && def->getBlock() == block &&
           (op == def || op->isBeforeInBlock(def));
  }

  /// A factor that is only a fraction, root or product of powers of x makes its
  /// size uniform; one that is learnt from them, or bounded, is a gate.
  void refusePowers() {
    SmallVector<Operation *> pooled(capturing.begin(), capturing.end());
    for (Operation *op : result.ops)
      result.hasActivation |= !llvm::is_contained(pooled, op) && activates(op);
    if (result.refusal || !powers || result.hasActivation)
      return;
    refuse("expected a pool of the scaled tensor, got a pool of a power of "
           "it: a normalisation",
           "none needed: a norm is not a gate");
    result.refusal->isNorm = true;
  }

  static bool activates(Operation *op) {
    if (isa<linalg::SoftmaxOp>(op) ||
        contains<math::ExpOp, math::Exp2Op, math::TanhOp, math::ErfOp,
                 math::LogOp, math::Log1pOp, arith::MinimumFOp,
                 arith::MinNumFOp, arith::CmpFOp>(op))
      return true;
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    return linalgOp && linalgOp.getNumReductionLoops() > 0 &&
           contains<arith::MulFOp>(op);
  }

  /// Whether `pool` is over more than `over`, and a pool of one that is not.
  bool isOfSmallerPool(const GatePool &pool) {
    auto exceeds = [&](const GatePool &p) {
      return !over.empty() && !llvm::all_of(p.reduced, [&](Atom atom) {
        return llvm::any_of(over, [&](Atom o) { return overlap(o, atom); });
      });
    };
    if (!exceeds(pool))
      return false;
    Value value = pool.value;
    for (int step = 0; step < 16; ++step) {
      value = peelMovement(value).root;
      if (std::optional<Scaling> scaling = matchScaling(value))
        value = scaling->source;
      else if (std::optional<Reduction> reduction = matchReduction(value))
        value = reduction->input->get();
      else
        return false;
      std::optional<GatePool> inner = matchPool(value, root);
      if (inner && !exceeds(*inner))
        return true;
    }
    return false;
  }

  std::optional<Origin> visit(Value value) {
    if (value == root || peelMovement(value).root == root)
      return refuseDirectUse();
    Operation *op = value.getDefiningOp();
    if (!op || isBeforeRoot(op) || isa<tensor::DimOp>(op) ||
        op->hasTrait<OpTrait::ConstantLike>())
      return Origin::Outside;
    if (auto known = origins.find(value); known != origins.end())
      return known->second;
    std::optional<GatePool> pool = matchPool(value, root);
    if (pool && !isOfSmallerPool(*pool)) {
      result.readsRoot = true;
      result.pools.push_back(*pool);
      return origins[value] = Origin::Inside;
    }
    bool inside = false;
    path.push_back(op);
    if (std::optional<CapturedPool> captured = matchCapturedPool(value, root)) {
      result.readsRoot = inside = true;
      capturing.insert(captured->readers.begin(), captured->readers.end());
      powers |= captured->isPower;
      GatePool pool{
          value, attn::Pool::sum, captured->axes, captured->reduced, {}};
      pool.isCaptured = true;
      result.pools.push_back(pool);
    }
    for (Value read : valuesReadBy(op)) {
      if (capturing.contains(op) && peelMovement(read).root == root) {
        inside = true;
        continue;
      }
      std::optional<Origin> origin = visit(read);
      if (!origin)
        return std::nullopt;
      inside |= *origin == Origin::Inside;
    }
    path.pop_back();
    if (inside && !isMemoryEffectFree(op) && !isa<linalg::SoftmaxOp>(op))
      return refuse("expected an excitation without side effects, got " +
                        describe(op),
                    "move the operation with effects out of the gate");
    Origin origin = inside ? Origin::Inside : Origin::Outside;
    for (Value opResult : op->getResults())
      origins[opResult] = origin;
    if (inside)
      result.ops.push_back(op);
    return origin;
  }

  Value root;
  Block *block;
  Excitation result;
  DenseMap<Value, Origin> origins;
  SmallVector<Operation *> path;
  ArrayRef<Atom> over;
  DenseSet<Operation *> capturing; // may read the root itself
  bool powers = false;
};
} // namespace

Excitation findExcitation(Value gate, Value root, Block *block,
                          ArrayRef<Atom> over) {
  return Walk(root, block, over).run(gate);
}

Operation *nearestReduction(Value gate) {
  // Breadth first, so that the nearest is found; an excitation is small.
  constexpr unsigned limit = 96;
  llvm::SetVector<Operation *> queue;
  if (Operation *op = gate.getDefiningOp())
    queue.insert(op);
  for (unsigned i = 0; i < queue.size() && i < limit; ++i) {
    if (isReduction(queue[i]) || isa<linalg::SoftmaxOp>(queue[i]))
      return queue[i];
    for (Value value : valuesReadBy(queue[i]))
      if (Operation *op = value.getDefiningOp())
        queue.insert(op);
  }
  return nullptr;
}

} // namespace heed::recognize
