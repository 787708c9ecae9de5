// SdpaKernel.cpp - block sizes, operands and limits of the GPU's attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/sdpa/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/lower/gpu/kernel/Alignment.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {

/// o of 16 rows is E/8 registers a thread, of 255.
static constexpr int64_t kMaxHeadDim = 256;
/// Up to here Q fits into registers too: D/4 of them, or D where both parts of
/// floats are kept.
static constexpr int64_t kMaxKeptBytes = 256;
/// Scores of 64 keys beside o and Q leave registers up to here.
static constexpr int64_t kMaxLongBlockDim = 128;

static int64_t elementBytesOf(SdpaOp op) {
  return getElementTypeOrSelf(op.getQ()).getIntOrFloatBitWidth() / 8;
}

SdpaTiles chooseTiles(SdpaOp op, const Chip &chip) {
  SdpaTiles tiles;
  int64_t bytes = tiles.elementBytes = elementBytesOf(op);
  tiles.headColumns =
      llvm::alignTo(op.getStaticSize(SdpaOp::D), kStepBytes / bytes);
  tiles.valueColumns = llvm::alignTo(op.getStaticSize(SdpaOp::E), 16);
  int64_t columns = std::max(tiles.headColumns, tiles.valueColumns);
  tiles.keepsQueries = columns * bytes <= kMaxKeptBytes;
  // Each key is read from L2 once for QB queries: 128 of them need 64 bytes a
  // clock and SM at the full rate of products, which L2 gives.
  int64_t queries = op.getStaticSize(SdpaOp::I);
  unsigned most = 8;
  if (!ShapedType::isDynamic(queries) && queries <= 4 * kWarpRows)
    most = llvm::PowerOf2Ceil(llvm::divideCeil(queries, kWarpRows));
  for (auto [warps, keys] :
       {std::pair(8u, int64_t(64)), {8u, 32}, {4u, 32}, {4u, 16}, {2u, 16}}) {
    tiles.warps = std::clamp(most, 1u, warps);
    tiles.keys =
        columns <= kMaxLongBlockDim ? keys : std::min<int64_t>(keys, 32);
    if (tiles.sharedBytes() <= chip.sharedBytes)
      break;
  }
  return tiles;
}

int64_t SdpaOperand::elementBytes() const {
  return llvm::divideCeil(tensor.element.getIntOrFloatBitWidth(), 8);
}

Value SdpaOperand::stride(SdpaOp::Dim dim) const {
  for (auto [expr, stride] : llvm::zip(map.getResults(), tensor.strides))
    if (expr == getAffineDimExpr(dim, map.getContext()))
      return stride;
  return {};
}

Value SdpaOperand::strideBytes(KernelBuilder &k, SdpaOp::Dim dim) const {
  return k.mul(stride(dim), k.i64(elementBytes()));
}

Value SdpaOperand::head(KernelBuilder &k, Value batch, Value head) const {
  Value offset = k.i64(0);
  for (auto [expr, stride] : llvm::zip(map.getResults(), tensor.strides)) {
    Value index;
    if (expr.isFunctionOfDim(SdpaOp::B))
      index = batch;
    else if (expr.isFunctionOfDim(SdpaOp::H))
      index = head;
    else
      continue;
    if (auto quotient = dyn_cast<AffineBinaryOpExpr>(expr)) // h floordiv G
      index =
          k.div(index, cast<AffineConstantExpr>(quotient.getRHS()).getValue());
    offset = k.add(offset, k.mul(k.widen(index), stride));
  }
  return k.advance(tensor.pointer, k.mul(offset, k.i64(elementBytes())));
}

SdpaKernel::SdpaKernel(KernelBuilder &k, SdpaOp op, const SdpaTiles &tiles,
                       const SdpaSplit *split, bool combines)
    : op(op), k(k), tiles(tiles) {
  auto operand = [&](Value buffer, AffineMap map,
                     SdpaOp::Dim rows = SdpaOp::NumDims) -> SdpaOperand {
    if (!buffer)
      return {};
    SdpaOperand result{k.tensor(buffer), map};
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (expr == getAffineDimExpr(rows, map.getContext()))
        result.unitBytes = rowUnitBytes(buffer, dim);
    if (result.tensor.element.isIndex())
      result.tensor.element = k.b.getI64Type();
    return result;
  };
  Type i32 = k.b.getI32Type();
  if (!combines) {
    q = operand(op.getQ(), op.getQMap(), SdpaOp::D);
    keys = operand(op.getK(), op.getKMap(), SdpaOp::D);
    values = operand(op.getV(), op.getVMap(), SdpaOp::E);
    bias = operand(op.getBias(), op.getBiasMap(), SdpaOp::J);
    mask = operand(op.getMask(), op.getMaskMap(), SdpaOp::J);
    kvLength = operand(op.getKvLength(), op.getKvLengthMap());
    k.capture(op.getScore());
    keyCount = k.parameter(op.getDimSize(k.host, SdpaOp::J), i32);
  }
  queryCount = k.parameter(op.getDimSize(k.host, SdpaOp::I), i32);
  if (!split || combines) {
    o = operand(op.getInit(), op.getOMap(), SdpaOp::E);
    lse = operand(op.getLse(), op.getLseMap());
  }
  if (!split)
    return;
  sums = k.tensor(split->sums);
  parts = k.parameter(split->parts, i32);
  if (!combines)
    partKeys = k.parameter(split->keys, i32);
}

Value SdpaKernel::sumsRow(Value b, Value h, Value part, Value row) {
  Value offset = k.i64(0);
  std::array indices{b, h, part, row};
  for (auto [index, stride] : llvm::zip(indices, sums.strides))
    offset = k.add(offset, k.mul(k.widen(index), stride));
  return k.advance(sums.pointer, k.mul(offset, k.i64(4)));
}

FloatType SdpaKernel::elementType() {
  return cast<FloatType>(getElementTypeOrSelf(op.getQ()));
}

bool SdpaKernel::scalesInStage() {
  // The maximum is of q·k: a scale below 0 would turn it into the minimum.
  return op.getBias() || op.getSoftcap() || !op.getScore().empty() ||
         op.getScale().convertToDouble() <= 0;
}

double SdpaKernel::softmaxFactor() {
  return scalesInStage() ? kLog2E : op.getScale().convertToDouble() * kLog2E;
}

static bool hasWindow(SdpaOp op) {
  std::optional<ArrayRef<int64_t>> window = op.getWindow();
  return window && llvm::any_of(*window, [](int64_t w) { return w >= 0; });
}

bool SdpaKernel::hasKeyBounds() {
  return op.getCausal() != attn::Causal::none || op.getKvLength() ||
         hasWindow(op);
}

bool SdpaKernel::hasTail() {
  std::optional<int64_t> count = getConstantIntValue(keyCount);
  return !count || *count % tiles.keys != 0;
}

bool SdpaKernel::isUniform() {
  return op.getMaskedRows() == attn::MaskedRows::uniform;
}

bool SdpaKernel::readsMemory() {
  return !op.getScore().empty() &&
         !op.getScore().front().getOps<memref::LoadOp>().empty();
}

bool SdpaKernel::skipsBlocks() {
  if (!hasKeyBounds())
    return false;
  // From the first key on, each row attends one.
  bool attendsFirst = op.getCausal() == attn::Causal::top_left &&
                      !hasWindow(op) && !op.getKvLength() && !op.getMask() &&
                      !op.getBias() && op.getScore().empty();
  return !isUniform() || attendsFirst;
}

/// An element of a buffer from above the region.
static bool isLoad(SdpaOp op, Operation &inner) {
  auto load = dyn_cast<memref::LoadOp>(inner);
  SmallVector<int64_t> strides;
  int64_t offset;
  return load && load.getType().isIntOrIndexOrFloat() &&
         !op.getScore().isAncestor(load.getMemRef().getParentRegion()) &&
         succeeded(load.getMemRefType().getStridesAndOffset(strides, offset));
}

/// What the score region may not hold: anything but loads, arithmetic and
/// functions that heed-lower-gpu-math knows or PTX has.
static Operation *findUnknown(SdpaOp op) {
  if (op.getScore().empty())
    return nullptr;
  for (Operation &inner : op.getScore().front().without_terminator()) {
    // remf and other element types of functions are calls of CUDA's library.
    bool isFunction =
        isa<math::AbsFOp, math::ExpOp, math::Exp2Op, math::FmaOp, math::LogOp,
            math::Log2Op, math::SqrtOp, math::TanhOp>(inner) &&
        inner.getResult(0).getType().isF32();
    bool isArithmetic =
        isa<arith::ArithDialect>(inner.getDialect()) &&
        !isa<arith::RemFOp>(inner) &&
        llvm::none_of(inner.getOperandTypes(), llvm::IsaPred<ShapedType>);
    if (!isFunction && !isArithmetic && !isLoad(op, inner))
      return &inner;
  }
  return nullptr;
}

std::string whyNotLowerable(SdpaOp op, const Chip &chip) {
  Type element = getElementTypeOrSelf(op.getQ());
  if (!element.isF16() && !element.isBF16() && !element.isF32())
    return "elements: expected f16, bf16 or f32";
  for (auto [name, dim] : {std::pair("d", SdpaOp::D), {"e", SdpaOp::E}}) {
    int64_t size = op.getStaticSize(dim);
    if (ShapedType::isDynamic(size) || size > kMaxHeadDim)
      return "size of " + std::string(name) + ": expected a constant up to " +
             std::to_string(kMaxHeadDim);
  }
  for (auto [name, buffer] : {std::pair("q", op.getQ()),
                              {"k", op.getK()},
                              {"v", op.getV()},
                              {"bias", op.getBias()},
                              {"mask", op.getMask()},
                              {"kv_length", op.getKvLength()},
                              {"o", op.getInit()},
                              {"lse", op.getLse()}}) {
    SmallVector<int64_t> strides;
    int64_t offset;
    if (buffer && failed(cast<MemRefType>(buffer.getType())
                             .getStridesAndOffset(strides, offset)))
      return "layout of " + std::string(name) + ": expected strides";
  }
  if (Operation *unknown = findUnknown(op))
    return "score: expected loads and arithmetic of scalars, got " +
           unknown->getName().getStringRef().str();
  if (chooseTiles(op, chip).sharedBytes() > chip.sharedBytes)
    return "blocks of queries, keys and values: expected at most " +
           std::to_string(chip.sharedBytes) + " bytes of shared memory";
  return "";
}

} // namespace heed::cuda
