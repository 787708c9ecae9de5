// SdpaKernel.cpp - block sizes, operands and limits of the GPU's attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {

/// o of 16 rows is E/8 registers a thread, of 255.
static constexpr int64_t kMaxHeadDim = 256;
/// Up to here Q fits into registers too: D/4 of them.
static constexpr int64_t kMaxKeptHeadDim = 128;

SdpaTiles chooseTiles(SdpaOp op, const Chip &chip) {
  SdpaTiles tiles;
  tiles.headColumns = llvm::alignTo(op.getStaticSize(SdpaOp::D), 16);
  tiles.valueColumns = llvm::alignTo(op.getStaticSize(SdpaOp::E), 16);
  int64_t columns = std::max(tiles.headColumns, tiles.valueColumns);
  tiles.keepsQueries = columns <= kMaxKeptHeadDim;
  // Each key is read from L2 once for QB queries: 128 of them need 64 bytes a
  // clock and SM at the full rate of products, which L2 gives. Scores of 64
  // keys beside o and Q leave registers as long as D and E are at most 128.
  int64_t queries = op.getStaticSize(SdpaOp::I);
  bool isShort = !ShapedType::isDynamic(queries) && queries <= 64;
  for (auto [warps, keys] : {std::pair(8u, int64_t(64)), {8u, 32}, {4u, 32}}) {
    tiles.warps = isShort ? 4u : warps;
    tiles.keys =
        columns <= kMaxKeptHeadDim ? keys : std::min<int64_t>(keys, 32);
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

SdpaKernel::SdpaKernel(KernelBuilder &k, SdpaOp op, const SdpaTiles &tiles)
    : op(op), k(k), tiles(tiles) {
  auto operand = [&](Value buffer, AffineMap map) -> SdpaOperand {
    if (!buffer)
      return {};
    SdpaOperand result{k.tensor(buffer), map};
    if (result.tensor.element.isIndex())
      result.tensor.element = k.b.getI64Type();
    return result;
  };
  q = operand(op.getQ(), op.getQMap());
  keys = operand(op.getK(), op.getKMap());
  values = operand(op.getV(), op.getVMap());
  bias = operand(op.getBias(), op.getBiasMap());
  mask = operand(op.getMask(), op.getMaskMap());
  kvLength = operand(op.getKvLength(), op.getKvLengthMap());
  o = operand(op.getInit(), op.getOMap());
  lse = operand(op.getLse(), op.getLseMap());
  k.capture(op.getScore());
  Type i32 = k.b.getI32Type();
  queryCount = k.parameter(op.getDimSize(k.host, SdpaOp::I), i32);
  keyCount = k.parameter(op.getDimSize(k.host, SdpaOp::J), i32);
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

bool SdpaKernel::skipsBlocks() {
  if (!hasKeyBounds())
    return false;
  // From the first key on, each row attends one.
  bool attendsFirst = op.getCausal() == attn::Causal::top_left &&
                      !hasWindow(op) && !op.getKvLength() && !op.getMask() &&
                      !op.getBias() && op.getScore().empty();
  return !isUniform() || attendsFirst;
}

/// Whether rows of 16-bit elements begin at multiples of 16 bytes: `dim` is
/// innermost, and all other strides are multiples of 8.
static bool hasAlignedRows(Value buffer, AffineMap map, SdpaOp::Dim dim) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return false;
  // Dynamic strides of a contiguous buffer are multiples of its last size.
  bool isContiguous = type.getLayout().isIdentity();
  auto isAligned = [&](int64_t stride) {
    return ShapedType::isDynamic(stride) ? isContiguous
                                         : stride % kChunkElements == 0;
  };
  return strides.back() == 1 &&
         llvm::all_of(ArrayRef(strides).drop_back(), isAligned) &&
         isAligned(offset);
}

/// What the score region may not hold: anything but arithmetic and functions
/// that heed-lower-gpu-math knows or PTX has.
static Operation *findUnknown(SdpaOp op) {
  if (op.getScore().empty())
    return nullptr;
  for (Operation &inner : op.getScore().front().without_terminator()) {
    // remf and other element types of functions are calls of CUDA's library.
    bool isFunction =
        isa<math::AbsFOp, math::ExpOp, math::Exp2Op, math::FmaOp, math::LogOp,
            math::Log2Op, math::SqrtOp, math::TanhOp>(inner) &&
        inner.getResult(0).getType().isF32();
    bool isKnown =
        isFunction || (isa<arith::ArithDialect>(inner.getDialect()) &&
                       !isa<arith::RemFOp>(inner));
    if (!isKnown ||
        llvm::any_of(inner.getOperandTypes(), llvm::IsaPred<ShapedType>))
      return &inner;
  }
  return nullptr;
}

std::string whyNotLowerable(SdpaOp op, const Chip &chip) {
  Type element = getElementTypeOrSelf(op.getQ());
  if (!element.isF16() && !element.isBF16())
    return "elements: expected f16 or bf16";
  for (auto [name, dim] : {std::pair("d", SdpaOp::D), {"e", SdpaOp::E}}) {
    int64_t size = op.getStaticSize(dim);
    if (ShapedType::isDynamic(size) || size < kChunkElements ||
        size > kMaxHeadDim || size % kChunkElements != 0)
      return "size of " + std::string(name) +
             ": expected a constant multiple of 8 up to " +
             std::to_string(kMaxHeadDim);
  }
  using Tensor = std::tuple<const char *, Value, AffineMap, SdpaOp::Dim>;
  for (auto [name, buffer, map, dim] :
       {Tensor("q", op.getQ(), op.getQMap(), SdpaOp::D),
        Tensor("k", op.getK(), op.getKMap(), SdpaOp::D),
        Tensor("v", op.getV(), op.getVMap(), SdpaOp::E),
        Tensor("o", op.getInit(), op.getOMap(), SdpaOp::E)}) {
    if (map.getResults().back() != getAffineDimExpr(dim, op.getContext()) ||
        !hasAlignedRows(buffer, map, dim))
      return "layout of " + std::string(name) +
             ": expected contiguous rows that begin at multiples of 16 bytes";
  }
  if (Operation *unknown = findUnknown(op))
    return "score: expected arithmetic of scalars, got " +
           unknown->getName().getStringRef().str();
  if (chooseTiles(op, chip).sharedBytes() > chip.sharedBytes)
    return "blocks of queries, keys and values: expected at most " +
           std::to_string(chip.sharedBytes) + " bytes of shared memory";
  return "";
}

} // namespace heed::cuda
