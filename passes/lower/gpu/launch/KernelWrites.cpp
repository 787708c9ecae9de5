// KernelWrites.cpp - follows a kernel's pointers to the ops that use them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/launch/KernelWrites.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace heed::cuda {

bool writesThrough(LLVM::LLVMFuncOp kernel, unsigned argument) {
  SmallVector<Value> worklist{kernel.getArgument(argument)};
  llvm::SmallPtrSet<Value, 16> seen;
  while (!worklist.empty()) {
    Value pointer = worklist.pop_back_val();
    if (!seen.insert(pointer).second)
      continue;
    for (OpOperand &use : pointer.getUses()) {
      Operation *user = use.getOwner();
      if (isa<LLVM::LoadOp, LLVM::ICmpOp>(user))
        continue;
      if (auto copy = dyn_cast<NVVM::CpAsyncOp>(user);
          copy && copy.getSrc() == pointer && copy.getDst() != pointer)
        continue;
      if (isa<LLVM::GEPOp, LLVM::AddrSpaceCastOp, LLVM::BitcastOp,
              arith::SelectOp, LLVM::SelectOp>(user)) {
        worklist.push_back(user->getResult(0));
        continue;
      }
      if (auto loop = dyn_cast<scf::ForOp>(user)) {
        if (BlockArgument inner = loop.getTiedLoopRegionIterArg(&use))
          worklist.append({inner, loop.getTiedLoopResult(&use)});
        continue;
      }
      if (isa<scf::YieldOp>(user)) {
        Operation *op = user->getParentOp();
        worklist.push_back(op->getResult(use.getOperandNumber()));
        if (auto loop = dyn_cast<scf::ForOp>(op))
          worklist.push_back(loop.getRegionIterArg(use.getOperandNumber()));
        continue;
      }
      return true;
    }
  }
  return false;
}

} // namespace heed::cuda
