// LpPool.cpp - pooling by p-norms: LpPool and GlobalLpPool.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Pooling.h"

using namespace mlir;

namespace heed::import {

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

} // namespace

llvm::ArrayRef<OpEntry> lpPoolOps() {
  static const OpEntry ops[] = {
      {"LpPool", 2, 1, 1, importLpPool},
      {"GlobalLpPool", 2, 1, 1, importGlobalLpPool},
  };
  return ops;
}

} // namespace heed::import
