// Gate.cpp - channel and spatial gates in random equivalent spellings.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Gate.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tests/generate/Case.h"

namespace heed::generate {

GateSizes drawGateSizes(Trace &t, std::string &what) {
  Random &random = t.random;
  GateSizes sizes;
  bool dynamic = random.oneIn(3);
  t.declare('n', random.pick<int64_t>({1, 2, 3}), dynamic && random.coin());
  t.declare('c', random.pick<int64_t>({1, 2, 3, 4, 5, 8, 17}));
  sizes.places = random.pick<const char *>({"l", "hw", "hw", "hw", "zhw"});
  for (char label : sizes.places) {
    t.declare(label, random.pick<int64_t>({1, 2, 3, 4, 5, 7}),
              dynamic && random.coin());
    sizes.degenerate |= t.size(label) == 1;
  }
  sizes.degenerate |= t.size('c') == 1;
  sizes.dims = random.coin() ? "nc" + sizes.places : "n" + sizes.places + "c";
  for (char label : sizes.dims)
    what += (what.empty() ? "" : " ") + std::string(1, label) +
            (t.isDynamic(label) ? "=?" : "=") + std::to_string(t.size(label));
  return sizes;
}

Traced drawFeatures(Trace &t, const GateSizes &sizes) {
  Traced x = t.input(sizes.dims);
  if (t.random.coin())
    x = t.tanh(x);
  return x;
}

Traced activate(Trace &t, Traced a) {
  switch (t.random.below(5)) {
  case 0:
    return t.tanh(a);
  case 1: // hard sigmoid
    return t.map(a.dims, {a}, [](auto &f, const auto &x) {
      return f.min(f.max(f.add(f.mul(x[0], f.num(0.2)), f.num(0.5)), f.num(0)),
                   f.num(1));
    });
  case 2: { // op by op
    Traced e = t.exp(t.times(a, -1));
    Traced sum = t.plus(e, 1);
    return t.map(a.dims, {sum},
                 [](auto &f, const auto &x) { return f.div(f.num(1), x[0]); });
  }
  default:
    return t.map(a.dims, {a}, [](auto &f, const auto &x) {
      return f.div(f.num(1), f.add(f.num(1), f.exp(f.neg(x[0]))));
    });
  }
}

Mlp drawMlp(Trace &t) {
  Mlp mlp;
  if (!t.random.oneIn(3)) {
    mlp.hidden = t.fresh(t.random.pick<int64_t>({1, 2, 3}));
    mlp.first = t.weight(std::string{'c', mlp.hidden});
  }
  mlp.mirror = t.fresh(t.size('c'));
  mlp.second = t.weight(std::string{mlp.hidden ? mlp.hidden : 'c', mlp.mirror});
  mlp.bias = t.weight(std::string(1, mlp.mirror));
  mlp.function = t.random.below(2);
  return mlp;
}

Traced apply(Trace &t, const Mlp &mlp, Traced pooled) {
  std::string outer = pooled.dims;
  outer.erase(outer.find('c'), 1);
  Traced hidden = pooled;
  if (mlp.hidden) {
    hidden = t.contract(pooled, mlp.first, outer + mlp.hidden);
    hidden = t.map(hidden.dims, {hidden}, [&](auto &f, const auto &x) {
      if (mlp.function == 0)
        return f.max(x[0], f.num(0));
      return f.div(x[0], f.add(f.num(1), f.exp(f.neg(x[0]))));
    });
  }
  Traced result = t.contract(hidden, mlp.second, outer + mlp.mirror);
  return t.rename(t.add(result, mlp.bias), mlp.mirror, 'c');
}

Traced convolve(Trace &t, Traced a, char along) {
  mlir::OpBuilder &b = t.builder();
  size_t place = a.dims.find(along);
  char longer = t.fresh(t.size(along) + 2, t.isDynamic(along));
  char taps = t.fresh(3);
  Traced w = t.weight(std::string(1, taps), 0.5);
  std::string paddedDims = a.dims;
  paddedDims[place] = longer;
  llvm::SmallVector<int64_t> low(a.dims.size(), 0);
  low[place] = 1;
  llvm::SmallVector<mlir::OpFoldResult> edge;
  for (int64_t side : low)
    edge.push_back(b.getIndexAttr(side));
  mlir::Value zero =
      mlir::arith::ConstantOp::create(b, t.loc(), b.getF32FloatAttr(0));
  mlir::Value padded = mlir::tensor::PadOp::create(
      b, t.loc(), t.typeOf(paddedDims, t.f32()), a.value, edge, edge, zero);
  std::string loops = a.dims + taps;
  llvm::SmallVector<mlir::AffineExpr> read;
  for (size_t d = 0; d < a.dims.size(); ++d) {
    read.push_back(b.getAffineDimExpr(d));
    if (d == place)
      read.back() = read.back() + b.getAffineDimExpr(a.dims.size());
  }
  mlir::Value init = t.fill(a.dims, 0);
  llvm::SmallVector<mlir::utils::IteratorType> iterators(
      a.dims.size(), mlir::utils::IteratorType::parallel);
  iterators.push_back(mlir::utils::IteratorType::reduction);
  mlir::AffineMap maps[] = {
      mlir::AffineMap::get(loops.size(), 0, read, b.getContext()),
      t.mapOf(loops, w.dims), t.mapOf(loops, a.dims)};
  Traced result{{}, a.dims, Tensor(t.shapeOf(a.dims))};
  result.value =
      mlir::linalg::GenericOp::create(
          b, t.loc(), init.getType(), mlir::ValueRange{padded, w.value}, init,
          maps, iterators,
          [](mlir::OpBuilder &nested, mlir::Location at,
             mlir::ValueRange values) {
            mlir::Value product =
                mlir::arith::MulFOp::create(nested, at, values[0], values[1]);
            mlir::linalg::YieldOp::create(
                nested, at,
                mlir::arith::AddFOp::create(nested, at, values[2], product)
                    .getResult());
          })
          .getResult(0);
  Shape index(a.dims.size(), 0);
  do
    for (int64_t k = 0; k < 3; ++k) {
      Shape source = index;
      source[place] += k - 1;
      if (source[place] >= 0 && source[place] < t.size(along))
        result.data.at(index) += a.data.at(source) * w.data.data[size_t(k)];
    }
  while (reference::next(index, result.data.shape));
  t.summed += 3;
  return result;
}

Traced scale(Trace &t, Traced x, Traced g, bool spatial, std::string &what) {
  Random &random = t.random;
  Traced multiple = x;
  if (random.oneIn(4)) { // (k · x) · g
    what += ", a multiple scaled";
    multiple =
        spatial || random.coin() ? t.times(x, 0.5) : t.mul(x, t.weight("c"));
  }
  auto product = [&](Traced by) {
    return random.coin() ? t.mul(multiple, by) : t.mul(by, multiple);
  };
  auto affine = [&](Traced a, double factor, double number) {
    return t.map(a.dims, {a}, [&](auto &f, const auto &v) {
      return f.add(f.mul(v[0], f.num(factor)), f.num(number));
    });
  };
  switch (random.below(6)) {
  case 0:
    what += ", 1 + g";
    return product(t.plus(g, 1));
  case 1:
    what += ", x·g + x";
    return t.add(product(g), x);
  case 2:
    what += ", x - x·(1 - g)";
    return t.sub(x, product(affine(g, -1, 1)));
  case 3: {
    what += ", residual and activation";
    Traced sum = t.add(product(g), t.input(x.dims));
    return t.map(sum.dims, {sum},
                 [](auto &f, const auto &v) { return f.max(v[0], f.num(0)); });
  }
  default:
    return product(g);
  }
}

/// Mean, maximum or sum over the labels, of x through movement.
static Traced pool(Trace &t, Traced x, std::string over, int64_t kind) {
  if (over.size() > 1 && t.random.oneIn(3)) {
    int64_t product = 1;
    bool dynamic = false;
    for (char label : over) {
      product *= t.size(label);
      dynamic |= t.isDynamic(label);
    }
    char merged = t.fresh(product, dynamic);
    x = t.merge(x, over, merged);
    over = std::string(1, merged);
  }
  switch (kind) {
  case 0:
    return t.mean(x, over);
  case 1:
    return t.reduce(Sum::Max, x, over);
  default:
    return t.reduce(Sum::Add, x, over);
  }
}

static Traced channelGate(Trace &t, Traced x, const GateSizes &sizes,
                          std::string &what) {
  Random &random = t.random;
  bool multiple = random.oneIn(5);
  if (multiple)
    what += ", a multiple pooled";
  auto pooled = [&](int64_t kind) {
    Traced source = multiple ? t.times(x, 0.5) : x;
    return t.disguise(pool(t, t.disguise(source), sizes.places, kind));
  };
  switch (random.below(4)) {
  case 0: { // Wang et al., arXiv 1910.03151
    what += ", ECA";
    Traced p = pooled(0);
    return activate(t, convolve(t, p, 'c'));
  }
  case 1: { // both halves of a shared MLP
    what += ", mean and maximum";
    Mlp mlp = drawMlp(t);
    Traced a = apply(t, mlp, pooled(0)), m = apply(t, mlp, pooled(1));
    return activate(t, random.coin() ? t.add(a, m) : t.add(m, a));
  }
  case 2: {
    what += ", mixed pool";
    Traced a = t.times(pooled(0), 0.75), m = t.times(pooled(1), 0.25);
    return activate(t, apply(t, drawMlp(t), t.add(a, m)));
  }
  default: {
    int64_t kind = random.below(3);
    what += kind == 0 ? ", mean" : kind == 1 ? ", maximum" : ", sum";
    Traced p = pooled(kind);
    if (kind == 2)
      p = t.times(p, 0.125);
    return activate(t, apply(t, drawMlp(t), p));
  }
  }
}

static Traced spatialGate(Trace &t, Traced x, const GateSizes &sizes,
                          std::string &what) {
  int64_t pools = t.random.below(3);
  what += pools == 0   ? ", spatial, mean"
          : pools == 1 ? ", spatial, maximum"
                       : ", spatial, both";
  Traced map;
  if (pools < 2) {
    map = pool(t, t.disguise(x), "c", pools);
  } else {
    Traced a = t.times(pool(t, t.disguise(x), "c", 0), 0.5);
    Traced m = t.times(pool(t, t.disguise(x), "c", 1), -0.25);
    map = t.add(a, m);
  }
  for (char label : sizes.places)
    map = convolve(t, map, label);
  return activate(t, map);
}

Case makeGate(mlir::MLIRContext &context, uint64_t seed) {
  Random random(seed);
  Trace t(context, random);
  std::string what;
  GateSizes sizes = drawGateSizes(t, what);
  Traced x = drawFeatures(t, sizes);
  bool spatial = random.oneIn(4);
  Traced g =
      spatial ? spatialGate(t, x, sizes, what) : channelGate(t, x, sizes, what);
  g = t.disguise(g);
  Traced y = t.disguise(scale(t, x, g, spatial, what));
  t.output(y, y.dims);
  if (random.oneIn(5)) {
    what += ", gate returned";
    t.output(g, g.dims);
  }
  Case result("gate", what, t);
  result.op = "gate";
  if (sizes.degenerate)
    result.expect = Expect::Either;
  else if (!spatial || sizes.places.size() > 1) // of rank 3: a tie
    result.kind = spatial ? "spatial_gate" : "channel_gate";
  return result;
}

} // namespace heed::generate
