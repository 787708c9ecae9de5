// SdpaKernel.cpp - block sizes, indices and limits of the attention kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {

/// Scratch of a task is on the stack: QB · (D + KB + E) floats.
static constexpr int64_t kMaxHeadDim = 512;
static constexpr int64_t kMinQueryBlock = 32, kMaxQueryBlock = 128;
static constexpr int64_t kMaxKeyBlock = 512;
/// Rows of a task that reads keys as they lie: more would pay for packing.
static constexpr int64_t kMaxFewRows = 16;
/// Tasks that are too few for most machines, and enough for any.
static constexpr int64_t kFewTasks = 8, kManyTasks = 64;

/// `size` in equal blocks of at most `most`, rounded up to `multiple`.
static int64_t chooseBlock(int64_t size, int64_t most, int64_t multiple) {
  if (ShapedType::isDynamic(size))
    return most;
  int64_t blocks = std::max<int64_t>(1, llvm::divideCeil(size, most));
  return llvm::alignTo(std::max<int64_t>(1, llvm::divideCeil(size, blocks)),
                       multiple);
}

/// Keys that a query attends by a window with both bounds; 0: no such window.
static int64_t windowSpan(SdpaOp op) {
  std::optional<ArrayRef<int64_t>> window = op.getWindow();
  if (!window || (*window)[0] < 0)
    return 0;
  if (op.getCausal() != attn::Causal::none)
    return (*window)[0] + 1;
  return (*window)[1] < 0 ? 0 : (*window)[0] + (*window)[1] + 1;
}

int64_t chooseQueryBlock(SdpaOp op) {
  bool isDeep =
      op.getStaticSize(SdpaOp::D) > 128 || op.getStaticSize(SdpaOp::E) > 128;
  int64_t most = isDeep ? kMaxQueryBlock / 2 : kMaxQueryBlock;
  // A block computes what any of its queries attends: with a window, QB keys
  // more than one query does, below a diagonal QB / 2.
  if (int64_t span = windowSpan(op))
    most = std::clamp<int64_t>(llvm::bit_floor<uint64_t>(span / 2),
                               kMinQueryBlock, most);
  else if (op.getCausal() != attn::Causal::none)
    most = kMaxQueryBlock / 2;
  // One head of 128 queries is work for more than one thread.
  int64_t queries = op.getStaticSize(SdpaOp::I), heads = 1;
  for (SdpaOp::Dim dim : {SdpaOp::B, SdpaOp::H})
    if (int64_t size = op.getStaticSize(dim); !ShapedType::isDynamic(size))
      heads *= size;
  if (!ShapedType::isDynamic(queries))
    while (most > kMinQueryBlock &&
           heads * llvm::divideCeil(queries, most) < kFewTasks)
      most /= 2;
  // Tiles have 6 or 4 rows; every even number from 4 up is a sum of those.
  return std::max<int64_t>(4, chooseBlock(queries, most, 2));
}

int64_t chooseKeyBlock(SdpaOp op) {
  return chooseBlock(op.getStaticSize(SdpaOp::J), kMaxKeyBlock, 64);
}

/// Query heads that share a key head, as many of them as `kMaxFewRows` holds.
static int64_t chooseGroup(SdpaOp op, int64_t queries) {
  auto sharing = [&](AffineMap map) -> int64_t {
    for (AffineExpr expr : map.getResults()) {
      if (expr == getAffineDimExpr(SdpaOp::H, map.getContext()))
        return 1;
      if (expr.isFunctionOfDim(SdpaOp::H))
        return cast<AffineConstantExpr>(cast<AffineBinaryOpExpr>(expr).getRHS())
            .getValue();
    }
    int64_t heads = op.getStaticSize(SdpaOp::H); // shared by all
    return ShapedType::isDynamic(heads) ? 1 : heads;
  };
  int64_t shared = std::gcd(sharing(op.getKMap()), sharing(op.getVMap()));
  int64_t group = std::max<int64_t>(1, kMaxFewRows / queries);
  while (group > 1 && shared % group != 0)
    --group;
  return std::min(group, std::max<int64_t>(shared, 1));
}

/// Whether there may be too few tasks for the threads, and keys enough to be
/// done in parts.
static bool mayLackTasks(SdpaOp op, int64_t queryBlock) {
  int64_t keys = op.getStaticSize(SdpaOp::J);
  if (!ShapedType::isDynamic(keys) && keys <= kMaxKeyBlock)
    return false;
  int64_t tasks = 1;
  for (SdpaOp::Dim dim : {SdpaOp::B, SdpaOp::H, SdpaOp::I}) {
    int64_t size = op.getStaticSize(dim);
    if (ShapedType::isDynamic(size)) {
      // A batch is dynamic where nothing is known of it. With many queries, two
      // versions of the kernel would be paid for what is rarely needed.
      if (dim == SdpaOp::I)
        return false;
      continue;
    }
    tasks *= dim == SdpaOp::I ? llvm::divideCeil(size, queryBlock) : size;
  }
  return tasks < kManyTasks;
}

SdpaKernel::SdpaKernel(OpBuilder &b, SdpaOp op, const TargetDescriptor &target)
    : op(op), loc(op.getLoc()), target(target) {
  lanes = target.lanes(32);
  // 6 rows × 4 vectors are 24 accumulators of 32 registers, 6 × 2 are 12 of 16.
  panelVectors = target.vectorRegisters >= 32 ? 4 : 2;
  headDim = op.getStaticSize(SdpaOp::D);
  valueDim = op.getStaticSize(SdpaOp::E);
  queryBlock = chooseQueryBlock(op);
  int64_t queries = op.getStaticSize(SdpaOp::I);
  fewQueries = queries >= 1 && queries <= 3 &&
               isContiguousAlong(op.getQ(), op.getQMap(), SdpaOp::D) &&
               isContiguousAlong(op.getK(), op.getKMap(), SdpaOp::D);
  if (fewQueries)
    queryBlock = queries;
  keyBlock = chooseKeyBlock(op);
  blockMap = analyzeBlocks(op, queryBlock, keyBlock);
  if (fewQueries && !blockMap) {
    group = chooseGroup(op, queries);
    queryBlock = queries * group;
  }
  splitsKeys = !blockMap && mayLackTasks(op, queryBlock);
  auto size = [&](SdpaOp::Dim dim) {
    return getValueOrCreateConstantIndexOp(b, loc, op.getDimSize(b, dim));
  };
  sizeB = size(SdpaOp::B);
  sizeH = size(SdpaOp::H);
  sizeQ = size(SdpaOp::I);
  sizeK = size(SdpaOp::J);
  scalesInStage = op.getBias() || op.getSoftcap() || !op.getScore().empty();
  // Queries are read in place, a pair at a time.
  usesPairs = elementType().isBF16() && target.bf16Dot && !fewQueries &&
              headDim % 2 == 0 && keyScale() == 1.0 &&
              isContiguousAlong(op.getQ(), op.getQMap(), SdpaOp::D);
}

FloatType SdpaKernel::elementType() const {
  SdpaOp sdpa = op;
  return cast<FloatType>(getElementTypeOrSelf(sdpa.getQ()));
}

Type SdpaKernel::packedType(OpBuilder &b) const {
  return usesPairs ? Type(b.getI32Type()) : Type(b.getF32Type());
}

bool SdpaKernel::prefetches() const {
  // In the last-level cache, prefetches cost an eighth of the time; from memory
  // they save a quarter.
  constexpr int64_t kCachedBytes = int64_t(16) << 20;
  if (!fewQueries || queryBlock > 2)
    return false;
  SdpaOp sdpa = op;
  auto k = cast<ShapedType>(sdpa.getK().getType());
  auto v = cast<ShapedType>(sdpa.getV().getType());
  if (!k.hasStaticShape() || !v.hasStaticShape())
    return true;
  return (k.getNumElements() + v.getNumElements()) *
             int64_t(elementType().getWidth()) / 8 >
         kCachedBytes;
}

bool SdpaKernel::copiesQueries() const {
  return !elementType().isF32() && !usesPairs && !fewQueries;
}

VectorType SdpaKernel::vectorType(OpBuilder &b) const {
  return VectorType::get({static_cast<int64_t>(lanes)}, b.getF32Type());
}

double SdpaKernel::keyScale() const {
  SdpaOp sdpa = op;
  double scale = sdpa.getScale().convertToDouble();
  return scalesInStage || scale > 0 ? 1.0 : scale < 0 ? -1.0 : 0.0;
}

double SdpaKernel::softmaxFactor() const {
  SdpaOp sdpa = op;
  double scale = sdpa.getScale().convertToDouble();
  return scalesInStage || scale == 0 ? kLog2E : std::abs(scale) * kLog2E;
}

bool SdpaKernel::hasKeyBounds() const {
  SdpaOp sdpa = op;
  std::optional<ArrayRef<int64_t>> window = sdpa.getWindow();
  return sdpa.getCausal() != attn::Causal::none || sdpa.getKvLength() ||
         (window && llvm::any_of(*window, [](int64_t w) { return w >= 0; }));
}

bool SdpaKernel::isSingleBlock() const {
  if (blockMap)
    return blockMap->isSingleRun();
  std::optional<int64_t> keys = getConstantIntValue(sizeK);
  return keys && *keys <= keyBlock;
}

bool SdpaKernel::hasScoreStage() const {
  SdpaOp sdpa = op;
  return scalesInStage || sdpa.getMask();
}

bool SdpaKernel::finishesInTile() const {
  SdpaOp sdpa = op;
  std::optional<int64_t> keys = getConstantIntValue(sizeK);
  return keys && *keys > 0 && isSingleBlock() && !blockMap && !hasKeyBounds() &&
         !fewQueries && !sdpa.getLse() &&
         sdpa.getMaskedRows() != attn::MaskedRows::uniform &&
         valueDim % lanes == 0 &&
         isContiguousAlong(sdpa.getInit(), sdpa.getOMap(), SdpaOp::E);
}

RowPlace placeOfRow(OpBuilder &b, SdpaKernel &kernel, const SdpaTask &task,
                    Value row) {
  Location loc = kernel.loc;
  if (kernel.group == 1)
    return {task.h, arith::AddIOp::create(b, loc, task.first, row)};
  return {arith::AddIOp::create(
              b, loc, task.h,
              b.createOrFold<arith::DivUIOp>(loc, row, task.queries)),
          b.createOrFold<arith::RemUIOp>(loc, row, task.queries)};
}

Values outputIndices(OpBuilder &b, SdpaKernel &kernel, const SdpaTask &task,
                     Value row, Value e) {
  RowPlace place = placeOfRow(b, kernel, task, row);
  Point point;
  point.fill(place.i);
  point[SdpaOp::B] = task.b;
  point[SdpaOp::H] = place.h;
  point[SdpaOp::E] = e;
  return mapIndices(b, kernel.loc, kernel.op.getOMap(), point);
}

Values mapIndices(OpBuilder &b, Location loc, AffineMap map,
                  const Point &point) {
  Values indices;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      indices.push_back(point[dim.getPosition()]);
    } else if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      indices.push_back(buildIndex(b, loc, constant.getValue()));
    } else {
      auto quotient = cast<AffineBinaryOpExpr>(expr); // h floordiv G
      auto dim = cast<AffineDimExpr>(quotient.getLHS());
      int64_t divisor = cast<AffineConstantExpr>(quotient.getRHS()).getValue();
      indices.push_back(b.createOrFold<arith::DivUIOp>(
          loc, point[dim.getPosition()], buildIndex(b, loc, divisor)));
    }
  }
  return indices;
}

bool isContiguousAlong(Value buffer, AffineMap map, SdpaOp::Dim dim) {
  return map.getNumResults() > 0 &&
         map.getResults().back() == getAffineDimExpr(dim, map.getContext()) &&
         isContiguousInLastDim(buffer);
}

/// Which result of the map says b (0) or h (1); −1 if none.
static int64_t findHeadResult(AffineMap map, unsigned dim) {
  for (auto [at, expr] : llvm::enumerate(map.getResults()))
    if (expr.isFunctionOfDim(dim))
      return at;
  return -1;
}

Values headIndices(OpBuilder &b, Location loc, AffineMap map, Value batch,
                   Value head) {
  Point point;
  Value zero = buildIndex(b, loc, 0);
  point.fill(zero);
  point[SdpaOp::B] = batch;
  point[SdpaOp::H] = head;
  Values all = mapIndices(b, loc, map, point), indices;
  for (unsigned dim : {SdpaOp::B, SdpaOp::H}) {
    int64_t at = findHeadResult(map, dim);
    indices.push_back(at < 0 ? zero : all[at]);
  }
  return indices;
}

Values headCounts(OpBuilder &b, SdpaKernel &kernel, Value buffer,
                  AffineMap map) {
  Values counts;
  for (unsigned dim : {SdpaOp::B, SdpaOp::H}) {
    int64_t at = findHeadResult(map, dim);
    counts.push_back(
        at < 0 ? buildIndex(b, kernel.loc, 1)
               : b.createOrFold<memref::DimOp>(kernel.loc, buffer, at));
  }
  return counts;
}

std::string whyNotLowerable(SdpaOp op) {
  Type element = getElementTypeOrSelf(op.getQ());
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return "elements: expected f32, f16 or bf16";
  for (auto [name, dim] : {std::pair("d", SdpaOp::D), {"e", SdpaOp::E}}) {
    int64_t size = op.getStaticSize(dim);
    if (ShapedType::isDynamic(size) || size < 1 || size > kMaxHeadDim)
      return std::string("size of ") + name + ": expected a constant in [1, " +
             std::to_string(kMaxHeadDim) + "]";
  }
  return "";
}

} // namespace heed::lower
