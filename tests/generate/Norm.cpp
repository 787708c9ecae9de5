// Norm.cpp - layer and RMS normalisations in random spellings, and near-misses.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Case.h"

namespace heed::generate {
namespace {

/// Labels: b, s rows; c what is normalised, perhaps as two dimensions c and w.
struct NormSizes {
  std::string dims, over;
  bool degenerate = false;
};

NormSizes drawNormSizes(Trace &t, std::string &what) {
  Random &random = t.random;
  NormSizes sizes;
  bool dynamic = random.oneIn(3);
  t.declare('b', random.pick<int64_t>({1, 2, 3}), dynamic && random.coin());
  t.declare('s', random.pick<int64_t>({1, 2, 5, 17}), dynamic && random.coin());
  t.declare('c', random.pick<int64_t>({2, 3, 5, 8, 17, 33}));
  t.declare('w', random.pick<int64_t>({2, 3, 4}));
  sizes.over = random.oneIn(4) ? "cw" : "c";
  sizes.dims = random.coin() ? "bs" + sizes.over : "b" + sizes.over + "s";
  for (char label : sizes.dims)
    what += (what.empty() ? "" : " ") + std::string(1, label) +
            (t.isDynamic(label) ? "=?" : "=") + std::to_string(t.size(label));
  return sizes;
}

Traced squared(Trace &t, Traced a) {
  if (t.random.coin())
    return t.mul(a, a);
  return t.map(a.dims, {a},
               [](auto &f, const auto &x) { return f.mul(x[0], x[0]); });
}

/// x / √(v + eps), the root as a factor, a divisor or a factor's divisor.
Traced divided(Trace &t, Traced x, Traced variance, double epsilon) {
  switch (t.random.below(3)) {
  case 0: {
    Traced factor =
        t.map(variance.dims, {variance}, [&](auto &f, const auto &v) {
          return f.rsqrt(f.add(v[0], f.num(epsilon)));
        });
    return t.random.coin() ? t.mul(x, factor) : t.mul(factor, x);
  }
  case 1: {
    Traced sum = t.plus(variance, epsilon);
    Traced root = t.map(sum.dims, {sum},
                        [](auto &f, const auto &v) { return f.sqrt(v[0]); });
    return t.div(x, root);
  }
  default: {
    Traced factor =
        t.map(variance.dims, {variance}, [&](auto &f, const auto &v) {
          return f.div(f.num(1), f.sqrt(f.add(v[0], f.num(epsilon))));
        });
    return t.mul(x, factor);
  }
  }
}

Traced withWeights(Trace &t, Traced y, const std::string &over,
                   std::string &what) {
  if (t.random.oneIn(4))
    return y;
  what += ", weight";
  Traced w = t.weight(over);
  y = t.random.coin() ? t.mul(y, w) : t.mul(w, y);
  if (t.random.oneIn(3))
    return y;
  what += " and bias";
  Traced bias = t.weight(over);
  return t.random.coin() ? t.add(y, bias) : t.add(bias, y);
}

} // namespace

Case makeNorm(mlir::MLIRContext &context, uint64_t seed) {
  Random random(seed);
  Trace t(context, random);
  std::string what;
  NormSizes sizes = drawNormSizes(t, what);
  Traced x = t.input(sizes.dims);
  if (random.coin())
    x = t.tanh(x);
  double epsilon = random.pick({1e-5, 1e-3, 0.5});
  Traced y;
  if (random.coin()) {
    what += ", RMS";
    y = divided(t, x, t.mean(squared(t, t.disguise(x)), sizes.over), epsilon);
  } else {
    what += ", layer";
    Traced d = t.sub(x, t.mean(t.disguise(x), sizes.over));
    y = divided(t, d, t.mean(squared(t, d), sizes.over), epsilon);
  }
  y = t.disguise(withWeights(t, y, sizes.over, what));
  t.output(y, y.dims);
  Case result("norm", what, t);
  result.op = "norm";
  return result;
}

Case makeNormMiss(mlir::MLIRContext &context, uint64_t seed) {
  Random random(seed);
  Trace t(context, random);
  std::string what;
  NormSizes sizes = drawNormSizes(t, what);
  t.declare('b', 3);
  t.declare('s', 3);
  Traced x = t.input(sizes.dims);
  const std::string &over = sizes.over;
  Expect expect = Expect::Refused;
  Traced y;
  switch (random.below(6)) {
  case 0:
    what += ", the squares of another tensor";
    y = divided(t, x, t.mean(squared(t, t.input(sizes.dims)), over), 0.5);
    break;
  case 1: {
    what += ", the mean over other dimensions";
    Traced d = t.sub(x, t.mean(x, "s"));
    y = divided(t, d, t.mean(squared(t, d), over), 0.5);
    // Right if what is shifted is taken for the tensor.
    expect = Expect::Either;
    break;
  }
  case 2: {
    what += ", no root";
    Traced variance = t.plus(t.mean(squared(t, x), over), 0.5);
    y = t.div(x, variance);
    break;
  }
  case 3: {
    what += ", epsilon after the root";
    Traced variance = t.mean(squared(t, x), over);
    Traced root = t.map(variance.dims, {variance}, [](auto &f, const auto &v) {
      return f.add(f.sqrt(v[0]), f.num(0.5));
    });
    y = t.div(x, root);
    break;
  }
  case 4: {
    what += ", a sum for the mean of x";
    Traced d = t.sub(x, t.reduce(Sum::Add, x, over));
    y = divided(t, d, t.mean(squared(t, d), over), 0.5);
    expect = Expect::Either; // an RMS norm of the difference
    break;
  }
  default: {
    what += ", the third power";
    Traced cube = t.mul(squared(t, x), x);
    Traced m = t.mean(cube, over);
    y = divided(t, x, squared(t, m), 0.5);
    break;
  }
  }
  y = t.disguise(y);
  t.output(y, y.dims);
  Case result("norm miss", what, t);
  result.op = "norm";
  result.expect = expect;
  return result;
}

} // namespace heed::generate
