// DeformConv.cpp - convolution whose elements are read at learnt offsets.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   columns[n, c, k, o] = mask[n, k, o] · x(n, c, o·stride − pad + k·dilation +
//   offset[n, k, o]),  between four elements, 0 outside
//   y = W · columns

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Loop.h"
#include "tools/lib/import/ops/Map.h"
#include "tools/lib/import/ops/Window.h"

using namespace mlir;

namespace heed::import {

namespace {

struct Sampling {
  Emitter &e;
  DType type;
  Window window;
  Value source = {}, offsets = {}, mask = {}; // no mask: null
  Value perOffset = {};                       // channels of an offset group
  Value lows[2] = {}, sizes[2] = {}, lasts[2] = {};

  /// Which tap of which offset group the sample is.
  Value tapOf(Code &c, ValueRange out) {
    int64_t taps = window.kernel[0] * window.kernel[1];
    Value group = c.div(out[1], perOffset);
    return c.add(c.mul(group, c.index(taps)), out[2]);
  }
  /// Position of a sample in dim d, far outside at most by a little.
  Value position(Code &c, Formula &s, ValueRange out, Value tap, int64_t d) {
    Value channel = c.add(c.mul(tapOf(c, out), c.index(2)), c.index(d));
    Value moved = c.get(offsets, {out[0], channel, out[3], out[4]});
    Value start = c.sub(c.mul(out[3 + d], c.index(window.strides[d])), lows[d]);
    start = c.add(start, c.mul(tap, c.index(window.dilations[d])));
    Value p = s.add(c.toFloat(start, type), moved);
    p = s.make<arith::MinNumFOp>(p, s.add(sizes[d], s.c(1)));
    return s.make<arith::MaxNumFOp>(p, s.c(-2));
  }
  Value sample(Code &c, ValueRange out) { // n, c, k, oh, ow
    Formula s{e, type, c.b, c.l};
    Value width = c.index(window.kernel[1]);
    Value taps[] = {c.div(out[2], width), c.rem(out[2], width)};
    Value at[2][2], weight[2][2];
    for (int64_t d = 0; d < 2; ++d) {
      Value p = position(c, s, out, taps[d], d);
      Value floor = s.make<math::FloorOp>(p), low = c.fromFloat(floor);
      Value high = c.add(low, c.index(1)), w = s.sub(p, floor);
      const Value is[] = {low, high}, ws[] = {s.sub(s.c(1), w), w};
      for (int64_t k = 0; k < 2; ++k) {
        Value inside = c.both(c.less(c.index(-1), is[k]),
                              c.less(is[k], c.add(lasts[d], c.index(1))));
        weight[d][k] = s.select(inside, ws[k], s.c(0));
        at[d][k] = c.max(c.min(is[k], lasts[d]), c.index(0));
      }
    }
    Value sum;
    for (int k = 0; k < 4; ++k) {
      Value v = c.get(source, {out[0], out[1], at[0][k / 2], at[1][k % 2]});
      v = s.mul(s.mul(weight[0][k / 2], weight[1][k % 2]), v);
      sum = sum ? s.add(sum, v) : v;
    }
    if (!mask)
      return sum;
    return s.mul(sum, c.get(mask, {out[0], tapOf(c, out), out[3], out[4]}));
  }
};

void importDeformConv(Node &n) {
  Emitter &e = n.e;
  for (size_t i = 0; i < 3; ++i)
    n.requireRank(i, 4, 4);
  n.requireSameTypes();
  const Tensor &x = n.floatInput(0), &w = n.input(1), &offset = n.input(2);
  auto kernel = staticShape(ArrayRef<Sym>(w->shape).drop_front(2));
  if (!kernel)
    fail("the kernel's size is only known at run time");
  int64_t groups = n.intAttr("group", 1),
          offsetGroups = n.intAttr("offset_group", 1);
  if (groups < 1 || offsetGroups < 1)
    fail("attribute 'group' or 'offset_group' is below 1");
  int64_t taps = checkedCount(*kernel);
  Sampling sampling{e, x->type,
                    readWindow(n, *kernel, ArrayRef(x->shape).drop_front(2))};
  const Shape &out = sampling.window.outputs;
  auto perGroup = x->shape[1].exactQuotient(groups),
       perOffset = x->shape[1].exactQuotient(offsetGroups),
       filters = w->shape[0].exactQuotient(groups);
  if (!perGroup || !perOffset || !filters)
    fail("the channels do not divide by the groups");
  e.require(w->shape[1], *perGroup, "input channels");
  auto check = [&](const Tensor &t, int64_t channels, StringRef what) {
    e.require(t->shape[0], x->shape[0], what + ": batch");
    e.require(t->shape[1], channels, what + ": channels");
    for (size_t d = 0; d < 2; ++d)
      e.require(t->shape[2 + d], out[d], what + ": output size");
  };
  check(offset, 2 * offsetGroups * taps, "offset");
  sampling.source = e.ir(x);
  sampling.offsets = e.ir(offset);
  if (n.has(4)) {
    n.requireRank(4, 4, 4);
    check(n.input(4), offsetGroups * taps, "mask");
    sampling.mask = e.ir(n.input(4));
  }
  sampling.perOffset = e.size(*perOffset);
  Code code{e, e.b, e.loc};
  for (size_t d = 0; d < 2; ++d) {
    e.requireAtLeast(x->shape[2 + d], 1, "sampled dimension");
    sampling.lows[d] = e.size(sampling.window.low[d]);
    sampling.sizes[d] = code.toFloat(e.size(x->shape[2 + d]), x->type);
    sampling.lasts[d] = e.size(x->shape[2 + d] - Sym(1));
  }
  Tensor columns =
      e.generate(x->type, {x->shape[0], x->shape[1], taps, out[0], out[1]},
                 [&](OpBuilder &b, Location l, ValueRange i) -> Value {
                   Code c{e, b, l};
                   return sampling.sample(c, i);
                 });
  Sym depth = *perGroup * Sym(taps), area = out[0] * out[1];
  Tensor y;
  if (groups == 1) {
    y = e.contract(e.reshape(w, {w->shape[0], depth}), "fk",
                   e.reshape(columns, {x->shape[0], depth, area}), "nkp",
                   "nfp");
  } else {
    y = e.contract(e.reshape(w, {groups, *filters, depth}), "gfk",
                   e.reshape(columns, {x->shape[0], groups, depth, area}),
                   "ngkp", "ngfp");
  }
  y = e.reshape(y, {x->shape[0], w->shape[0], out[0], out[1]});
  if (n.has(3)) {
    n.requireRank(3, 1, 1);
    e.require(n.input(3)->shape[0], w->shape[0], "bias");
    y = map2<arith::AddFOp>(e, y, e.reshape(n.input(3), {w->shape[0], 1, 1}));
  }
  n.set(y);
}

} // namespace

llvm::ArrayRef<OpEntry> deformConvOps() {
  static const OpEntry ops[] = {
      {"DeformConv", 19, 3, 5, importDeformConv},
  };
  return ops;
}

} // namespace heed::import
