// Activation.cpp - activation functions as scalar formulas.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

template <typename F> void apply(Node &n, F formula) {
  const Tensor &x = n.floatInput(0);
  n.set(n.e.elementwise({x}, x->type,
                        [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                          Formula s{n.e, x->type, b, l};
                          return formula(s, v[0]);
                        }));
}

void importRelu(Node &n) {
  const Tensor &x = n.input(0);
  if (isFloat(x->type))
    return apply(n, [](Formula &s, Value x) { return s.max(x, s.c(0)); });
  if (!isInteger(x->type))
    fail("bool is not supported");
  n.set(isUnsigned(x->type)
            ? x
            : n.e.elementwise(
                  {x}, x->type,
                  [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                    return arith::MaxSIOp::create(b, l, v[0],
                                                  n.e.scalar(x->type, 0));
                  }));
}

void importSigmoid(Node &n) {
  apply(n, [](Formula &s, Value x) { return s.sigmoid(x); });
}

void importHardSigmoid(Node &n) {
  double alpha = n.floatAttr("alpha", 0.2), beta = n.floatAttr("beta", 0.5);
  apply(n, [=](Formula &s, Value x) { return s.hardSigmoid(x, alpha, beta); });
}

void importHardSwish(Node &n) {
  apply(n, [](Formula &s, Value x) {
    return s.mul(x, s.hardSigmoid(x, 1.0 / 6, 0.5));
  });
}

void importSwish(Node &n) {
  double alpha = n.floatAttr("alpha", 1);
  apply(n, [=](Formula &s, Value x) {
    return s.mul(x, s.sigmoid(alpha == 1 ? x : s.mul(s.c(alpha), x)));
  });
}

void importElu(Node &n) {
  double alpha = n.floatAttr("alpha", 1);
  apply(n, [=](Formula &s, Value x) { return s.elu(x, alpha); });
}

void importCelu(Node &n) {
  double alpha = n.floatAttr("alpha", 1);
  if (alpha == 0)
    fail("alpha is 0");
  apply(n, [=](Formula &s, Value x) {
    Value low =
        math::ExpM1Op::create(s.b, s.l, s.div(s.min(x, s.c(0)), s.c(alpha)));
    return s.select(s.greater(x, s.c(0)), x, s.mul(s.c(alpha), low));
  });
}

void importSelu(Node &n) {
  double alpha = n.floatAttr("alpha", 1.67326319217681884765625);
  double gamma = n.floatAttr("gamma", 1.05070102214813232421875);
  apply(n, [=](Formula &s, Value x) {
    Value low = math::ExpM1Op::create(s.b, s.l, s.min(x, s.c(0)));
    return s.mul(s.c(gamma),
                 s.select(s.greater(x, s.c(0)), x, s.mul(s.c(alpha), low)));
  });
}

void importLeakyRelu(Node &n) {
  double alpha = n.floatAttr("alpha", 0.01);
  apply(n, [=](Formula &s, Value x) { return s.leakyRelu(x, alpha); });
}

void importThresholdedRelu(Node &n) {
  double alpha = n.floatAttr("alpha", 1);
  apply(n, [=](Formula &s, Value x) { return s.thresholdedRelu(x, alpha); });
}

void importPRelu(Node &n) {
  n.requireSameTypes();
  const Tensor &x = n.floatInput(0);
  if (n.input(1)->rank() > x->rank())
    fail("the slope's rank is larger than the input's");
  n.set(n.e.elementwise({x, n.input(1)}, x->type,
                        [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                          Formula s{n.e, x->type, b, l};
                          return s.select(s.greater(v[0], s.c(0)), v[0],
                                          s.mul(v[1], v[0]));
                        }));
}

void importSoftplus(Node &n) {
  apply(n, [](Formula &s, Value x) { return s.softplus(x); });
}

void importSoftsign(Node &n) {
  apply(n, [](Formula &s, Value x) { return s.softsign(x); });
}

void importMish(Node &n) {
  apply(n, [](Formula &s, Value x) { return s.mul(x, s.tanh(s.softplus(x))); });
}

void importGelu(Node &n) {
  std::string kind = n.stringAttr("approximate", "none");
  if (kind != "none" && kind != "tanh")
    fail("attribute 'approximate' is " + quoted(kind));
  apply(n, [&](Formula &s, Value x) {
    Value inner;
    if (kind == "none") {
      inner = s.erf(s.mul(x, s.c(std::sqrt(0.5))));
    } else { // tanh(√(2/π)·(x + 0.044715·x³))
      Value cube = s.mul(s.mul(x, x), x);
      inner = s.tanh(s.mul(s.c(std::sqrt(2 / M_PI)),
                           s.add(x, s.mul(s.c(0.044715), cube))));
    }
    return s.mul(s.mul(s.c(0.5), x), s.add(s.c(1), inner));
  });
}

/// x − bias above lambda, x + bias below −lambda, 0 between.
void importShrink(Node &n) {
  Emitter &e = n.e;
  Tensor x = n.input(0);
  DType type = x->type;
  if (type == DType::Bool)
    fail("bool is not supported");
  double bias = n.floatAttr("bias", 0), lambda = n.floatAttr("lambd", 0.5);
  DType in = isFloat(type) ? type : DType::F64; // integers by floats
  x = e.cast(x, in);
  Tensor y =
      e.elementwise({x}, in, [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
        Formula s{e, in, b, l};
        Value low = s.select(s.greater(s.c(-lambda), v[0]),
                             s.add(v[0], s.c(bias)), s.c(0));
        return s.select(s.greater(v[0], s.c(lambda)), s.sub(v[0], s.c(bias)),
                        low);
      });
  n.set(e.cast(y, type));
}

} // namespace

llvm::ArrayRef<OpEntry> activationOps() {
  static const OpEntry ops[] = {
      {"Relu", 1, 1, 1, importRelu},
      {"Sigmoid", 1, 1, 1, importSigmoid},
      {"HardSigmoid", 1, 1, 1, importHardSigmoid},
      {"HardSwish", 14, 1, 1, importHardSwish},
      {"Swish", 24, 1, 1, importSwish},
      {"Elu", 1, 1, 1, importElu},
      {"Celu", 12, 1, 1, importCelu},
      {"Selu", 1, 1, 1, importSelu},
      {"LeakyRelu", 1, 1, 1, importLeakyRelu},
      {"ThresholdedRelu", 10, 1, 1, importThresholdedRelu},
      {"PRelu", 7, 2, 2, importPRelu},
      {"Softplus", 1, 1, 1, importSoftplus},
      {"Softsign", 1, 1, 1, importSoftsign},
      {"Mish", 18, 1, 1, importMish},
      {"Gelu", 20, 1, 1, importGelu},
      {"Shrink", 9, 1, 1, importShrink},
  };
  return ops;
}

} // namespace heed::import
