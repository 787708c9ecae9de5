// FuseGateEpilogue.cpp - absorbs elementwise consumers of a gate into its
// epilogue.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matched, with f elementwise and r_k of x's shape:
//
//   y = attn.gate(x)      epilogue  e(x, g, …)
//   z = f(y, r_0, …)      →         f(e(x, g, …), r_0, …)
//
// f may be several ops as long as all uses of y meet in one of them: y · σ(y).
#include "passes/fuse/Passes.h"

#include "dialect/gate/GateOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "passes/recognize/Elementwise.h"

using namespace mlir;

namespace heed::fuse {
#define GEN_PASS_DEF_FUSEGATEEPILOGUE
#include "passes/fuse/Passes.h.inc"

namespace {
/// The consumers of a gate up to the one in which all its uses meet.
struct Consumers {
  SmallVector<linalg::LinalgOp> ops; // in order; the last is where they meet
  const char *reason = nullptr;      // why they cannot be absorbed
};
} // namespace

static bool usesMeet(ArrayRef<Operation *> users) { return users.size() == 1; }

/// Why `op` cannot compute in the epilogue, or null.
static const char *unfit(linalg::LinalgOp op, RankedTensorType type) {
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (recognize::constantValue(input->get()))
      continue;
    if (!recognize::isAligned(op, input))
      return "expected operands of the shape of the gate's result, got a "
             "broadcast one";
  }
  if (op->getResult(0).getType() != type)
    return "expected the element type of the gate's result, got another";
  return nullptr;
}

/// Nothing where no consumer is elementwise: then there is nothing to absorb.
static std::optional<Consumers> findConsumers(attn::GateOp gate) {
  constexpr unsigned limit = 32;
  auto type = cast<RankedTensorType>(gate->getResult(0).getType());
  Consumers found;
  SmallVector<Operation *> users;
  SmallVector<Value> computed{gate->getResult(0)};
  auto add = [&](Operation *op) {
    if (!llvm::is_contained(users, op))
      users.push_back(op);
  };
  for (Operation *user : gate->getUsers())
    add(user);
  if (llvm::none_of(users, [](Operation *user) {
        return recognize::asElementwise(user);
      }))
    return std::nullopt;
  while (true) {
    if (llvm::any_of(users, [&](Operation *user) {
          return user->getBlock() != gate->getBlock();
        }))
      break;
    Operation *first =
        *llvm::min_element(users, [](Operation *a, Operation *b) {
          return a->isBeforeInBlock(b);
        });
    linalg::LinalgOp op = recognize::asElementwise(first);
    // A mere destination says nothing about the gate.
    if (!op || found.ops.size() == limit ||
        llvm::is_contained(computed, op.getDpsInits()[0]))
      break;
    computed.push_back(op->getResult(0));
    found.reason = unfit(op, type);
    found.ops.push_back(op);
    if (found.reason || usesMeet(users))
      return found;
    llvm::erase(users, first);
    for (Operation *user : first->getUsers())
      add(user);
  }
  found.reason = "expected all uses of the gate's result to meet in one "
                 "elementwise operation, got uses that do not";
  return found;
}

namespace {
/// Writes the epilogue of the bigger gate.
class Epilogue {
public:
  Epilogue(OpBuilder &builder, attn::GateOp gate, attn::GateOp bigger)
      : b(builder), bigger(bigger) {
    Block *block = b.createBlock(&bigger.getEpilogue());
    scalars[gate.getX()] = addArgument(gate.getX());
    Value g = block->addArgument(
        getElementTypeOrSelf(Type(gate.getPooledType())), gate.getLoc());
    for (Value extra : bigger.getExtras())
      scalars[extra] = addArgument(extra);
    scalars[gate->getResult(0)] = product(gate, scalars[gate.getX()], g);
  }

  void absorb(linalg::LinalgOp op) {
    IRMapping map;
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value &scalar = scalars[input->get()];
      if (!scalar) {
        Type element = getElementTypeOrSelf(input->get().getType());
        scalar = arith::ConstantOp::create(
            b, op->getLoc(),
            b.getFloatAttr(element, *recognize::constantValue(input->get())));
      }
      map.map(op.getMatchingBlockArgument(input), scalar);
    }
    for (Operation &inner : op.getBlock()->without_terminator())
      b.clone(inner, map);
    scalars[op->getResult(0)] =
        map.lookupOrDefault(op.getBlock()->getTerminator()->getOperand(0));
  }

  void finish(linalg::LinalgOp last) {
    attn::YieldOp::create(b, bigger.getLoc(), scalars[last->getResult(0)]);
  }

private:
  Value addArgument(Value tensor) {
    return b.getBlock()->addArgument(getElementTypeOrSelf(tensor.getType()),
                                     bigger.getLoc());
  }

  /// What the gate computes without the consumers.
  Value product(attn::GateOp gate, Value x, Value g) {
    if (gate.getEpilogue().empty())
      return arith::MulFOp::create(b, gate.getLoc(), x, g);
    Block &old = gate.getEpilogue().front();
    IRMapping map;
    map.map(old.getArgument(0), x);
    map.map(old.getArgument(1), g);
    for (auto [argument, extra] :
         llvm::zip(old.getArguments().drop_front(2), gate.getExtras()))
      map.map(argument, scalars[extra]);
    for (Operation &inner : old.without_terminator())
      b.clone(inner, map);
    return map.lookupOrDefault(old.getTerminator()->getOperand(0));
  }

  OpBuilder &b;
  attn::GateOp bigger;
  DenseMap<Value, Value> scalars;
};
} // namespace

/// The gate with `consumers` in its epilogue, where the last of them was.
static attn::GateOp absorb(RewriterBase &rewriter, attn::GateOp gate,
                           const Consumers &consumers) {
  OpBuilder::InsertionGuard guard(rewriter);
  linalg::LinalgOp last = consumers.ops.back();
  rewriter.setInsertionPoint(last);
  llvm::SetVector<Value> extras(gate.getExtras().begin(),
                                gate.getExtras().end());
  SmallVector<Value> computed{gate->getResult(0), gate.getX()};
  for (linalg::LinalgOp op : consumers.ops) {
    for (Value input : op.getDpsInputs())
      if (!llvm::is_contained(computed, input) &&
          !recognize::constantValue(input))
        extras.insert(input);
    computed.push_back(op->getResult(0));
  }
  auto bigger = attn::GateOp::create(
      rewriter, rewriter.getFusedLoc({gate.getLoc(), last->getLoc()}),
      gate->getResultTypes(), gate.getX(), extras.getArrayRef(), gate.getInit(),
      gate.getDimensionsAttr(), gate.getPoolsAttr());
  bigger->setDiscardableAttrs(llvm::to_vector(gate->getDiscardableAttrs()));
  bigger.getExcite().takeBody(gate.getExcite());
  Epilogue epilogue(rewriter, gate, bigger);
  for (linalg::LinalgOp op : consumers.ops)
    epilogue.absorb(op);
  epilogue.finish(last);
  rewriter.replaceOp(last, bigger->getResults());
  for (linalg::LinalgOp op : llvm::reverse(ArrayRef(consumers.ops).drop_back()))
    rewriter.eraseOp(op);
  rewriter.eraseOp(gate);
  return bigger;
}

namespace {
struct FuseGateEpilogue : impl::FuseGateEpilogueBase<FuseGateEpilogue> {
  void runOnOperation() override {
    SmallVector<attn::GateOp> gates;
    getOperation()->walk([&](attn::GateOp gate) {
      if (gate->getNumResults() == 1)
        gates.push_back(gate);
    });
    IRRewriter rewriter(&getContext());
    for (attn::GateOp gate : gates)
      while (gate)
        gate = fuse(rewriter, gate);
  }

  /// The bigger gate, or null where there is nothing (more) to absorb.
  attn::GateOp fuse(RewriterBase &rewriter, attn::GateOp gate) {
    std::optional<Consumers> consumers = findConsumers(gate);
    if (!consumers)
      return nullptr;
    auto options = remark::RemarkOpts::name("gate").category("heed-fuse");
    if (consumers->reason) {
      Location loc = consumers->ops.empty() ? gate.getLoc()
                                            : consumers->ops.back()->getLoc();
      remark::missed(loc, options)
          << remark::reason("{0}", consumers->reason)
          << remark::suggest("consume the gate's result by elementwise "
                             "operations on tensors of its shape alone");
      return nullptr;
    }
    remark::passed(consumers->ops.back()->getLoc(), options)
        << remark::metric("operations", consumers->ops.size());
    return absorb(rewriter, gate, *consumers);
  }
};
} // namespace
} // namespace heed::fuse
