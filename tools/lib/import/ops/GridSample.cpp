// GridSample.cpp - GridSample and AffineGrid: reading x at positions between
// its elements.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A grid position g in [-1, 1] is, on a dim of size L,
//   (g + 1)/2·(L − 1)        with align_corners: ±1 are centres of elements
//   ((g + 1)·L − 1)/2        without: ±1 are outer edges

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

enum class Outside { Zeros, Border, Reflection };

/// One spatial dim of the sampled tensor: its size as values of the program.
struct Extent {
  Value size, last;       // float
  Value count, lastIndex; // index
};

class Sampler {
public:
  Sampler(Node &n);
  void run();

private:
  Value real(const Sym &s);
  Value mirrored(Formula &s, Value at, const Extent &x);
  Value unnormalised(Formula &s, Value g, const Extent &x);
  /// The element at a float position that is a whole number; outside of x what
  /// the padding mode says.
  Value pixel(Formula &s, SmallVector<Value> from, ArrayRef<Value> at);
  SmallVector<Value> weights(Formula &s, Value fraction);
  Value sample(Formula &s, ValueRange out);

  Node &n;
  Emitter &e;
  OpBuilder &b;
  Tensor x, grid;
  size_t spatial;
  std::string mode;
  Outside outside = Outside::Zeros;
  bool alignCorners = false;
  SmallVector<Extent> extents;
  Value source, positions;
};

Sampler::Sampler(Node &n) : n(n), e(n.e), b(n.e.b) {
  n.requireRank(0, 4, 5);
  x = n.floatInput(0);
  grid = n.floatInput(1);
  spatial = x->rank() - 2;
  if (grid->rank() != x->rank())
    fail("the grid has rank " + Twine(grid->rank()) + ", the input " +
         Twine(x->rank()));
  e.require(grid->shape[0], x->shape[0], "batch of the grid");
  e.require(grid->shape.back(), int64_t(spatial), "coordinates of the grid");
  mode = n.stringAttr("mode", n.opset < 20 ? "bilinear" : "linear");
  if (mode == "bilinear")
    mode = "linear";
  if (mode == "bicubic")
    mode = "cubic";
  if (mode != "linear" && mode != "nearest" && mode != "cubic")
    fail("attribute 'mode' is " + quoted(mode));
  if (mode == "cubic" && spatial != 2)
    fail("attribute 'mode' is 'cubic' on " + Twine(spatial) + " dims");
  std::string padding = n.stringAttr("padding_mode", "zeros");
  if (padding == "border")
    outside = Outside::Border;
  else if (padding == "reflection")
    outside = Outside::Reflection;
  else if (padding != "zeros")
    fail("attribute 'padding_mode' is " + quoted(padding));
  alignCorners = n.intAttr("align_corners", 0);
  grid = e.cast(grid, x->type);
}

Value Sampler::real(const Sym &s) {
  if (auto c = s.constant())
    return e.scalar(x->type, *c);
  Value i = arith::IndexCastOp::create(b, e.loc, b.getI64Type(), e.size(s));
  return arith::SIToFPOp::create(b, e.loc, irType(x->type, b.getContext()), i);
}

Value Sampler::unnormalised(Formula &s, Value g, const Extent &x) {
  Value from = s.add(g, s.c(1));
  return alignCorners ? s.mul(s.mul(from, s.c(0.5)), x.last)
                      : s.mul(s.sub(s.mul(from, x.size), s.c(1)), s.c(0.5));
}

/// A position folded back at the edges: with t = |at − low| and whole spans n,
/// low + rest for even n, high − rest for odd n.
Value Sampler::mirrored(Formula &s, Value at, const Extent &x) {
  Value low = s.c(alignCorners ? 0 : -0.5);
  Value span = alignCorners ? x.last : x.size;
  Value t = s.abs(s.sub(at, low));
  Value safe = s.max(span, s.c(1e-6)); // one element has no span to fold on
  Value whole = s.make<math::FloorOp>(s.div(t, safe));
  Value rest = s.sub(t, s.mul(whole, safe));
  Value halves = s.mul(whole, s.c(0.5));
  Value odd =
      s.greater(s.sub(halves, s.make<math::FloorOp>(halves)), s.c(0.25));
  Value r = s.add(low, s.select(odd, s.sub(span, rest), rest));
  return s.min(s.max(r, s.c(0)), x.last);
}

Value Sampler::pixel(Formula &s, SmallVector<Value> from, ArrayRef<Value> at) {
  OpBuilder &in = s.b;
  Value isInside;
  for (size_t d = 0; d < spatial; ++d) {
    const Extent &x = extents[d];
    Value position = at[d];
    if (outside == Outside::Reflection)
      position = mirrored(s, position, x);
    // Far enough outside to be outside, and within the range of integers; not
    // a number is an edge.
    position = s.make<arith::MinNumFOp>(position, s.add(x.size, s.c(1)));
    position = s.make<arith::MaxNumFOp>(position, s.c(-2));
    if (outside == Outside::Zeros) {
      Value above = arith::CmpFOp::create(in, s.l, arith::CmpFPredicate::OGE,
                                          position, s.c(0));
      Value below = arith::CmpFOp::create(in, s.l, arith::CmpFPredicate::OLE,
                                          position, x.last);
      Value both = arith::AndIOp::create(in, s.l, above, below);
      isInside =
          isInside ? arith::AndIOp::create(in, s.l, isInside, both).getResult()
                   : both;
    }
    Value i = arith::FPToSIOp::create(in, s.l, in.getI64Type(), position);
    i = arith::IndexCastOp::create(in, s.l, in.getIndexType(), i);
    i = arith::MinSIOp::create(in, s.l, i, x.lastIndex);
    from[2 + d] =
        arith::MaxSIOp::create(in, s.l, i, e.scalarInt(in.getIndexType(), 0));
  }
  Value v = tensor::ExtractOp::create(in, s.l, source, from);
  return isInside ? s.select(isInside, v, s.c(0)) : v;
}

/// Of the elements around a position: two for linear, four for cubic.
SmallVector<Value> Sampler::weights(Formula &s, Value f) {
  if (mode == "linear")
    return {s.sub(s.c(1), f), f};
  double a = -0.75;
  auto near = [&](Value t) { // ((a + 2)·t − (a + 3))·t² + 1
    return s.add(s.mul(s.mul(s.sub(s.mul(s.c(a + 2), t), s.c(a + 3)), t), t),
                 s.c(1));
  };
  auto far = [&](Value t) { // ((a·t − 5a)·t + 8a)·t − 4a
    return s.sub(
        s.mul(s.add(s.mul(s.sub(s.mul(s.c(a), t), s.c(5 * a)), t), s.c(8 * a)),
              t),
        s.c(4 * a));
  };
  Value g = s.sub(s.c(1), f);
  return {far(s.add(f, s.c(1))), near(f), near(g), far(s.add(g, s.c(1)))};
}

Value Sampler::sample(Formula &s, ValueRange out) {
  SmallVector<Value> from(out.begin(), out.begin() + 2), floors, at;
  from.resize(2 + spatial);
  SmallVector<SmallVector<Value>> factors;
  for (size_t d = 0; d < spatial; ++d) {
    // The grid's coordinates run from the last dim to the first.
    SmallVector<Value> position = {out[0]};
    position.append(out.begin() + 2, out.end());
    position.push_back(
        e.scalarInt(s.b.getIndexType(), int64_t(spatial - 1 - d)));
    Value g = tensor::ExtractOp::create(s.b, s.l, positions, position);
    Value p = unnormalised(s, g, extents[d]);
    // Linear and nearest sampling bring the position back before it is
    // rounded, cubic sampling each element.
    if (mode != "cubic" && outside == Outside::Border)
      p = s.min(s.max(p, s.c(0)), extents[d].last);
    else if (mode != "cubic" && outside == Outside::Reflection)
      p = mirrored(s, p, extents[d]);
    if (mode == "nearest") {
      at.push_back(s.make<math::RoundEvenOp>(p));
      continue;
    }
    Value floor = s.make<math::FloorOp>(p);
    floors.push_back(floor);
    factors.push_back(weights(s, s.sub(p, floor)));
  }
  if (mode == "nearest")
    return pixel(s, from, at);
  size_t taps = factors[0].size(), total = 1;
  for (size_t d = 0; d < spatial; ++d)
    total *= taps;
  Value sum;
  for (size_t k = 0; k < total; ++k) {
    SmallVector<Value> corner;
    Value weight;
    size_t rest = k;
    for (size_t d = 0; d < spatial; ++d, rest /= taps) {
      size_t tap = rest % taps;
      double shift = taps == 2 ? double(tap) : double(tap) - 1;
      corner.push_back(s.add(floors[d], s.c(shift)));
      Value w = factors[d][tap];
      weight = weight ? s.mul(weight, w) : w;
    }
    Value part = s.mul(weight, pixel(s, from, corner));
    sum = sum ? s.add(sum, part) : part;
  }
  return sum;
}

void Sampler::run() {
  Shape shape = {x->shape[0], x->shape[1]};
  for (size_t d = 0; d < spatial; ++d) {
    const Sym &size = x->shape[2 + d];
    e.requireAtLeast(size, 1, "sampled dimension");
    extents.push_back(
        {real(size), real(size - Sym(1)), e.size(size), e.size(size - Sym(1))});
    shape.push_back(grid->shape[1 + d]);
  }
  source = e.ir(x);
  positions = e.ir(grid);
  n.set(e.generate(x->type, shape,
                   [&](OpBuilder &at, Location l, ValueRange out) -> Value {
                     Formula s{e, x->type, at, l};
                     return sample(s, out);
                   }));
}

void importGridSample(Node &n) { Sampler(n).run(); }

/// y[b, p..., k] = Σ_j θ[b, k, j]·q_j with q the normalised position of p, last
/// dim first, and 1.
void importAffineGrid(Node &n) {
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  n.requireRank(0, 3, 3);
  const Tensor &theta = n.floatInput(0);
  std::vector<Sym> sizes = e.someElements(n.input(1));
  if (sizes.size() != 4 && sizes.size() != 5)
    fail("the size has " + Twine(sizes.size()) + " entries, expected 4 or 5");
  size_t spatial = sizes.size() - 2;
  e.require(theta->shape[0], sizes[0], "batch");
  e.require(theta->shape[1], int64_t(spatial), "rows of theta");
  e.require(theta->shape[2], int64_t(spatial + 1), "columns of theta");
  bool align = n.intAttr("align_corners", 0);
  Shape shape = {sizes[0]};
  SmallVector<Value> counts;
  for (size_t d = 0; d < spatial; ++d) {
    e.requireAtLeast(sizes[2 + d], 1, "size");
    shape.push_back(e.canonical(sizes[2 + d]));
    Value i = arith::IndexCastOp::create(b, e.loc, b.getI64Type(),
                                         e.size(sizes[2 + d]));
    counts.push_back(arith::SIToFPOp::create(
        b, e.loc, irType(theta->type, b.getContext()), i));
  }
  shape.push_back(int64_t(spatial));
  Value source = e.ir(theta);
  n.set(e.generate(
      theta->type, shape,
      [&](OpBuilder &at, Location l, ValueRange out) -> Value {
        Formula s{e, theta->type, at, l};
        auto entry = [&](size_t j) -> Value {
          return tensor::ExtractOp::create(
              at, l, source,
              ValueRange{out[0], out.back(),
                         e.scalarInt(at.getIndexType(), int64_t(j))});
        };
        Value sum = entry(spatial);
        for (size_t j = 0; j < spatial; ++j) {
          size_t d = spatial - 1 - j;
          Value i =
              arith::IndexCastOp::create(at, l, at.getI64Type(), out[1 + d]);
          Value p = arith::SIToFPOp::create(
              at, l, irType(theta->type, at.getContext()), i);
          Value count = counts[d];
          Value span = align ? s.max(s.sub(count, s.c(1)), s.c(1)) : count;
          Value first = align ? p : s.add(p, s.c(0.5));
          Value q = s.sub(s.mul(s.c(2), s.div(first, span)), s.c(1));
          if (align) // one position is the middle
            q = s.select(s.greater(count, s.c(1)), q, s.c(0));
          sum = s.add(sum, s.mul(entry(j), q));
        }
        return sum;
      }));
}

} // namespace

llvm::ArrayRef<OpEntry> gridSampleOps() {
  static const OpEntry ops[] = {
      {"GridSample", 16, 2, 2, importGridSample},
      {"AffineGrid", 20, 2, 2, importAffineGrid},
  };
  return ops;
}

} // namespace heed::import
