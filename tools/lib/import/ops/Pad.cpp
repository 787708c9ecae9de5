// Pad.cpp - Pad in its four modes, and CenterCropPad.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

/// Copies of slices before and after: [x[size − low :], x, x[: high]].
Tensor wrap(Emitter &e, const Tensor &x, int64_t axis, int64_t low,
            int64_t high) {
  auto part = [&](const Sym &from, int64_t count) {
    SmallVector<Sym> offsets(x->rank(), Sym(0));
    SmallVector<int64_t> strides(x->rank(), 1);
    Shape sizes = x->shape;
    offsets[axis] = from;
    sizes[axis] = count;
    return e.slice(x, offsets, sizes, strides);
  };
  Sym size = x->shape[axis];
  e.requireAtLeast(size - Sym(std::max(low, high)), 0, "wrapped padding");
  SmallVector<Tensor> parts;
  if (low)
    parts.push_back(part(size - Sym(low), low));
  parts.push_back(x);
  if (high)
    parts.push_back(part(0, high));
  return e.concat(parts, axis);
}

/// Position i − low of x, brought back inside by repeating or mirroring the
/// edge.
Tensor extend(Emitter &e, const Tensor &x, ArrayRef<int64_t> low,
              ArrayRef<int64_t> high, bool mirror) {
  Shape shape;
  SmallVector<Value> shifts, lasts;
  Type index = e.b.getIndexType();
  for (size_t d = 0; d < x->rank(); ++d) {
    shape.push_back(x->shape[d] + Sym(low[d] + high[d]));
    e.requireAtLeast(x->shape[d],
                     (low[d] || high[d]) +
                         (mirror ? std::max(low[d], high[d]) : 0),
                     "padded dimension");
    shifts.push_back(e.scalarInt(index, low[d]));
    lasts.push_back(e.size(x->shape[d] - Sym(1)));
  }
  Value source = e.ir(x), zero = e.scalarInt(index, 0);
  return e.generate(
      x->type, shape, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        SmallVector<Value> from;
        for (size_t d = 0; d < x->rank(); ++d) {
          Value at = i[d];
          if (low[d] || high[d]) {
            at = arith::SubIOp::create(b, l, at, shifts[d]);
            if (mirror) { // |at|, then 2·last − at beyond the end
              Value negated = arith::SubIOp::create(b, l, zero, at);
              at = arith::MaxSIOp::create(b, l, at, negated);
              Value twice = arith::AddIOp::create(b, l, lasts[d], lasts[d]);
              Value back = arith::SubIOp::create(b, l, twice, at);
              at = arith::MinSIOp::create(b, l, at, back);
            }
            at = arith::MinSIOp::create(b, l, at, lasts[d]);
            at = arith::MaxSIOp::create(b, l, at, zero);
          }
          from.push_back(at);
        }
        return tensor::ExtractOp::create(b, l, source, from);
      });
}

void importPad(Node &n) {
  Emitter &e = n.e;
  Tensor x = n.input(0);
  std::string mode = n.stringAttr("mode", "constant");
  std::vector<Sym> pads;
  if (n.opset < 11) {
    auto given = n.intsAttr("pads");
    if (!given)
      fail("attribute 'pads' is missing");
    pads.assign(given->begin(), given->end());
  } else {
    pads = e.someElements(n.input(1));
  }
  SmallVector<int64_t> axes;
  if (n.has(3))
    for (int64_t a : n.constantInts(3))
      axes.push_back(Node::normalisedAxis(a, x->rank()));
  else
    for (size_t d = 0; d < x->rank(); ++d)
      axes.push_back(d);
  if (pads.size() != 2 * axes.size())
    fail("it has " + Twine(pads.size()) + " pads for " + Twine(axes.size()) +
         " axes");
  SmallVector<Sym> low(x->rank(), Sym(0)), high(x->rank(), Sym(0));
  for (auto [i, a] : llvm::enumerate(axes)) {
    low[a] = e.canonical(pads[i]);
    high[a] = e.canonical(pads[i + axes.size()]);
  }
  // Negative pads cut.
  SmallVector<Sym> offsets(x->rank(), Sym(0));
  SmallVector<int64_t> strides(x->rank(), 1);
  Shape sizes = x->shape;
  for (size_t d = 0; d < x->rank(); ++d)
    for (Sym *side : {&low[d], &high[d]}) {
      auto c = side->constant();
      if (c && *c < 0) {
        if (side == &low[d])
          offsets[d] = Sym(-*c);
        sizes[d] = sizes[d] + *side;
        e.requireAtLeast(sizes[d], 0, "cut dimension");
        *side = Sym(0);
      } else {
        e.requireAtLeast(*side, 0, "pad");
      }
    }
  x = e.slice(x, offsets, sizes, strides);
  if (mode == "constant") {
    Value value = e.scalar(x->type, 0);
    if (n.opset < 11) {
      value = e.scalar(x->type, n.floatAttr("value", 0));
    } else if (n.has(2)) {
      const Tensor &t = n.input(2);
      if (t->type != x->type)
        fail("the value has another type than the input");
      for (const Sym &s : t->shape)
        e.require(s, 1, "pad value");
      if (t->constant && t->constant->count() == 1)
        value = isFloat(t->type)
                    ? e.scalar(t->type, t->constant->asDouble(0))
                    : e.scalarInt(irType(t->type, e.b.getContext()),
                                  t->constant->asInt(0));
      else
        value = tensor::ExtractOp::create(e.b, e.loc, e.ir(e.reshape(t, {})),
                                          ValueRange());
    }
    return n.set(e.pad(x, low, high, value));
  }
  auto lows = staticShape(low), highs = staticShape(high);
  if (!lows || !highs)
    fail("pads that are only known at run time, in mode " + quoted(mode));
  if (mode == "wrap") {
    for (size_t d = 0; d < x->rank(); ++d)
      if ((*lows)[d] || (*highs)[d])
        x = wrap(e, x, d, (*lows)[d], (*highs)[d]);
    return n.set(x);
  }
  if (mode != "edge" && mode != "reflect")
    fail("attribute 'mode' is " + quoted(mode));
  n.set(extend(e, x, *lows, *highs, mode == "reflect"));
}

/// Each of the axes to its target size t: n > t is cut by ⌊(n − t)/2⌋ in front,
/// n < t is padded by ⌊(t − n)/2⌋ zeros in front, the rest behind.
void importCenterCropPad(Node &n) {
  Emitter &e = n.e;
  Tensor x = n.input(0);
  SmallVector<int64_t> targets = n.constantInts(1), axes;
  if (auto given = n.intsAttr("axes"))
    for (int64_t a : *given)
      axes.push_back(Node::normalisedAxis(a, x->rank()));
  else
    for (size_t d = 0; d < x->rank(); ++d)
      axes.push_back(d);
  Node::normalisedAxes(axes, x->rank()); // none twice
  if (targets.size() != axes.size())
    fail("it has " + Twine(targets.size()) + " sizes for " +
         Twine(axes.size()) + " axes");
  SmallVector<Sym> low(x->rank(), Sym(0)), high = low, offsets = low;
  SmallVector<int64_t> strides(x->rank(), 1);
  Shape sizes = x->shape;
  for (auto [axis, target] : llvm::zip_equal(axes, targets)) {
    auto size = e.canonical(x->shape[axis]).constant();
    if (!size)
      fail("axis " + Twine(axis) +
           " has a size that is only known at run time");
    if (target < 0)
      fail("a size is " + Twine(target));
    int64_t less = std::max<int64_t>(*size - target, 0),
            more = std::max<int64_t>(target - *size, 0);
    offsets[axis] = Sym(less / 2);
    sizes[axis] = Sym(*size - less);
    low[axis] = Sym(more / 2);
    high[axis] = Sym(more - more / 2);
  }
  checkedCount(targets);
  n.set(e.pad(e.slice(x, offsets, sizes, strides), low, high,
              e.scalar(x->type, 0)));
}

} // namespace

llvm::ArrayRef<OpEntry> padOps() {
  static const OpEntry ops[] = {
      {"Pad", 2, 1, 4, importPad},
      {"CenterCropPad", 18, 2, 2, importCenterCropPad},
  };
  return ops;
}

} // namespace heed::import
