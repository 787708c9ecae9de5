// Layers.cpp - finds the layers of a network: one sequence of ops, repeated.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   ops      a b c d | e f g h e f g h e f g h | i j
//   period           |<- p ->|                          op i ≡ op i + p
//
// The periods that are tried are the distances between equal attention blocks,
// so that the search is linear in the length of the program.
#include "passes/fuse/Layers.h"

#include "dialect/gate/GateOps.h"
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include <set>

using namespace mlir;

namespace heed::fuse {
namespace {

/// Shorter stretches are not worth a function.
constexpr size_t kMinOps = 8;
/// A layer may hold this many equal attentions (a decoder has two).
constexpr size_t kMaxEqualAnchors = 4;

bool isAnchor(Operation *op) { return isa<attn::SdpaOp, attn::GateOp>(op); }

/// Attention, or a product of two tensors with a sum.
bool isWork(Operation *op) {
  if (isAnchor(op))
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && linalgOp.getNumReductionLoops() > 0 &&
         linalgOp.getNumDpsInputs() > 1;
}

/// What an op is, but for where its operands come from.
size_t hashOp(Operation *op) {
  // What has effects stays where it is: it is like no other op.
  if (!isMemoryEffectFree(op))
    return llvm::hash_value(op);
  size_t hash = 0;
  op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
    hash =
        llvm::hash_combine(hash,
                           OperationEquivalence::computeHash(
                               inner, OperationEquivalence::ignoreHashValue,
                               OperationEquivalence::ignoreHashValue,
                               OperationEquivalence::IgnoreLocations),
                           llvm::hash_combine_range(inner->getOperandTypes()));
  });
  return hash;
}

/// The ops of the program that depend on a product or an attention, in order,
/// with their hashes.
struct Sequence {
  SmallVector<Operation *> ops;
  SmallVector<size_t> hashes;

  explicit Sequence(Block &block) {
    llvm::DenseSet<Operation *> dependent;
    for (Operation &op : block.without_terminator()) {
      if (isLeaf(&op))
        continue;
      bool depends = isWork(&op) || llvm::any_of(readValues(&op), [&](Value v) {
                       return dependent.contains(v.getDefiningOp());
                     });
      if (!depends)
        continue;
      dependent.insert(&op);
      ops.push_back(&op);
      hashes.push_back(hashOp(&op));
    }
  }
};

struct Stretch {
  size_t begin = 0, end = 0, period = 0;

  size_t saved() const {
    return period ? ((end - begin) / period - 1) * period : 0;
  }
};

/// The stretch of [begin, end) whose repetition saves most.
Stretch longestRepeat(const Sequence &program, size_t begin, size_t end) {
  llvm::MapVector<size_t, SmallVector<size_t>> anchors;
  for (size_t i = begin; i < end; ++i)
    if (isAnchor(program.ops[i]))
      anchors[program.hashes[i]].push_back(i);
  std::set<size_t> periods;
  for (auto &[hash, positions] : anchors)
    for (size_t i = 0; i < positions.size(); ++i)
      for (size_t m = 1; m <= kMaxEqualAnchors && i + m < positions.size(); ++m)
        periods.insert(positions[i + m] - positions[i]);
  Stretch best;
  for (size_t period : periods) {
    if (period < kMinOps)
      continue;
    size_t first = begin;
    for (size_t i = begin; i + period <= end; ++i) {
      bool equal =
          i + period < end && program.hashes[i] == program.hashes[i + period];
      if (equal)
        continue;
      Stretch stretch{first, i + period, period};
      first = i + 1;
      bool holdsAnchor =
          llvm::any_of(llvm::seq(stretch.begin, stretch.end),
                       [&](size_t k) { return isAnchor(program.ops[k]); });
      if (holdsAnchor && stretch.saved() > best.saved())
        best = stretch;
    }
  }
  return best;
}

/// Where to cut: where the fewest values cross from one instance to the next;
/// then where most instances fit; then as late as possible (after a norm that
/// also stands in front of the first layer).
Layers cut(const Sequence &program, const Stretch &stretch) {
  size_t bestOffset = 0, bestCount = 0, fewest = ~size_t(0);
  for (size_t offset = 0; offset < stretch.period; ++offset) {
    size_t count = (stretch.end - stretch.begin - offset) / stretch.period;
    if (count < 2)
      break;
    size_t crossing =
        escapingResults(
            LayerOps(program.ops).slice(stretch.begin + offset, stretch.period))
            .size();
    if (crossing < fewest || (crossing == fewest && count >= bestCount)) {
      bestOffset = offset;
      bestCount = count;
      fewest = crossing;
    }
  }
  auto first = program.ops.begin() + stretch.begin + bestOffset;
  return {{first, first + bestCount * stretch.period}, stretch.period};
}

void findLayers(const Sequence &program, size_t begin, size_t end,
                SmallVectorImpl<Layers> &found) {
  Stretch stretch = longestRepeat(program, begin, end);
  if (stretch.saved() == 0)
    return;
  found.push_back(cut(program, stretch));
  findLayers(program, begin, stretch.begin, found);
  findLayers(program, stretch.end, end, found);
}

/// Matches an unknown instance of a layer with a known one, from the values
/// that it is known to give.
struct InstanceMatch {
  LayerOps known;
  SmallVector<Operation *> found;
  llvm::DenseMap<Operation *, size_t> positions;
  llvm::SmallPtrSet<Operation *, 32> taken;

  explicit InstanceMatch(LayerOps known)
      : known(known), found(known.size(), nullptr) {
    for (auto [position, op] : llvm::enumerate(known))
      positions[op] = position;
  }

  /// `op` stands for the known op at `position`, and so do its operands'
  /// producers for those of the known one.
  bool assign(size_t position, Operation *op) {
    if (found[position] || taken.contains(op))
      return found[position] == op;
    if (positions.contains(op) || isLeaf(op) ||
        op->getBlock() != known.front()->getBlock() ||
        hashOp(op) != hashOp(known[position]))
      return false;
    found[position] = op;
    taken.insert(op);
    SmallVector<Value> wanted = readValues(known[position]),
                       got = readValues(op);
    if (wanted.size() != got.size())
      return false;
    for (auto [left, right] : llvm::zip_equal(wanted, got)) {
      auto inside = positions.find(left.getDefiningOp());
      if (inside == positions.end())
        continue;
      auto result = dyn_cast<OpResult>(right);
      if (!result ||
          result.getResultNumber() != cast<OpResult>(left).getResultNumber() ||
          !assign(inside->second, result.getOwner()))
        return false;
    }
    return true;
  }

  /// What gives nothing to the next layer (a cache that the model returns) is
  /// found among the users of what it reads.
  bool assignUsers(size_t position) {
    for (Value wanted : readValues(known[position])) {
      auto inside = positions.find(wanted.getDefiningOp());
      if (inside == positions.end())
        continue;
      Value value = found[inside->second]->getResult(
          cast<OpResult>(wanted).getResultNumber());
      for (Operation *user : value.getUsers())
        if (!taken.contains(user) && hashOp(user) == hashOp(known[position]))
          return assign(position, user);
    }
    return false;
  }
};

} // namespace

Operation *lastInBlock(LayerOps instance) {
  return *llvm::max_element(instance, [](Operation *a, Operation *b) {
    return a->isBeforeInBlock(b);
  });
}

SmallVector<Operation *> findPrevious(LayerOps first, LayerOps second) {
  InstanceMatch match(first);
  SmallVector<Value> ofFirst, ofSecond;
  for (auto [a, b] : llvm::zip_equal(first, second)) {
    llvm::append_range(ofFirst, readValues(a));
    llvm::append_range(ofSecond, readValues(b));
  }
  if (ofFirst.size() != ofSecond.size())
    return {};
  for (auto [a, b] : llvm::zip_equal(ofFirst, ofSecond)) {
    auto given = match.positions.find(b.getDefiningOp());
    if (given == match.positions.end())
      continue;
    auto result = dyn_cast<OpResult>(a);
    if (!result ||
        result.getResultNumber() != cast<OpResult>(b).getResultNumber() ||
        !match.assign(given->second, result.getOwner()))
      return {};
  }
  for (size_t position = 0; position < first.size(); ++position)
    if (!match.found[position] && !match.assignUsers(position))
      return {};
  // Nothing outside may want its results before all of it is there.
  Operation *last = lastInBlock(match.found);
  for (auto [position, number] : escapingResults(match.found))
    for (Operation *user :
         match.found[position]->getResult(number).getUsers()) {
      Operation *ancestor = last->getBlock()->findAncestorOpInBlock(*user);
      if (!match.taken.contains(ancestor) && ancestor->isBeforeInBlock(last))
        return {};
    }
  return match.found;
}

bool isLeaf(Operation *op) {
  return op->getNumOperands() == 0 &&
         (op->hasTrait<OpTrait::ConstantLike>() || isa<tensor::EmptyOp>(op));
}

SmallVector<Value> readValues(Operation *op) {
  SmallVector<Value> values;
  op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
    for (Value value : inner->getOperands())
      if (inner == op || !op->isAncestor(value.getParentBlock()->getParentOp()))
        values.push_back(value);
  });
  return values;
}

llvm::SetVector<std::pair<size_t, size_t>> escapingResults(LayerOps instance) {
  llvm::SmallPtrSet<Operation *, 32> inside(instance.begin(), instance.end());
  llvm::SetVector<std::pair<size_t, size_t>> escaping;
  for (auto [position, op] : llvm::enumerate(instance))
    for (OpResult result : op->getResults())
      for (Operation *user : result.getUsers())
        if (!inside.contains(op->getBlock()->findAncestorOpInBlock(*user)))
          escaping.insert({position, result.getResultNumber()});
  return escaping;
}

SmallVector<Layers> findLayers(Block &block) {
  Sequence program(block);
  SmallVector<Layers> found;
  findLayers(program, 0, program.ops.size(), found);
  return found;
}

} // namespace heed::fuse
