// LowerGpuLaunch.cpp - launches become calls of the runtime, and kernels a
// constant of the program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "runtime/cuda/Cuda.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPULAUNCH
#include "passes/lower/gpu/Passes.h.inc"

namespace {

/// What the driver gets; text ends in a zero.
std::string imageOf(Operation *kernels) {
  std::string image;
  if (auto binary = dyn_cast<gpu::BinaryOp>(kernels)) {
    auto object = cast<gpu::ObjectAttr>(binary.getObjects()[0]);
    image = object.getObject().getValue().str();
  } else {
    llvm::raw_string_ostream(image) << *kernels;
  }
  if (image.empty() || image.back() != '\0')
    image.push_back('\0');
  return image;
}

struct LowerGpuLaunch : impl::LowerGpuLaunchBase<LowerGpuLaunch> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<gpu::LaunchFuncOp> launches;
    module.walk([&](gpu::LaunchFuncOp op) { launches.push_back(op); });
    for (gpu::LaunchFuncOp launch : launches)
      if (failed(lower(launch)))
        return signalPassFailure();
    for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
      if (isa<gpu::BinaryOp, gpu::GPUModuleOp>(op))
        op.erase();
    module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  }

  LLVM::GlobalOp getImage(StringAttr name) {
    std::string symbol = (name.getValue() + "_image").str();
    if (auto known = getOperation().lookupSymbol<LLVM::GlobalOp>(symbol))
      return known;
    std::string image = imageOf(getOperation().lookupSymbol(name));
    OpBuilder b = OpBuilder::atBlockBegin(getOperation().getBody());
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), image.size());
    return LLVM::GlobalOp::create(b, getOperation().getLoc(), type,
                                  /*isConstant=*/true, LLVM::Linkage::Internal,
                                  symbol, b.getStringAttr(image),
                                  /*alignment=*/16);
  }

  LogicalResult lower(gpu::LaunchFuncOp launch) {
    auto function = launch->getParentOfType<func::FuncOp>();
    Value context = function ? heed::lower::getContext(function) : Value();
    if (!context)
      return launch.emitOpError("expected a lowered entry (heed-lower-entry) "
                                "around it");
    if (!launch.getAsyncDependencies().empty() || launch.getAsyncToken() ||
        launch.getAsyncObject())
      return launch.emitOpError("expected a launch in the program's order");
    OpBuilder b(launch);
    Location loc = launch.getLoc();
    auto i64 = b.getI64Type();
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    SmallVector<Value> words;
    auto addSizes = [&](gpu::KernelDim3 sizes) {
      words.append({sizes.x, sizes.y, sizes.z});
    };
    Value none = arith::ConstantIntOp::create(b, loc, 0, 64);
    addSizes(launch.getGridSizeOperandValues());
    addSizes(launch.getBlockSizeOperandValues());
    if (launch.hasClusterSize())
      addSizes(launch.getClusterSizeOperandValues());
    else
      words.append(3, none);
    words.push_back(launch.getDynamicSharedMemorySize()
                        ? launch.getDynamicSharedMemorySize()
                        : none);
    for (Value &word : words) {
      if (word.getType().isIndex())
        word = arith::IndexCastOp::create(b, loc, i64, word);
      else if (word.getType() != i64)
        word = arith::ExtUIOp::create(b, loc, i64, word);
    }
    llvm::append_range(words, launch.getKernelOperands());

    Value frame;
    {
      // At the entry: in a loop the stack would grow.
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&function.getBody().front());
      frame = LLVM::AllocaOp::create(
          b, loc, pointer, i64,
          LLVM::ConstantOp::create(b, loc, i64, int64_t(words.size())));
    }
    for (auto [index, word] : llvm::enumerate(words)) {
      Value slot = LLVM::GEPOp::create(b, loc, pointer, i64, frame,
                                       ArrayRef<LLVM::GEPArg>{int32_t(index)});
      LLVM::StoreOp::create(b, loc, word, slot);
    }
    Value status =
        callRuntime(b, loc, "heed_cuda_launch", b.getI32Type(),
                    {context,
                     LLVM::AddressOfOp::create(
                         b, loc, getImage(launch.getKernelModuleName())),
                     stringConstant(b, loc, launch.getKernelName()), frame,
                     arith::ConstantIntOp::create(b, loc, words.size(), 64)});
    Value isFine =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, status,
                              arith::ConstantIntOp::create(b, loc, 0, 32));
    // The runtime has been told why.
    cf::AssertOp::create(b, loc, isFine, "a launch failed");
    launch.erase();
    return success();
  }
};
} // namespace
} // namespace heed::lower
