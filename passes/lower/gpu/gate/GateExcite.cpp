// GateExcite.cpp - from the pools of a gate to its values, by one block.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/gate/GateKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using heed::attn::GateImages;
using heed::attn::GateOp;

namespace heed::cuda {

/// Up to here each block computes the excitation again, in less time than a
/// launch takes: its weights, 4 bytes a multiply-add, are no more than what the
/// block moves of x.
static constexpr int64_t kMostFusedWork = 16 * 1024;
/// Shared memory that leaves room for several blocks on an SM.
static constexpr int64_t kMostFusedBytes = 24 * 1024;

static bool isScalarOp(Operation *op) {
  return isPure(op) &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

/// Bytes of a buffer of the region in shared memory; none if that is not known.
static std::optional<int64_t> sharedBytes(MemRefType type, bool isImage) {
  int64_t bytes = bytesOf(type.getElementType());
  for (int64_t dim = isImage ? 1 : 0; dim < type.getRank(); ++dim) {
    if (type.isDynamicDim(dim))
      return std::nullopt;
    bytes *= type.getDimSize(dim);
  }
  return llvm::alignTo(bytes, kVectorBytes);
}

/// Multiply-adds of one image; none if that is not known.
static std::optional<int64_t> workOf(linalg::LinalgOp op,
                                     std::optional<unsigned> images) {
  int64_t work = 1;
  for (auto [loop, size] : llvm::enumerate(op.getStaticLoopRanges())) {
    if (loop == images)
      continue;
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    work *= size;
  }
  return work;
}

static std::string whyNotStep(Operation &op) {
  if (isa<memref::AllocOp, memref::DeallocOp, memref::CopyOp>(op) ||
      isKnownView(&op) || isScalarOp(&op))
    return "";
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op);
      softmax && isComputable(softmax.getInputOperandType().getElementType()))
    return "";
  auto linalg = dyn_cast<linalg::LinalgOp>(op);
  std::string why =
      linalg ? whyNotBuildable(linalg) : "expected linalg ops of one result";
  return why.empty()
             ? why
             : "excite: " + op.getName().getStringRef().str() + ": " + why;
}

/// Whether the op writes to memory that its block does not have for itself.
static bool writesOutside(Operation &op, Region &region) {
  Value target;
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    target = copy.getTarget();
  else if (auto linalg = dyn_cast<DestinationStyleOpInterface>(op))
    target = linalg.getDpsInits()[0];
  if (!target)
    return false;
  while (target.getDefiningOp() && isKnownView(target.getDefiningOp()))
    target = target.getDefiningOp()->getOperand(0);
  auto alloc = target.getDefiningOp<memref::AllocOp>();
  return !alloc || alloc->getParentRegion() != &region;
}

ExcitePlan planExcite(GateOp op, const Chip &chip) {
  ExcitePlan plan;
  Block &body = op.getExcite().front();
  for (Operation &step : body.without_terminator())
    if (plan.why.empty())
      plan.why = whyNotStep(step);
  if (!plan.why.empty())
    return plan;

  GateImages images(op);
  bool pooledImages = llvm::is_contained(op.getDimensions(), 0);
  plan.perImage = !pooledImages && images.areSeparate();
  auto type = cast<MemRefType>(op.getX().getType());
  bool isAlone = !pooledImages && type.getDimSize(0) == 1;
  int64_t bytes = 0, work = 0;
  bool isStatic = true, isOwn = true;
  for (Operation &step : body.without_terminator()) {
    isOwn &= !writesOutside(step, op.getExcite());
    if (auto alloc = dyn_cast<memref::AllocOp>(step)) {
      bool isImage = plan.perImage && images.isBatched(alloc);
      auto size = sharedBytes(alloc.getType(), isImage);
      isStatic &= size.has_value();
      bytes += size.value_or(0);
    } else if (auto linalg = dyn_cast<linalg::LinalgOp>(step)) {
      auto count = workOf(linalg, plan.perImage ? images.findLoop(linalg)
                                                : std::nullopt);
      isStatic &= count.has_value();
      work += count.value_or(0);
    }
  }
  // Other launches write x while some blocks would still read it.
  bool readsX = false;
  op.getExcite().walk([&](Operation *inner) {
    readsX |= llvm::is_contained(inner->getOperands(), op.getX());
  });
  plan.bytes = bytes;
  plan.isShared = isStatic && bytes <= chip.sharedBytes;
  plan.isFused = plan.isShared && isOwn && !readsX &&
                 (plan.perImage || isAlone) && bytes <= kMostFusedBytes &&
                 work <= kMostFusedWork;
  return plan;
}

namespace {

/// The steps of a region, each by all threads of the block.
struct Excitation {
  KernelBuilder &k;
  GateStage &stage;
  SharedArena *arena;
  Value n;
  ArrayRef<KernelBuffer> pools; // in the kernel; none: the host's
  Workers workers;
  GateImages images;
  IRMapping onHost;
  DenseMap<Value, KernelBuffer> buffers;

  Excitation(KernelBuilder &k, GateStage &stage, SharedArena *arena,
             const Lane &lane, Value n, ArrayRef<KernelBuffer> pools)
      : k(k), stage(stage), arena(arena), n(n),
        pools(pools), workers{lane.thread, k.getThreads()}, images(stage.op) {
    Block &body = stage.op.getExcite().front();
    for (auto [pool, argument] :
         llvm::zip_equal(stage.pools, body.getArguments()))
      onHost.map(argument, pool);
  }

  /// The value beside the launch; what makes it in the region is cloned.
  Value hostValue(Value value) {
    Operation *definition = value.getDefiningOp();
    bool isInner =
        definition && definition->getParentRegion() == &stage.op.getExcite();
    if (!isInner || onHost.contains(value))
      return onHost.lookupOrDefault(value);
    for (Value operand : definition->getOperands())
      hostValue(operand);
    k.host.clone(*definition, onHost);
    return onHost.lookup(value);
  }

  Value size(OpFoldResult value) {
    if (auto inner = dyn_cast<Value>(value))
      value = getAsOpFoldResult(hostValue(inner));
    return k.parameter(value, k.b.getI32Type());
  }

  KernelBuffer buffer(Value value) {
    auto found = buffers.find(value);
    if (found != buffers.end())
      return found->second;
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && !pools.empty() &&
        argument.getOwner() == &stage.op.getExcite().front())
      return pools[argument.getArgNumber()];
    KernelBuffer made;
    Operation *definition = value.getDefiningOp();
    bool isInner =
        definition && definition->getParentRegion() == &stage.op.getExcite();
    if (isInner && isKnownView(definition))
      made = viewBuffer(k, definition, buffer(definition->getOperand(0)),
                        [&](OpFoldResult each) { return size(each); });
    else if (isInner && arena)
      made = arena->allocate(cast<MemRefType>(value.getType()),
                             stage.plan.perImage && images.isBatched(value));
    else
      made = globalBuffer(k, hostValue(value));
    buffers[value] = made;
    return made;
  }

  void build(linalg::LinalgOp op) {
    LinalgScope scope;
    auto bufferOf = [&](Value value) { return buffer(value); };
    auto scalarOf = [&](Value value) { return k.scalar(hostValue(value)); };
    scope.buffer = bufferOf;
    scope.scalar = scalarOf;
    if (stage.plan.perImage) {
      scope.fixedLoop = images.findLoop(op);
      scope.fixedIndex = n;
    }
    buildLinalg(k, op, workers, scope);
  }

  KernelBuffer build() {
    Block &body = stage.op.getExcite().front();
    for (Operation &op : body.without_terminator()) {
      if (auto copy = dyn_cast<memref::CopyOp>(op))
        buildCopy(k, buffer(copy.getSource()), buffer(copy.getTarget()),
                  workers, stage.plan.perImage ? n : Value());
      else if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op))
        buildSoftmax(k, buffer(softmax.getInput()), buffer(softmax.getOutput()),
                     softmax.getDimension(), workers,
                     stage.plan.perImage ? n : Value());
      else if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
        build(linalg);
      else
        continue;
      barrier(k);
    }
    return buffer(body.getTerminator()->getOperand(0));
  }
};

} // namespace

KernelBuffer buildExcite(KernelBuilder &k, GateStage &stage, SharedArena *arena,
                         const Lane &lane, Value n,
                         ArrayRef<KernelBuffer> pools) {
  return Excitation(k, stage, arena, lane, n, pools).build();
}

void launchExcite(OpBuilder &host, GateChain &chain, unsigned index,
                  gpu::GPUModuleOp kernels) {
  GateStage &stage = chain.stages[index];
  KernelBuilder k(host, chain.loc, kernels, nameKernel(kernels, "gate_excite"),
                  kGateThreads);
  SharedArena arena(k);
  Lane lane = buildLane(k);
  Value n = stage.plan.perImage ? k.blockX() : Value();
  Excitation excitation(k, stage, stage.plan.isShared ? &arena : nullptr, lane,
                        n, {});
  KernelBuffer g = excitation.build();
  Value yielded = stage.op.getExcite().front().getTerminator()->getOperand(0);
  if (stage.plan.isShared) {
    Values sizes;
    auto type = cast<MemRefType>(Type(stage.op.getPooledType()));
    for (auto [dim, pooled] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(pooled))
        sizes.push_back(memref::DimOp::create(host, chain.loc, chain.x(), 0));
    stage.gate = memref::AllocOp::create(host, chain.loc, type, sizes);
    buildCopy(k, g, globalBuffer(k, stage.gate), excitation.workers, n);
  } else {
    stage.gate = excitation.hostValue(yielded);
  }
  OpFoldResult one = host.getIndexAttr(1);
  k.finish({stage.plan.perImage ? imagesOf(host, chain) : one, one, one},
           arena.bytes());
}

} // namespace heed::cuda
