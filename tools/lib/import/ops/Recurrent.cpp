// Recurrent.cpp - LSTM, GRU and RNN: the input's projection as one product,
// then a loop over time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   xw = X·Wᵀ + b                       all steps at once: [T·B, gates·H]
//   for s < T:  t = s, or T − 1 − s in reverse
//     h, c = step(xw[t], h, c)          h·Rᵀ and the gates
//     Y[t, direction] = h
// The states are [1, B, H], so that writing the new one into the old is a
// slice inserted in place. With sequence lengths a row whose t ≥ length keeps
// its state and writes 0: in reverse it then starts at its own last step.

#include "tools/lib/import/ops/Recurrent.h"
#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Fold.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

using Kind = CellActivation::Kind;

class RecurrentImporter {
public:
  explicit RecurrentImporter(Node &n) : n(n), e(n.e), b(n.e.b) {}
  void run();

private:
  void readShapes();
  Tensor stateInput(size_t i, const Twine &what);
  Tensor ofDirection(const Tensor &t, int64_t d);
  Tensor columns(const Tensor &row, int64_t from, int64_t to);
  Tensor addBiases(const Tensor &x, const Tensor &y);
  Tensor projectedInput(int64_t d, Cell &cell);
  void readRecurrent(int64_t d, Cell &cell);
  void runDirection(int64_t d);
  Tensor masked(const Tensor &keep, const Tensor &x, Tensor otherwise);

  Node &n;
  Emitter &e;
  OpBuilder &b;
  bool isLstm = false, isGru = false, batchFirst = false;
  int64_t gates = 1, hidden = 0, directions = 1;
  bool reverseFirst = false;
  Sym steps, batch, features;
  Tensor x, lengths, initialH, initialC;
  std::vector<SmallVector<CellActivation>> activations;
  Value y; // [T, directions, B, H]; null if nobody wants it
  SmallVector<Tensor> lastH, lastC;
};

void RecurrentImporter::readShapes() {
  isLstm = n.op() == "LSTM";
  isGru = n.op() == "GRU";
  gates = isLstm ? 4 : isGru ? 3 : 1;
  DType type = n.floatInput(0)->type;
  for (size_t i : {0, 1, 2})
    n.requireRank(i, 3, 3);
  for (size_t i : {1, 2, 3, 5, 6, 7})
    if (n.has(i) && n.input(i)->type != type)
      fail("input " + Twine(i) + ": expected " + name(type) + ", got " +
           name(n.input(i)->type));
  std::string direction = n.stringAttr("direction", "forward");
  if (direction == "bidirectional")
    directions = 2;
  else if (direction == "reverse")
    reverseFirst = true;
  else if (direction != "forward")
    fail("attribute 'direction' is " + quoted(direction));
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
    lengths = e.reshape(t, {batch, 1});
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

/// t[d, ...] without its first dim.
Tensor RecurrentImporter::ofDirection(const Tensor &t, int64_t d) {
  SmallVector<Sym> offsets(t->rank(), Sym(0));
  SmallVector<int64_t> strides(t->rank(), 1);
  Shape sizes = t->shape;
  offsets[0] = d;
  sizes[0] = 1;
  Tensor part = e.slice(t, offsets, sizes, strides);
  return e.reshape(part, Shape(sizes.begin() + 1, sizes.end()));
}

/// Elements [from, to) of a vector, as one row.
Tensor RecurrentImporter::columns(const Tensor &row, int64_t from, int64_t to) {
  SmallVector<Sym> offsets = {from};
  SmallVector<int64_t> strides = {1};
  return e.reshape(e.slice(row, offsets, {to - from}, strides), {1, to - from});
}

Tensor RecurrentImporter::addBiases(const Tensor &x, const Tensor &y) {
  Folds folds;
  folds.floats = [](const double *v) { return v[0] + v[1]; };
  return foldOrEmit(e, {x, y}, x->type, folds,
                    [](OpBuilder &at, Location l, ArrayRef<Value> v) -> Value {
                      return arith::AddFOp::create(at, l, v[0], v[1]);
                    });
}

/// [T, B, gates·H], every bias added that is no part of the step.
Tensor RecurrentImporter::projectedInput(int64_t d, Cell &cell) {
  int64_t width = gates * hidden;
  Tensor w = e.transpose(ofDirection(n.input(1), d), {1, 0});
  Tensor xw = e.matmul(e.reshape(x, {steps * batch, features}), w);
  if (n.has(3)) {
    Tensor both = ofDirection(n.input(3), d), bias;
    Tensor wb = columns(both, 0, width), rb = columns(both, width, 2 * width);
    if (cell.resetAfter) {
      // The reset gate scales h·R and its bias: that one stays apart.
      int64_t two = 2 * hidden;
      bias = e.concat(
          {addBiases(columns(both, 0, two), columns(both, width, width + two)),
           columns(both, two, width)},
          1);
      cell.candidateBias = columns(both, width + two, 2 * width);
    } else {
      bias = addBiases(wb, rb);
    }
    xw = e.elementwise(
        {xw, bias}, xw->type, [](OpBuilder &at, Location l, ArrayRef<Value> v) {
          return arith::AddFOp::create(at, l, v[0], v[1]).getResult();
        });
  }
  return e.reshape(xw, {steps, batch, width});
}

void RecurrentImporter::readRecurrent(int64_t d, Cell &cell) {
  Tensor r = e.transpose(ofDirection(n.input(2), d), {1, 0});
  auto part = [&](int64_t from, int64_t to) {
    SmallVector<Sym> offsets = {0, from};
    SmallVector<int64_t> strides = {1, 1};
    return e.slice(r, offsets, {hidden, to - from}, strides);
  };
  cell.recurrent = r;
  if (isGru && !cell.resetAfter) {
    cell.recurrent = part(0, 2 * hidden);
    cell.candidate = part(2 * hidden, 3 * hidden);
  }
  if (isLstm && n.has(7)) {
    Tensor p = ofDirection(n.input(7), d);
    for (int64_t i = 0; i < 3; ++i)
      cell.peephole[i] = columns(p, i * hidden, (i + 1) * hidden);
  }
}

Tensor RecurrentImporter::masked(const Tensor &keep, const Tensor &x,
                                 Tensor otherwise) {
  if (!otherwise)
    otherwise = e.constant(HostTensor::ofDoubles(x->type, {}, {0.0}));
  return e.elementwise(
      {keep, x, otherwise}, x->type,
      [](OpBuilder &at, Location l, ArrayRef<Value> v) -> Value {
        return arith::SelectOp::create(at, l, v[0], v[1], v[2]);
      });
}

void RecurrentImporter::runDirection(int64_t d) {
  Cell cell;
  cell.op = n.op();
  cell.type = x->type;
  cell.batch = batch;
  cell.hidden = hidden;
  cell.activations = activations[d];
  cell.clip = n.floatAttr("clip", 0);
  cell.resetAfter = isGru && n.intAttr("linear_before_reset", 0);
  cell.coupled = isLstm && n.intAttr("input_forget", 0);
  bool reverse = d == 1 || reverseFirst;

  // All that the loop reads is made in front of it.
  Value xw = e.ir(projectedInput(d, cell));
  readRecurrent(d, cell);
  for (const Tensor &t :
       {cell.recurrent, cell.candidate, cell.candidateBias, cell.peephole[0],
        cell.peephole[1], cell.peephole[2], lengths})
    if (t)
      e.ir(t);
  Shape stateShape = {1, batch, hidden};
  auto start = [&](const Tensor &all) {
    SmallVector<Sym> offsets = {d, 0, 0};
    SmallVector<int64_t> strides = {1, 1, 1};
    return e.ir(e.slice(all, offsets, stateShape, strides));
  };
  SmallVector<Value> state = {start(initialH)};
  if (isLstm)
    state.push_back(start(initialC));
  if (y)
    state.push_back(y);
  Value zero = e.scalarInt(b.getIndexType(), 0),
        one = e.scalarInt(b.getIndexType(), 1), count = e.size(steps),
        last = reverse ? e.size(steps - Sym(1)) : Value();
  e.size(batch);

  auto loop = scf::ForOp::create(b, e.loc, zero, count, one, state);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    Value t = loop.getInductionVar();
    if (reverse)
      t = arith::SubIOp::create(b, e.loc, last, t);
    SmallVector<OpFoldResult> zeros(3, b.getIndexAttr(0)),
        ones(4, b.getIndexAttr(1));
    SmallVector<OpFoldResult> stateSizes = e.foldedSizes(stateShape);
    ArrayRef<OpFoldResult> unit = ArrayRef(ones).take_front(3);
    Shape rows = {batch, hidden};
    auto read = [&](Value from, OpFoldResult first, int64_t width) {
      SmallVector<OpFoldResult> offsets = zeros, sizes = stateSizes;
      offsets[0] = first;
      sizes[2] = b.getIndexAttr(width);
      Shape shape = {batch, width};
      Value v = tensor::ExtractSliceOp::create(
          b, e.loc, e.typeOf(x->type, shape), from, offsets, sizes, unit);
      return e.computed(v, x->type, shape);
    };
    auto carried = loop.getRegionIterArgs();
    CellState old = {read(carried[0], b.getIndexAttr(0), hidden), nullptr};
    if (isLstm)
      old.c = read(carried[1], b.getIndexAttr(0), hidden);
    CellState next = step(e, cell, read(xw, t, gates * hidden), old);
    Tensor written = next.h;
    if (lengths) {
      Tensor keep = e.elementwise(
          {lengths}, DType::Bool,
          [&](OpBuilder &at, Location l, ArrayRef<Value> v) -> Value {
            Value now = arith::IndexCastOp::create(at, l, v[0].getType(), t);
            return arith::CmpIOp::create(at, l, arith::CmpIPredicate::slt, now,
                                         v[0]);
          });
      written = masked(keep, next.h, nullptr);
      next.h = masked(keep, next.h, old.h);
      if (isLstm)
        next.c = masked(keep, next.c, old.c);
    }
    auto write = [&](const Tensor &from, Value to) -> Value {
      return tensor::InsertSliceOp::create(b, e.loc, e.ir(from), to, zeros,
                                           stateSizes, unit);
    };
    SmallVector<Value> results = {write(next.h, carried[0])};
    if (isLstm)
      results.push_back(write(next.c, carried[1]));
    if (y) {
      SmallVector<OpFoldResult> offsets = {t, b.getIndexAttr(d),
                                           b.getIndexAttr(0),
                                           b.getIndexAttr(0)},
                                sizes = {b.getIndexAttr(1)};
      sizes.append(stateSizes);
      results.push_back(tensor::InsertSliceOp::create(
          b, e.loc, e.ir(written), carried.back(), offsets, sizes, ones));
    }
    scf::YieldOp::create(b, e.loc, results);
  }
  lastH.push_back(e.computed(loop.getResult(0), x->type, stateShape));
  if (isLstm)
    lastC.push_back(e.computed(loop.getResult(1), x->type, stateShape));
  if (y)
    y = loop.getResults().back();
}

void RecurrentImporter::run() {
  readShapes();
  SmallVector<Kind> defaults = {Kind::Sigmoid, Kind::Tanh};
  if (isLstm)
    defaults.push_back(Kind::Tanh);
  else if (!isGru)
    defaults = {Kind::Tanh};
  activations = readActivations(n, defaults, directions);
  double clip = n.floatAttr("clip", 0);
  if (!(clip >= 0))
    fail("attribute 'clip' is negative");
  Shape shape = {steps, directions, batch, hidden};
  if (n.wants(0))
    y = e.empty(x->type, shape);
  for (int64_t d = 0; d < directions; ++d)
    runDirection(d);
  if (y) {
    Tensor all = e.computed(y, x->type, shape);
    n.set(0, batchFirst ? e.transpose(all, {2, 0, 1, 3}) : all);
  }
  auto last = [&](size_t i, ArrayRef<Tensor> states) {
    if (!n.wants(i))
      return;
    Tensor t = directions == 1 ? states[0] : e.concat(states, 0);
    n.set(i, batchFirst ? e.transpose(t, {1, 0, 2}) : t);
  };
  last(1, lastH);
  if (isLstm)
    last(2, lastC);
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
