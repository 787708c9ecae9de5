// LowerGpuElementwise.cpp - elementwise linalg and copies on memrefs -> kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   vectors   operands lie along the last loop, or do not vary with it: a thread
//             loads 16 bytes of each, several times, before it stores
//   scalars   else, an element a thread: transposes, gathers of strides; with
//             reductions, a sum a thread
//
// Floats are always computed on the device. Integers and copies are where a
// launch or a primitive uses what they write: masks are, sizes are not.
#include "passes/lower/gpu/Passes.h"
#include "passes/lower/gpu/kernel/Alignment.h"
#include "passes/lower/gpu/kernel/BlockLinalg.h"
#include "passes/lower/gpu/kernel/BlockReduce.h"
#include "passes/lower/gpu/kernel/VectorAccess.h"
#include "passes/lower/gpu/launch/BufferClasses.h"

#include "dialect/gate/GateOps.h"
#include "dialect/primitive/PrimitiveOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPUELEMENTWISE
#include "passes/lower/gpu/Passes.h.inc"

namespace {
using cuda::KernelBuffer;
using cuda::KernelBuilder;
using cuda::Values;

constexpr int64_t kThreads = 256;
/// Vectors of a thread in flight.
constexpr int64_t kUnroll = 4;

std::string whyNot(linalg::LinalgOp op) {
  if (op.getNumDpsInits() != 1)
    return "result: expected one";
  if (op.getNumReductionLoops() > 0 && (linalg::isaContractionOpInterface(op) ||
                                        linalg::isaConvolutionOpInterface(op)))
    return "loops: expected no product, convolution or pooling, which "
           "libraries have";
  auto type = dyn_cast<MemRefType>(op.getDpsInits()[0].getType());
  if (!type || type.getRank() == 0)
    return "result: expected at least one dim";
  return cuda::whyNotBuildable(op);
}

/// Which buffers launches and primitives of libraries use.
class DeviceBuffers {
public:
  explicit DeviceBuffers(func::FuncOp function) : classes(function) {
    function.walk([&](Operation *op) {
      if (isa<gpu::LaunchFuncOp, attn::PrimitiveOp>(op))
        for (Value operand : op->getOperands())
          add(operand);
    });
  }
  /// What a pointer points into, or the buffer itself.
  void add(Value operand) {
    if (isMemRef(operand))
      used.insert(classes.find(operand));
    else if (isa<LLVM::LLVMPointerType>(operand.getType()))
      for (Value buffer : buffersOf(operand))
        used.insert(classes.find(buffer));
  }
  bool contains(Value buffer) { return used.contains(classes.find(buffer)); }

private:
  BufferClasses classes;
  llvm::DenseSet<Value> used;
};

/// Whether all tensors are walked in the order they lie in: one loop is enough.
bool isFlat(linalg::LinalgOp op) {
  if (op.hasIndexSemantics())
    return false;
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    return !type || (op.getMatchingIndexingMap(&operand).isIdentity() &&
                     type.getLayout().isIdentity());
  });
}

/// Elements that each thread computes beside each other: a vector, or 1.
int64_t findLength(linalg::LinalgOp op) {
  auto output = cast<MemRefType>(op.getDpsInits()[0].getType());
  int64_t length = cuda::vectorLength(output.getElementType());
  if (isFlat(op)) {
    int64_t factor = 1;
    for (int64_t size : output.getShape())
      factor = ShapedType::isDynamic(size) ? factor : factor * size % length;
    bool areEqual = llvm::all_of(op->getOperandTypes(), [&](Type type) {
      auto buffer = dyn_cast<MemRefType>(type);
      return !buffer || cuda::vectorLength(buffer.getElementType()) == length;
    });
    return factor % length == 0 && areEqual ? length : 1;
  }
  unsigned last = op.getNumLoops() - 1;
  AffineExpr inner = getAffineDimExpr(last, op.getContext());
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return 1;
    bool isOutput = operand.get() == op.getDpsInits()[0];
    if (!map.isFunctionOfDim(last)) {
      if (isOutput)
        return 1;
      continue;
    }
    // Rows begin at multiples of 16 bytes, and so does each vector.
    bool isAlong = map.getResults().back() == inner &&
                   cuda::rowUnitBytes(operand.get(), type.getRank() - 1) ==
                       cuda::kMaxUnitBytes;
    if (!isAlong || cuda::vectorLength(type.getElementType()) != length)
      return 1;
  }
  return length;
}

struct ElementwiseKernel {
  KernelBuilder &k;
  linalg::LinalgOp op;
  int64_t length;
  bool flat = isFlat(op);
  SmallVector<std::optional<KernelBuffer>> buffers;
  Values sizes; // of loops; the last in vectors
  Value count;  // of vectors

  ElementwiseKernel(KernelBuilder &k, linalg::LinalgOp op, int64_t length)
      : k(k), op(op), length(length), sizes(op.getNumLoops()) {
    for (OpOperand &operand : op->getOpOperands()) {
      auto &buffer = buffers.emplace_back();
      if (!isa<MemRefType>(operand.get().getType()))
        continue;
      buffer = cuda::globalBuffer(k, operand.get());
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [expr, size] : llvm::zip(map.getResults(), buffer->sizes))
        if (auto loop = dyn_cast<AffineDimExpr>(expr))
          sizes[loop.getPosition()] = size;
    }
    if (flat) {
      for (Value size : ValueRange(sizes).drop_front())
        sizes[0] = k.mul(sizes[0], size);
      sizes.resize(1);
    }
    sizes.back() =
        k.b.createOrFold<arith::DivUIOp>(k.loc, sizes.back(), k.i32(length));
    count = k.i32(1);
    for (Value size : sizes)
      count = k.mul(count, size);
  }

  bool varies(OpOperand &operand) {
    return op.getMatchingIndexingMap(&operand).isFunctionOfDim(
        op.getNumLoops() - 1);
  }

  Value address(OpOperand &operand, ArrayRef<Value> loops) {
    const KernelBuffer &buffer = *buffers[operand.getOperandNumber()];
    if (flat)
      return buffer.address(k, loops[0]);
    Values indices;
    for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      indices.push_back(loop ? loops[loop.getPosition()] : k.i32(0));
    }
    return buffer.address(k, indices);
  }

  /// The loops at vector `flat`.
  Values loopsOf(Value flat) {
    Values loops(sizes.size());
    for (size_t loop = sizes.size(); loop-- > 0;) {
      loops[loop] = loop == 0 ? flat
                              : k.b.createOrFold<arith::RemUIOp>(k.loc, flat,
                                                                 sizes[loop]);
      flat = k.b.createOrFold<arith::DivUIOp>(k.loc, flat, sizes[loop]);
    }
    loops.back() = k.mul(loops.back(), k.i32(length));
    return loops;
  }

  /// A vector of each operand that the body reads; one value where it does not
  /// vary.
  SmallVector<Values> load(ArrayRef<Value> loops) {
    SmallVector<Values> all;
    for (OpOperand &operand : op->getOpOperands()) {
      Values &values = all.emplace_back();
      auto &buffer = buffers[operand.getOperandNumber()];
      if (!op.payloadUsesValueFromOperand(&operand))
        continue;
      if (!buffer)
        values.push_back(k.scalar(operand.get()));
      else
        values = cuda::loadVector(k, address(operand, loops), buffer->element,
                                  varies(operand) ? length : 1);
    }
    return all;
  }

  void store(ArrayRef<Value> loops, ArrayRef<Values> loaded) {
    Values results;
    for (int64_t i = 0; i < length; ++i) {
      Values args;
      for (auto [values, argument] :
           llvm::zip(loaded, op.getBlock()->getArguments())) {
        if (values.empty())
          args.push_back(LLVM::PoisonOp::create(
              k.b, k.loc, cuda::computeType(argument.getType())));
        else
          args.push_back(values.size() == 1 ? values[0] : values[i]);
      }
      auto outer = [&](Value above) { return k.scalar(above); };
      auto index = [&](unsigned loop) -> Value {
        Value at = loops[loop];
        if (loop + 1 == loops.size())
          at = k.add(at, k.i32(i));
        return arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), at);
      };
      results.push_back(
          cuda::buildScalarBody(k, *op.getBlock(), args, {outer, index}));
    }
    OpOperand &init = *op.getDpsInitOperand(0);
    cuda::storeVector(k, results, address(init, loops),
                      buffers[init.getOperandNumber()]->element);
  }

  void build() {
    Value thread = cuda::buildLane(k).thread;
    Value first = k.mul(k.blockX(), k.i32(kThreads * kUnroll));
    auto at = [&](int64_t slot) {
      return k.add(k.add(first, thread), k.i32(slot * kThreads));
    };
    Value end = k.add(first, k.i32(kThreads * kUnroll));
    k.ifThen(k.b.createOrFold<arith::CmpIOp>(k.loc, arith::CmpIPredicate::sle,
                                             end, count),
             [&] {
               SmallVector<Values> loops;
               SmallVector<SmallVector<Values>> loaded;
               for (int64_t slot = 0; slot < kUnroll; ++slot) {
                 loops.push_back(loopsOf(at(slot)));
                 loaded.push_back(load(loops.back()));
               }
               for (int64_t slot = 0; slot < kUnroll; ++slot)
                 store(loops[slot], loaded[slot]);
             });
    k.ifThen(k.lessThan(count, end), [&] {
      for (int64_t slot = 0; slot < kUnroll; ++slot)
        k.ifThen(k.lessThan(at(slot), count), [&] {
          Values loops = loopsOf(at(slot));
          store(loops, load(loops));
        });
    });
  }
};

struct LowerGpuElementwise
    : impl::LowerGpuElementwiseBase<LowerGpuElementwise> {
  using LowerGpuElementwiseBase::LowerGpuElementwiseBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!cuda::requireChip(module, chip))
      return signalPassFailure();
    SmallVector<linalg::LinalgOp> floats;
    module.walk([&](linalg::LinalgOp op) {
      if (isCandidate(op) && hasFloats(op.getDpsInits()))
        floats.push_back(op);
    });
    for (linalg::LinalgOp op : floats)
      lowerIfHeld(op);
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal())
        lowerWhatFeeds(function);
  }

  static bool isCandidate(Operation *op) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    return (isa<memref::CopyOp>(op) ||
            (linalgOp && linalgOp.hasPureBufferSemantics())) &&
           !op->getParentOfType<attn::GateOp>();
  }
  static bool hasFloats(ValueRange values) {
    return llvm::all_of(values, [](Value value) {
      return isa<FloatType>(getElementTypeOrSelf(value));
    });
  }

  /// Integers and copies, from the last on: what feeds what is on the device is
  /// there, too.
  void lowerWhatFeeds(func::FuncOp function) {
    DeviceBuffers device(function);
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) {
      if (isCandidate(op) &&
          (isa<memref::CopyOp>(op) ||
           !hasFloats(cast<linalg::LinalgOp>(op).getDpsInits())))
        ops.push_back(op);
    });
    for (Operation *op : llvm::reverse(ops)) {
      auto copy = dyn_cast<memref::CopyOp>(op);
      SmallVector<Value> operands(op->getOperands());
      bool isUsed = device.contains(operands.back()) ||
                    (copy && device.contains(copy.getSource()));
      bool isLowered =
          isUsed &&
          (copy ? lowerCopy(copy) : lowerIfHeld(cast<linalg::LinalgOp>(op)));
      if (isLowered)
        for (Value operand : operands)
          device.add(operand);
    }
  }

  bool lowerCopy(memref::CopyOp copy) {
    OpBuilder b(copy);
    linalg::LinalgOp op = linalg::CopyOp::create(
        b, copy.getLoc(), copy.getSource(), copy.getTarget());
    bool isLowered = lowerIfHeld(op);
    if (isLowered)
      copy.erase();
    else
      op.erase();
    return isLowered;
  }

  bool lowerIfHeld(linalg::LinalgOp op) {
    std::string why = whyNot(op);
    auto options =
        remark::RemarkOpts::name("elementwise").category("heed-lower");
    if (!why.empty()) {
      remark::analysis(op.getLoc(), options)
          << remark::metric("schedule", "no GPU kernel")
          << remark::reason("{0}", why)
          << remark::suggest("none: it stays on the CPU");
      return false;
    }
    int64_t length = findLength(op);
    remark::analysis(op.getLoc(), options)
        << remark::metric("schedule", length > 1 ? "vectors" : "scalars");
    lower(op, length);
    return true;
  }

  void lower(linalg::LinalgOp op, int64_t length) {
    OpBuilder host(op);
    Location loc = op.getLoc();
    gpu::GPUModuleOp kernels = cuda::getKernelModule(getOperation(), chip);
    KernelBuilder k(host, loc, kernels,
                    cuda::nameKernel(kernels, "elementwise"), kThreads);
    Value output = op.getDpsInits()[0];
    int64_t rank = cast<MemRefType>(output.getType()).getRank();
    int64_t perBlock = kThreads;
    if (length > 1) {
      ElementwiseKernel(k, op, length).build();
      perBlock *= kUnroll * length;
    } else {
      Value thread = cuda::buildLane(k).thread;
      Value index = k.add(k.mul(k.blockX(), k.i32(kThreads)), thread);
      auto buffer = [&](Value value) { return cuda::globalBuffer(k, value); };
      auto scalar = [&](Value value) { return k.scalar(value); };
      cuda::LinalgScope scope;
      scope.buffer = buffer;
      scope.scalar = scalar;
      cuda::buildLinalg(k, op, {index, kThreads, /*oneEach=*/true}, scope);
    }
    SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    Value count = getValueOrCreateConstantIndexOp(
        host, loc, cuda::sizeOf(host, loc, output, dims));
    Value size = arith::ConstantIndexOp::create(host, loc, perBlock);
    Value blocks = host.createOrFold<arith::CeilDivUIOp>(loc, count, size);
    OpFoldResult one = host.getIndexAttr(1);
    k.finish({blocks, one, one}, 0);
    op.erase();
  }
};
} // namespace
} // namespace heed::lower
