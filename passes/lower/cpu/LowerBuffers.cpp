// LowerBuffers.cpp - tensors to memrefs by upstream's one-shot bufferisation.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/lower/layers/LayerCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERBUFFERS
#include "passes/lower/cpu/Passes.h.inc"

namespace {
/// Upstream casts what crosses the border of a function to the contiguous layout
/// where the types allow it. With dynamic inner sizes they do for any slice: the
/// strides of memref<2x?> are [?, 1], to which [6, 1] is a cast, and the rows of
/// the slice would be read as if they followed each other. Such a value is
/// copied.
void copyStrided(func::FuncOp function) {
  SmallVector<memref::CastOp> casts;
  function.walk([&](memref::CastOp cast) {
    auto from = dyn_cast<MemRefType>(cast.getSource().getType());
    auto to = dyn_cast<MemRefType>(cast.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (from && to && !from.getLayout().isIdentity() &&
        to.getLayout().isIdentity() &&
        succeeded(to.getStridesAndOffset(strides, offset)) &&
        llvm::any_of(strides, ShapedType::isDynamic) &&
        llvm::all_of(cast->getUsers(),
                     llvm::IsaPred<func::ReturnOp, func::CallOp>))
      casts.push_back(cast);
  });
  for (memref::CastOp cast : casts) {
    OpBuilder b(cast);
    Location loc = cast.getLoc();
    auto type = llvm::cast<MemRefType>(cast.getType());
    SmallVector<Value> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        sizes.push_back(memref::DimOp::create(b, loc, cast.getSource(), dim));
    Value copy = memref::AllocOp::create(b, loc, type, sizes);
    memref::CopyOp::create(b, loc, cast.getSource(), copy);
    cast.replaceAllUsesWith(copy);
    cast.erase();
  }
}

struct LowerBuffers : impl::LowerBuffersBase<LowerBuffers> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Arguments are read, never written: in-place ops copy first. Only what
    // calls of a layer pass from @main's own arguments is copied there: a cache
    // that comes in, goes through a layer and is given back.
    for (auto function : module.getOps<func::FuncOp>()) {
      SmallVector<func::CallOp> calls = getCalls(function);
      for (BlockArgument argument : function.getArguments()) {
        unsigned number = argument.getArgNumber();
        bool isInput =
            !calls.empty() && llvm::all_of(calls, [&](func::CallOp call) {
              return isa<BlockArgument>(call.getOperand(number));
            });
        if (isa<TensorType>(argument.getType()) && !isInput)
          function.setArgAttr(
              number, bufferization::BufferizationDialect::kWritableAttrName,
              BoolAttr::get(&getContext(), false));
      }
    }
    // A concatenation is slices written into one buffer.
    RewritePatternSet patterns(&getContext());
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    // Its sizes are sums of sizes, not of dims of reshaped buffers.
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (failed(applyPatternsGreedily(module, std::move(patterns))))
      return signalPassFailure();

    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    // A value whose size changes from iteration to iteration.
    options.allowReturnAllocsFromLoops = true;
    options.setFunctionBoundaryTypeConversion(
        bufferization::LayoutMapOption::IdentityLayoutMap);
    bufferization::BufferizationState state;
    if (failed(
            bufferization::runOneShotModuleBufferize(module, options, state)))
      return signalPassFailure();
    bufferization::removeBufferizationAttributesInModule(module);
    for (auto function : module.getOps<func::FuncOp>())
      copyStrided(function);
  }
};
} // namespace
} // namespace heed::lower
