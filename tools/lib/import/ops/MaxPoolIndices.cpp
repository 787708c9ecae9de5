// MaxPoolIndices.cpp - where the maximum of each window is.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Loop.h"
#include "tools/lib/import/ops/Pooling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <limits>

using namespace mlir;

namespace heed::import {

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
        Code c{e, at, l};
        Value flat = c.mul(c.add(c.mul(loop(0), channels), loop(1)), plane);
        for (size_t s = 0; s < spatial; ++s) {
          Value p =
              c.add(c.mul(loop(2 + s), c.index(win.strides[s])),
                    c.mul(loop(2 + spatial + s), c.index(win.dilations[s])));
          flat = c.add(flat, c.mul(c.sub(p, lows[s]), steps[s]));
        }
        Value i = c.i64(flat);
        Value better =
            arith::CmpFOp::create(at, l, arith::CmpFPredicate::OGT, a[0], a[2]);
        Value v = c.select(better, a[0], a[2]);
        Value where = c.select(better, i, a[3]);
        linalg::YieldOp::create(at, l, ValueRange{v, where});
      });
  return {e.computed(op.getResult(0), x->type, shape),
          e.computed(op.getResult(1), DType::I64, shape)};
}

} // namespace heed::import
