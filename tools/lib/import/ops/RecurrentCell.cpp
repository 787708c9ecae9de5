// RecurrentCell.cpp - one step of an LSTM, GRU or RNN.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With x = W·xₜ + biases and r = R·hₜ₋₁, a gate at a time:
//   LSTM  i = f(xᵢ + rᵢ + pᵢ⊙c)   f = f(x_f + r_f + p_f⊙c)   g = g(x_c + r_c)
//         c' = f⊙c + i⊙g          o = f(xₒ + rₒ + pₒ⊙c')     h' = o⊙h(c')
//   GRU   z = f(x_z + r_z)        r = f(x_r + r_r)
//         n = g(xₕ + R(r⊙h)) or, linear before reset, g(xₕ + r⊙(Rh + b))
//         h' = (1 − z)⊙n + z⊙h
//   RNN   h' = f(x + r)

#include "tools/lib/import/ops/Recurrent.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

using Kind = CellActivation::Kind;

Value CellActivation::operator()(Formula &s, Value x) const {
  switch (kind) {
  case Kind::Relu:
    return s.max(x, s.c(0));
  case Kind::Tanh:
    return s.tanh(x);
  case Kind::Sigmoid:
    return s.sigmoid(x);
  case Kind::Affine:
    return s.add(s.mul(s.c(alpha), x), s.c(beta));
  case Kind::LeakyRelu:
    return s.leakyRelu(x, alpha);
  case Kind::ThresholdedRelu: { // here the threshold itself passes
    Value low = arith::CmpFOp::create(s.b, s.l, arith::CmpFPredicate::OLT, x,
                                      s.c(alpha));
    return s.select(low, s.c(0), x);
  }
  case Kind::ScaledTanh:
    return s.mul(s.c(alpha), s.tanh(s.mul(s.c(beta), x)));
  case Kind::HardSigmoid:
    return s.hardSigmoid(x, alpha, beta);
  case Kind::Elu:
    return s.elu(x, alpha);
  case Kind::Softsign:
    return s.softsign(x);
  case Kind::Softplus:
    return s.softplus(x);
  }
  return {};
}

namespace {
struct ActivationRow {
  Kind kind;
  bool hasAlpha, hasBeta;
  double alpha, beta;
};

/// Names are compared without case, as ONNX Runtime does. Where the standard and
/// ONNX Runtime do not agree on a default it is NaN.
std::optional<ActivationRow> rowOf(StringRef name) {
  using Row = std::optional<ActivationRow>;
  auto row = [](Kind k, bool a = false, bool b = false, double alpha = 0,
                double beta = 0) {
    return Row({k, a, b, alpha, beta});
  };
  return llvm::StringSwitch<Row>(llvm::StringRef(name.lower()))
      .Case("relu", row(Kind::Relu))
      .Case("tanh", row(Kind::Tanh))
      .Case("sigmoid", row(Kind::Sigmoid))
      .Case("affine", row(Kind::Affine, true, true, NAN, NAN))
      .Case("leakyrelu", row(Kind::LeakyRelu, true, false, 0.01))
      .Case("thresholdedrelu", row(Kind::ThresholdedRelu, true, false, NAN))
      .Case("scaledtanh", row(Kind::ScaledTanh, true, true, NAN, NAN))
      .Case("hardsigmoid", row(Kind::HardSigmoid, true, true, 0.2, 0.5))
      .Case("elu", row(Kind::Elu, true, false, 1))
      .Case("softsign", row(Kind::Softsign))
      .Case("softplus", row(Kind::Softplus))
      .Default(std::nullopt);
}
} // namespace

std::vector<SmallVector<CellActivation>>
readActivations(Node &n, ArrayRef<Kind> defaults, size_t directions) {
  std::vector<SmallVector<CellActivation>> result(directions);
  std::vector<std::string> names = n.stringsAttr("activations");
  auto alphas = n.floatsAttr("activation_alpha"),
       betas = n.floatsAttr("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  if (!names.empty() && names.size() != defaults.size() * directions)
    fail("attribute 'activations' has " + Twine(names.size()) +
         " entries, expected " + Twine(defaults.size() * directions));
  for (size_t d = 0; d < directions; ++d)
    for (size_t i = 0; i < defaults.size(); ++i) {
      if (names.empty()) {
        result[d].push_back({defaults[i]});
        continue;
      }
      const std::string &name = names[d * defaults.size() + i];
      auto row = rowOf(name);
      if (!row)
        fail("attribute 'activations' holds " + quoted(name));
      CellActivation a{row->kind, row->alpha, row->beta};
      if (row->hasAlpha && alphas && nextAlpha < alphas->size())
        a.alpha = (*alphas)[nextAlpha++];
      if (row->hasBeta && betas && nextBeta < betas->size())
        a.beta = (*betas)[nextBeta++];
      if (std::isnan(a.alpha) || std::isnan(a.beta))
        fail("activation " + quoted(name) +
             " needs its parameters in 'activation_alpha' and "
             "'activation_beta'");
      result[d].push_back(a);
    }
  // Left over, they would belong to functions that take none: which one the
  // model means cannot be told.
  if ((alphas && nextAlpha < alphas->size() && !names.empty()) ||
      (betas && nextBeta < betas->size() && !names.empty()))
    fail("attribute 'activation_alpha' or 'activation_beta' has more entries "
         "than the activations take");
  return result;
}

namespace {

/// Builds the elementwise part of a step.
struct StepBuilder {
  Emitter &e;
  const Cell &cell;

  /// Columns [gate·H, (gate + 1)·H) of [B, ...].
  Tensor gate(const Tensor &t, int64_t gate) {
    SmallVector<Sym> offsets = {0, gate * cell.hidden};
    SmallVector<int64_t> strides = {1, 1};
    return e.slice(t, offsets, {cell.batch, cell.hidden}, strides);
  }
  /// An activation of the clipped sum.
  Value activate(Formula &s, unsigned which, Value x) {
    if (cell.clip > 0)
      x = s.clamp(x, -cell.clip, cell.clip);
    return cell.activations[which](s, x);
  }
  template <typename F> Tensor map(ArrayRef<Tensor> ins, F formula) {
    return e.elementwise(ins, cell.type,
                         [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                           Formula s{e, cell.type, b, l};
                           return formula(s, v);
                         });
  }

  CellState lstm(const Tensor &x, const CellState &state);
  CellState gru(const Tensor &x, const CellState &state);
};

CellState StepBuilder::lstm(const Tensor &x, const CellState &state) {
  enum Gate { I, O, F, C };
  Tensor r = e.matmul(state.h, cell.recurrent);
  SmallVector<Tensor> ins = {state.c};
  for (Gate g : {I, C, F})
    ins.append({gate(x, g), gate(r, g)});
  // Peepholes come in the order i, o, f, as the gates do.
  bool peeps = bool(cell.peephole[0]);
  if (peeps)
    ins.append({cell.peephole[I], cell.peephole[F]});
  CellState next;
  next.c = map(ins, [&](Formula &s, ArrayRef<Value> v) {
    Value c = v[0], in = s.add(v[1], v[2]), forget = s.add(v[5], v[6]);
    if (peeps) {
      in = s.add(in, s.mul(v[7], c));
      forget = s.add(forget, s.mul(v[8], c));
    }
    in = activate(s, 0, in);
    Value candidate = activate(s, 1, s.add(v[3], v[4]));
    // Coupled gates forget what they do not take in.
    forget = cell.coupled ? s.sub(s.c(1), in) : activate(s, 0, forget);
    return s.add(s.mul(forget, c), s.mul(in, candidate));
  });
  ins = {next.c, gate(x, O), gate(r, O)};
  if (peeps)
    ins.push_back(cell.peephole[O]);
  next.h = map(ins, [&](Formula &s, ArrayRef<Value> v) {
    Value out = s.add(v[1], v[2]);
    if (peeps)
      out = s.add(out, s.mul(v[3], v[0]));
    out = activate(s, 0, out);
    return s.mul(out, cell.activations[2](s, v[0]));
  });
  return next;
}

CellState StepBuilder::gru(const Tensor &x, const CellState &state) {
  enum Gate { Z, R, N };
  Tensor r = e.matmul(state.h, cell.recurrent);
  auto blend = [&](Formula &s, Value z, Value n, Value h) {
    z = activate(s, 0, z);
    return s.add(s.mul(s.sub(s.c(1), z), n), s.mul(z, h));
  };
  if (cell.resetAfter) {
    SmallVector<Tensor> ins = {state.h};
    for (Gate g : {Z, R, N})
      ins.append({gate(x, g), gate(r, g)});
    if (cell.candidateBias)
      ins.push_back(cell.candidateBias);
    return {map(ins,
                [&](Formula &s, ArrayRef<Value> v) {
                  Value reset = activate(s, 0, s.add(v[3], v[4]));
                  Value fromState =
                      cell.candidateBias ? s.add(v[6], v[7]) : v[6];
                  Value n =
                      activate(s, 1, s.add(v[5], s.mul(reset, fromState)));
                  return blend(s, s.add(v[1], v[2]), n, v[0]);
                }),
            nullptr};
  }
  Tensor kept = map({state.h, gate(x, R), gate(r, R)},
                    [&](Formula &s, ArrayRef<Value> v) {
                      return s.mul(activate(s, 0, s.add(v[1], v[2])), v[0]);
                    });
  Tensor n = e.matmul(kept, cell.candidate);
  return {map({state.h, gate(x, Z), gate(r, Z), gate(x, N), n},
              [&](Formula &s, ArrayRef<Value> v) {
                Value candidate = activate(s, 1, s.add(v[3], v[4]));
                return blend(s, s.add(v[1], v[2]), candidate, v[0]);
              }),
          nullptr};
}

} // namespace

CellState step(Emitter &e, const Cell &cell, const Tensor &x,
               const CellState &state) {
  StepBuilder b{e, cell};
  if (cell.op == "LSTM")
    return b.lstm(x, state);
  if (cell.op == "GRU")
    return b.gru(x, state);
  Tensor r = e.matmul(state.h, cell.recurrent);
  return {b.map({x, r},
                [&](Formula &s, ArrayRef<Value> v) {
                  return b.activate(s, 0, s.add(v[0], v[1]));
                }),
          nullptr};
}

} // namespace heed::import
