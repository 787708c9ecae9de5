// LowerRecurrent.cpp - attn.recurrent on memrefs -> its kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/recurrent/ConstantBuffers.h"
#include "passes/lower/recurrent/Passes.h"
#include "passes/lower/recurrent/RecurrentKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using heed::attn::RecurrentOp;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERRECURRENT
#include "passes/lower/recurrent/Passes.h.inc"

namespace {
struct LowerRecurrent : impl::LowerRecurrentBase<LowerRecurrent> {
  using LowerRecurrentBase::LowerRecurrentBase;

  /// Vectors load along the last dim: what is strided there is copied, and an
  /// init copied back.
  static void makeContiguous(OpBuilder &b, RecurrentOp op) {
    for (OpOperand &operand : op->getOpOperands()) {
      Value buffer = operand.get();
      if (isContiguousInLastDim(buffer))
        continue;
      auto type = cast<MemRefType>(buffer.getType());
      Values sizes;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          sizes.push_back(memref::DimOp::create(b, op.getLoc(), buffer, dim));
      Value copy = memref::AllocOp::create(
          b, op.getLoc(),
          MemRefType::get(type.getShape(), type.getElementType()), sizes);
      memref::CopyOp::create(b, op.getLoc(), buffer, copy);
      operand.set(copy);
      if (!op.isDpsInit(&operand))
        continue;
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointAfter(op);
      memref::CopyOp::create(b, op.getLoc(), copy, buffer);
    }
  }

  void runOnOperation() override {
    std::optional<TargetDescriptor> target =
        requireTargetDescriptor(getOperation(), mcpu);
    if (!target)
      return signalPassFailure();
    SmallVector<RecurrentOp> ops;
    getOperation().walk([&](RecurrentOp op) {
      if (isa<MemRefType>(op.getX().getType()) && !op.getLibrary())
        ops.push_back(op);
    });
    OpBuilder b(&getContext());
    for (RecurrentOp op : ops) {
      std::string why = whyNotLowerable(op);
      if (!why.empty() || op.getInputWeights()) {
        op.emitOpError(why.empty() ? "expected its product with the input "
                                     "weights apart (heed-lower-projection)"
                                   : why);
        return signalPassFailure();
      }
      remark::analysis(
          op.getLoc(),
          remark::RemarkOpts::name("recurrent").category("heed-lower"))
          << remark::metric("schedule", "kernel");
      auto function = op->getParentOfType<func::FuncOp>();
      b.setInsertionPoint(op);
      makeContiguous(b, op);
      RecurrentKernel(b, op, *target,
                      function ? heed::lower::getContext(function) : Value())
          .build(b);
      eraseWithConstants(op);
    }
  }
};
} // namespace
} // namespace heed::lower
