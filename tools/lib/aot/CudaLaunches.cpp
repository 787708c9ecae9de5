// CudaLaunches.cpp - the launches of a program, and the memory they are on, as
// far as both are known before it runs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnDialect.h"
#include "dialect/hopper/HopperOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/lower/gpu/launch/BufferClasses.h"
#include "tools/lib/aot/CudaKernels.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace heed {
namespace {

std::string textOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

CudaSize constantOf(Value value) {
  APInt constant;
  if (value && matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

CudaSize sizeOf(int64_t size) {
  return ShapedType::isDynamic(size) ? CudaSize() : CudaSize(size);
}

SmallVector<CudaSize> sizesOf(ArrayRef<int64_t> sizes) {
  return SmallVector<CudaSize>(llvm::map_range(sizes, sizeOf));
}

int64_t bytesOf(Type element) {
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

class Describer {
public:
  explicit Describer(CudaKernels &kernels) : kernels(kernels) {}

  void run(func::FuncOp function) {
    for (Value argument : function.getArguments())
      if (lower::isMemRef(argument))
        numberOf(argument);
    // What it gives out is known before it is used.
    Operation *end = function.getBody().back().getTerminator();
    for (Value result : end->getOperands()) {
      CudaSize number;
      if (lower::isMemRef(result)) {
        number = numberOf(lower::rootOf(result));
        CudaBuffer &buffer = kernels.buffers[*number];
        if (buffer.kind == "scratch")
          buffer.kind = "output";
      }
      kernels.outputs.push_back(number);
    }
    function.walk([&](Operation *op) {
      if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
        kernels.launches.push_back(describe(launch));
      else if (isWork(op) &&
               !llvm::is_contained(kernels.host, op->getName().getStringRef()))
        kernels.host.push_back(op->getName().getStringRef().str());
    });
  }

private:
  /// Whether the host does more than arithmetic on sizes and addresses. What
  /// of attn has no kernel is told apart.
  static bool isWork(Operation *op) {
    return !isa<memref::AllocOp, memref::DeallocOp, hopper::TensorMapOp>(op) &&
           !isa<attn::AttnDialect, scf::SCFDialect>(op->getDialect()) &&
           !isa<func::FuncOp>(op) && !op->hasTrait<OpTrait::IsTerminator>() &&
           !isMemoryEffectFree(op);
  }

  int64_t numberOf(Value root) {
    auto [it, isNew] =
        numbers.try_emplace(root, int64_t(kernels.buffers.size()));
    if (!isNew)
      return it->second;
    auto type = cast<MemRefType>(root.getType());
    CudaBuffer buffer;
    buffer.kind = isa<BlockArgument>(root)                    ? "input"
                  : root.getDefiningOp<memref::GetGlobalOp>() ? "constant"
                                                              : "scratch";
    buffer.element = textOf(type.getElementType());
    llvm::append_range(buffer.shape, sizesOf(type.getShape()));
    if (type.hasStaticShape())
      buffer.bytes = type.getNumElements() * bytesOf(type.getElementType());
    kernels.buffers.push_back(buffer);
    return it->second;
  }

  /// The buffer that an address points into, and the bytes from its beginning.
  struct Place {
    Value root;
    int64_t offset;
  };
  std::optional<Place> placeOf(Value address) {
    Operation *op = address.getDefiningOp();
    if (!op)
      return std::nullopt;
    if (isa<LLVM::IntToPtrOp, arith::IndexCastOp>(op))
      return placeOf(op->getOperand(0));
    if (auto pointer = dyn_cast<memref::ExtractAlignedPointerAsIndexOp>(op)) {
      Value root = lower::rootOf(pointer.getSource());
      // What branches and loops give is not known before.
      if (Operation *made = root.getDefiningOp();
          made && made->getNumRegions() != 0)
        return std::nullopt;
      return Place{root, 0};
    }
    if (auto sum = dyn_cast<arith::AddIOp>(op))
      for (auto [base, more] : {std::pair(sum.getLhs(), sum.getRhs()),
                                std::pair(sum.getRhs(), sum.getLhs())})
        if (CudaSize bytes = constantOf(more))
          if (auto place = placeOf(base))
            return Place{place->root, place->offset + *bytes};
    return std::nullopt;
  }

  CudaArgument describe(Value operand) {
    CudaArgument argument;
    std::optional<Place> place;
    if (auto map = operand.getDefiningOp<hopper::TensorMapOp>()) {
      argument.type = "tensor map";
      auto type = cast<MemRefType>(map.getSource().getType());
      argument.element = textOf(type.getElementType());
      auto [strides, offset] = type.getStridesAndOffset();
      llvm::append_range(argument.sizes, sizesOf(type.getShape()));
      llvm::append_range(argument.strides, sizesOf(strides));
      argument.box.assign(map.getBox().begin(), map.getBox().end());
      if (!ShapedType::isDynamic(offset))
        place = Place{lower::rootOf(map.getSource()),
                      offset * bytesOf(type.getElementType())};
    } else if (operand.getType().isIntOrFloat()) {
      argument.type = textOf(operand.getType());
      argument.value = constantOf(operand);
    } else {
      argument.type = "pointer";
      place = placeOf(operand);
    }
    if (place) {
      argument.buffer = numberOf(place->root);
      argument.offset = place->offset;
    }
    return argument;
  }

  CudaLaunch describe(gpu::LaunchFuncOp op) {
    CudaLaunch launch;
    launch.kernel = op.getKernelName().str();
    launch.node = nodeOf(op.getLoc());
    gpu::KernelDim3 grid = op.getGridSizeOperandValues();
    launch.grid = {constantOf(grid.x), constantOf(grid.y), constantOf(grid.z)};
    launch.threads = constantOf(op.getBlockSizeOperandValues().x).value_or(0);
    launch.sharedBytes =
        constantOf(op.getDynamicSharedMemorySize()).value_or(0);
    for (Value operand : op.getKernelOperands())
      launch.parameters.push_back(describe(operand));
    return launch;
  }

  CudaKernels &kernels;
  llvm::DenseMap<Value, int64_t> numbers;
};

} // namespace

/// The ONNX node, or file:line.
std::string nodeOf(Location loc) {
  std::string node, place;
  loc->walk([&](Location inner) {
    if (auto name = dyn_cast<NameLoc>(inner)) {
      node = name.getName().str();
      return WalkResult::interrupt();
    }
    if (auto file = dyn_cast<FileLineColLoc>(inner); file && place.empty())
      place = llvm::sys::path::filename(file.getFilename()).str() + ":" +
              std::to_string(file.getLine());
    return WalkResult::advance();
  });
  return node.empty() ? place : node;
}

void describeLaunches(ModuleOp module, CudaKernels &kernels) {
  if (auto main = module.lookupSymbol<func::FuncOp>("main"))
    Describer(kernels).run(main);
}

} // namespace heed
