// LayerCalls.cpp - the calls of a layer's function, and what is known at them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/layers/LayerCalls.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace heed::lower {

SmallVector<func::CallOp> getCalls(func::FuncOp function) {
  SmallVector<func::CallOp> calls;
  if (!function.isPrivate() || function.isExternal())
    return calls;
  auto uses = SymbolTable::getSymbolUses(function,
                                         function->getParentOfType<ModuleOp>());
  if (uses)
    for (SymbolTable::SymbolUse use : *uses)
      if (auto call = dyn_cast<func::CallOp>(use.getUser()))
        calls.push_back(call);
  return calls;
}

bool isRunConstant(Operation *op) {
  auto call = dyn_cast<LLVM::CallOp>(op);
  return call && call.getCallee().value_or("") == "heed_num_threads";
}

bool isKnownAtCalls(Value value, func::FuncOp function) {
  SmallVector<Value> worklist{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    if (auto argument = dyn_cast<BlockArgument>(next)) {
      if (argument.getOwner() != &function.getBody().front())
        return false;
      continue;
    }
    Operation *op = next.getDefiningOp();
    if (!seen.insert(op).second)
      continue;
    bool isArithmetic = op->getNumRegions() == 0 && isMemoryEffectFree(op);
    if (!isArithmetic && !isRunConstant(op))
      return false;
    worklist.append(op->operand_begin(), op->operand_end());
  }
  return true;
}

Value computeAtCall(OpBuilder &b, Value value, func::CallOp call,
                    IRMapping &known) {
  if (Value there = known.lookupOrNull(value))
    return there;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return call.getOperand(argument.getArgNumber());
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    known.map(operand, computeAtCall(b, operand, call, known));
  Operation *copy = b.clone(*op, known);
  // The size of a buffer is what it is allocated with.
  SmallVector<OpFoldResult> folded;
  if (isa<memref::DimOp>(copy) && succeeded(copy->fold(folded)) &&
      folded.size() == 1 && isa<Value>(folded.front())) {
    known.map(value, cast<Value>(folded.front()));
    copy->erase();
  }
  return known.lookup(value);
}

void inlineCalls(func::FuncOp function) {
  Block &body = function.getBody().front();
  for (func::CallOp call : getCalls(function)) {
    OpBuilder b(call);
    IRMapping mapping;
    mapping.map(body.getArguments(), call.getOperands());
    for (Operation &op : body.without_terminator())
      b.clone(op, mapping);
    for (auto [result, value] : llvm::zip_equal(
             call.getResults(), body.getTerminator()->getOperands()))
      result.replaceAllUsesWith(mapping.lookupOrDefault(value));
    call.erase();
  }
  function.erase();
}

} // namespace heed::lower
