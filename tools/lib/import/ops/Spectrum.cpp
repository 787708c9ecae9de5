// Spectrum.cpp - DFT and STFT as products with matrices of sines and cosines.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   X[k] = Σ_n x[n]·exp(∓2πi·n·k / N), the inverse divided by N
// A complex number is a pair (re, im), so that one real matrix of (n, re/im) by
// (k, re/im) says it all; a window is folded into it where it is known.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Loop.h"
#include "tools/lib/import/ops/Map.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

/// A matrix has at most this many elements.
constexpr int64_t maxElements = 1 << 25;

struct Transform {
  int64_t length; // N
  int64_t given;  // elements of x that count; the others are 0
  int64_t parts;  // of an element of x: 1 (real) or 2
  bool inverse, onesided;
  std::vector<double> window; // of the elements of x; empty for ones

  bool toReal() const { return inverse && onesided; }
  int64_t bins() const {
    return onesided && !inverse ? length / 2 + 1 : length;
  }
  int64_t outParts() const { return toReal() ? 1 : 2; }

  /// [given·parts, bins·outParts]
  Tensor matrix(Emitter &e, DType type) const {
    int64_t rows = given * parts, columns = bins() * outParts();
    if (length > maxElements || given > maxElements ||
        rows > maxElements / std::max<int64_t>(columns, 1))
      fail("a transform of " + Twine(length) + " elements is too long");
    std::vector<double> m(rows * columns);
    double sign = inverse ? 1 : -1;
    for (int64_t n = 0; n < given; ++n)
      for (int64_t k = 0; k < bins(); ++k) {
        double angle = 2 * M_PI * double(n * k % length) / double(length);
        double scale = window.empty() ? 1 : window[n];
        if (inverse)
          scale /= double(length);
        // Half of a real result's spectrum stands for the other half as well.
        if (toReal() && n != 0 && 2 * n != length)
          scale *= 2;
        double c = scale * std::cos(angle), s = scale * sign * std::sin(angle);
        double *at = &m[n * parts * columns + k * outParts()];
        at[0] = c; // (c + i·s)·(re + i·im)
        if (!toReal())
          at[1] = s;
        if (parts == 2) {
          at[columns] = -s;
          if (!toReal())
            at[columns + 1] = c;
        }
      }
    return e.constant(HostTensor::ofDoubles(type, {rows, columns}, m), "dft");
  }

  /// x[..., given, parts] times the matrix: [..., bins, outParts].
  Tensor apply(Emitter &e, const Tensor &x) const {
    Shape lead(x->shape.begin(), x->shape.end() - 2);
    Tensor flat = e.reshape(x, {e.product(lead), given * parts});
    Tensor y = e.matmul(flat, matrix(e, x->type));
    lead.push_back(bins());
    lead.push_back(outParts());
    return e.reshape(y, lead);
  }
};

int64_t partsOf(Emitter &e, const Tensor &x) {
  auto parts = e.canonical(x->shape.back()).constant();
  if (!parts || *parts < 1 || *parts > 2)
    fail("the last dimension is neither 1 (real) nor 2 (complex)");
  return *parts;
}

int64_t onlyInt(Node &n, size_t i) {
  SmallVector<int64_t> v = n.constantInts(i);
  if (v.size() != 1)
    fail("input " + Twine(i) + " is no scalar");
  return v[0];
}

void importDft(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 2);
  Tensor x = n.floatInput(0);
  int64_t rank = x->rank();
  int64_t axis = Node::normalisedAxis(n.opset < 20 ? n.intAttr("axis", 1)
                                      : n.has(2)   ? onlyInt(n, 2)
                                                   : -2,
                                      rank);
  if (axis == rank - 1)
    fail("the axis is that of the real and imaginary parts");
  Transform t{};
  t.inverse = n.intAttr("inverse", 0);
  t.onesided = n.intAttr("onesided", 0);
  t.parts = partsOf(e, x);
  auto size = e.canonical(x->shape[axis]).constant();
  if (!size)
    fail("a transform along a dimension that is only known at run time is not "
         "supported");
  t.length = n.has(1) ? onlyInt(n, 1) : t.toReal() ? 2 * (*size - 1) : *size;
  if (t.length < 1)
    fail("the length of the transform is " + Twine(t.length));
  // What is longer is cut off; what is shorter counts as padded with zeros.
  t.given = std::min(*size, t.toReal() ? t.length / 2 + 1 : t.length);
  Shape cut = x->shape;
  cut[axis] = t.given;
  x = e.slice(x, SmallVector<Sym>(rank, Sym(0)), cut,
              SmallVector<int64_t>(rank, 1));
  SmallVector<int64_t> perm, back(rank);
  for (int64_t d = 0; d < rank; ++d)
    if (d != axis && d != rank - 1)
      perm.push_back(d);
  perm.push_back(axis);
  perm.push_back(rank - 1);
  for (int64_t d = 0; d < rank; ++d)
    back[perm[d]] = d;
  n.set(e.transpose(t.apply(e, e.transpose(x, perm)), back));
}

/// Frame f of the signal begins at f·step.
void importStft(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 2, 3);
  Tensor x = n.floatInput(0);
  if (x->rank() == 2)
    x = e.reshape(x, {x->shape[0], x->shape[1], 1});
  int64_t step = onlyInt(n, 1);
  Transform t{};
  t.onesided = n.intAttr("onesided", 1);
  t.parts = partsOf(e, x);
  if (step < 1)
    fail("the frame step is " + Twine(step));
  Tensor window = n.optional(2);
  if (window && window->rank() != 1)
    fail("the window is no vector");
  if (n.has(3)) {
    t.length = onlyInt(n, 3);
  } else {
    auto size = window ? e.canonical(window->shape[0]).constant()
                       : std::optional<int64_t>();
    if (!size)
      fail("the length of a frame is not known");
    t.length = *size;
  }
  if (t.length < 1)
    fail("the length of a frame is " + Twine(t.length));
  t.given = t.length;
  if (window) {
    e.require(window->shape[0], t.length, "window and frame");
    if (window->constant)
      for (int64_t i = 0; i < t.length; ++i)
        t.window.push_back(window->constant->asDouble(i));
  }
  Sym room = x->shape[1] - Sym(t.length);
  e.requireAtLeast(room, 0, "the signal minus a frame");
  Sym frames = e.canonical(e.syms.floorDiv(room, step) + Sym(1));
  Value source = e.ir(x), by = e.scalarInt(e.b.getIndexType(), step);
  Tensor framed =
      e.generate(x->type, {x->shape[0], frames, t.length, t.parts},
                 [&](OpBuilder &b, Location l, ValueRange i) -> Value {
                   Code c{e, b, l};
                   Value at = c.add(c.mul(i[1], by), i[2]);
                   return c.get(source, {i[0], at, i[3]});
                 });
  if (window && !window->constant)
    framed = map2<arith::MulFOp>(
        e, framed, e.cast(e.reshape(window, {t.length, 1}), x->type));
  n.set(t.apply(e, framed));
}

} // namespace

llvm::ArrayRef<OpEntry> spectrumOps() {
  static const OpEntry ops[] = {
      {"DFT", 17, 1, 3, importDft},
      {"STFT", 17, 2, 4, importStft},
  };
  return ops;
}

} // namespace heed::import
