// Invariant.cpp - what a decoder's step computes from its source alone.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys and values of an encoder's states, where a step is exported with the
// states as an input:
//
//   step(%token, %states, %past…)          before(%states) -> %k
//     %k = matmul(%states, %w)        →    step(%token, %states, %past…, %k)
//     … %k …                                 … %k …
//
// A value is
//   free    constants, and sizes of fixed arguments: both sides have their own;
//   fixed   data of fixed arguments, and what is computed from them;
//   step    everything else, and numbers that are no tensors.
// Movement at the end of what is fixed stays in the step: there it is a view, or
// part of how an attention reads its keys.
#include "tools/lib/decode/Invariant.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/recognize/Movement.h"

using namespace mlir;

namespace heed {
namespace {

enum class Kind { Free, Fixed, Step };

/// Every element of the result is one of the operand.
bool isMovement(Operation &op) {
  return op.getNumResults() == 1 &&
         (isa<tensor::ExtractSliceOp>(op) ||
          recognize::movementSource(op.getResult(0)));
}

class Splitter {
public:
  Splitter(func::FuncOp main, ArrayRef<unsigned> fixed) : main(main) {
    for (BlockArgument argument : main.getArguments())
      kinds[argument] = Kind::Step;
    for (unsigned index : fixed)
      kinds[main.getArgument(index)] = Kind::Fixed;
    for (Operation &op : main.getBody().front())
      classify(op);
  }

  /// Fixed results of computation that the step reads.
  SmallVector<Value> findBoundary() {
    // From the end: what movement reads is needed where its result is.
    llvm::SmallSetVector<Value, 16> needed;
    for (Operation &op : llvm::reverse(main.getBody().front())) {
      bool staysInStep = opKinds[&op] == Kind::Step ||
                         (opKinds[&op] == Kind::Fixed && isMovement(op) &&
                          llvm::any_of(op.getResults(), [&](Value v) {
                            return needed.remove(v);
                          }));
      if (!staysInStep)
        continue;
      stays.insert(&op);
      for (Value operand : operandsOf(op))
        if (kinds.lookup(operand) == Kind::Fixed && operand.getDefiningOp())
          needed.insert(operand);
    }
    return needed.takeVector();
  }

  OwningOpRef<ModuleOp> split(ArrayRef<unsigned> fixed,
                              ArrayRef<Value> boundary) {
    Location loc = main.getLoc();
    OwningOpRef<ModuleOp> before = ModuleOp::create(loc);
    OpBuilder b = OpBuilder::atBlockEnd(before->getBody());
    SmallVector<Type> types;
    for (unsigned index : fixed)
      types.push_back(main.getArgumentTypes()[index]);
    auto function = func::FuncOp::create(
        b, loc, "main",
        b.getFunctionType(types, TypeRange(ValueRange(boundary))));
    b.setInsertionPointToStart(function.addEntryBlock());
    IRMapping map;
    for (auto [i, index] : llvm::enumerate(fixed)) {
      map.map(main.getArgument(index), function.getArgument(i));
      function.setArgAttrs(i, main.getArgAttrDict(index));
    }
    for (Operation &op : main.getBody().front())
      if (opKinds[&op] != Kind::Step)
        b.clone(op, map);
    SmallVector<Value> results;
    for (Value value : boundary)
      results.push_back(map.lookup(value));
    func::ReturnOp::create(b, loc, results);

    for (auto [i, constant] : llvm::enumerate(boundary)) {
      Value value = constant;
      auto name = b.getStringAttr("invariant." + Twine(i));
      function.setResultAttr(i, "attn.name", name);
      unsigned index = main.getNumArguments();
      (void)main.insertArgument(
          index, value.getType(),
          b.getDictionaryAttr(b.getNamedAttr("attn.name", name)), loc);
      value.replaceUsesWithIf(main.getArgument(index), [&](OpOperand &use) {
        return stays.contains(
            main.getBody().front().findAncestorOpInBlock(*use.getOwner()));
      });
    }
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(main.getBody().front())))
      if (opKinds[&op] == Kind::Fixed && !stays.contains(&op) && op.use_empty())
        op.erase();
    return before;
  }

private:
  /// What the op reads, in its regions too.
  static SmallVector<Value> operandsOf(Operation &op) {
    SmallVector<Value> values(op.operand_begin(), op.operand_end());
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op.getRegions(), captured);
    llvm::append_range(values, captured);
    return values;
  }

  void classify(Operation &op) {
    Kind kind = Kind::Free;
    for (Value operand : operandsOf(op))
      kind = std::max(kind, kinds.lookup(operand));
    if (isa<tensor::DimOp>(op) && kind == Kind::Fixed &&
        isa<BlockArgument>(op.getOperand(0)))
      kind = Kind::Free;
    bool isTensor =
        llvm::all_of(op.getResultTypes(), llvm::IsaPred<RankedTensorType>);
    if ((!isPure(&op) && !isa<cf::AssertOp>(op)) ||
        op.hasTrait<OpTrait::IsTerminator>() ||
        (kind == Kind::Fixed && !isTensor))
      kind = Kind::Step;
    opKinds[&op] = kind;
    for (Value result : op.getResults())
      kinds[result] = kind;
  }

  func::FuncOp main;
  llvm::DenseMap<Value, Kind> kinds;
  llvm::DenseMap<Operation *, Kind> opKinds;
  llvm::DenseSet<Operation *> stays;
};
} // namespace

OwningOpRef<ModuleOp> takeInvariants(ModuleOp step, ArrayRef<unsigned> fixed) {
  auto main = step.lookupSymbol<func::FuncOp>("main");
  if (!main || !main.getBody().hasOneBlock() || fixed.empty())
    return {};
  Splitter splitter(main, fixed);
  SmallVector<Value> boundary = splitter.findBoundary();
  if (boundary.empty())
    return {};
  return splitter.split(fixed, boundary);
}

} // namespace heed
