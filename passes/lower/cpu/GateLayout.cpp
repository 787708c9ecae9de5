// GateLayout.cpp - gates on buffers, their dims in runs that are pooled or
// kept.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/GateLayout.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using heed::attn::GateOp;

namespace heed::lower {

//===----------------------------------------------------------------------===//
// GateChain
//===----------------------------------------------------------------------===//

static Values makePools(OpBuilder &b, GateOp gate, Value x) {
  Location loc = gate.getLoc();
  auto type = cast<MemRefType>(x.getType());
  SmallVector<int64_t> shape;
  Values dynamicSizes;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (llvm::is_contained(gate.getDimensions(), static_cast<int64_t>(dim)))
      continue;
    shape.push_back(size);
    if (ShapedType::isDynamic(size))
      dynamicSizes.push_back(memref::DimOp::create(b, loc, x, dim));
  }
  Values pools;
  for (unsigned k = 0; k < gate.getPools().size(); ++k)
    pools.push_back(memref::AllocOp::create(
        b, loc, MemRefType::get(shape, type.getElementType()), dynamicSizes));
  return pools;
}

GateChain::GateChain(OpBuilder &b, ArrayRef<GateOp> gates)
    : loc(gates.back()->getLoc()) {
  GateOp first = gates.front(), last = gates.back();
  x = first.getX();
  init = last.getInit();
  for (GateOp gate : gates)
    stages.push_back({gate, llvm::to_vector(gate.getDimensions()),
                      llvm::to_vector(gate.getExtras()), makePools(b, gate, x),
                      Value()});
}

Value sliceImage(OpBuilder &b, Location loc, Value buffer, Value n) {
  auto type = cast<MemRefType>(buffer.getType());
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets(type.getRank(), zero);
  SmallVector<OpFoldResult> strides(type.getRank(), one);
  SmallVector<OpFoldResult> sizes = memref::getMixedSizes(b, loc, buffer);
  offsets[0] = n;
  sizes[0] = one;
  auto image = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, loc, cast<MemRefType>(image), buffer,
                                   offsets, sizes, strides);
}

GateChain GateChain::getImage(OpBuilder &b, Value n) const {
  GateChain image = *this;
  image.task = b.getInsertionBlock();
  auto slice = [&](Value &buffer) { buffer = sliceImage(b, loc, buffer, n); };
  slice(image.x);
  if (init == x)
    image.init = image.x;
  else
    slice(image.init);
  for (GateStage &stage : image.stages) {
    for (int64_t &dim : stage.dimensions)
      --dim;
    llvm::for_each(stage.extras, slice);
    llvm::for_each(stage.pools, slice);
    if (stage.value)
      slice(stage.value);
  }
  return image;
}

//===----------------------------------------------------------------------===//
// GateView
//===----------------------------------------------------------------------===//

/// Whether `buffer` is contiguous over the dims of `group`; other dims stay.
static bool isCollapsible(Value buffer, ArrayRef<int64_t> group) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (llvm::is_contained(group.drop_front(), dim))
      groups.back().push_back(dim);
    else
      groups.push_back({dim});
  }
  return memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups);
}

/// A view of `buffer` with one dim a group.
static Value collapse(OpBuilder &b, Location loc, Value buffer,
                      ArrayRef<ReassociationIndices> groups) {
  auto type = cast<MemRefType>(buffer.getType());
  if (static_cast<int64_t>(groups.size()) == type.getRank())
    return buffer;
  return memref::CollapseShapeOp::create(b, loc, buffer, groups);
}

namespace {
struct Groups {
  SmallVector<ReassociationIndices> full;              // dims of x
  SmallVector<SmallVector<ReassociationIndices>> kept; // of a stage's pools
};
} // namespace

/// `full`: buffers of x's shape; `kept`: of each stage, those of its pools'.
static Groups findGroups(const GateChain &chain, ValueRange full,
                         ArrayRef<Values> kept) {
  Groups groups;
  groups.kept.resize(kept.size());
  SmallVector<int64_t> keptDims(kept.size(), 0);
  auto isPooled = [&](unsigned stage, int64_t dim) {
    return llvm::is_contained(chain.stages[stage].dimensions, dim);
  };
  auto joins = [&](int64_t dim) {
    if (dim == 0)
      return false;
    ReassociationIndices group = groups.full.back();
    group.push_back(dim);
    for (Value buffer : full)
      if (!isCollapsible(buffer, group))
        return false;
    for (unsigned stage = 0; stage < kept.size(); ++stage) {
      if (isPooled(stage, dim) != isPooled(stage, dim - 1))
        return false;
      if (isPooled(stage, dim))
        continue;
      ReassociationIndices keptGroup = groups.kept[stage].back();
      keptGroup.push_back(keptDims[stage]);
      for (Value buffer : kept[stage])
        if (!isCollapsible(buffer, keptGroup))
          return false;
    }
    return true;
  };
  int64_t rank = cast<MemRefType>(chain.x.getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool joined = joins(dim);
    if (!joined)
      groups.full.emplace_back();
    groups.full.back().push_back(dim);
    for (unsigned stage = 0; stage < kept.size(); ++stage) {
      if (isPooled(stage, dim))
        continue;
      if (!joined)
        groups.kept[stage].emplace_back();
      groups.kept[stage].back().push_back(keptDims[stage]++);
    }
  }
  return groups;
}

GateView::GateView(OpBuilder &b, const GateChain &chain, unsigned applied,
                   bool writesInit)
    : loc(chain.loc), chain(chain), applied(applied) {
  Values full{chain.x};
  SmallVector<Values> kept;
  if (writesInit)
    full.push_back(chain.init);
  for (const GateStage &stage : ArrayRef(chain.stages).take_front(applied)) {
    llvm::append_range(full, stage.extras);
    kept.push_back({stage.value});
  }
  if (!writesInit)
    kept.push_back(chain.stages[applied].pools);
  Groups groups = findGroups(chain, full, kept);

  x = collapse(b, loc, chain.x, groups.full);
  if (writesInit)
    init =
        chain.init == chain.x ? x : collapse(b, loc, chain.init, groups.full);
  for (unsigned k = 0; k < kept.size(); ++k) {
    const GateStage &stage = chain.stages[k];
    SmallVector<bool> &isPooled = pooled.emplace_back();
    for (const ReassociationIndices &group : groups.full)
      isPooled.push_back(llvm::is_contained(stage.dimensions, group[0]));
    if (k == applied) {
      for (Value pool : stage.pools)
        pools.push_back(collapse(b, loc, pool, groups.kept[k]));
      continue;
    }
    values.push_back(collapse(b, loc, stage.value, groups.kept[k]));
    Values &views = extras.emplace_back();
    for (Value extra : stage.extras)
      views.push_back(collapse(b, loc, extra, groups.full));
  }
  for (unsigned dim = 0; dim < groups.full.size(); ++dim)
    sizes.push_back(b.createOrFold<memref::DimOp>(loc, x, dim));
}

bool GateView::isVectorizable() {
  auto isContiguous = [](Value buffer) {
    return isContiguousInLastDim(buffer);
  };
  if (!isContiguous(x) || (init && !isContiguous(init)))
    return false;
  for (unsigned k = 0; k < applied; ++k) {
    GateOp gate = chain.stages[k].gate;
    Region &epilogue = gate.getEpilogue();
    if (!llvm::all_of(extras[k], isContiguous) ||
        (!pooled[k].back() && !isContiguous(values[k])) ||
        (!epilogue.empty() && !attn::isVectorizable(epilogue)))
      return false;
  }
  return true;
}

Values GateView::keptIndices(unsigned stage, ValueRange all) {
  Values kept;
  for (auto [index, isPooled] : llvm::zip(all, pooled[stage]))
    if (!isPooled)
      kept.push_back(index);
  return kept;
}

static VectorType vectorOf(Value buffer, unsigned length) {
  return VectorType::get({length}, getElementTypeOrSelf(buffer.getType()));
}

Values GateView::loadFactors(OpBuilder &b, ValueRange outer, unsigned length) {
  Values factors(applied);
  for (unsigned k = 0; k < applied; ++k) {
    if (!pooled[k].back())
      continue;
    factors[k] =
        memref::LoadOp::create(b, loc, values[k], keptIndices(k, outer));
    if (length != 0)
      factors[k] = vector::BroadcastOp::create(
          b, loc, vectorOf(values[k], length), factors[k]);
  }
  return factors;
}

Values GateView::loadColumns(OpBuilder &b, ValueRange outer, Value at,
                             unsigned length) {
  Values all = llvm::to_vector(outer), columns(applied);
  all.push_back(at);
  for (unsigned k = 0; k < applied; ++k)
    if (!pooled[k].back() && pooled[k].end()[-2])
      columns[k] = buildLoad(b, loc, vectorOf(values[k], length), values[k],
                             keptIndices(k, all));
  return columns;
}

Value GateView::load(OpBuilder &b, ValueRange all, Value mask, unsigned length,
                     ArrayRef<Value> factors) {
  auto loadAt = [&](Value buffer, ValueRange indices) -> Value {
    if (length == 0)
      return memref::LoadOp::create(b, loc, buffer, indices);
    return buildLoad(b, loc, vectorOf(buffer, length), buffer, indices, mask);
  };
  Value y = loadAt(x, all);
  for (unsigned k = 0; k < applied; ++k) {
    Value factor =
        factors[k] ? factors[k] : loadAt(values[k], keptIndices(k, all));
    GateOp gate = chain.stages[k].gate;
    Region &epilogue = gate.getEpilogue();
    if (epilogue.empty()) {
      y = arith::MulFOp::create(b, loc, y, factor);
      continue;
    }
    Values args{y, factor};
    for (Value extra : extras[k])
      args.push_back(loadAt(extra, all));
    y = attn::cloneScalarBody(b, epilogue.front(), args);
  }
  return y;
}

bool GateView::hasAlignedRows(unsigned length) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(cast<MemRefType>(init.getType())
                       .getStridesAndOffset(strides, offset)) &&
         llvm::all_of(ArrayRef(strides).drop_back(), [&](int64_t stride) {
           return !ShapedType::isDynamic(stride) && stride % length == 0;
         });
}

int64_t GateView::getNumElements() {
  int64_t product = 1;
  for (Value size : sizes)
    product *= getConstantIntValue(size).value_or(0);
  return product;
}

} // namespace heed::lower
