// LowerGpuCopies.cpp - tells the runtime where buffers are used, on the host or
// on the device.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime knows at each time where a buffer is up to date, and copies where
// it is used next (runtime/cuda/Cuda.h). This pass makes the calls:
//
//   %a = memref.alloc             heed_cuda_buffer(ctx, address of %a, bytes, kind)
//   launch(pointer into %a)       launch(heed_cuda_to_device(ctx, pointer, access))
//   host op on %a                 heed_cuda_to_host(ctx, address of %a, writes)
//                                 host op
//   primitive of a library        the same: heed_cuda_primitive copies itself
//
// Values that may be the same memory, by views, branches and loops, are a class;
// only classes that some launch uses get calls. In a block, a call that says what
// the calls before it have said is left out:
//   - a buffer is on the host after a host op, until a launch writes its class;
//   - the device's copy is stale after a host op that writes, until a launch
//     uses its class.
#include "passes/lower/gpu/Passes.h"

#include "dialect/hopper/HopperOps.h"
#include "dialect/primitive/PrimitiveOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/gpu/launch/BufferClasses.h"
#include "passes/lower/gpu/launch/KernelWrites.h"
#include "passes/lower/gpu/launch/SerialControl.h"
#include "runtime/cuda/Cuda.h"
#include "llvm/ADT/MapVector.h"
#include <map>

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPUCOPIES
#include "passes/lower/gpu/Passes.h.inc"

namespace {

/// What kind of buffer begins at `root`.
HeedCudaBufferKind kindOf(Value root) {
  Operation *op = root.getDefiningOp();
  if (isa_and_nonnull<memref::AllocOp>(op))
    return HEED_CUDA_SCRATCH;
  if (auto get = dyn_cast_or_null<memref::GetGlobalOp>(op)) {
    auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
        get, get.getNameAttr());
    return global && global.getConstant() ? HEED_CUDA_CONSTANT
                                          : HEED_CUDA_INPUT;
  }
  // A descriptor around a pointer that the runtime gave (heed-lower-entry).
  SmallVector<Value> worklist;
  if (isa_and_nonnull<UnrealizedConversionCastOp>(op))
    worklist.push_back(op->getOperand(0));
  while (!worklist.empty()) {
    Operation *source = worklist.pop_back_val().getDefiningOp();
    if (auto call = dyn_cast_or_null<LLVM::CallOp>(source)) {
      if (call.getCallee() == "heed_output")
        return HEED_CUDA_OUTPUT;
    } else if (isa_and_nonnull<LLVM::InsertValueOp>(source)) {
      worklist.append(source->operand_begin(), source->operand_end());
    }
  }
  return HEED_CUDA_INPUT;
}

/// A buffer that a host op uses.
struct Touch {
  Value buffer;
  bool writes;
};

/// A launch, or a primitive that a library may run on the device.
bool isOfDevice(Operation *op) {
  auto primitive = dyn_cast<attn::PrimitiveOp>(op);
  return isa<gpu::LaunchFuncOp>(op) || (primitive && primitive.getDevice());
}

/// What the op itself, and ops in its regions, read and write.
SmallVector<Touch> touchesOf(Operation *op) {
  llvm::MapVector<Value, bool> touches;
  op->walk([&](Operation *inner) {
    if (isa<memref::AllocOp, memref::AllocaOp, memref::DeallocOp,
            hopper::TensorMapOp>(inner) ||
        isOfDevice(inner) || isSerialControl(inner) ||
        inner->hasTrait<OpTrait::IsTerminator>())
      return;
    auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
    if (effects && effects.hasNoEffect())
      return;
    for (Value operand : inner->getOperands()) {
      if (!isMemRef(operand))
        continue;
      bool writes = !effects && !isMemoryEffectFree(inner);
      if (effects) {
        SmallVector<MemoryEffects::EffectInstance> found;
        effects.getEffectsOnValue(operand, found);
        writes = llvm::any_of(found, [](auto &effect) {
          return isa<MemoryEffects::Write>(effect.getEffect());
        });
      } else if (isPure(inner)) {
        continue;
      }
      touches[operand] |= writes;
    }
  });
  SmallVector<Touch> list;
  for (auto [buffer, writes] : touches)
    list.push_back({buffer, writes});
  return list;
}

/// Whether the op is work, not arithmetic on sizes or a view.
bool isWork(Operation *op) {
  return !isa<memref::LoadOp, memref::StoreOp>(op) && !touchesOf(op).empty();
}

std::string nameOf(Operation *op) {
  std::string name = op->getName().getStringRef().str();
  if (auto primitive = dyn_cast<attn::PrimitiveOp>(op))
    name += (" " + attn::stringifyPrimitiveKind(primitive.getKind())).str();
  return name;
}

class Lowering {
public:
  Lowering(func::FuncOp function, Value context)
      : function(function), context(context), classes(function),
        b(function.getContext()) {}

  LogicalResult run() {
    if (failed(findLaunches()))
      return failure();
    announceRoots();
    visit(function.getBody().front(), Known());
    OpBuilder start = OpBuilder::atBlockBegin(&function.getBody().front());
    Location loc = function.getLoc();
    check(start, loc,
          callRuntime(start, loc, "heed_cuda_start", start.getI32Type(),
                      context));
    finish();
    return success();
  }

private:
  /// What the calls before have said of a buffer: on the host, and alone there.
  enum Place : char { onHost = 1, onlyOnHost = 2 };
  using Known = llvm::DenseMap<Value, Place>;

  struct Argument {
    OpOperand *operand; // the pointer; null where the runtime brings it
    bool writes;
    SmallVector<Value, 1> used; // classes
  };

  bool isOnDevice(Value buffer) {
    return onDevice.contains(classes.find(buffer));
  }

  LogicalResult findLaunches() {
    auto module = function->getParentOfType<ModuleOp>();
    WalkResult result = function.walk([&](gpu::LaunchFuncOp launch) {
      for (Operation *op = launch->getParentOp(); op != function;
           op = op->getParentOp())
        if (!isSerialControl(op)) {
          launch.emitOpError("expected only serial loops and branches around "
                             "it, got ")
              << op->getName();
          return WalkResult::interrupt();
        }
      auto kernel = module.lookupSymbol<LLVM::LLVMFuncOp>(launch.getKernel());
      if (!kernel) {
        launch.emitOpError("expected a kernel of the module");
        return WalkResult::interrupt();
      }
      SmallVector<Argument> &arguments = launches[launch];
      for (auto [number, value] : llvm::enumerate(launch.getKernelOperands())) {
        if (auto map = value.getDefiningOp<hopper::TensorMapOp>()) {
          // The runtime brings what it is a map of.
          Value used = classes.find(map.getSource());
          onDevice.insert(used);
          arguments.push_back({nullptr, /*writes=*/false, {used}});
          continue;
        }
        if (!isa<LLVM::LLVMPointerType>(value.getType()))
          continue;
        Argument argument{&launch.getKernelOperandsMutable()[number],
                          cuda::writesThrough(kernel, number),
                          {}};
        for (Value buffer : buffersOf(value)) {
          argument.used.push_back(classes.find(buffer));
          onDevice.insert(argument.used.back());
        }
        if (argument.used.empty()) {
          launch.emitOpError("expected pointers into buffers");
          return WalkResult::interrupt();
        }
        arguments.push_back(argument);
      }
      return WalkResult::advance();
    });
    function.walk([&](attn::PrimitiveOp primitive) {
      if (!primitive.getDevice())
        return;
      for (OpOperand &operand : primitive->getOpOperands()) {
        Value used = classes.find(operand.get());
        onDevice.insert(used);
        bool writes = primitive.isDpsInit(&operand);
        launches[primitive].push_back({nullptr, writes, {used}});
      }
    });
    return failure(result.wasInterrupted());
  }

  Value addressOf(Location loc, Value buffer) {
    Value index =
        memref::ExtractAlignedPointerAsIndexOp::create(b, loc, buffer);
    Value integer = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
    return LLVM::IntToPtrOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext()), integer);
  }

  /// Stops with the status if it is an error.
  static void check(OpBuilder &b, Location loc, Value status) {
    Value zero = arith::ConstantIntOp::create(b, loc, 0, 32);
    Value isFine =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, status, zero);
    // The runtime has been told why.
    cf::AssertOp::create(b, loc, isFine, "a call of the device failed");
  }

  void announceRoots() {
    SmallVector<Value> roots;
    function.walk([&](Operation *op) {
      if (op->getNumRegions() != 0 || llvm::any_of(op->getOperands(), isMemRef))
        return;
      for (Value result : op->getResults())
        if (isMemRef(result) && isOnDevice(result))
          roots.push_back(result);
    });
    for (Value root : roots) {
      b.setInsertionPointAfterValue(root);
      Location loc = root.getLoc();
      auto type = cast<MemRefType>(root.getType());
      SmallVector<Value> sizes;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          sizes.push_back(b.createOrFold<memref::DimOp>(loc, root, dim));
      Value bytes = arith::IndexCastOp::create(
          b, loc, b.getI64Type(), sizeInBytes(b, loc, type, sizes));
      HeedCudaBufferKind kind = kindOf(root);
      Value number = arith::ConstantIntOp::create(b, loc, kind, 32);
      callRuntime(b, loc, "heed_cuda_buffer", Type(),
                  {context, addressOf(loc, root), bytes, number});
      if (kind == HEED_CUDA_OUTPUT)
        outputs.push_back(root);
    }
  }

  void toHost(Operation *before, Value buffer, bool writes) {
    b.setInsertionPoint(before);
    Location loc = before->getLoc();
    check(b, loc,
          callRuntime(b, loc, "heed_cuda_to_host", b.getI32Type(),
                      {context, addressOf(loc, buffer),
                       arith::ConstantIntOp::create(b, loc, writes, 32)}));
  }

  void touch(Operation *op, Value buffer, bool writes, Known &known) {
    Value root = rootOf(buffer);
    if (!isOnDevice(buffer))
      return;
    Place place = writes ? onlyOnHost : onHost;
    auto it = known.find(root);
    if (it != known.end() && it->second >= place)
      return;
    known[root] = place;
    toHost(op, buffer, writes);
  }

  /// A launch uses classes: what was known of them no longer holds.
  void forget(const Argument &argument, Known &known) {
    SmallVector<Value> written;
    for (auto &[root, place] : known) {
      if (!llvm::is_contained(argument.used, classes.find(root)))
        continue;
      if (argument.writes)
        written.push_back(root);
      else
        place = onHost;
    }
    for (Value root : written)
      known.erase(root);
  }

  /// What the launch does with buffers that it writes, or reads; without blocks
  /// nothing, and their addresses may be those of others.
  Value accessOf(gpu::LaunchFuncOp launch, bool writes) {
    Location loc = launch.getLoc();
    Value access = arith::ConstantIntOp::create(
        b, loc, writes ? HEED_CUDA_WRITES : HEED_CUDA_READS, 32);
    gpu::KernelDim3 grid = launch.getGridSizeOperandValues();
    for (Value size : {grid.x, grid.y, grid.z}) {
      std::optional<int64_t> number = getConstantIntValue(size);
      if (number && *number != 0)
        continue;
      Value zero = arith::ConstantOp::create(
          b, loc, b.getIntegerAttr(size.getType(), 0));
      Value isEmpty =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, size, zero);
      Value nothing =
          arith::ConstantIntOp::create(b, loc, HEED_CUDA_NOTHING, 32);
      access = arith::SelectOp::create(b, loc, isEmpty, nothing, access);
    }
    return access;
  }

  void visitLaunch(Operation *launch, Known &known) {
    b.setInsertionPoint(launch);
    Location loc = launch->getLoc();
    for (const Argument &argument : launches[launch]) {
      forget(argument, known);
      if (!argument.operand)
        continue;
      OpOperand &operand = *argument.operand;
      Value access = accessOf(cast<gpu::LaunchFuncOp>(launch), argument.writes);
      operand.set(callRuntime(b, loc, "heed_cuda_to_device",
                              operand.get().getType(),
                              {context, operand.get(), access}));
    }
  }

  void visitControl(Operation *op, Known &known) {
    bool launchesInside = false;
    op->walk([&](Operation *launch) {
      if (!isOfDevice(launch))
        return;
      launchesInside = true;
      // What an iteration knows holds after each of the others too.
      for (const Argument &argument : launches[launch])
        forget(argument, known);
    });
    // Without launches, one call in front of a loop does for all iterations.
    if (!launchesInside)
      for (auto [buffer, writes] : touchesOf(op))
        if (Value outer = valueBefore(op, buffer))
          touch(op, outer, writes, known);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        visit(block, known);
  }

  /// The buffer, or what it is a view of, as a value in front of `op`.
  static Value valueBefore(Operation *op, Value buffer) {
    Value root = rootOf(buffer);
    for (Region &region : op->getRegions())
      if (region.isAncestor(buffer.getParentRegion()))
        return region.isAncestor(root.getParentRegion()) ? Value() : root;
    return buffer;
  }

  void visit(Block &block, Known known) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isOfDevice(&op)) {
        visitLaunch(&op, known);
      } else if (isSerialControl(&op)) {
        visitControl(&op, known);
      } else {
        for (auto [buffer, writes] : touchesOf(&op))
          if (Value outer = valueBefore(&op, buffer))
            touch(&op, outer, writes, known);
      }
    }
  }

  void finish() {
    Operation *terminator = function.getBody().front().getTerminator();
    // The status that is returned is read after this.
    Operation *before = terminator;
    for (Value operand : terminator->getOperands())
      if (Operation *op = operand.getDefiningOp();
          op && op->getBlock() == terminator->getBlock() &&
          op->isBeforeInBlock(before))
        before = op;
    for (Value output : outputs)
      toHost(before, output, /*writes=*/false);
    b.setInsertionPoint(before);
    Location loc = terminator->getLoc();
    check(b, loc,
          callRuntime(b, loc, "heed_cuda_finish", b.getI32Type(), context));
  }

  func::FuncOp function;
  Value context;
  BufferClasses classes;
  OpBuilder b;
  llvm::DenseSet<Value> onDevice; // classes
  llvm::DenseMap<Operation *, SmallVector<Argument>> launches;
  SmallVector<Value> outputs;
};

/// What runs where, for those who ask: in a remark, and as `attn.places` of the
/// module, for the tool that runs it.
void report(func::FuncOp function) {
  std::map<std::string, unsigned> kernels, library, host;
  std::function<void(Block &)> count = [&](Block &block) {
    for (Operation &op : block) {
      if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
        ++kernels[launch.getKernelName().str()];
      else if (isOfDevice(&op))
        ++library[nameOf(&op)];
      else if (isSerialControl(&op))
        for (Region &region : op.getRegions())
          for (Block &inner : region)
            count(inner);
      else if (isWork(&op))
        ++host[nameOf(&op)];
    }
  };
  count(function.getBody().front());
  auto list = [](const std::map<std::string, unsigned> &counts) {
    std::string text;
    for (const auto &[name, number] : counts)
      text += (text.empty() ? "" : ", ") + name + " (" +
              std::to_string(number) + ")";
    return text.empty() ? std::string("nothing") : text;
  };
  std::string onGpu = list(kernels), byLibrary = list(library),
              onCpu = list(host);
  remark::analysis(function.getLoc(),
                   remark::RemarkOpts::name("gpu").category("heed-lower"))
      << remark::metric("kernels", onGpu)
      << remark::metric("by cuBLAS and cuDNN", byLibrary)
      << remark::metric("stays on the CPU", onCpu);
  Builder b(function.getContext());
  if (function.getSymName() == "main")
    function->getParentOp()->setAttr(
        "attn.places", b.getStrArrayAttr({onGpu, byLibrary, onCpu}));
}

struct LowerGpuCopies : impl::LowerGpuCopiesBase<LowerGpuCopies> {
  void runOnOperation() override {
    for (auto function :
         llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (function.isExternal())
        continue;
      report(function);
      WalkResult hasLaunch = function.walk([](Operation *op) {
        return isOfDevice(op) ? WalkResult::interrupt() : WalkResult::advance();
      });
      if (!hasLaunch.wasInterrupted())
        continue;
      Value context = heed::lower::getContext(function);
      if (!context || !function.getBody().hasOneBlock()) {
        function.emitOpError("expected a lowered entry (heed-lower-entry)");
        return signalPassFailure();
      }
      if (failed(Lowering(function, context).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
} // namespace heed::lower
