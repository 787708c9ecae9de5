// SdpaSoftmax.cpp - scores, their maximum, exponents and sums.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/sdpa/SdpaSoftmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace heed::cuda {

static constexpr double kInf = std::numeric_limits<double>::infinity();

SdpaSums SdpaSums::build(KernelBuilder &k, int64_t tiles) {
  Value zero = k.f32(0), least = k.f32(-kInf);
  return {Scores(tiles, FragmentC{zero, zero, zero, zero}),
          {least, least},
          {zero, zero}};
}

void SdpaSums::appendTo(Values &all) const {
  for (const FragmentC &tile : o)
    llvm::append_range(all, tile);
  llvm::append_range(all, m);
  llvm::append_range(all, l);
}

SdpaSums SdpaSums::take(ValueRange &all, int64_t tiles) {
  SdpaSums sums;
  sums.o.resize(tiles);
  unsigned at = 0;
  for (FragmentC &tile : sums.o)
    for (Value &value : tile)
      value = all[at++];
  for (auto *rows : {&sums.m, &sums.l})
    for (Value &value : *rows)
      value = all[at++];
  all = all.drop_front(at);
  return sums;
}

static Value multiply(KernelBuilder &k, Value x, Value y) {
  return arith::MulFOp::create(k.b, k.loc, x, y);
}
static Value subtract(KernelBuilder &k, Value x, Value y) {
  return arith::SubFOp::create(k.b, k.loc, x, y);
}
static Value fma(KernelBuilder &k, Value x, Value y, Value z) {
  return math::FmaOp::create(k.b, k.loc, x, y, z);
}
static Value exp2(KernelBuilder &k, Value x) {
  return math::Exp2Op::create(k.b, k.loc, x, arith::FastMathFlags::afn);
}
static Value isEqual(KernelBuilder &k, Value x, double y) {
  return arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ, x,
                               k.f32(y));
}

Scores buildScores(SdpaKernel &kernel, SdpaTask &task, Scores s,
                   Value firstKey) {
  KernelBuilder &k = kernel.k;
  buildScoreStage(kernel, task, firstKey, s);
  if (!kernel.hasKeyBounds() && !kernel.hasTail())
    return s;
  Value last = k.add(firstKey, k.i32(kernel.tiles.keys));
  Value isPartial = k.lessThan(task.open.end, last);
  if (task.open.begin)
    isPartial = k.b.createOrFold<arith::OrIOp>(
        k.loc, isPartial, k.lessThan(firstKey, task.open.begin));
  Values flat;
  for (const FragmentC &tile : s)
    llvm::append_range(flat, tile);
  flat = k.ifElse(isPartial, flat, [&]() -> Values {
    maskScores(kernel, task, firstKey, s);
    Values masked;
    for (const FragmentC &tile : s)
      llvm::append_range(masked, tile);
    return masked;
  });
  for (unsigned i = 0; i < flat.size(); ++i)
    s[i / 4][i % 4] = flat[i];
  return s;
}

/// No key so far: 2^(−inf − 0) is 0, 2^(−inf + inf) would be NaN.
static Value finiteOf(KernelBuilder &k, Value max) {
  return k.select(isEqual(k, max, -kInf), k.f32(0), max);
}

std::array<Value, kRowsOfLane> buildMaximum(SdpaKernel &kernel, const Scores &s,
                                            SdpaSums &sums) {
  KernelBuilder &k = kernel.k;
  Value c = k.f32(kernel.softmaxFactor());
  std::array<Value, kRowsOfLane> factors;
  for (unsigned row = 0; row < kRowsOfLane; ++row) {
    Value max = s[0][2 * row];
    for (const FragmentC &tile : s)
      for (unsigned i : {2 * row, 2 * row + 1})
        max = arith::MaxNumFOp::create(k.b, k.loc, max, tile[i]);
    max = arith::MaxNumFOp::create(k.b, k.loc, maxOfQuad(k, max), sums.m[row]);
    Value below = subtract(k, sums.m[row], finiteOf(k, max));
    factors[row] = exp2(k, multiply(k, below, c));
    sums.m[row] = max;
    sums.l[row] = multiply(k, sums.l[row], factors[row]);
  }
  return factors;
}

void buildExponents(SdpaKernel &kernel, Scores &s, SdpaSums &sums) {
  KernelBuilder &k = kernel.k;
  Value c = k.f32(kernel.softmaxFactor());
  std::array<Value, kRowsOfLane> shift;
  for (unsigned row = 0; row < kRowsOfLane; ++row) {
    // One multiply-add where scores are products; others may be as large as
    // floats are, and their difference is taken first.
    shift[row] = finiteOf(k, sums.m[row]);
    if (!kernel.scalesInStage())
      shift[row] =
          arith::NegFOp::create(k.b, k.loc, multiply(k, shift[row], c));
  }
  for (FragmentC &tile : s)
    for (unsigned i = 0; i < 4; ++i) {
      Value exponent =
          kernel.scalesInStage()
              ? multiply(k, subtract(k, tile[i], shift[rowOf(i)]), c)
              : fma(k, tile[i], c, shift[rowOf(i)]);
      tile[i] = exp2(k, exponent);
      sums.l[rowOf(i)] =
          arith::AddFOp::create(k.b, k.loc, sums.l[rowOf(i)], tile[i]);
    }
}

void rescale(KernelBuilder &k, Scores &o,
             const std::array<Value, kRowsOfLane> &factors) {
  for (FragmentC &tile : o)
    for (unsigned i = 0; i < 4; ++i)
      tile[i] = multiply(k, tile[i], factors[rowOf(i)]);
}

} // namespace heed::cuda
