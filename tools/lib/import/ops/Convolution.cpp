// Convolution.cpp - Conv and ConvTranspose as linalg convolutions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Window.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

template <typename Op>
Tensor convolve(Emitter &e, const Tensor &x, const Tensor &w, Shape shape,
                const Window &win) {
  Value init = e.filled(x->type, shape, e.scalar(x->type, 0));
  auto op = Op::create(e.b, e.loc, TypeRange{init.getType()},
                       ValueRange{e.ir(x), e.ir(w)}, ValueRange{init},
                       e.b.getI64TensorAttr(win.strides),
                       e.b.getI64TensorAttr(win.dilations));
  return e.computed(op->getResult(0), x->type, shape);
}

/// Any rank and grouping: n, g, f, o..., then c, k...
Tensor convolveGeneric(Emitter &e, const Tensor &x, const Tensor &w,
                       Shape shape, const Window &win) {
  OpBuilder &b = e.b;
  size_t spatial = win.strides.size(), loops = 4 + 2 * spatial;
  auto d = [&](size_t i) { return b.getAffineDimExpr(i); };
  // x: n g c i...; w: g f c k...; out: n g f o...
  size_t c = 3 + spatial;
  SmallVector<AffineExpr> xe = {d(0), d(1), d(c)}, we = {d(1), d(2), d(c)},
                          oe = {d(0), d(1), d(2)};
  for (size_t s = 0; s < spatial; ++s) {
    xe.push_back(d(3 + s) * win.strides[s] + d(c + 1 + s) * win.dilations[s]);
    we.push_back(d(c + 1 + s));
    oe.push_back(d(3 + s));
  }
  SmallVector<AffineMap> maps;
  for (auto &exprs : {xe, we, oe})
    maps.push_back(AffineMap::get(loops, 0, exprs, b.getContext()));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), c, utils::IteratorType::parallel);
  Value init = e.filled(x->type, shape, e.scalar(x->type, 0));
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), ValueRange{e.ir(x), e.ir(w)}, init, maps,
      iterators, [&](OpBuilder &at, Location l, ValueRange a) {
        Value p = arith::MulFOp::create(at, l, a[0], a[1]);
        Value sum = arith::AddFOp::create(at, l, a[2], p);
        linalg::YieldOp::create(at, l, sum);
      });
  return e.computed(op.getResult(0), x->type, shape);
}

/// y + bias over dim 1.
Tensor addBias(Emitter &e, const Tensor &y, const Tensor &bias) {
  if (bias->rank() != 1)
    fail("the bias is not a vector");
  e.require(bias->shape[0], y->shape[1], "bias");
  Shape shape(y->rank() - 1, Sym(1));
  shape[0] = bias->shape[0];
  return e.elementwise(
      {y, e.reshape(bias, shape)}, y->type,
      [](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        return arith::AddFOp::create(b, l, v[0], v[1]);
      });
}

void importConv(Node &n) {
  n.requireSameTypes();
  n.requireRank(0, 3, 8);
  Emitter &e = n.e;
  const Tensor &x = n.floatInput(0), &w = n.input(1);
  if (w->rank() != x->rank())
    fail("the weights have rank " + Twine(w->rank()) + ", the input " +
         Twine(x->rank()));
  size_t spatial = x->rank() - 2;
  auto kernel = staticShape(ArrayRef<Sym>(w->shape).drop_front(2));
  if (!kernel)
    fail("the kernel's size is only known at run time");
  Window win = readWindow(n, *kernel, ArrayRef<Sym>(x->shape).drop_front(2));
  if (win.ceilMode)
    fail("attribute 'ceil_mode' on a convolution");
  int64_t groups = n.intAttr("group", 1);
  if (groups < 1)
    fail("attribute 'group' is " + Twine(groups));
  e.require(x->shape[1], w->shape[1] * Sym(groups), "input channels");
  auto filters = w->shape[0].exactQuotient(groups);
  if (!filters)
    fail("the output channels do not divide by the groups");

  Tensor in = padded(e, x, win, e.scalar(x->type, 0));
  Shape out = {x->shape[0], w->shape[0]};
  out.append(win.outputs);
  Tensor y;
  bool depthwise =
      groups > 1 && Sym(groups) == w->shape[0] && w->shape[1] == Sym(1);
  if (groups == 1 && spatial == 1) {
    y = convolve<linalg::Conv1DNcwFcwOp>(e, in, w, out, win);
  } else if (groups == 1 && spatial == 2) {
    y = convolve<linalg::Conv2DNchwFchwOp>(e, in, w, out, win);
  } else if (groups == 1 && spatial == 3) {
    y = convolve<linalg::Conv3DNcdhwFcdhwOp>(e, in, w, out, win);
  } else if (depthwise && spatial <= 2) {
    Shape flat = {w->shape[0]};
    flat.append(w->shape.begin() + 2, w->shape.end());
    Tensor k = e.reshape(w, flat);
    y = spatial == 1
            ? convolve<linalg::DepthwiseConv1DNcwCwOp>(e, in, k, out, win)
            : convolve<linalg::DepthwiseConv2DNchwChwOp>(e, in, k, out, win);
  } else {
    // [n, g·c, ...] * [g·f, c, ...] -> [n, g·f, ...] with the groups apart.
    Shape xs = {x->shape[0], groups, w->shape[1]},
          ws = {groups, *filters, w->shape[1]},
          ys = {x->shape[0], groups, *filters};
    xs.append(in->shape.begin() + 2, in->shape.end());
    ws.append(w->shape.begin() + 2, w->shape.end());
    ys.append(win.outputs);
    Tensor xg = e.reshape(in, xs), wg = e.reshape(w, ws);
    y = spatial == 2 ? convolve<linalg::Conv2DNgchwGfchwOp>(e, xg, wg, ys, win)
                     : convolveGeneric(e, xg, wg, ys, win);
    y = e.reshape(y, out);
  }
  n.set(n.has(2) ? addBias(e, y, n.input(2)) : y);
}

/// The gradient of Conv: x with stride - 1 zeros between its elements, padded,
/// convolved with the mirrored kernel, channels exchanged. Where the kernel
/// equals the stride and nothing overlaps it is a matrix product.
void importConvTranspose(Node &n) {
  n.requireSameTypes();
  n.requireRank(0, 3, 8);
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  const Tensor &x = n.floatInput(0), &w = n.input(1);
  if (w->rank() != x->rank())
    fail("the weights have rank " + Twine(w->rank()) + ", the input " +
         Twine(x->rank()));
  size_t spatial = x->rank() - 2;
  auto kernel = staticShape(ArrayRef<Sym>(w->shape).drop_front(2));
  if (!kernel)
    fail("the kernel's size is only known at run time");
  SmallVector<int64_t> ones(spatial, 1), zeros(spatial, 0);
  auto ints = [&](StringRef name, ArrayRef<int64_t> fallback, int64_t low) {
    auto given = n.intsAttr(name);
    SmallVector<int64_t> r(given ? ArrayRef<int64_t>(*given) : fallback);
    if (r.size() != fallback.size())
      fail("attribute " + quoted(name) + " has " + Twine(r.size()) +
           " entries, expected " + Twine(fallback.size()));
    for (int64_t v : r)
      if (v < low || v > 1 << 20)
        fail("attribute " + quoted(name) + " holds " + Twine(v));
    return r;
  };
  SmallVector<int64_t> strides = ints("strides", ones, 1),
                       dilations = ints("dilations", ones, 1),
                       extra = ints("output_padding", zeros, 0),
                       pads = ints("pads", SmallVector<int64_t>(2 * spatial, 0),
                                   0);
  int64_t groups = n.intAttr("group", 1);
  if (groups < 1)
    fail("attribute 'group' is " + Twine(groups));
  auto perGroup = x->shape[1].exactQuotient(groups);
  if (!perGroup)
    fail("the input channels do not divide by the groups");
  e.require(x->shape[1], w->shape[0], "input channels");
  std::string autoPad = n.stringAttr("auto_pad", "NOTSET");
  Shape outputs;
  auto wanted = n.intsAttr("output_shape");
  for (size_t s = 0; s < spatial; ++s) {
    Sym full = Sym(strides[s]) * (x->shape[2 + s] - Sym(1)) + Sym(extra[s]) +
               Sym((*kernel)[s] - 1) * Sym(dilations[s]) + Sym(1);
    if (wanted || autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
      Sym size = wanted ? Sym(wanted->size() == spatial       ? (*wanted)[s]
                              : wanted->size() == spatial + 2 ? (*wanted)[s + 2]
                                                              : -1)
                        : x->shape[2 + s] * Sym(strides[s]);
      auto total = (full - size).constant();
      if (!total)
        fail("attribute 'output_shape' or 'auto_pad' does not fit");
      if (*total < 0) { // larger than what x reaches: no x beyond it
        extra[s] -= *total;
        full = full - Sym(*total);
        total = 0;
      }
      int64_t half = *total / 2;
      pads[s] = autoPad == "SAME_UPPER" ? half : *total - half;
      pads[s + spatial] = *total - pads[s];
    } else if (autoPad != "NOTSET" && autoPad != "VALID") {
      fail("attribute 'auto_pad' is " + quoted(autoPad));
    }
    Sym size = full - Sym(pads[s]) - Sym(pads[s + spatial]);
    e.requireAtLeast(size, 0, "output size");
    outputs.push_back(e.canonical(size));
  }
  const Sym &batch = x->shape[0], &f = w->shape[1];
  Shape out = {batch, f * Sym(groups)};
  out.append(outputs);
  bool apart = groups == 1 && spatial == 2 && kernel->size() == 2;
  for (size_t s = 0; s < spatial; ++s)
    apart &= (*kernel)[s] == strides[s] && dilations[s] == 1 && !extra[s] &&
             !pads[s] && !pads[s + spatial];
  Tensor y;
  if (apart) {
    // y[n, f, h·kh + i, w·kw + j] = Σ_c x[n, c, h, w]·k[c, f, i, j]
    Tensor t = e.contract(x, "nchw", w, "cfij", "nfhiwj");
    y = e.reshape(t, out);
  } else {
    // Spread x over a zero tensor, then an ordinary convolution of stride 1.
    Shape spread = {batch, x->shape[1]};
    SmallVector<OpFoldResult> offsets(2, b.getIndexAttr(0)),
        steps(2, b.getIndexAttr(1));
    for (size_t s = 0; s < spatial; ++s) {
      int64_t reach = ((*kernel)[s] - 1) * dilations[s];
      int64_t low = reach - pads[s],
              high = reach - pads[s + spatial] + extra[s];
      if (low < 0 || high < 0)
        fail("pads larger than the kernel are not supported");
      spread.push_back(Sym(strides[s]) * (x->shape[2 + s] - Sym(1)) +
                       Sym(1 + low + high));
      offsets.push_back(b.getIndexAttr(low));
      steps.push_back(b.getIndexAttr(strides[s]));
    }
    Value zero = e.filled(x->type, spread, e.scalar(x->type, 0));
    Value wide = tensor::InsertSliceOp::create(b, e.loc, e.ir(x), zero, offsets,
                                               e.foldedSizes(x->shape), steps);
    Tensor in = e.computed(wide, x->type, spread);
    // [g·c, f, k...] -> [g, f, c, k...], mirrored.
    Shape ws = {groups, *perGroup, f};
    ws.append(w->shape.begin() + 2, w->shape.end());
    SmallVector<int64_t> perm = {0, 2, 1};
    SmallVector<Sym> from(3, Sym(0));
    SmallVector<int64_t> back(3, 1);
    for (size_t s = 0; s < spatial; ++s) {
      perm.push_back(3 + s);
      from.push_back((*kernel)[s] - 1);
      back.push_back(-1);
    }
    Tensor k = e.transpose(e.reshape(w, ws), perm);
    k = e.slice(k, from, k->shape, back);
    Window win;
    win.strides.assign(spatial, 1);
    win.dilations = dilations;
    Shape xs = {batch, groups, *perGroup}, ys = {batch, groups, f};
    xs.append(in->shape.begin() + 2, in->shape.end());
    ys.append(outputs);
    Tensor xg = e.reshape(in, xs);
    y = spatial == 2 ? convolve<linalg::Conv2DNgchwGfchwOp>(e, xg, k, ys, win)
                     : convolveGeneric(e, xg, k, ys, win);
    y = e.reshape(y, out);
  }
  n.set(n.has(2) ? addBias(e, y, n.input(2)) : y);
}

} // namespace

llvm::ArrayRef<OpEntry> convolutionOps() {
  static const OpEntry ops[] = {
      {"Conv", 1, 2, 3, importConv},
      {"ConvTranspose", 1, 2, 3, importConvTranspose},
  };
  return ops;
}

} // namespace heed::import
