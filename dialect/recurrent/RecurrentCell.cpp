// RecurrentCell.cpp - the elementwise part of a step of attn.recurrent.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/recurrent/RecurrentCell.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace heed::attn {

namespace {
/// Formulas of one type: `s.add(x, s.c(1))`.
struct Formula {
  OpBuilder &b;
  Location loc;
  Type type;

  Value c(double value) const { return buildFloat(b, loc, type, value); }
  Value add(Value x, Value y) const {
    return arith::AddFOp::create(b, loc, x, y);
  }
  Value sub(Value x, Value y) const {
    return arith::SubFOp::create(b, loc, x, y);
  }
  Value mul(Value x, Value y) const {
    return arith::MulFOp::create(b, loc, x, y);
  }
  Value div(Value x, Value y) const {
    return arith::DivFOp::create(b, loc, x, y);
  }
  Value max(Value x, Value y) const {
    return arith::MaximumFOp::create(b, loc, x, y);
  }
  Value min(Value x, Value y) const {
    return arith::MinimumFOp::create(b, loc, x, y);
  }
  Value exp(Value x) const { return math::ExpOp::create(b, loc, x); }
  Value abs(Value x) const { return math::AbsFOp::create(b, loc, x); }
  Value neg(Value x) const { return arith::NegFOp::create(b, loc, x); }
  Value clamp(Value x, double low, double high) const {
    return min(max(x, c(low)), c(high));
  }
  /// `value` where x > 0, else `below`.
  Value positive(Value x, Value value, Value below) const {
    Value above =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, c(0));
    return arith::SelectOp::create(b, loc, above, value, below);
  }
};
} // namespace

Value RecurrentCell::activate(OpBuilder &b, Location loc, unsigned which,
                              Value x, bool limited) const {
  Formula s{b, loc, x.getType()};
  RecurrentOp op = this->op;
  if (limited && op.getClip()) {
    double clip = op.getClip()->convertToDouble();
    x = s.clamp(x, -clip, clip);
  }
  auto makeTanh = [&](Value x) -> Value {
    return tanh ? tanh(b, loc, x) : math::TanhOp::create(b, loc, x);
  };
  auto [kind, alpha, beta] = activations[which];
  switch (kind) {
  case ActivationKind::sigmoid:
    return sigmoid ? sigmoid(b, loc, x)
                   : s.div(s.c(1), s.add(s.c(1), s.exp(s.neg(x))));
  case ActivationKind::tanh:
    return makeTanh(x);
  case ActivationKind::relu:
    return s.max(x, s.c(0));
  case ActivationKind::affine:
    return s.add(s.mul(s.c(alpha), x), s.c(beta));
  case ActivationKind::leaky_relu:
    return s.positive(x, x, s.mul(s.c(alpha), x));
  case ActivationKind::thresholded_relu: { // the threshold itself passes
    Value low =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, s.c(alpha));
    return arith::SelectOp::create(b, loc, low, s.c(0), x);
  }
  case ActivationKind::scaled_tanh:
    return s.mul(s.c(alpha), makeTanh(s.mul(s.c(beta), x)));
  case ActivationKind::hard_sigmoid:
    return s.clamp(s.add(s.mul(s.c(alpha), x), s.c(beta)), 0, 1);
  case ActivationKind::elu: { // of the negative part only: no overflow
    Value below = math::ExpM1Op::create(b, loc, s.min(x, s.c(0)));
    return s.positive(x, x, s.mul(s.c(alpha), below));
  }
  case ActivationKind::softsign:
    return s.div(x, s.add(s.c(1), s.abs(x)));
  case ActivationKind::softplus: // max(x, 0) + log(1 + e^−|x|)
    return s.add(s.max(x, s.c(0)),
                 math::Log1pOp::create(b, loc, s.exp(s.neg(s.abs(x)))));
  }
  return {};
}

Value RecurrentCell::lstmState(OpBuilder &b, Location loc, Value i, Value f,
                               Value n, Value c, Value peepholeI,
                               Value peepholeF) const {
  Formula s{b, loc, c.getType()};
  RecurrentOp op = this->op;
  if (peepholeI) {
    i = s.add(i, s.mul(peepholeI, c));
    f = s.add(f, s.mul(peepholeF, c));
  }
  i = activate(b, loc, 0, i);
  n = activate(b, loc, 1, n);
  // Coupled gates forget what they do not take in.
  f = op.getCoupled() ? s.sub(s.c(1), i) : activate(b, loc, 0, f);
  return s.add(s.mul(f, c), s.mul(i, n));
}

Value RecurrentCell::lstmOutput(OpBuilder &b, Location loc, Value o, Value c,
                                Value peepholeO) const {
  Formula s{b, loc, c.getType()};
  if (peepholeO)
    o = s.add(o, s.mul(peepholeO, c));
  return s.mul(activate(b, loc, 0, o),
               activate(b, loc, 2, c, /*limited=*/false));
}

Value RecurrentCell::gruReset(OpBuilder &b, Location loc, Value r,
                              Value fromState) const {
  return arith::MulFOp::create(b, loc, activate(b, loc, 0, r), fromState);
}

Value RecurrentCell::gruOutput(OpBuilder &b, Location loc, Value z, Value n,
                               Value h) const {
  Formula s{b, loc, h.getType()};
  z = activate(b, loc, 0, z);
  n = activate(b, loc, 1, n);
  return s.add(s.mul(s.sub(s.c(1), z), n), s.mul(z, h));
}

Value RecurrentCell::rnnOutput(OpBuilder &b, Location loc, Value sum) const {
  return activate(b, loc, 0, sum);
}

} // namespace heed::attn
