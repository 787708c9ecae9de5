// SpellSoftmax.cpp - the ways to write a softmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Spellings.h"

namespace heed::generate {

/// linalg.softmax; its numbers are those of the formula.
static Traced named(Trace &t, Traced scores, char keys) {
  Traced result{{}, scores.dims, Tensor(scores.data.shape)};
  std::string rows = scores.dims;
  rows.erase(rows.find(keys), 1);
  Traced max{{}, rows, Tensor(t.shapeOf(rows), -INFINITY)};
  Traced sum{{}, rows, Tensor(t.shapeOf(rows))};
  using Offsets = std::vector<size_t>;
  forEach(t, scores.dims, {&scores, &max},
          [&](const Shape &, const Offsets &at) {
            max.data.data[at[1]] =
                std::fmax(max.data.data[at[1]], scores.data.data[at[0]]);
          });
  forEach(t, scores.dims, {&scores, &max, &result},
          [&](const Shape &, const Offsets &at) {
            result.data.data[at[2]] =
                std::exp(scores.data.data[at[0]] - max.data.data[at[1]]);
            sum.data.data[at[1]] += result.data.data[at[2]];
          });
  forEach(t, scores.dims, {&result, &sum},
          [&](const Shape &, const Offsets &at) {
            result.data.data[at[0]] /= sum.data.data[at[1]];
          });
  t.summed += t.size(keys);
  result.value =
      mlir::linalg::SoftmaxOp::create(
          t.builder(), t.loc(), t.typeOf(scores.dims, t.f32()), scores.value,
          t.empty(scores.dims, t.f32()), uint64_t(scores.dims.find(keys)))
          ->getResult(0);
  return result;
}

static Traced exponential(Trace &t, Traced scores, char keys, bool mayOmitMax,
                          bool masked) {
  Random &random = t.random;
  std::string over(1, keys);
  if (mayOmitMax && random.oneIn(4))
    return t.exp(scores);
  // Any shift of a whole row cancels.
  Traced shift;
  // The mean of masked scores is no number.
  if (mayOmitMax && !masked && random.oneIn(4))
    shift = random.coin() ? t.mean(scores, over) : t.splat("", 0.5);
  else
    shift = t.reduce(Sum::Max, scores, over);
  switch (random.below(4)) {
  case 0: // in one body
    return t.map(scores.dims, {scores, shift}, [](auto &f, const auto &x) {
      return f.exp(f.sub(x[0], x[1]));
    });
  case 1: { // in base 2
    Traced shifted = t.sub(scores, shift);
    return t.map(scores.dims, {shifted}, [](auto &f, const auto &x) {
      return f.exp2(f.mul(x[0], f.num(1.4426950408889634)));
    });
  }
  default:
    return t.exp(t.sub(scores, shift));
  }
}

Weights spellSoftmax(Trace &t, Traced scores, char keys, bool mayOmitMax,
                     bool masked, bool mayBeLate) {
  Random &random = t.random;
  if (random.coin())
    return {named(t, scores, keys), std::nullopt};
  Traced e = exponential(t, scores, keys, mayOmitMax, masked);
  Traced total = t.reduce(Sum::Add, e, std::string(1, keys));
  if (mayBeLate && random.oneIn(3))
    return {e, total};
  if (random.coin())
    return {t.div(e, total), std::nullopt};
  Traced reciprocal = t.map(total.dims, {total}, [](auto &f, const auto &x) {
    return f.div(f.num(1), x[0]);
  });
  return {random.coin() ? t.mul(e, reciprocal) : t.mul(reciprocal, e),
          std::nullopt};
}

} // namespace heed::generate
