// NormKernel.cpp - the loops of a norm: each slice is read from memory once,
// then from the cache.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   m = (Σ x) / n;  r = 1/√((Σ (x − m)²) / n + ε);  y = (x − m)·r·w + b
//
//   last dim normalised, contiguous: a row at a time, four vectors in flight
//   last dim kept, contiguous:       a chunk of the last dim at a time, one
//     accumulator a vector
//   else                             scalars
//
// A slice is read wholly before its first element is written, so that x and
// init may be one buffer.
#include "passes/lower/cpu/NormKernel.h"

#include "passes/lower/cpu/CollapseDims.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using heed::attn::buildFloat;
using heed::attn::buildFloatCast;
using heed::attn::NormKind;

namespace heed::lower {

//===----------------------------------------------------------------------===//
// Groups of dims
//===----------------------------------------------------------------------===//

NormKernel::NormKernel(OpBuilder &b, attn::NormOp norm, unsigned vectorBytes)
    : norm(norm), loc(norm.getLoc()) {
  element = cast<FloatType>(getElementTypeOrSelf(norm.getX().getType()));
  compute = norm.getComputeType();
  length = vectorBytes * 8 / compute.getWidth();

  SmallVector<ReassociationIndices> groups, weightGroups, biasGroups;
  int64_t weightDim = 0, biasDim = 0;
  for (int64_t dim = 0, e = cast<MemRefType>(norm.getX().getType()).getRank();
       dim < e; ++dim) {
    bool isNormalised = norm.isNormalised(dim);
    bool ofWeight = llvm::is_contained(norm.getWeightDims(), dim);
    bool ofBias = llvm::is_contained(norm.getBiasDims(), dim);
    bool joins =
        dim > 0 && isNormalised == normalised.back() &&
        ofWeight == inWeight.back() && ofBias == inBias.back() &&
        isContiguous(norm.getX(), groups.back().front(), dim) &&
        isContiguous(norm.getInit(), groups.back().front(), dim) &&
        (!ofWeight || isContiguous(norm.getWeight(),
                                   weightGroups.back().front(), weightDim)) &&
        (!ofBias ||
         isContiguous(norm.getBias(), biasGroups.back().front(), biasDim));
    if (!joins) {
      groups.emplace_back();
      normalised.push_back(isNormalised);
      inWeight.push_back(ofWeight);
      inBias.push_back(ofBias);
      if (ofWeight)
        weightGroups.emplace_back();
      if (ofBias)
        biasGroups.emplace_back();
    }
    groups.back().push_back(dim);
    if (ofWeight)
      weightGroups.back().push_back(weightDim++);
    if (ofBias)
      biasGroups.back().push_back(biasDim++);
  }
  x = collapseTo(b, loc, norm.getX(), groups);
  init = norm.getInit() == norm.getX()
             ? x
             : collapseTo(b, loc, norm.getInit(), groups);
  if (norm.getWeight())
    weight = collapseTo(b, loc, norm.getWeight(), weightGroups);
  if (norm.getBias())
    bias = collapseTo(b, loc, norm.getBias(), biasGroups);
  for (auto [dim, isNormalised] : llvm::enumerate(normalised)) {
    sizes.push_back(b.createOrFold<memref::DimOp>(loc, x, dim));
    (isNormalised ? reducedSizes : keptSizes).push_back(sizes.back());
  }
}

//===----------------------------------------------------------------------===//
// Scalars and vectors
//===----------------------------------------------------------------------===//

Values NormKernel::indices(ValueRange kept, ValueRange reduced) {
  Values all;
  for (bool isNormalised : normalised) {
    ValueRange &from = isNormalised ? reduced : kept;
    all.push_back(from.front());
    from = from.drop_front();
  }
  return all;
}

Values NormKernel::parameterIndices(ValueRange all, ArrayRef<bool> in) {
  Values result;
  for (auto [index, has] : llvm::zip(all, in))
    if (has)
      result.push_back(index);
  return result;
}

Value NormKernel::splat(OpBuilder &b, Type type, Value scalar) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector::BroadcastOp::create(b, loc, vector, scalar);
  return scalar;
}

Value NormKernel::finishMean(OpBuilder &b, Value sum) {
  Value count = buildIndex(b, loc, 1);
  for (Value size : reducedSizes)
    count = b.createOrFold<arith::MulIOp>(loc, count, size);
  Value integer =
      b.createOrFold<arith::IndexCastOp>(loc, b.getI64Type(), count);
  Value divisor = b.createOrFold<arith::SIToFPOp>(loc, compute, integer);
  return arith::DivFOp::create(b, loc, sum, splat(b, sum.getType(), divisor));
}

Value NormKernel::finishRoot(OpBuilder &b, Value sum) {
  Value variance = finishMean(b, sum);
  Type type = sum.getType();
  Value epsilon = buildFloat(b, loc, type, norm.getEpsilon().convertToDouble());
  Value root = math::SqrtOp::create(
      b, loc, arith::AddFOp::create(b, loc, variance, epsilon));
  return arith::DivFOp::create(b, loc, buildFloat(b, loc, type, 1), root);
}

Value NormKernel::parameter(OpBuilder &b, Value buffer, ArrayRef<bool> in,
                            ValueRange all, Type type, Value mask) {
  if (!buffer)
    return {};
  Values at = parameterIndices(all, in);
  Type own = getElementTypeOrSelf(buffer.getType());
  if (isa<VectorType>(type) && in.back()) {
    if (isContiguousInLastDim(buffer))
      return buildFloatCast(
          b, loc, buildLoad(b, loc, vectorOf(own), buffer, at, mask), compute);
  }
  Value scalar = memref::LoadOp::create(b, loc, buffer, at);
  return splat(b, type, buildFloatCast(b, loc, scalar, compute));
}

Value NormKernel::scale(OpBuilder &b, Value value, Value mean, Value root,
                        ValueRange all, Value mask) {
  Type type = value.getType();
  Value w = parameter(b, weight, inWeight, all, type, mask);
  Value c = parameter(b, bias, inBias, all, type, mask);
  if (mean)
    value = arith::SubFOp::create(b, loc, value, mean);
  value = arith::MulFOp::create(b, loc, value, root);
  auto contract = arith::FastMathFlags::contract;
  if (w)
    value = arith::MulFOp::create(b, loc, value, w, contract);
  if (c)
    value = arith::AddFOp::create(b, loc, value, c, contract);
  return buildFloatCast(b, loc, value, element);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void NormKernel::buildRows(OpBuilder &b) {
  VectorType type = vectorOf(compute);
  buildParallel(b, loc, keptSizes, [&](OpBuilder &b, ValueRange kept) {
    auto load = [&](OpBuilder &b, ValueRange all, Value mask, Value rest) {
      return buildFloatCast(
          b, loc, buildLoad(b, loc, vectorOf(element), x, all, mask, rest),
          compute);
    };
    // All vectors of the row, nested over the outer reduced groups.
    auto forRow = [&](OpBuilder &b, ValueRange initial,
                      function_ref<Values(OpBuilder &, ValueRange all, Value,
                                          unsigned, ValueRange)>
                          body) {
      return buildNest(
          b, loc, ValueRange(reducedSizes).drop_back(), initial,
          [&](OpBuilder &b, ValueRange outer, ValueRange carried) {
            return buildVectorLoop(
                b, loc, reducedSizes.back(), length, unroll, carried,
                [&](OpBuilder &b, Value at, Value mask, unsigned slot,
                    ValueRange carried) {
                  Values inner = llvm::to_vector(outer);
                  inner.push_back(at);
                  return body(b, indices(kept, inner), mask, slot, carried);
                });
          });
    };
    auto sum = [&](OpBuilder &b, Value mean, bool square) {
      Values zeros(unroll, buildFloat(b, loc, type, 0));
      // In lanes beyond the row the mean stands for x.
      Value rest = mean ? splat(b, vectorOf(element),
                                buildFloatCast(b, loc, mean, element))
                        : Value();
      Value centre = mean ? splat(b, type, mean) : Value();
      Values sums = forRow(
          b, zeros,
          [&](OpBuilder &b, ValueRange all, Value mask, unsigned slot,
              ValueRange carried) {
            Values values = llvm::to_vector(carried);
            Value value = load(b, all, mask, mask ? rest : Value());
            if (centre)
              value = arith::SubFOp::create(b, loc, value, centre);
            if (mask && centre) // exactly nothing, also in half precision
              value = arith::SelectOp::create(b, loc, mask, value,
                                              buildFloat(b, loc, type, 0));
            values[slot] =
                square
                    ? Value(vector::FMAOp::create(b, loc, value, value,
                                                  values[slot]))
                    : Value(arith::AddFOp::create(b, loc, values[slot], value));
            return values;
          });
      Value left = arith::AddFOp::create(b, loc, sums[0], sums[1]);
      Value right = arith::AddFOp::create(b, loc, sums[2], sums[3]);
      // Reassociation lets LLVM add the lanes as a tree.
      return vector::ReductionOp::create(
                 b, loc, vector::CombiningKind::ADD,
                 arith::AddFOp::create(b, loc, left, right),
                 arith::FastMathFlags::reassoc)
          .getResult();
    };
    Value mean;
    if (norm.getKind() == NormKind::layer)
      mean = finishMean(b, sum(b, Value(), false));
    Value root = splat(b, type, finishRoot(b, sum(b, mean, true)));
    if (mean)
      mean = splat(b, type, mean);
    forRow(b, {},
           [&](OpBuilder &b, ValueRange all, Value mask, unsigned,
               ValueRange) -> Values {
             Value value = load(b, all, mask, Value());
             value = scale(b, value, mean, root, all, mask);
             buildStore(b, loc, value, init, all, mask);
             return {};
           });
  });
}

//===----------------------------------------------------------------------===//
// Columns
//===----------------------------------------------------------------------===//

/// `count` vectors from `at` in the last, kept dim. Lanes beyond the dim are
/// never stored: their statistics do not matter.
void NormKernel::buildColumn(OpBuilder &b, ValueRange outer, Value at,
                             Value mask, unsigned count) {
  VectorType type = vectorOf(compute);
  SmallVector<Values> kept;
  for (unsigned slot = 0; slot < count; ++slot) {
    kept.push_back(llvm::to_vector(outer));
    kept.back().push_back(b.createOrFold<arith::AddIOp>(
        loc, at, buildIndex(b, loc, slot * length)));
  }
  auto load = [&](OpBuilder &b, unsigned slot, ValueRange reduced) {
    return buildFloatCast(b, loc,
                          buildLoad(b, loc, vectorOf(element), x,
                                    indices(kept[slot], reduced), mask),
                          compute);
  };
  auto sum = [&](OpBuilder &b, ValueRange means, bool square) {
    Values zeros(count, buildFloat(b, loc, type, 0));
    return buildNest(
        b, loc, reducedSizes, zeros,
        [&](OpBuilder &b, ValueRange reduced, ValueRange carried) {
          Values values = llvm::to_vector(carried);
          for (unsigned slot = 0; slot < count; ++slot) {
            Value value = load(b, slot, reduced);
            if (!means.empty())
              value = arith::SubFOp::create(b, loc, value, means[slot]);
            values[slot] =
                square
                    ? Value(vector::FMAOp::create(b, loc, value, value,
                                                  values[slot]))
                    : Value(arith::AddFOp::create(b, loc, values[slot], value));
          }
          return values;
        });
  };
  Values means;
  if (norm.getKind() == NormKind::layer)
    for (Value total : sum(b, {}, false))
      means.push_back(finishMean(b, total));
  Values roots;
  for (Value total : sum(b, means, true))
    roots.push_back(finishRoot(b, total));
  buildNest(b, loc, reducedSizes, {},
            [&](OpBuilder &b, ValueRange reduced, ValueRange) -> Values {
              for (unsigned slot = 0; slot < count; ++slot) {
                Values all = indices(kept[slot], reduced);
                Value value = scale(b, load(b, slot, reduced),
                                    means.empty() ? Value() : means[slot],
                                    roots[slot], all, mask);
                buildStore(b, loc, value, init, all, mask);
              }
              return {};
            });
}

void NormKernel::buildColumns(OpBuilder &b) {
  buildColumnLoop(
      b, loc, keptSizes, length, unroll,
      [&](OpBuilder &b, ValueRange outer, Value column, Value mask,
          unsigned count) { buildColumn(b, outer, column, mask, count); });
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

void NormKernel::buildScalars(OpBuilder &b) {
  buildParallel(b, loc, keptSizes, [&](OpBuilder &b, ValueRange kept) {
    auto load = [&](OpBuilder &b, ValueRange all) {
      return buildFloatCast(b, loc, memref::LoadOp::create(b, loc, x, all),
                            compute);
    };
    auto sum = [&](OpBuilder &b, Value mean, bool square) {
      return buildNest(
          b, loc, reducedSizes, buildFloat(b, loc, compute, 0),
          [&](OpBuilder &b, ValueRange reduced, ValueRange carried) -> Values {
            Value value = load(b, indices(kept, reduced));
            if (mean)
              value = arith::SubFOp::create(b, loc, value, mean);
            if (square)
              value = arith::MulFOp::create(b, loc, value, value);
            return {arith::AddFOp::create(b, loc, carried[0], value)};
          })[0];
    };
    Value mean;
    if (norm.getKind() == NormKind::layer)
      mean = finishMean(b, sum(b, Value(), false));
    Value root = finishRoot(b, sum(b, mean, true));
    buildNest(b, loc, reducedSizes, {},
              [&](OpBuilder &b, ValueRange reduced, ValueRange) -> Values {
                Values all = indices(kept, reduced);
                Value value = scale(b, load(b, all), mean, root, all, Value());
                memref::StoreOp::create(b, loc, value, init, all);
                return {};
              });
  });
}

void NormKernel::build(OpBuilder &b) {
  auto isContiguousParameter = [&](Value buffer, ArrayRef<bool> in) {
    return !buffer || !in.back() || isContiguousInLastDim(buffer);
  };
  if (!isContiguousInLastDim(x) || !isContiguousInLastDim(init) ||
      !isContiguousParameter(weight, inWeight) ||
      !isContiguousParameter(bias, inBias))
    buildScalars(b);
  else if (normalised.back())
    buildRows(b);
  else
    buildColumns(b);
}

} // namespace heed::lower
