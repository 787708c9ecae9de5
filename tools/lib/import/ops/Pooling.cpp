// Pooling.cpp - max and average pooling, global and windowed.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Pooling.h"
#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;

namespace heed::import {

PoolMaps poolMaps(OpBuilder &b, const Window &win) {
  size_t spatial = win.kernel.size(), loops = 2 + 2 * spatial;
  SmallVector<AffineExpr> xe, oe, ke;
  for (size_t d = 0; d < 2; ++d) {
    xe.push_back(b.getAffineDimExpr(d));
    oe.push_back(b.getAffineDimExpr(d));
  }
  for (size_t s = 0; s < spatial; ++s) {
    AffineExpr o = b.getAffineDimExpr(2 + s),
               k = b.getAffineDimExpr(2 + spatial + s);
    xe.push_back(o * win.strides[s] + k * win.dilations[s]);
    oe.push_back(o);
    ke.push_back(k);
  }
  PoolMaps r;
  r.source = AffineMap::get(loops, 0, xe, b.getContext());
  r.window = AffineMap::get(loops, 0, ke, b.getContext());
  r.result = AffineMap::get(loops, 0, oe, b.getContext());
  r.iterators.assign(loops, utils::IteratorType::reduction);
  std::fill_n(r.iterators.begin(), 2 + spatial, utils::IteratorType::parallel);
  return r;
}

namespace {

SmallVector<int64_t> spatialAxes(const Tensor &x) {
  SmallVector<int64_t> axes;
  for (size_t d = 2; d < x->rank(); ++d)
    axes.push_back(d);
  return axes;
}

void importGlobalPool(Node &n) {
  n.requireRank(0, 3);
  const Tensor &x = n.floatInput(0);
  SmallVector<int64_t> axes = spatialAxes(x);
  n.set(n.op() == "GlobalAveragePool"
            ? n.e.mean(x, axes, /*keepDims=*/true)
            : n.e.reduce(x, axes, /*keepDims=*/true, ReduceKind::Max));
}

/// Sum or max over the window, any number of spatial dims; x is padded.
Tensor poolGeneric(Emitter &e, const Tensor &x, Shape shape, const Window &win,
                   bool isMax, Value init) {
  OpBuilder &b = e.b;
  PoolMaps maps = poolMaps(b, win);
  SmallVector<AffineMap> all = {maps.source, maps.window, maps.result};
  Value window = e.empty(x->type, shapeOf(win.kernel));
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), ValueRange{e.ir(x), window}, init, all,
      maps.iterators, [&](OpBuilder &at, Location l, ValueRange a) {
        Value r = isMax
                      ? arith::MaximumFOp::create(at, l, a[0], a[2]).getResult()
                      : arith::AddFOp::create(at, l, a[0], a[2]).getResult();
        linalg::YieldOp::create(at, l, r);
      });
  return e.computed(op.getResult(0), x->type, shape);
}

} // namespace

Tensor pool(Emitter &e, const Tensor &x, Shape shape, const Window &win,
            bool isMax) {
  double infinity = std::numeric_limits<double>::infinity();
  Value init =
      e.filled(x->type, shape, e.scalar(x->type, isMax ? -infinity : 0));
  if (win.kernel.size() != 2)
    return poolGeneric(e, x, shape, win, isMax, init);
  Value window = e.empty(x->type, shapeOf(win.kernel));
  auto make = [&](auto tag) {
    auto op = decltype(tag)::create(
        e.b, e.loc, TypeRange{init.getType()}, ValueRange{e.ir(x), window},
        ValueRange{init}, e.b.getI64TensorAttr(win.strides),
        e.b.getI64TensorAttr(win.dilations));
    return e.computed(op->getResult(0), x->type, shape);
  };
  return isMax ? make(linalg::PoolingNchwMaxOp())
               : make(linalg::PoolingNchwSumOp());
}

Shape pooledShape(const Tensor &x, const Window &win) {
  Shape shape = {x->shape[0], x->shape[1]};
  shape.append(win.outputs);
  return shape;
}

Window readPoolWindow(Node &n) {
  n.requireRank(0, 3, 8);
  const Tensor &x = n.input(0);
  auto kernel = n.intsAttr("kernel_shape");
  if (!kernel || kernel->size() != x->rank() - 2)
    fail("attribute 'kernel_shape' is missing or does not fit the rank");
  return readWindow(n, *kernel, ArrayRef<Sym>(x->shape).drop_front(2));
}

namespace {

/// A window that is the whole input, once: a reduction says it more plainly.
bool coversInput(Emitter &e, const Tensor &x, const Window &win) {
  for (size_t s = 0; s < win.kernel.size(); ++s)
    if (!e.same(x->shape[2 + s], win.kernel[s]) || win.low[s] != Sym(0) ||
        win.high[s] != Sym(0) || win.outputs[s] != Sym(1) ||
        win.dilations[s] != 1)
      return false;
  return true;
}

void importMaxPool(Node &n) {
  Emitter &e = n.e;
  Window win = readPoolWindow(n);
  Tensor x = n.input(0);
  DType type = x->type;
  // Integers of 8 bits (quantised models) are exact in float32.
  if (type == DType::I8 || type == DType::U8)
    x = e.cast(x, DType::F32);
  else if (!isFloat(type))
    fail("input 0: " + name(type) + " is not supported");
  if (n.wants(1)) {
    double infinity = std::numeric_limits<double>::infinity();
    int64_t order = n.intAttr("storage_order", 0);
    if (order != 0 && order != 1)
      fail("attribute 'storage_order' is " + Twine(order));
    auto [values, indices] =
        maxWithIndices(e, x, padded(e, x, win, e.scalar(x->type, -infinity)),
                       pooledShape(x, win), win, order == 1);
    n.set(0, e.cast(values, type));
    return n.set(1, indices);
  }
  if (coversInput(e, x, win))
    return n.set(
        e.cast(e.reduce(x, spatialAxes(x), true, ReduceKind::Max), type));
  double infinity = std::numeric_limits<double>::infinity();
  Tensor in = padded(e, x, win, e.scalar(x->type, -infinity));
  n.set(e.cast(pool(e, in, pooledShape(x, win), win, /*isMax=*/true), type));
}

/// Number of elements of x (and of its pads, if they count) in each window, by
/// position, or nothing if it is the same everywhere. The surplus pads that
/// ceil_mode adds never count.
Tensor counts(Node &n, const Tensor &x, const Window &win, bool includePads) {
  Emitter &e = n.e;
  auto pads = n.intsAttr("pads");
  bool isUniform = true;
  for (size_t s = 0; s < win.kernel.size(); ++s) {
    Sym high = pads && pads->size() == 2 * win.kernel.size()
                   ? Sym((*pads)[s + win.kernel.size()])
               : win.ceilMode ? Sym(0)
                              : win.high[s];
    isUniform &= includePads ? e.same(high, win.high[s])
                             : win.low[s] == Sym(0) && win.high[s] == Sym(0);
  }
  if (isUniform)
    return nullptr;
  Shape unit = {1, 1};
  Window ones = win;
  Value one = e.scalar(x->type, 1), zero = e.scalar(x->type, 0);
  for (size_t s = 0; s < win.kernel.size(); ++s) {
    Sym size = x->shape[2 + s];
    if (includePads) {
      Sym high = pads && pads->size() == 2 * win.kernel.size()
                     ? Sym((*pads)[s + win.kernel.size()])
                 : win.ceilMode ? Sym(0)
                                : win.high[s];
      size = size + win.low[s] + high;
      ones.low[s] = Sym(0);
      ones.high[s] = win.high[s] - high;
    }
    unit.push_back(size);
  }
  Tensor t = e.computed(e.filled(x->type, unit, one), x->type, unit);
  Shape shape = {1, 1};
  shape.append(win.outputs);
  return pool(e, padded(e, t, ones, zero), shape, win, /*isMax=*/false);
}

void importAveragePool(Node &n) {
  Emitter &e = n.e;
  Window win = readPoolWindow(n);
  const Tensor &x = n.floatInput(0);
  if (coversInput(e, x, win))
    return n.set(e.mean(x, spatialAxes(x), true));
  bool includePads = n.intAttr("count_include_pad", 0);
  Tensor in = padded(e, x, win, e.scalar(x->type, 0));
  Tensor sum = pool(e, in, pooledShape(x, win), win, /*isMax=*/false);
  if (Tensor count = counts(n, x, win, includePads))
    return n.set(
        e.elementwise({sum, count}, x->type,
                      [](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                        return arith::DivFOp::create(b, l, v[0], v[1]);
                      }));
  Value factor = e.reciprocalOf(checkedCount(win.kernel), x->type);
  n.set(
      e.elementwise({sum}, x->type,
                    [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                      return arith::MulFOp::create(b, l, v[0], factor);
                    }));
}

} // namespace

llvm::ArrayRef<OpEntry> poolingOps() {
  static const OpEntry ops[] = {
      {"GlobalAveragePool", 1, 1, 1, importGlobalPool},
      {"GlobalMaxPool", 1, 1, 1, importGlobalPool},
      {"MaxPool", 1, 1, 1, importMaxPool},
      {"AveragePool", 1, 1, 1, importAveragePool},
  };
  return ops;
}

} // namespace heed::import
