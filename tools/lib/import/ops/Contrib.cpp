// Contrib.cpp - the elementwise and product ops of com.microsoft, which ONNX
// Runtime's optimiser writes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Map.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

template <typename F> Tensor map(Emitter &e, const Tensor &x, F formula) {
  return e.elementwise({x}, x->type,
                       [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                         Formula s{e, x->type, b, l};
                         return formula(s, v[0]);
                       });
}

Tensor gelu(Emitter &e, const Tensor &x) {
  return map(e, x, [](Formula &s, Value v) {
    Value inner = s.erf(s.mul(v, s.c(std::sqrt(0.5))));
    return s.mul(s.mul(s.c(0.5), v), s.add(s.c(1), inner));
  });
}

/// tanh(√(2/π)·(x + 0.044715·x³)) in place of the error function.
Tensor fastGelu(Emitter &e, const Tensor &x) {
  return map(e, x, [](Formula &s, Value v) {
    Value cube = s.mul(s.mul(v, v), v);
    Value inner = s.tanh(
        s.mul(s.c(std::sqrt(2 / M_PI)), s.add(v, s.mul(s.c(0.044715), cube))));
    return s.mul(s.mul(s.c(0.5), v), s.add(s.c(1), inner));
  });
}

/// Gelu, BiasGelu and FastGelu: a bias over the last dim comes first.
void importGelu(Node &n) {
  n.requireSameTypes();
  Tensor x = n.floatInput(0);
  if (n.has(1)) {
    n.requireRank(1, 1, 1);
    n.requireRank(0, 1);
    n.e.require(n.input(1)->shape[0], x->shape.back(), "bias");
    x = map2<arith::AddFOp>(n.e, x, n.input(1));
  }
  n.set(n.op() == "FastGelu" ? fastGelu(n.e, x) : gelu(n.e, x));
}

void importQuickGelu(Node &n) {
  double alpha = n.floatAttr("alpha", 1.702);
  n.set(map(n.e, n.floatInput(0), [&](Formula &s, Value v) {
    return s.mul(v, s.sigmoid(s.mul(s.c(alpha), v)));
  }));
}

/// Exchanges the last two dims.
Tensor transposed(Emitter &e, const Tensor &t) {
  SmallVector<int64_t> perm;
  for (size_t d = 0; d < t->rank(); ++d)
    perm.push_back(d);
  if (perm.size() > 1)
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return e.transpose(t, perm);
}

/// alpha·A·B, each transposed if so said.
void importFusedMatMul(Node &n) {
  Emitter &e = n.e;
  n.requireSameTypes();
  n.requireRank(0, 1);
  n.requireRank(1, 1);
  for (StringRef name : {"transBatchA", "transBatchB"})
    if (n.intAttr(name, 0))
      fail("attribute " + quoted(name) + " is not supported");
  Tensor a = n.floatInput(0), b = n.input(1);
  if (n.intAttr("transA", 0))
    a = transposed(e, a);
  if (n.intAttr("transB", 0))
    b = transposed(e, b);
  Tensor y = e.matmul(a, b);
  double alpha = n.floatAttr("alpha", 1);
  n.set(alpha == 1 ? y : map(e, y, [&](Formula &s, Value v) {
    return s.mul(v, s.c(alpha));
  }));
}

/// The activation that a fused product or convolution ends in.
Tensor activated(Node &n, const Tensor &y) {
  std::string kind = n.stringAttr("activation", "");
  if (kind.empty())
    return y;
  std::vector<double> p =
      n.floatsAttr("activation_params").value_or(std::vector<double>());
  if (kind == "LeakyRelu" && n.hasAttr("activation_alpha"))
    p = {n.floatAttr("activation_alpha", 0.01)};
  auto param = [&](size_t i, double fallback) {
    return i < p.size() ? p[i] : fallback;
  };
  return map(n.e, y, [&](Formula &s, Value v) -> Value {
    if (kind == "Relu")
      return s.max(v, s.c(0));
    if (kind == "Tanh")
      return s.tanh(v);
    if (kind == "Sigmoid")
      return s.sigmoid(v);
    if (kind == "LeakyRelu")
      return s.leakyRelu(v, param(0, 0.01));
    if (kind == "Clip")
      return s.clamp(v, param(0, -INFINITY), param(1, INFINITY));
    return s.hardSigmoid(v, param(0, 0.2), param(1, 0.5));
  });
}

void checkActivation(Node &n) {
  std::string kind = n.stringAttr("activation", "");
  for (StringRef known :
       {"", "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid"})
    if (known == kind)
      return;
  fail("attribute 'activation' is " + quoted(kind));
}

/// activation(Conv(x, w, b) + z)
void importFusedConv(Node &n) {
  checkActivation(n);
  Tensor z = n.optional(3);
  findOp("", "Conv", 11)->import(n);
  Tensor y = n.outputs[0];
  if (z)
    y = map2<arith::AddFOp>(n.e, y, z);
  n.set(activated(n, y));
}

/// activation(alpha·A·B + beta·C)
void importFusedGemm(Node &n) {
  checkActivation(n);
  findOp("", "Gemm", 13)->import(n);
  n.set(activated(n, n.outputs[0]));
}

} // namespace

llvm::ArrayRef<OpEntry> contribOps() {
  static const OpEntry ops[] = {
      {"Gelu", 1, 1, 1, importGelu},
      {"BiasGelu", 1, 2, 2, importGelu},
      {"FastGelu", 1, 1, 2, importGelu},
      {"QuickGelu", 1, 1, 1, importQuickGelu},
      {"FusedMatMul", 1, 2, 2, importFusedMatMul},
      {"FusedConv", 1, 2, 4, importFusedConv},
      {"FusedGemm", 1, 2, 3, importFusedGemm},
  };
  return ops;
}

} // namespace heed::import
