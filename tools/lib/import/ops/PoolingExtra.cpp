// PoolingExtra.cpp - the rarer poolings: indices of a MaxPool, LpPool, LRN.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Map.h"
#include "tools/lib/import/ops/Pooling.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

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

std::pair<Tensor, Tensor> maxWithIndices(Emitter &e, const Tensor &x,
                                         const Tensor &padded, Shape shape,
                                         const Window &win, bool columnMajor) {
  OpBuilder &b = e.b;
  size_t spatial = win.kernel.size();
  PoolMaps maps = poolMaps(b, win);
  // Position in x from the loops: o·stride + k·dilation − pad.
  SmallVector<Value> lows, steps(spatial);
  for (size_t s = 0; s < spatial; ++s)
    lows.push_back(e.size(win.low[s]));
  Sym step(1);
  for (size_t i = 0; i < spatial; ++i) {
    size_t s = columnMajor ? i : spatial - 1 - i;
    steps[s] = e.size(step);
    step = step * x->shape[2 + s];
  }
  Value plane = e.size(step), channels = e.size(x->shape[1]);
  double infinity = std::numeric_limits<double>::infinity();
  Value values = e.filled(x->type, shape, e.scalar(x->type, -infinity)),
        indices = e.filled(DType::I64, shape, e.scalar(DType::I64, 0)),
        window = e.empty(x->type, shapeOf(win.kernel));
  SmallVector<Type> types = {values.getType(), indices.getType()};
  SmallVector<AffineMap> all = {maps.source, maps.window, maps.result,
                                maps.result};
  auto op = linalg::GenericOp::create(
      b, e.loc, types, ValueRange{e.ir(padded), window},
      ValueRange{values, indices}, all, maps.iterators,
      [&](OpBuilder &at, Location l, ValueRange a) {
        auto loop = [&](size_t d) -> Value {
          return linalg::IndexOp::create(at, l, d);
        };
        auto mul = [&](Value p, Value q) -> Value {
          return arith::MulIOp::create(at, l, p, q);
        };
        auto add = [&](Value p, Value q) -> Value {
          return arith::AddIOp::create(at, l, p, q);
        };
        Type index = at.getIndexType();
        Value flat = mul(add(mul(loop(0), channels), loop(1)), plane);
        for (size_t s = 0; s < spatial; ++s) {
          Value p = add(
              mul(loop(2 + s), e.scalarInt(index, win.strides[s])),
              mul(loop(2 + spatial + s), e.scalarInt(index, win.dilations[s])));
          p = arith::SubIOp::create(at, l, p, lows[s]);
          flat = add(flat, mul(p, steps[s]));
        }
        Value i = arith::IndexCastOp::create(at, l, at.getI64Type(), flat);
        Value better =
            arith::CmpFOp::create(at, l, arith::CmpFPredicate::OGT, a[0], a[2]);
        Value v = arith::SelectOp::create(at, l, better, a[0], a[2]);
        Value where = arith::SelectOp::create(at, l, better, i, a[3]);
        linalg::YieldOp::create(at, l, ValueRange{v, where});
      });
  return {e.computed(op.getResult(0), x->type, shape),
          e.computed(op.getResult(1), DType::I64, shape)};
}

namespace {

template <typename F> Tensor map(Emitter &e, ArrayRef<Tensor> ins, F formula) {
  DType type = ins[0]->type;
  return e.elementwise(ins, type,
                       [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                         Formula s{e, type, b, l};
                         return formula(s, v);
                       });
}

int64_t readPower(Node &n) {
  int64_t p = n.intAttr("p", 2);
  if (p < 1 || p > 64)
    fail("attribute 'p' is " + Twine(p));
  return p;
}

/// |x|^p, and its inverse on sums of them.
Tensor toPower(Emitter &e, const Tensor &x, int64_t p) {
  return map(e, {x}, [&](Formula &s, ArrayRef<Value> v) -> Value {
    if (p == 1)
      return s.abs(v[0]);
    return p == 2 ? s.mul(v[0], v[0])
                  : s.make<math::PowFOp>(s.abs(v[0]), s.c(double(p)));
  });
}
Tensor toRoot(Emitter &e, const Tensor &x, int64_t p) {
  if (p == 1)
    return x;
  return map(e, {x}, [&](Formula &s, ArrayRef<Value> v) -> Value {
    return p == 2 ? s.make<math::SqrtOp>(v[0])
                  : s.make<math::PowFOp>(v[0], s.c(1.0 / double(p)));
  });
}

/// (Σ |x|^p)^(1/p) over each window.
void importLpPool(Node &n) {
  Emitter &e = n.e;
  int64_t p = readPower(n);
  Window win = readPoolWindow(n);
  Tensor x = toPower(e, n.floatInput(0), p);
  Tensor in = padded(e, x, win, e.scalar(x->type, 0));
  n.set(toRoot(e, pool(e, in, pooledShape(x, win), win, /*isMax=*/false), p));
}

void importGlobalLpPool(Node &n) {
  n.requireRank(0, 3);
  int64_t p = readPower(n);
  const Tensor &x = n.floatInput(0);
  SmallVector<int64_t> axes;
  for (size_t d = 2; d < x->rank(); ++d)
    axes.push_back(d);
  n.set(toRoot(
      n.e,
      n.e.reduce(toPower(n.e, x, p), axes, /*keepDims=*/true, ReduceKind::Sum),
      p));
}

/// x / (bias + alpha/size·Σ x²)^beta, the sum over `size` channels around each.
void importLrn(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 2);
  const Tensor &x = n.floatInput(0);
  int64_t size = n.intAttr("size");
  if (size < 1 || size > 1024)
    fail("attribute 'size' is " + Twine(size));
  double alpha = n.floatAttr("alpha", 1e-4), beta = n.floatAttr("beta", 0.75),
         bias = n.floatAttr("bias", 1);
  SmallVector<Sym> low(x->rank(), Sym(0)), high(x->rank(), Sym(0));
  low[1] = (size - 1) / 2;
  high[1] = size - 1 - (size - 1) / 2;
  Tensor wide = e.pad(square(e, x), low, high, e.scalar(x->type, 0)), sum;
  SmallVector<Sym> offsets(x->rank(), Sym(0));
  SmallVector<int64_t> strides(x->rank(), 1);
  for (int64_t i = 0; i < size; ++i) {
    offsets[1] = i;
    Tensor part = e.slice(wide, offsets, x->shape, strides);
    sum = sum ? map2<arith::AddFOp>(e, sum, part) : part;
  }
  n.set(map(e, {x, sum}, [&](Formula &s, ArrayRef<Value> v) {
    Value base =
        s.add(s.c(bias), s.mul(s.c(alpha / static_cast<double>(size)), v[1]));
    return s.div(v[0], s.make<math::PowFOp>(base, s.c(beta)));
  }));
}

} // namespace

llvm::ArrayRef<OpEntry> poolingExtraOps() {
  static const OpEntry ops[] = {
      {"LpPool", 2, 1, 1, importLpPool},
      {"GlobalLpPool", 2, 1, 1, importGlobalLpPool},
      {"LRN", 1, 1, 1, importLrn},
  };
  return ops;
}

} // namespace heed::import
