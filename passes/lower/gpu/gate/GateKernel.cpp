// GateKernel.cpp - chains of gates, and an image of theirs in a kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/gate/GateKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using heed::attn::GateOp;

namespace heed::cuda {

//===----------------------------------------------------------------------===//
// On the host
//===----------------------------------------------------------------------===//

OpFoldResult imagesOf(OpBuilder &host, GateChain &chain) {
  if (!chain.hasImages)
    return host.getIndexAttr(1);
  return sizeOf(host, chain.loc, chain.x(), {0});
}

/// Whether an image is contiguous: all dims but that of images.
static bool hasContiguousImages(MemRefType type, bool hasImages) {
  SmallVector<int64_t> strides;
  int64_t offset;
  int64_t first = hasImages ? 1 : 0;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return false;
  if (type.getRank() == first)
    return true;
  if (strides.back() != 1 && type.getShape().back() != 1)
    return false;
  SmallVector<ReassociationIndices> groups(1 + first);
  if (hasImages)
    groups[0].push_back(0);
  for (int64_t dim = first; dim < type.getRank(); ++dim)
    groups.back().push_back(dim);
  return memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups);
}

/// Splits the dims of x in two runs of which the gate pools one.
static std::string splitDims(GateChain &chain, GateStage &stage) {
  auto isPooled = [&](int64_t dim) {
    return llvm::is_contained(stage.op.getDimensions(), dim);
  };
  int64_t rank = chain.type().getRank();
  chain.hasImages = !isPooled(0);
  for (int64_t dim = chain.hasImages ? 1 : 0; dim < rank; ++dim) {
    bool begins = chain.columnDims.empty() ||
                  isPooled(dim) != isPooled(chain.columnDims.back());
    if (begins && !chain.rowDims.empty())
      return "dimensions: expected all pooled dims beside each other, and all "
             "kept ones but the first";
    if (begins)
      std::swap(chain.rowDims, chain.columnDims);
    chain.columnDims.push_back(dim);
  }
  stage.poolsColumns = isPooled(chain.columnDims.back());
  return "";
}

static std::string whyNotLowerable(GateChain &chain, GateStage &stage) {
  GateOp op = stage.op;
  Values full{op.getX(), op.getInit()};
  llvm::append_range(full, op.getExtras());
  for (Value buffer : full) {
    auto type = cast<MemRefType>(buffer.getType());
    Type element = type.getElementType();
    if (!isComputable(element) || !isa<FloatType>(element))
      return "elements: expected f32, f16 or bf16";
    if (!hasContiguousImages(type, chain.hasImages))
      return "layout: expected contiguous images";
  }
  Value gate = op.getExcite().front().getTerminator()->getOperand(0);
  if (!hasContiguousImages(cast<MemRefType>(gate.getType()), chain.hasImages))
    return "excite: expected a contiguous result";
  if (!op.getEpilogue().empty())
    if (Operation *unknown = findUnknownScalar(op.getEpilogue().front()))
      return "epilogue: expected arithmetic of scalars, got " +
             unknown->getName().getStringRef().str();
  return "";
}

GateChain makeChain(GateOp op, const Chip &chip) {
  GateChain chain{op.getLoc(), {}, false, {}, {}};
  GateStage &stage = chain.stages.emplace_back();
  stage.op = op;
  std::string why = splitDims(chain, stage);
  if (why.empty())
    why = whyNotLowerable(chain, stage);
  if (why.empty())
    stage.plan = planExcite(op, chip);
  else
    stage.plan.why = why;
  return chain;
}

/// Whether the gate reads `y` elsewhere than as its x.
static bool readsBeside(GateOp gate, Value y) {
  bool reads = llvm::is_contained(gate.getExtras(), y);
  gate->walk([&](Operation *inner) {
    reads |= inner != gate && llvm::is_contained(inner->getOperands(), y);
  });
  return reads;
}

bool GateChain::takes(const GateChain &next) {
  GateOp last = stages.back().op, op = next.stages.front().op;
  Value y = last.getInit();
  if (next.hasImages != hasImages || next.rowDims != rowDims ||
      next.columnDims != columnDims)
    return false;
  if (op.getX() != y || readsBeside(op, y) || y.getType() != x().getType() ||
      op->getBlock() != last->getBlock())
    return false;
  for (Operation *between = last->getNextNode(); between != op;
       between = between->getNextNode())
    if (!between || (!isPure(between) && !isa<memref::AllocOp>(between)))
      return false;
  if (op.getInit() == y)
    return true;
  return y.getDefiningOp<memref::AllocOp>() &&
         llvm::all_of(y.getUsers(), [&](Operation *user) {
           return user == last || user == op;
         });
}

//===----------------------------------------------------------------------===//
// In a kernel
//===----------------------------------------------------------------------===//

KernelBuffer GateImage::atImage(Value buffer) {
  GlobalTensor tensor = k.tensor(buffer);
  KernelBuffer result{tensor.pointer, tensor.element, {}, {}};
  if (!chain.hasImages)
    return result;
  Value bytes = k.mul(tensor.strides[0], k.i64(bytesOf(tensor.element)));
  result.pointer = k.advance(tensor.pointer, k.mul(k.widen(n), bytes));
  return result;
}

GateImage::GateImage(KernelBuilder &k, GateChain &chain, Value n)
    : k(k), chain(chain), lane(buildLane(k)), arena(k), n(n) {
  Type i32 = k.b.getI32Type();
  rows = k.parameter(sizeOf(k.host, chain.loc, chain.x(), chain.rowDims), i32);
  columns =
      k.parameter(sizeOf(k.host, chain.loc, chain.x(), chain.columnDims), i32);
  x = source = atImage(chain.x());
}

void GateImage::addStage(ArrayRef<KernelBuffer> pools) {
  GateStage &stage = chain.stages[applied++];
  auto &buffers = extras.emplace_back();
  for (Value extra : stage.op.getExtras())
    buffers.push_back(atImage(extra));
  KernelBuffer gate;
  if (stage.plan.isFused)
    gate = buildExcite(k, stage, &arena, lane, n, pools);
  else
    gate = globalBuffer(k, stage.gate);
  if (chain.hasImages)
    gate.pointer = gate.address(k, k.mul(n, gate.strides[0]));
  gates.push_back(gate);
}

void GateImage::addInit() {
  init = chain.init() == chain.x() ? source : atImage(chain.init());
}

bool GateImage::isAligned() {
  Type element = x.element;
  auto holds = [&](Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    return bytesOf(type.getElementType()) == bytesOf(element) &&
           startsAligned(type);
  };
  bool aligned = holds(chain.x());
  if (init.pointer)
    aligned &= holds(chain.init());
  for (GateStage &stage : MutableArrayRef(chain.stages).take_front(applied))
    aligned &= llvm::all_of(stage.op.getExtras(), holds);
  return aligned;
}

/// Whether the product of the sizes is a multiple, whatever the dynamic ones.
static bool isMultiple(MemRefType type, ArrayRef<int64_t> dims,
                       int64_t factor) {
  int64_t product = 1;
  for (int64_t dim : dims)
    if (!type.isDynamicDim(dim))
      product = product * type.getDimSize(dim) % factor;
  return product % factor == 0;
}

int64_t GateImage::imageVector() {
  int64_t length = vectorLength(x.element);
  SmallVector<int64_t> dims = chain.rowDims;
  llvm::append_range(dims, chain.columnDims);
  // Images follow each other, or lie at strides that are looked at.
  auto strideHolds = [&](Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    return type.getLayout().isIdentity() || !chain.hasImages ||
           (succeeded(type.getStridesAndOffset(strides, offset)) &&
            !ShapedType::isDynamic(strides[0]) && strides[0] % length == 0);
  };
  bool holds = isMultiple(chain.type(), dims, length) && isAligned() &&
               strideHolds(chain.x());
  if (init.pointer)
    holds &= strideHolds(chain.init());
  for (GateStage &stage : MutableArrayRef(chain.stages).take_front(applied))
    holds &= llvm::all_of(stage.op.getExtras(), strideHolds);
  return holds ? length : 1;
}

int64_t GateImage::rowVector() {
  int64_t length = imageVector();
  return isMultiple(chain.type(), chain.columnDims, length) ? length : 1;
}

GateImage::Loaded GateImage::load(Value offset, int64_t length) {
  Loaded loaded;
  loaded.x = loadVector(k, x.address(k, offset), x.element, length);
  for (auto &buffers : extras) {
    auto &values = loaded.extras.emplace_back();
    for (KernelBuffer &buffer : buffers)
      values.push_back(
          loadVector(k, buffer.address(k, offset), buffer.element, length));
  }
  return loaded;
}

Values GateImage::apply(const Loaded &loaded, ArrayRef<Value> rows,
                        ArrayRef<Value> columns) {
  Values y = loaded.x;
  for (unsigned s = 0; s < applied; ++s) {
    GateStage &stage = chain.stages[s];
    ArrayRef<Value> kept = stage.poolsColumns ? rows : columns;
    Value index, factor;
    for (auto [i, value] : llvm::enumerate(y)) {
      // One row for all elements is one g for all.
      if (kept[i] != index)
        factor = loadElement(k, gates[s].address(k, kept[i]), gates[s].element);
      index = kept[i];
      if (stage.op.getEpilogue().empty()) {
        value = arith::MulFOp::create(k.b, k.loc, value, factor);
        continue;
      }
      Values args{value, factor};
      for (const Values &extra : loaded.extras[s])
        args.push_back(extra[i]);
      auto outer = [&](Value above) { return k.scalar(above); };
      value = buildScalarBody(k, stage.op.getEpilogue().front(), args,
                              {outer, nullptr});
    }
  }
  return y;
}

} // namespace heed::cuda
