// Slice.cpp - the ops of the source program that one block is made of, and any
// ops as a function to read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/report/Slice.h"

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace heed {

static bool isMovement(Operation *op) {
  return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                         tensor::CastOp, linalg::TransposeOp,
                         linalg::BroadcastOp>(op);
}

Value peelMovement(Value value) {
  while (isMovement(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

namespace {

/// A block is small; what is larger is not shown whole.
constexpr unsigned kMaxOps = 400;

bool isConstant(Operation *op) {
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

/// Says only where a result goes or how large it is.
bool isDestination(Operation *op) {
  return isa<tensor::EmptyOp, tensor::DimOp, linalg::FillOp>(op);
}

bool isProductOfTwo(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  return linalgOp && linalg::isaContractionOpInterface(linalgOp) &&
         llvm::none_of(linalgOp.getDpsInputs(), [](Value input) {
           return isConstant(peelMovement(input).getDefiningOp());
         });
}

bool reduces(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  return linalgOp && linalgOp.getNumReductionLoops() != 0 &&
         !linalg::isaContractionOpInterface(linalgOp);
}

/// Σ of an elementwise product: a contraction in two ops. Gives the product.
Operation *productOfSum(Operation *op) {
  if (!reduces(op))
    return nullptr;
  Value input = cast<linalg::LinalgOp>(op).getDpsInputs()[0];
  auto product =
      dyn_cast_or_null<linalg::LinalgOp>(peelMovement(input).getDefiningOp());
  return product && product.getNumReductionLoops() == 0 &&
                 product.getNumDpsInputs() == 2 &&
                 isa_and_nonnull<arith::MulFOp>(product.getBlock()
                                                    ->getTerminator()
                                                    ->getOperand(0)
                                                    .getDefiningOp())
             ? product.getOperation()
             : nullptr;
}

/// The ops on a way from a top to `bottom`.
class Upward {
public:
  Upward(llvm::function_ref<bool(Operation *)> isTopOp, Value topValue)
      : isTopOp(isTopOp), topValue(topValue) {}

  SmallVector<Operation *> run(Operation *bottom) {
    SmallVector<Operation *> ops;
    reach(bottom, /*isBottom=*/true);
    for (auto [op, reached] : known)
      if (reached)
        ops.push_back(op);
    return ops;
  }

private:
  bool reach(Operation *op, bool isBottom = false) {
    if (auto it = known.find(op); it != known.end())
      return it->second;
    if (known.size() >= kMaxOps || isConstant(op) || isDestination(op))
      return false;
    known[op] = false; // while its operands are looked at
    bool found = !isBottom && isTopOp(op);
    if (!found)
      for (Value operand : op->getOperands()) {
        if (topValue && peelMovement(operand) == topValue) {
          found = true;
          for (Value v = operand; v != topValue;) { // the movement between
            known[v.getDefiningOp()] = true;
            v = v.getDefiningOp()->getOperand(0);
          }
        } else if (Operation *def = operand.getDefiningOp()) {
          found |= reach(def);
        }
      }
    known[op] = found;
    return found;
  }

  llvm::function_ref<bool(Operation *)> isTopOp;
  Value topValue;
  llvm::MapVector<Operation *, bool> known;
};

/// Downward from `top`, through ops that `passes` lets through, up to and with
/// the ops that `ends` names; only ways that end count.
bool descend(Operation *op, llvm::function_ref<bool(Operation *)> ends,
             llvm::SetVector<Operation *> &found, unsigned depth = 0) {
  bool any = false;
  if (depth > 24)
    return false;
  for (Operation *user : op->getUsers()) {
    if (found.contains(user) || ends(user)) {
      found.insert(user);
      any = true;
      continue;
    }
    auto linalgOp = dyn_cast<linalg::LinalgOp>(user);
    bool passes =
        isMovement(user) || (linalgOp && linalgOp.getNumReductionLoops() == 0);
    if (passes && descend(user, ends, found, depth + 1)) {
      found.insert(user);
      any = true;
    }
  }
  return any;
}

SmallVector<Operation *> inOrder(llvm::SetVector<Operation *> ops) {
  SmallVector<Operation *> sorted = ops.takeVector();
  Block *block = sorted.front()->getBlock();
  llvm::erase_if(sorted,
                 [&](Operation *op) { return op->getBlock() != block; });
  llvm::sort(sorted,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return sorted;
}

} // namespace

SmallVector<Operation *> sliceOfAttention(Operation *softmax) {
  llvm::SetVector<Operation *> ops;
  ops.insert(softmax);
  auto isProduct = [](Operation *op) {
    return isProductOfTwo(op) || productOfSum(op);
  };
  for (Operation *op : Upward(isProduct, {}).run(softmax)) {
    ops.insert(op);
    if (Operation *product = productOfSum(op))
      ops.insert(product);
  }
  auto isSum = [](Operation *op) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    return (linalgOp && linalg::isaContractionOpInterface(linalgOp)) ||
           productOfSum(op);
  };
  descend(softmax, isSum, ops);
  return inOrder(std::move(ops));
}

SmallVector<Operation *> sliceOfGate(Operation *product,
                                     const Places &absorbed) {
  llvm::SetVector<Operation *> ops;
  ops.insert(product);
  auto never = [](Operation *) { return false; };
  // x is the operand that the other operands are computed from; the nearest,
  // where several are. What is far is no block.
  constexpr int64_t farthest = 48;
  int64_t shortest = 0;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(product);
  SmallVector<Value> operands(product->getOperands());
  if (linalgOp)
    operands = linalgOp.getDpsInputs();
  for (Value operand : operands) {
    SmallVector<Operation *> way =
        Upward(never, peelMovement(operand)).run(product);
    int64_t length =
        llvm::count_if(way, [](Operation *op) { return !isMovement(op); });
    if (length <= 1 || length > farthest || (shortest && length >= shortest))
      continue;
    shortest = length;
    ops.clear();
    ops.insert(way.begin(), way.end());
  }
  if (!shortest) {
    auto isReduction = [](Operation *op) { return reduces(op); };
    for (Operation *op : Upward(isReduction, {}).run(product))
      ops.insert(op);
  }
  SmallVector<Operation *> worklist{product};
  while (!worklist.empty())
    for (Operation *user : worklist.pop_back_val()->getUsers())
      if (absorbed.contains(user->getLoc()) && isa<linalg::LinalgOp>(user) &&
          ops.insert(user))
        worklist.push_back(user);
  return inOrder(std::move(ops));
}

SmallVector<Operation *> sliceBetween(Value top, Operation *bottom) {
  auto never = [](Operation *) { return false; };
  llvm::SetVector<Operation *> ops;
  ops.insert(bottom);
  for (Operation *op : Upward(never, peelMovement(top)).run(bottom))
    ops.insert(op);
  return inOrder(std::move(ops));
}

/// Small enough to be read in the text: numbers, tables of a few numbers.
static bool isShownConstant(Operation *op) {
  constexpr int64_t most = 16;
  if (!isConstant(op))
    return false;
  auto type = dyn_cast<ShapedType>(op->getResult(0).getType());
  if (!type)
    return true;
  auto values = op->getAttrOfType<DenseElementsAttr>("value");
  return values && (values.isSplat() || type.getNumElements() <= most);
}

/// `op`'s destinations and small constants come along; the rest stays outside.
static void cloneProducers(OpBuilder &b, Operation *op, IRMapping &map) {
  llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  for (Value value : used) {
    Operation *def = value.getDefiningOp();
    if (!def || map.contains(value))
      continue;
    if (isShownConstant(def) || isa<tensor::EmptyOp, linalg::FillOp>(def)) {
      cloneProducers(b, def, map);
      b.clone(*def, map);
    }
  }
}

/// Values from outside that the clones of `ops` will use.
static llvm::SetVector<Value> inputsOf(ArrayRef<Operation *> ops) {
  llvm::SetVector<Value> inputs, seen;
  llvm::DenseSet<Operation *> inside(ops.begin(), ops.end());
  std::function<void(Operation *)> visit = [&](Operation *op) {
    llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), used);
    for (Value value : used) {
      Operation *def = value.getDefiningOp();
      if (!seen.insert(value) || inside.contains(def))
        continue;
      if (def &&
          (isShownConstant(def) || isa<tensor::EmptyOp, linalg::FillOp>(def)))
        visit(def);
      else
        inputs.insert(value);
    }
  };
  for (Operation *op : ops)
    visit(op);
  return inputs;
}

std::string printAsFunction(ArrayRef<Operation *> ops) {
  if (ops.empty())
    return "";
  OpBuilder b(ops.front()->getContext());
  Location loc = b.getUnknownLoc();
  llvm::SetVector<Value> inputs = inputsOf(ops);
  llvm::DenseSet<Operation *> inside(ops.begin(), ops.end());
  SmallVector<Value> results;
  for (Operation *op : ops)
    for (Value result : op->getResults())
      if (result.use_empty() ||
          llvm::any_of(result.getUsers(), [&](auto *user) {
            return !inside.contains(
                ops.front()->getBlock()->findAncestorOpInBlock(*user));
          }))
        results.push_back(result);
  auto type = b.getFunctionType(TypeRange(inputs.getArrayRef()),
                                TypeRange(ValueRange(results)));
  OwningOpRef<func::FuncOp> function =
      func::FuncOp::create(b, loc, "block", type);
  b.setInsertionPointToStart(function->addEntryBlock());
  IRMapping map;
  map.map(inputs.getArrayRef(), function->getArguments());
  for (Operation *op : ops) {
    cloneProducers(b, op, map);
    b.clone(*op, map);
  }
  SmallVector<Value> returned;
  for (Value result : results)
    returned.push_back(map.lookup(result));
  func::ReturnOp::create(b, loc, returned);
  std::string text;
  llvm::raw_string_ostream os(text);
  function->print(os, OpPrintingFlags()
                          .elideLargeElementsAttrs(16)
                          .elideLargeResourceString(64)
                          .assumeVerified());
  return text;
}

static bool counts(Operation *op) {
  return !isConstant(op) && !isa<tensor::EmptyOp>(op) &&
         !op->hasTrait<OpTrait::IsTerminator>() &&
         !isa<FunctionOpInterface>(op) && !isa<ModuleOp>(op);
}

OpCounts countOps(ArrayRef<Operation *> ops) {
  OpCounts result;
  for (Operation *op : ops)
    if (counts(op))
      ++result[op->getName().getStringRef().str()];
  return result;
}

OpCounts countOps(Operation *module) {
  OpCounts result;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (counts(op))
      ++result[op->getName().getStringRef().str()];
    return isa<linalg::LinalgOp>(op) ||
                   isa_and_nonnull<attn::AttnDialect>(op->getDialect())
               ? WalkResult::skip()
               : WalkResult::advance();
  });
  return result;
}

} // namespace heed
