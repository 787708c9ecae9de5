// LowerSoftmax.cpp - linalg.softmax on memrefs: vector code over each slice
// while it is in cache.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   m = max_j x_j;  y_j = exp(x_j − m);  s = Σ_j y_j;  y_j = y_j · (1/s)
//
//   the softmax's dim last, contiguous:  a row at a time, four vectors in flight
//   another dim last, contiguous:        up to four vectors of that dim at a
//     time, each with its own maxima and sums
//   else, and f64                        scalars
//
// A slice of −∞ alone, or with +∞ or NaN, is NaN: −∞ − −∞ is, and what is NaN
// makes the sum NaN. So the maximum may lose a NaN. What is narrower than f32
// is computed in f32, and its exponentials twice: stored in between, they were
// rounded twice.
#include "passes/lower/cpu/CollapseDims.h"
#include "passes/lower/cpu/ExpPolynomial.h"
#include "passes/lower/cpu/Maximum.h"
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/TargetDescriptor.h"
#include "passes/lower/cpu/VectorLoop.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using heed::attn::buildFloat;
using heed::attn::buildFloatCast;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERSOFTMAX
#include "passes/lower/cpu/Passes.h.inc"

namespace {
/// The loops of one softmax.
struct SoftmaxKernel {
  Location loc;
  const TargetDescriptor &target;
  FloatType element, compute;
  Value x, y;        // with neighbouring dims as one where they are contiguous
  unsigned axis = 0; // the dim that is normalised
  Values sizes;      // of all dims
  static constexpr unsigned unroll = 4;

  SoftmaxKernel(OpBuilder &b, linalg::SoftmaxOp op,
                const TargetDescriptor &target);
  void build(OpBuilder &b);

private:
  /// Visits all elements of a slice, a scalar or a vector at a time: one a slot.
  using Body = function_ref<Values(OpBuilder &, ValueRange at, Value mask,
                                   unsigned slot, ValueRange carried)>;
  using Walk = function_ref<Values(OpBuilder &, ValueRange carried, Body)>;

  void buildRows(OpBuilder &b);
  void buildColumns(OpBuilder &b);
  void buildScalars(OpBuilder &b);
  /// The passes over a slice, or over `count` vectors of neighbouring ones.
  /// `type` is that of a slot; along a row all lanes and slots are one slice.
  void buildSlice(OpBuilder &b, Type type, unsigned count, bool isRow,
                  Walk walk);

  VectorType vectorOf(Type of) const {
    return VectorType::get({static_cast<int64_t>(target.lanes(32))}, of);
  }
  Values withAxis(ValueRange kept, Value j) const {
    Values all = llvm::to_vector(kept);
    all.insert(all.begin() + axis, j);
    return all;
  }
  Values keptSizes() const {
    Values kept = sizes;
    kept.erase(kept.begin() + axis);
    return kept;
  }
  /// An element as `type`; −∞ in lanes that are masked.
  Value load(OpBuilder &b, Value buffer, ValueRange at, Type type, Value mask);
  void store(OpBuilder &b, Value value, ValueRange at, Value mask);
  Value exponential(OpBuilder &b, Value value, Value max);
  /// Of all slots and lanes, in each of them.
  Values unite(OpBuilder &b, Values slots, bool isSum);
};

SoftmaxKernel::SoftmaxKernel(OpBuilder &b, linalg::SoftmaxOp op,
                             const TargetDescriptor &target)
    : loc(op.getLoc()), target(target) {
  auto type = cast<MemRefType>(op.getInput().getType());
  element = cast<FloatType>(type.getElementType());
  compute = element.isF64() ? element : cast<FloatType>(b.getF32Type());
  // Dims of size 1 join whatever is before them: behind the axis they leave its
  // rows contiguous.
  auto side = [&](int64_t dim) {
    auto normalised = static_cast<int64_t>(op.getDimension());
    return dim < normalised ? -1 : dim > normalised;
  };
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    bool joins = dim > 0 &&
                 (side(dim) == side(groups.back().front()) ||
                  (side(dim) > 0 && type.getDimSize(dim) == 1)) &&
                 isContiguous(op.getInput(), groups.back().front(), dim) &&
                 isContiguous(op.getOutput(), groups.back().front(), dim);
    if (!joins)
      groups.emplace_back();
    if (side(dim) == 0)
      axis = groups.size() - 1;
    groups.back().push_back(dim);
  }
  x = collapseTo(b, loc, op.getInput(), groups);
  y = collapseTo(b, loc, op.getOutput(), groups);
  for (size_t dim = 0; dim < groups.size(); ++dim)
    sizes.push_back(b.createOrFold<memref::DimOp>(loc, x, dim));
}

Value SoftmaxKernel::load(OpBuilder &b, Value buffer, ValueRange at, Type type,
                          Value mask) {
  Value value;
  if (isa<VectorType>(type)) {
    VectorType own = vectorOf(element);
    Value rest;
    if (mask)
      rest = buildFloat(b, loc, own, -std::numeric_limits<double>::infinity());
    value = buildLoad(b, loc, own, buffer, at, mask, rest);
  } else {
    value = memref::LoadOp::create(b, loc, buffer, at);
  }
  return buildFloatCast(b, loc, value, compute);
}

void SoftmaxKernel::store(OpBuilder &b, Value value, ValueRange at,
                          Value mask) {
  value = buildFloatCast(b, loc, value, element);
  if (isa<VectorType>(value.getType()))
    buildStore(b, loc, value, y, at, mask);
  else
    memref::StoreOp::create(b, loc, value, y, at);
}

/// The difference is taken first: rounded, the product of a maximum of 10^9
/// with log2 e could be off by 2^6.
Value SoftmaxKernel::exponential(OpBuilder &b, Value value, Value max) {
  Value shifted = arith::SubFOp::create(b, loc, value, max);
  if (compute.isF64())
    return math::ExpOp::create(b, loc, shifted);
  Value log2e = buildFloat(b, loc, value.getType(), llvm::numbers::log2e);
  Value t = arith::MulFOp::create(b, loc, shifted, log2e);
  return buildExp2(b, loc, t, target.fma,
                   element.isBF16() ? ExpGrade::bf16 : ExpGrade::f32);
}

Values SoftmaxKernel::unite(OpBuilder &b, Values slots, bool isSum) {
  auto combine = [&](Value a, Value c) -> Value {
    if (isSum)
      return arith::AddFOp::create(b, loc, a, c);
    return buildMaximum(b, loc, a, c);
  };
  Value left = combine(slots[0], slots[1]), right = combine(slots[2], slots[3]);
  Value all = combine(left, right);
  // Reassociation lets LLVM add the lanes as a tree.
  all = isSum ? vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD,
                                            all, arith::FastMathFlags::reassoc)
                    .getResult()
              : buildMaximumOfLanes(b, loc, all);
  Value splat = vector::BroadcastOp::create(b, loc, slots[0].getType(), all);
  return Values(slots.size(), splat);
}

void SoftmaxKernel::buildSlice(OpBuilder &b, Type type, unsigned count,
                               bool isRow, Walk walk) {
  bool stored = element == compute;
  Value lowest =
      buildFloat(b, loc, type, -std::numeric_limits<double>::infinity());
  Values maxima = walk(b, Values(count, lowest),
                       [&](OpBuilder &b, ValueRange at, Value mask,
                           unsigned slot, ValueRange carried) {
                         Values next = llvm::to_vector(carried);
                         next[slot] = buildMaximum(b, loc, next[slot],
                                                   load(b, x, at, type, mask));
                         return next;
                       });
  if (isRow)
    maxima = unite(b, maxima, /*isSum=*/false);
  Value zero = buildFloat(b, loc, type, 0);
  Values sums =
      walk(b, Values(count, zero),
           [&](OpBuilder &b, ValueRange at, Value mask, unsigned slot,
               ValueRange carried) {
             Values next = llvm::to_vector(carried);
             Value e = exponential(b, load(b, x, at, type, mask), maxima[slot]);
             if (stored)
               store(b, e, at, mask);
             next[slot] = arith::AddFOp::create(b, loc, next[slot], e);
             return next;
           });
  if (isRow)
    sums = unite(b, sums, /*isSum=*/true);
  Value one = buildFloat(b, loc, type, 1);
  Values inverses;
  for (Value sum : isRow ? ValueRange(sums).take_front() : ValueRange(sums))
    inverses.push_back(arith::DivFOp::create(b, loc, one, sum));
  walk(b, {},
       [&](OpBuilder &b, ValueRange at, Value mask, unsigned slot,
           ValueRange) -> Values {
         Value e =
             stored ? load(b, y, at, type, mask)
                    : exponential(b, load(b, x, at, type, mask), maxima[slot]);
         Value inverse = inverses[isRow ? 0 : slot];
         store(b, arith::MulFOp::create(b, loc, e, inverse), at, mask);
         return {};
       });
}

void SoftmaxKernel::buildRows(OpBuilder &b) {
  buildParallel(b, loc, keptSizes(), [&](OpBuilder &b, ValueRange kept) {
    buildSlice(b, vectorOf(compute), unroll, /*isRow=*/true,
               [&](OpBuilder &b, ValueRange carried, Body body) {
                 return buildVectorLoop(
                     b, loc, sizes[axis], target.lanes(32), unroll, carried,
                     [&](OpBuilder &b, Value j, Value mask, unsigned slot,
                         ValueRange carried) {
                       return body(b, withAxis(kept, j), mask, slot, carried);
                     });
               });
  });
}

void SoftmaxKernel::buildColumns(OpBuilder &b) {
  buildColumnLoop(
      b, loc, keptSizes(), target.lanes(32), unroll,
      [&](OpBuilder &b, ValueRange outer, Value column, Value mask,
          unsigned count) {
        SmallVector<Values> kept;
        for (unsigned slot = 0; slot < count; ++slot) {
          kept.push_back(llvm::to_vector(outer));
          kept.back().push_back(b.createOrFold<arith::AddIOp>(
              loc, column, buildIndex(b, loc, slot * target.lanes(32))));
        }
        buildSlice(b, vectorOf(compute), count, /*isRow=*/false,
                   [&](OpBuilder &b, ValueRange carried, Body body) {
                     return buildFor(
                         b, loc, buildIndex(b, loc, 0), sizes[axis], 1, carried,
                         [&](OpBuilder &b, Value j, ValueRange carried) {
                           Values next = llvm::to_vector(carried);
                           for (unsigned slot = 0; slot < count; ++slot)
                             next = body(b, withAxis(kept[slot], j), mask, slot,
                                         next);
                           return next;
                         });
                   });
      });
}

void SoftmaxKernel::buildScalars(OpBuilder &b) {
  buildParallel(b, loc, keptSizes(), [&](OpBuilder &b, ValueRange kept) {
    buildSlice(b, compute, 1, /*isRow=*/false,
               [&](OpBuilder &b, ValueRange carried, Body body) {
                 return buildFor(
                     b, loc, buildIndex(b, loc, 0), sizes[axis], 1, carried,
                     [&](OpBuilder &b, Value j, ValueRange carried) {
                       return body(b, withAxis(kept, j), Value(), 0, carried);
                     });
               });
  });
}

void SoftmaxKernel::build(OpBuilder &b) {
  if (compute.isF64() || !isContiguousInLastDim(x) || !isContiguousInLastDim(y))
    buildScalars(b);
  else if (axis + 1 == sizes.size())
    buildRows(b);
  else
    buildColumns(b);
}

struct LowerSoftmax : impl::LowerSoftmaxBase<LowerSoftmax> {
  using LowerSoftmaxBase::LowerSoftmaxBase;
  void runOnOperation() override {
    std::optional<TargetDescriptor> target =
        requireTargetDescriptor(getOperation(), mcpu);
    if (!target)
      return signalPassFailure();
    SmallVector<linalg::SoftmaxOp> ops;
    getOperation()->walk([&](linalg::SoftmaxOp op) { ops.push_back(op); });
    OpBuilder b(&getContext());
    for (linalg::SoftmaxOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected memref operands; bufferise first");
        return signalPassFailure();
      }
      b.setInsertionPoint(op);
      SoftmaxKernel(b, op, *target).build(b);
      op.erase();
    }
  }
};
} // namespace
} // namespace heed::lower
