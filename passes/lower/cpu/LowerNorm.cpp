// LowerNorm.cpp - attn.norm on memrefs -> one parallel loop over its slices.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/NormKernel.h"
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/TargetDescriptor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERNORM
#include "passes/lower/cpu/Passes.h.inc"

namespace {
struct LowerNorm : impl::LowerNormBase<LowerNorm> {
  using LowerNormBase::LowerNormBase;
  void runOnOperation() override {
    std::optional<TargetDescriptor> target =
        requireTargetDescriptor(getOperation(), mcpu);
    if (!target)
      return signalPassFailure();
    SmallVector<attn::NormOp> norms;
    getOperation().walk([&](attn::NormOp norm) {
      if (isa<MemRefType>(norm.getX().getType()))
        norms.push_back(norm);
    });
    OpBuilder b(&getContext());
    for (attn::NormOp norm : norms) {
      remark::analysis(norm.getLoc(),
                       remark::RemarkOpts::name("norm").category("heed-lower"))
          << remark::metric("schedule", "kernel");
      b.setInsertionPoint(norm);
      NormKernel(b, norm, target->vectorBytes).build(b);
      norm.erase();
    }
  }
};
} // namespace
} // namespace heed::lower
