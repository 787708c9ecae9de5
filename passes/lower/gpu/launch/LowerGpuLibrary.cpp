// LowerGpuLibrary.cpp - which primitives the libraries of a GPU may run.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   matmul                       cuBLAS   b… m k · b… k n + bias, or + a tensor
//   convolution, deconvolution   cuDNN    + bias
//   pool_…                       cuDNN    · a factor
//
// Whether there is a library is only known where the program runs; there the
// rest, and everything without one, is oneDNN's.
#include "passes/lower/gpu/Passes.h"

#include "dialect/primitive/PrimitiveOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "passes/lower/gpu/launch/SerialControl.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPULIBRARY
#include "passes/lower/gpu/Passes.h.inc"

/// What stands behind the primitive, other than a bias.
static StringRef whyNoEpilogue(attn::PrimitiveOp op) {
  if (op.getPostOps().empty())
    return "";
  auto first = cast<attn::PostOpAttr>(op.getPostOps()[0]);
  bool isOne = op.getPostOps().size() == 1;
  if (op.getKind() == attn::PrimitiveKind::matmul)
    return isOne && !op.getBias() && first.getKind() == attn::PostOpKind::add
               ? ""
               : "expected a product with a bias or one addend behind it";
  if (op.isPool())
    return isOne && first.getKind() == attn::PostOpKind::linear &&
                   first.getBeta().isZero()
               ? ""
               : "expected a pooling with at most a factor behind it";
  return "expected a convolution with nothing but a bias behind it";
}

static std::string whyNotHeld(attn::PrimitiveOp op) {
  if (op.getKind() == attn::PrimitiveKind::reorder)
    return "expected a matmul, a convolution or a pooling, got reorder";
  for (Operation *around = op->getParentOp(); !isa<FunctionOpInterface>(around);
       around = around->getParentOp())
    if (!isSerialControl(around))
      return ("expected only serial loops and branches around it, got " +
              around->getName().getStringRef())
          .str();
  if (StringRef why = whyNoEpilogue(op); !why.empty())
    return why.str();
  if (op.isPool() &&
      llvm::any_of(op.getDilations(), [](int64_t size) { return size != 1; }))
    return "expected a pooling without dilations";
  if (op.isPool() && op.getPadLow() != op.getPadHigh())
    return "expected a pooling with the same padding on both sides";
  return "";
}

namespace {
struct LowerGpuLibrary : impl::LowerGpuLibraryBase<LowerGpuLibrary> {
  void runOnOperation() override {
    getOperation().walk([&](attn::PrimitiveOp op) {
      if (std::string why = whyNotHeld(op); !why.empty()) {
        remark::analysis(
            op.getLoc(),
            remark::RemarkOpts::name("library").category("heed-lower"))
            << remark::metric("library", "none of the GPU")
            << remark::reason("{0}", why)
            << remark::suggest("export it as ops of their own: this runs on "
                               "the CPU");
        return;
      }
      op.setDevice(true);
    });
  }
};
} // namespace
} // namespace heed::lower
