// LowerGpuLaunch.cpp - launches become calls of the runtime, and kernels a
// constant of the program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/Passes.h"

#include "dialect/hopper/HopperOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
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

/// Memory of `count` values at the entry: in a loop the stack would grow.
Value allocate(OpBuilder &b, Location loc, func::FuncOp function, Type element,
               int64_t count, unsigned alignment = 0) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  return LLVM::AllocaOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), element,
      LLVM::ConstantOp::create(b, loc, b.getI64Type(), count), alignment);
}

void store(OpBuilder &b, Location loc, ArrayRef<Value> words, Value frame) {
  for (auto [index, word] : llvm::enumerate(words)) {
    Value slot =
        LLVM::GEPOp::create(b, loc, frame.getType(), b.getI64Type(), frame,
                            ArrayRef<LLVM::GEPArg>{int32_t(index)});
    LLVM::StoreOp::create(b, loc, word, slot);
  }
}

/// Stops with the status if it is an error; the runtime has been told why.
void check(OpBuilder &b, Location loc, Value status, StringRef message) {
  Value isFine =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, status,
                            arith::ConstantIntOp::create(b, loc, 0, 32));
  cf::AssertOp::create(b, loc, isFine, message);
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

  /// The memory of a tensor map, which is made where its op is.
  Value lowerMap(hopper::TensorMapOp map, func::FuncOp function,
                 Value context) {
    OpBuilder b(map);
    Location loc = map.getLoc();
    Value memory =
        allocate(b, loc, function, b.getI8Type(), HEED_CUDA_MAP_BYTES, 64);
    auto type = cast<MemRefType>(map.getSource().getType());
    auto data =
        memref::ExtractStridedMetadataOp::create(b, loc, map.getSource());
    auto toWord = [&](Value index) -> Value {
      return arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
    };
    SmallVector<Value> words;
    for (Value size : data.getSizes())
      words.push_back(toWord(size));
    for (Value stride : data.getStrides())
      words.push_back(toWord(stride));
    for (int64_t size : map.getBox())
      words.push_back(arith::ConstantIntOp::create(b, loc, size, 64));
    Value frame =
        allocate(b, loc, function, b.getI64Type(), int64_t(words.size()));
    store(b, loc, words, frame);
    Value address =
        memref::ExtractAlignedPointerAsIndexOp::create(b, loc, map.getSource());
    Value bytes = arith::ConstantIndexOp::create(
        b, loc, elementBytes(type.getElementType()));
    Value offset = arith::MulIOp::create(b, loc, data.getOffset(), bytes);
    Value integer = toWord(arith::AddIOp::create(b, loc, address, offset));
    Value pointer = LLVM::IntToPtrOp::create(
        b, loc, LLVM::LLVMPointerType::get(&getContext()), integer);
    bool isBf16 = type.getElementType().isBF16();
    check(b, loc,
          callRuntime(b, loc, "heed_cuda_tensor_map", b.getI32Type(),
                      {context, memory, pointer,
                       arith::ConstantIntOp::create(b, loc, isBf16, 32),
                       arith::ConstantIntOp::create(b, loc, type.getRank(), 64),
                       frame}),
          "a tensor map failed");
    return memory;
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
    SmallVector<Value> arguments;
    SmallVector<hopper::TensorMapOp> maps;
    int64_t byValue = 0;
    for (auto [index, operand] : llvm::enumerate(launch.getKernelOperands())) {
      if (auto map = operand.getDefiningOp<hopper::TensorMapOp>()) {
        byValue |= int64_t(1) << index;
        arguments.push_back(lowerMap(map, function, context));
        maps.push_back(map);
      } else {
        arguments.push_back(operand);
      }
    }
    words.push_back(arith::ConstantIntOp::create(b, loc, byValue, 64));
    llvm::append_range(words, arguments);

    Value frame = allocate(b, loc, function, i64, int64_t(words.size()));
    store(b, loc, words, frame);
    Value status =
        callRuntime(b, loc, "heed_cuda_launch", b.getI32Type(),
                    {context,
                     LLVM::AddressOfOp::create(
                         b, loc, getImage(launch.getKernelModuleName())),
                     stringConstant(b, loc, launch.getKernelName()), frame,
                     arith::ConstantIntOp::create(b, loc, words.size(), 64)});
    check(b, loc, status, "a launch failed");
    launch.erase();
    for (hopper::TensorMapOp map : maps)
      if (map->use_empty())
        map.erase();
    return success();
  }
};
} // namespace
} // namespace heed::lower
