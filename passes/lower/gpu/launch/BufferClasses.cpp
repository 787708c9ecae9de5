// BufferClasses.cpp - finds which values of a function may be the same memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/launch/BufferClasses.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace heed::lower {

bool isMemRef(Value value) { return isa<MemRefType>(value.getType()); }

BufferClasses::BufferClasses(func::FuncOp function) {
  function.walk([&](Operation *op) {
    if (op == function || isa<gpu::LaunchFuncOp>(op))
      return;
    SmallVector<Value> same;
    auto add = [&](ValueRange values) {
      llvm::copy_if(values, std::back_inserter(same), isMemRef);
    };
    auto addRegions = [&](Operation *owner) {
      for (Region &region : owner->getRegions())
        if (!region.empty())
          add(region.front().getArguments());
    };
    if (llvm::any_of(op->getResults(), isMemRef)) {
      add(op->getResults());
      add(op->getOperands());
      addRegions(op);
    } else if (op->hasTrait<OpTrait::IsTerminator>() &&
               op->getParentOp() != function) {
      // What a region gives out is a result, or the next iteration's.
      add(op->getOperands());
      add(op->getParentOp()->getResults());
      addRegions(op->getParentOp());
    }
    for (Value value : same)
      unite(same.front(), value);
  });
}

Value BufferClasses::find(Value value) {
  while (true) {
    auto it = parents.find(value);
    if (it == parents.end() || it->second == value)
      return value;
    value = it->second;
  }
}

void BufferClasses::unite(Value a, Value b) {
  a = find(a), b = find(b);
  if (a != b)
    parents[b] = a;
}

Value rootOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (op->getNumRegions() != 0)
      return value;
    Value source;
    for (Value operand : op->getOperands())
      if (isMemRef(operand)) {
        if (source)
          return value;
        source = operand;
      }
    if (!source)
      return value;
    value = source;
  }
  return value;
}

SmallVector<Value> buffersOf(Value pointer) {
  SmallVector<Value> found, worklist{pointer};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (isMemRef(value)) {
      found.push_back(value);
      continue;
    }
    if (Operation *op = value.getDefiningOp())
      if (!isa<memref::DimOp, memref::LoadOp>(op))
        worklist.append(op->operand_begin(), op->operand_end());
  }
  return found;
}

} // namespace heed::lower
