// SdpaKernel.cpp - block sizes, indices and limits of the attention kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/SdpaKernel.h"
#include "passes/lower/cpu/SdpaShape.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {

/// Scratch of a task is on the stack: QB · (D + KB + E) floats.
static constexpr int64_t kMaxHeadDim = 512;

SdpaKernel::SdpaKernel(OpBuilder &b, SdpaOp op, const TargetDescriptor &target)
    : op(op), loc(op.getLoc()), target(target) {
  lanes = target.lanes(32);
  // 6 rows × 4 vectors are 24 accumulators of 32 registers, 6 × 2 are 12 of 16.
  panelVectors = target.vectorRegisters >= 32 ? 4 : 2;
  headDim = op.getStaticSize(SdpaOp::D);
  valueDim = op.getStaticSize(SdpaOp::E);
  cost::Attention shape = getShape(op);
  queryBlock = cost::chooseQueryBlock(shape);
  int64_t queries = op.getStaticSize(SdpaOp::I);
  fewQueries = queries >= 1 && queries <= 3 &&
               isContiguousAlong(op.getQ(), op.getQMap(), SdpaOp::D) &&
               isContiguousAlong(op.getK(), op.getKMap(), SdpaOp::D);
  if (fewQueries)
    queryBlock = queries;
  keyBlock = cost::chooseKeyBlock(shape);
  blockMap = analyzeBlocks(op, queryBlock, keyBlock);
  if (fewQueries && !blockMap) {
    group = cost::chooseGroup(shape, queries);
    queryBlock = queries * group;
  }
  splitsKeys = !blockMap && cost::mayLackTasks(shape, queryBlock, group);
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
  return fewQueries && cost::isWorthPrefetching(getShape(op), queryBlock);
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
