// Recurrent.cpp - LSTM, GRU and RNN: attn.recurrent.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX adds two biases, W's and R's: here they are one, but for the GRU that
// resets behind the product, whose third gate keeps R's apart. `layout` 1 is a
// transposition of X and of the states, and back.

#include "tools/lib/import/ops/Recurrent.h"
#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Fold.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace heed::import {

namespace {

class RecurrentImporter {
public:
  explicit RecurrentImporter(Node &n) : n(n), e(n.e), b(n.e.b) {}
  void run();

private:
  void readShapes();
  Tensor stateInput(size_t i, const Twine &what);
  Tensor columns(const Tensor &rows, int64_t from, int64_t to);
  Tensor addBiases(const Tensor &x, const Tensor &y);
  void readBiases();
  Tensor batchOutermost(const Tensor &t, ArrayRef<int64_t> perm);

  Node &n;
  Emitter &e;
  OpBuilder &b;
  attn::RecurrentKind kind = attn::RecurrentKind::rnn;
  attn::Direction direction = attn::Direction::forward;
  bool isLstm = false, resetAfter = false, batchFirst = false;
  int64_t gates = 1, hidden = 0, directions = 1;
  Sym steps, batch, features;
  Tensor x, lengths, initialH, initialC, bias, resetBias;
};

void RecurrentImporter::readShapes() {
  isLstm = n.op() == "LSTM";
  bool isGru = n.op() == "GRU";
  gates = isLstm ? 4 : isGru ? 3 : 1;
  kind = isLstm  ? attn::RecurrentKind::lstm
         : isGru ? attn::RecurrentKind::gru
                 : attn::RecurrentKind::rnn;
  resetAfter = isGru && n.intAttr("linear_before_reset", 0);
  DType type = n.floatInput(0)->type;
  for (size_t i : {0, 1, 2})
    n.requireRank(i, 3, 3);
  for (size_t i : {1, 2, 3, 5, 6, 7})
    if (n.has(i) && n.input(i)->type != type)
      fail("input " + Twine(i) + ": expected " + name(type) + ", got " +
           name(n.input(i)->type));
  std::string way = n.stringAttr("direction", "forward");
  std::optional<attn::Direction> known = attn::symbolizeDirection(way);
  if (!known)
    fail("attribute 'direction' is " + quoted(way));
  direction = *known;
  directions = direction == attn::Direction::bidirectional ? 2 : 1;
  int64_t layout = n.intAttr("layout", 0);
  if (layout != 0 && layout != 1)
    fail("attribute 'layout' is " + Twine(layout));
  batchFirst = layout == 1;

  auto size = n.input(2)->shape[2].constant();
  if (!size || *size < 1 || *size > 1 << 24)
    fail("the hidden size is not known, or not in [1, 2^24]");
  hidden = *size;
  if (n.intAttr("hidden_size", hidden) != hidden)
    fail("attribute 'hidden_size' is " + Twine(n.intAttr("hidden_size")) +
         ", the recurrent weights have " + Twine(hidden));
  x = n.input(0);
  if (batchFirst)
    x = e.transpose(x, {1, 0, 2});
  steps = e.canonical(x->shape[0]);
  batch = e.canonical(x->shape[1]);
  features = e.canonical(x->shape[2]);
  auto check = [&](size_t i, ArrayRef<Sym> want) {
    if (!n.has(i))
      return;
    n.requireRank(i, want.size(), want.size());
    for (size_t d = 0; d < want.size(); ++d)
      e.require(n.input(i)->shape[d], want[d],
                "input " + Twine(i) + ", dimension " + Twine(d));
  };
  check(1, {directions, gates * hidden, features});
  check(2, {directions, gates * hidden, hidden});
  check(3, {directions, 2 * gates * hidden});
  check(4, {batch});
  if (isLstm)
    check(7, {directions, 3 * hidden});
  if (Tensor t = n.optional(4)) {
    if (!isInteger(t->type))
      fail("input 4: expected integers, got " + name(t->type));
    lengths = t;
  }
  initialH = stateInput(5, "initial_h");
  if (isLstm)
    initialC = stateInput(6, "initial_c");
}

/// An initial state as [directions, B, H]; zeros if it is not given.
Tensor RecurrentImporter::stateInput(size_t i, const Twine &what) {
  Shape shape = {directions, batch, hidden};
  Tensor t = n.optional(i);
  if (!t)
    return e.computed(e.filled(x->type, shape, e.scalar(x->type, 0)), x->type,
                      shape);
  n.requireRank(i, 3, 3);
  if (batchFirst)
    t = e.transpose(t, {1, 0, 2});
  for (size_t d = 0; d < 3; ++d)
    e.require(t->shape[d], shape[d], what + ", dimension " + Twine(d));
  return t;
}

/// Columns [from, to) of the rows of all directions.
Tensor RecurrentImporter::columns(const Tensor &rows, int64_t from,
                                  int64_t to) {
  SmallVector<Sym> offsets = {0, from};
  SmallVector<int64_t> strides = {1, 1};
  return e.slice(rows, offsets, {directions, to - from}, strides);
}

Tensor RecurrentImporter::addBiases(const Tensor &x, const Tensor &y) {
  Folds folds;
  folds.floats = [](const double *v) { return v[0] + v[1]; };
  return foldOrEmit(e, {x, y}, x->type, folds,
                    [](OpBuilder &at, Location l, ArrayRef<Value> v) -> Value {
                      return arith::AddFOp::create(at, l, v[0], v[1]);
                    });
}

void RecurrentImporter::readBiases() {
  if (!n.has(3))
    return;
  int64_t width = gates * hidden, two = 2 * hidden;
  Tensor both = n.input(3);
  if (!resetAfter) {
    bias = addBiases(columns(both, 0, width), columns(both, width, 2 * width));
    return;
  }
  bias = e.concat(
      {addBiases(columns(both, 0, two), columns(both, width, width + two)),
       columns(both, two, width)},
      1);
  resetBias = columns(both, width + two, 2 * width);
}

Tensor RecurrentImporter::batchOutermost(const Tensor &t,
                                         ArrayRef<int64_t> perm) {
  return batchFirst ? e.transpose(t, perm) : t;
}

void RecurrentImporter::run() {
  readShapes();
  SmallVector<attn::Activation> activations = readActivations(n,
                                                              isLstm       ? 3
                                                              : gates == 3 ? 2
                                                                           : 1,
                                                              directions);
  double clip = n.floatAttr("clip", 0);
  if (!(clip >= 0))
    fail("attribute 'clip' is negative");
  readBiases();
  // Sizes may be known better than where the tensors were made.
  steps = e.canonical(steps);
  batch = e.canonical(batch);
  features = e.canonical(features);
  Shape yShape = {steps, directions, batch, hidden};
  Shape stateShape = {directions, batch, hidden};
  Sym width = gates * hidden;
  auto ir = [&](const Tensor &t, ArrayRef<Sym> shape) {
    return t ? e.irAs(t, e.typeOf(t->type, shape)) : Value();
  };
  Value y = n.wants(0) ? e.empty(x->type, yShape) : Value();
  Value h = ir(initialH, stateShape), c = ir(initialC, stateShape);
  SmallVector<Type> types;
  for (Value init : {y, h, c})
    if (init)
      types.push_back(init.getType());
  SmallVector<StringRef> names;
  SmallVector<double> alphas, betas;
  for (const attn::Activation &activation : activations) {
    names.push_back(attn::stringifyActivationKind(activation.kind));
    alphas.push_back(activation.alpha);
    betas.push_back(activation.beta);
  }
  auto isZero = [](double value) { return value == 0; };
  if (llvm::all_of(alphas, isZero))
    alphas.clear();
  if (llvm::all_of(betas, isZero))
    betas.clear();
  auto op = attn::RecurrentOp::create(
      b, e.loc, types, kind, ir(x, {steps, batch, features}),
      ir(n.input(1), {directions, width, features}),
      ir(n.input(2), {directions, width, hidden}),
      ir(bias, {directions, width}), ir(resetBias, {directions, hidden}),
      isLstm ? ir(n.optional(7), {directions, 3 * hidden}) : Value(),
      ir(lengths, {batch}), y, h, c, direction,
      names.empty() ? ArrayAttr() : b.getStrArrayAttr(names), alphas, betas,
      clip > 0 ? b.getF64FloatAttr(clip) : FloatAttr(), resetAfter,
      isLstm && n.intAttr("input_forget", 0), /*library=*/false);
  if (y)
    n.set(0, batchOutermost(e.computed(op.getYResult(), x->type, yShape),
                            {2, 0, 1, 3}));
  if (n.wants(1))
    n.set(1, batchOutermost(e.computed(op.getHResult(), x->type, stateShape),
                            {1, 0, 2}));
  if (isLstm && n.wants(2))
    n.set(2, batchOutermost(e.computed(op.getCResult(), x->type, stateShape),
                            {1, 0, 2}));
}

void importRecurrent(Node &n) { RecurrentImporter(n).run(); }

} // namespace

llvm::ArrayRef<OpEntry> recurrentOps() {
  static const OpEntry ops[] = {
      {"LSTM", 1, 3, 8, importRecurrent},
      {"GRU", 1, 3, 6, importRecurrent},
      {"RNN", 1, 3, 6, importRecurrent},
  };
  return ops;
}

} // namespace heed::import
