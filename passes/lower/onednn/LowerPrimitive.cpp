// LowerPrimitive.cpp - primitives and whole layers on memrefs to calls of the
// runtime.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/onednn/LibraryCalls.h"
#include "passes/lower/onednn/Passes.h"

#include "dialect/AttnConstant.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "runtime/support/SiteRecord.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERPRIMITIVE
#include "passes/lower/onednn/Passes.h.inc"

static runtime::ElementKind elementOf(attn::PrimitiveOp op) {
  Type type = cast<MemRefType>(op.getInit().getType()).getElementType();
  return type.isF16()    ? runtime::ElementKind::F16
         : type.isBF16() ? runtime::ElementKind::BF16
                         : runtime::ElementKind::F32;
}

/// The words of runtime/support/SiteRecord.h.
static SmallVector<int64_t> makeRecord(attn::PrimitiveOp op) {
  using runtime::OperandRole;
  SmallVector<int64_t> words = {runtime::kSiteVersion,
                                static_cast<int64_t>(op.getKind()),
                                static_cast<int64_t>(elementOf(op)),
                                static_cast<int64_t>(op.getStrides().size()),
                                static_cast<int64_t>(op->getNumOperands()),
                                static_cast<int64_t>(op.getPostOps().size())};
  for (ArrayRef<int64_t> list :
       {op.getStrides(), op.getDilations(), op.getPadLow(), op.getPadHigh(),
        op.getKernel()})
    llvm::append_range(words, list);
  unsigned firstPost = 1 + (op.getWeights() ? 1 : 0) + (op.getBias() ? 1 : 0);
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned number = operand.getOperandNumber();
    OperandRole role = OperandRole::PostOp;
    if (number == 0)
      role = OperandRole::Source;
    else if (number + 1 == op->getNumOperands())
      role = OperandRole::Destination;
    else if (number == 1 && op.getWeights())
      role = OperandRole::Weights;
    else if (number < firstPost)
      role = OperandRole::Bias;
    SmallVector<int64_t> layout = op.getLayout(number);
    words.append({static_cast<int64_t>(role), attn::isConstant(operand.get()),
                  cast<MemRefType>(operand.get().getType()).getRank(),
                  static_cast<int64_t>(layout.size())});
    llvm::append_range(words, layout);
  }
  int64_t tensor = firstPost;
  for (auto postOp : op.getPostOps().getAsRange<attn::PostOpAttr>()) {
    auto bits = [](const APFloat &value) {
      return static_cast<int64_t>(
          llvm::bit_cast<uint64_t>(value.convertToDouble()));
    };
    words.append({static_cast<int64_t>(postOp.getKind()),
                  bits(postOp.getAlpha()), bits(postOp.getBeta()),
                  postOp.isBinary() ? tensor++ : -1});
  }
  return words;
}

/// The call that stands for the primitive.
static LogicalResult lowerPrimitive(LibraryCalls &calls, attn::PrimitiveOp op) {
  auto function = op->getParentOfType<func::FuncOp>();
  if (!function || !heed::lower::getContext(function))
    return op.emitOpError("expected a function whose argument 0 is the "
                          "runtime's context");
  for (Value operand : op->getOperands())
    if (!isa<MemRefType>(operand.getType()))
      return op.emitOpError("expected memrefs, got ") << operand.getType();
  OpBuilder b(op);
  calls.write(b, op.getLoc(), function, makeRecord(op),
              llvm::to_vector(op->getOperands()),
              op.getDevice() ? "heed_cuda_primitive" : "heed_onednn_primitive");
  op.erase();
  return success();
}

namespace {
struct LowerPrimitive : impl::LowerPrimitiveBase<LowerPrimitive> {
  void runOnOperation() override {
    SmallVector<attn::PrimitiveOp> ops;
    SmallVector<attn::RecurrentOp> layers;
    getOperation().walk([&](attn::PrimitiveOp op) { ops.push_back(op); });
    getOperation().walk([&](attn::RecurrentOp op) {
      if (op.getLibrary())
        layers.push_back(op);
    });
    LibraryCalls calls(getOperation());
    for (attn::PrimitiveOp op : ops)
      if (failed(lowerPrimitive(calls, op)))
        return signalPassFailure();
    for (attn::RecurrentOp op : layers)
      if (failed(lowerLibraryRecurrent(calls, op)))
        return signalPassFailure();
  }
};
} // namespace
} // namespace heed::lower
