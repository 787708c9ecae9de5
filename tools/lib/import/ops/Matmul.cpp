// Matmul.cpp - MatMul and Gemm.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace heed::import {

namespace {

void importMatMul(Node &n) {
  n.requireSameTypes();
  n.requireRank(0, 1);
  n.requireRank(1, 1);
  if (n.input(0)->type == DType::Bool)
    fail("bool is not supported");
  n.set(n.e.matmul(n.input(0), n.input(1)));
}

Tensor scaled(Emitter &e, const Tensor &t, double factor) {
  if (factor == 1)
    return t;
  return e.elementwise(
      {t}, t->type, [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        return arith::MulFOp::create(b, l, v[0], e.scalar(t->type, factor));
      });
}

/// alpha·A·B + beta·C, with A and B transposed by a movement op.
void importGemm(Node &n) {
  n.requireSameTypes();
  n.requireRank(0, 2, 2);
  n.requireRank(1, 2, 2);
  Emitter &e = n.e;
  Tensor a = n.floatInput(0), b = n.input(1);
  if (n.intAttr("transA", 0))
    a = e.transpose(a, {1, 0});
  if (n.intAttr("transB", 0))
    b = e.transpose(b, {1, 0});
  Tensor y = scaled(e, e.matmul(a, b), n.floatAttr("alpha", 1));
  double beta = n.floatAttr("beta", 1);
  if (n.has(2) && beta != 0) {
    if (n.input(2)->rank() > 2)
      fail("input 2: rank " + Twine(n.input(2)->rank()) + ", expected 0 to 2");
    y = e.elementwise({y, scaled(e, n.input(2), beta)}, y->type,
                      [](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                        return arith::AddFOp::create(b, l, v[0], v[1]);
                      });
  }
  n.set(y);
}

} // namespace

llvm::ArrayRef<OpEntry> matmulOps() {
  static const OpEntry ops[] = {
      {"MatMul", 1, 2, 2, importMatMul},
      {"Gemm", 7, 2, 3, importGemm},
  };
  return ops;
}

} // namespace heed::import
