// LowerGpuHopper.cpp - products of a warpgroup -> PTX.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chain of products is one piece of assembly, fence and commit with it: ptxas
// then sees that nothing touches the accumulators between, and puts in no fences
// of its own. Each element is an output tied to the input of the same number.
#include "passes/lower/gpu/Passes.h"

#include "dialect/hopper/HopperOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPUHOPPER
#include "passes/lower/gpu/Passes.h.inc"

namespace {

/// Assembly with `count` elements in and out, and operands that are only read.
struct Assembly {
  OpBuilder b;
  Location loc;
  SmallVector<Value> operands;
  SmallVector<std::string> constraints;
  std::string text;

  Assembly(Operation *op, size_t count) : b(op), loc(op->getLoc()) {
    constraints.assign(count, "=f");
  }

  /// The elements that come in, at the places of those that go out.
  void tie(ValueRange elements) {
    for (auto [at, element] : llvm::enumerate(elements)) {
      operands.push_back(element);
      constraints.push_back(std::to_string(at));
    }
  }
  /// `$n` of an operand that is only read.
  std::string read(Value value) {
    operands.push_back(value);
    constraints.push_back(value.getType().isInteger(64) ? "l" : "r");
    return "$" + std::to_string(constraints.size() - 1);
  }

  void replace(Operation *op) {
    auto type = LLVM::LLVMStructType::getLiteral(
        op->getContext(), llvm::to_vector(op->getResultTypes()));
    auto dialect =
        LLVM::AsmDialectAttr::get(op->getContext(), LLVM::AsmDialect::AD_ATT);
    Value all =
        LLVM::InlineAsmOp::create(
            b, loc, type, operands, text, llvm::join(constraints, ","),
            /*has_side_effects=*/true,
            /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
            dialect, ArrayAttr())
            .getRes();
    for (auto [at, result] : llvm::enumerate(op->getResults()))
      result.replaceAllUsesWith(LLVM::ExtractValueOp::create(b, loc, all, at));
    op->erase();
  }
};

void lowerProduct(hopper::WgmmaOp op) {
  size_t count = op.getNumResults();
  Assembly assembly(op, count);
  ValueRange sums = op.getC();
  SmallVector<Value> zeros;
  if (sums.empty()) {
    // The first product starts at 0 by its predicate; the registers need a value.
    OpBuilder b(op);
    Value zero = LLVM::ConstantOp::create(b, op.getLoc(), b.getF32Type(),
                                          b.getF32FloatAttr(0));
    zeros.assign(count, zero);
    sums = zeros;
  }
  assembly.tie(sums);
  std::string elements;
  for (size_t at = 0; at < count; ++at)
    elements += (at ? ", $" : "$") + std::to_string(at);
  StringRef type = op.getElement().isBF16() ? "bf16" : "f16";
  assembly.text = "wgmma.fence.sync.aligned;";
  for (int64_t step = 0; step < op.getStepCount(); ++step) {
    SmallVector<std::string> registers;
    for (Value value : op.getStepA(step))
      registers.push_back(assembly.read(value));
    std::string a = llvm::join(registers, ", ");
    bool isSum = step > 0 || !op.getC().empty();
    // Factors as they are, neither negated; which of them is by columns can be
    // said of those in shared memory.
    std::string layout = op.isFromRegisters() ? "" : "0, ";
    assembly.text += llvm::formatv(
        " {{ .reg .pred p; setp.ne.b32 p, {0}, 0; "
        "wgmma.mma_async.sync.aligned.m64n{1}k16.f32.{2}.{2} {{{3}}, {4}, {5}, "
        "p, 1, 1, {6}{7}; }",
        isSum ? 1 : 0, op.getColumnCount(), type, elements,
        op.isFromRegisters() ? "{" + a + "}" : a,
        assembly.read(op.getB()[step]), layout, op.getColumns() ? 1 : 0);
  }
  assembly.text += " wgmma.commit_group.sync.aligned;";
  assembly.replace(op);
}

void lowerWait(hopper::WaitOp op) {
  Assembly assembly(op, op.getNumResults());
  assembly.tie(op.getFragment());
  assembly.text =
      "wgmma.wait_group.sync.aligned " + std::to_string(op.getPending()) + ";";
  assembly.replace(op);
}

struct LowerGpuHopper : impl::LowerGpuHopperBase<LowerGpuHopper> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (auto product = dyn_cast<hopper::WgmmaOp>(op))
        lowerProduct(product);
      else if (auto wait = dyn_cast<hopper::WaitOp>(op))
        lowerWait(wait);
    });
  }
};
} // namespace
} // namespace heed::lower
