// RecurrentDecompose.cpp - the definition of attn.recurrent: a loop over time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   a = x·Wᵀ + bias                        all steps at once: [T, B, G·H]
//   for s < T:  t = s, or T − 1 − s in reverse
//     h, c = step(a[t], h·Rᵀ, h, c)
//     y[t, direction] = h
//
// The states are [1, B, H], so that writing the new one into the old is a
// slice inserted in place. With lengths a row whose t ≥ length keeps its state
// and writes 0. Elements narrower than 32 bits are computed in f32.
#include "dialect/recurrent/RecurrentCell.h"
#include "dialect/sdpa/SdpaScore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace heed::attn;

namespace {
using Values = SmallVector<Value>;
using FoldedSizes = SmallVector<OpFoldResult>;

struct RecurrentDefinition {
  RecurrentOp op;
  OpBuilder &b;
  Location loc;
  FloatType compute;
  int64_t gates, hidden;
  OpFoldResult steps, batch;
  Value x, inputWeights, weights, bias, resetBias, peephole;
  Value y, h, c; // of all directions

  RecurrentDefinition(RecurrentOp layer, OpBuilder &builder)
      : op(layer), b(builder), loc(layer.getLoc()),
        compute(layer.getComputeType()), gates(layer.getGates()),
        hidden(layer.getHidden()) {
    x = widen(op.getX());
    inputWeights = widen(op.getInputWeights());
    weights = widen(op.getWeights());
    bias = widen(op.getBias());
    resetBias = widen(op.getResetBias());
    peephole = widen(op.getPeephole());
    steps = tensor::getMixedSize(b, loc, x, 0);
    batch = tensor::getMixedSize(b, loc, x, 1);
    if (op.getY())
      y = isWidened()
              ? Value(tensor::EmptyOp::create(
                    b, loc, tensor::getMixedSizes(b, loc, op.getY()), compute))
              : op.getY();
    h = widen(op.getH());
    c = widen(op.getC());
  }

  bool isWidened() { return compute != getElementTypeOrSelf(op.getX()); }
  OpFoldResult index(int64_t value) { return b.getIndexAttr(value); }

  /// Elementwise over all of `inputs`, each read by its map.
  template <typename Body>
  Value map(ArrayRef<Value> inputs, ArrayRef<AffineMap> maps,
            const FoldedSizes &sizes, Type element, Body body) {
    Value empty = tensor::EmptyOp::create(b, loc, sizes, element);
    SmallVector<AffineMap> all(maps);
    all.push_back(b.getMultiDimIdentityMap(sizes.size()));
    SmallVector<utils::IteratorType> loops(sizes.size(),
                                           utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, loc, empty.getType(), inputs, empty, all, loops,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 linalg::YieldOp::create(b, loc, body(b, args));
               })
        .getResult(0);
  }

  Value convert(Value value, FloatType to) {
    if (!value || getElementTypeOrSelf(value) == to)
      return value;
    FoldedSizes sizes = tensor::getMixedSizes(b, loc, value);
    return map({value}, {b.getMultiDimIdentityMap(sizes.size())}, sizes, to,
               [&](OpBuilder &b, ValueRange args) {
                 return buildFloatCast(b, loc, args[0], to);
               });
  }
  Value widen(Value value) { return convert(value, compute); }

  /// A slice of `sizes` at `offsets`, as a tensor of `type`.
  Value slice(Value from, RankedTensorType type, const FoldedSizes &offsets,
              const FoldedSizes &sizes) {
    FoldedSizes ones(offsets.size(), index(1));
    return tensor::ExtractSliceOp::create(b, loc, type, from, offsets, sizes,
                                          ones);
  }
  Value insert(Value from, Value into, const FoldedSizes &offsets,
               const FoldedSizes &sizes) {
    FoldedSizes ones(offsets.size(), index(1));
    return tensor::InsertSliceOp::create(b, loc, from, into, offsets, sizes,
                                         ones);
  }
  RankedTensorType typeOf(ArrayRef<OpFoldResult> sizes) {
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes, dynamic, shape);
    return RankedTensorType::get(shape, compute);
  }
  /// all[d], of a constant or of what has static dims but the first.
  Value ofDirection(Value all, int64_t d) {
    FoldedSizes sizes = tensor::getMixedSizes(b, loc, all), offsets;
    offsets.assign(sizes.size(), index(0));
    offsets[0] = index(d);
    sizes[0] = index(1);
    return slice(all, typeOf(ArrayRef(sizes).drop_front()), offsets, sizes);
  }
  /// Elements [from, from + H) of a vector.
  Value part(Value row, int64_t from) {
    return slice(row, typeOf({index(hidden)}), {index(from)}, {index(hidden)});
  }
  /// Columns [from, from + width) of [B, …].
  Value columns(Value rows, int64_t from, int64_t width) {
    return slice(rows, typeOf({batch, index(width)}), {index(0), index(from)},
                 {batch, index(width)});
  }
  /// Rows [from, from + count) of a matrix with H columns.
  Value rows(Value matrix, int64_t from, int64_t count) {
    return slice(matrix, typeOf({index(count), index(hidden)}),
                 {index(from), index(0)}, {index(count), index(hidden)});
  }

  /// a·wᵀ for a of any rank: […, k]·[n, k] → […, n].
  Value product(Value a, Value w) {
    FoldedSizes sizes = tensor::getMixedSizes(b, loc, a);
    unsigned outer = sizes.size() - 1;
    sizes.back() = tensor::getMixedSize(b, loc, w, 0);
    SmallVector<AffineExpr> dims;
    for (unsigned dim = 0; dim < outer; ++dim)
      dims.push_back(b.getAffineDimExpr(dim));
    AffineExpr n = b.getAffineDimExpr(outer), k = b.getAffineDimExpr(outer + 1);
    auto mapOf = [&](AffineExpr last) {
      SmallVector<AffineExpr> exprs(dims);
      exprs.push_back(last);
      return AffineMap::get(outer + 2, 0, exprs, b.getContext());
    };
    AffineMap wMap = AffineMap::get(outer + 2, 0, {n, k}, b.getContext());
    SmallVector<utils::IteratorType> loops(outer + 1,
                                           utils::IteratorType::parallel);
    loops.push_back(utils::IteratorType::reduction);
    Value empty = tensor::EmptyOp::create(b, loc, sizes, compute);
    Value zeros =
        linalg::FillOp::create(b, loc, buildFloat(b, loc, compute, 0), empty)
            .getResult(0);
    return linalg::GenericOp::create(
               b, loc, zeros.getType(), ValueRange{a, w}, zeros,
               ArrayRef<AffineMap>{mapOf(k), wMap, mapOf(n)}, loops,
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 Value product =
                     arith::MulFOp::create(b, loc, args[0], args[1]);
                 Value sum = arith::AddFOp::create(b, loc, args[2], product);
                 linalg::YieldOp::create(b, loc, sum);
               })
        .getResult(0);
  }

  /// a of one direction: [T, B, G·H].
  Value projected(int64_t d) {
    int64_t width = gates * hidden;
    FoldedSizes sizes = {steps, batch, index(width)};
    if (!inputWeights)
      return slice(x, typeOf(sizes), {index(0), index(0), index(d * width)},
                   sizes);
    Value a = product(x, ofDirection(inputWeights, d));
    if (!bias)
      return a;
    AffineMap row =
        AffineMap::get(3, 0, {b.getAffineDimExpr(2)}, b.getContext());
    return map({a, ofDirection(bias, d)}, {b.getMultiDimIdentityMap(3), row},
               sizes, compute, [&](OpBuilder &b, ValueRange args) -> Value {
                 return arith::AddFOp::create(b, loc, args[0], args[1]);
               });
  }

  void runDirection(int64_t d);
  SmallVector<Value> run();
};

/// One step of one direction on [B, H].
struct Step {
  RecurrentDefinition &all;
  RecurrentCell cell;
  Value recurrent, resetAndUpdate, candidate; // R, or its parts
  Value resetBias;
  Value peephole[3]; // i, o, f

  Step(RecurrentDefinition &all, int64_t d) : all(all), cell(all.op, d) {
    int64_t hidden = all.hidden;
    recurrent = all.ofDirection(all.weights, d);
    if (resetsFirst()) {
      resetAndUpdate = all.rows(recurrent, 0, 2 * hidden);
      candidate = all.rows(recurrent, 2 * hidden, hidden);
    }
    if (all.resetBias)
      resetBias = all.ofDirection(all.resetBias, d);
    if (all.peephole) {
      Value both = all.ofDirection(all.peephole, d);
      for (int64_t i = 0; i < 3; ++i)
        peephole[i] = all.part(both, i * hidden);
    }
  }

  bool resetsFirst() {
    return all.op.getKind() == RecurrentKind::gru &&
           !all.op.getLinearBeforeReset();
  }
  Value gate(Value sums, unsigned gate) {
    return all.columns(sums, gate * all.hidden, all.hidden);
  }
  /// Elementwise on [B, H]; vectors of H are one row for all.
  template <typename Body> Value map(ArrayRef<Value> inputs, Body body) {
    SmallVector<AffineMap> maps;
    for (Value input : inputs)
      maps.push_back(cast<RankedTensorType>(input.getType()).getRank() == 2
                         ? all.b.getMultiDimIdentityMap(2)
                         : AffineMap::get(2, 0, {all.b.getAffineDimExpr(1)},
                                          all.b.getContext()));
    return all.map(inputs, maps, {all.batch, all.index(all.hidden)},
                   all.compute, body);
  }
  Value add(OpBuilder &b, Value x, Value y) {
    return arith::AddFOp::create(b, all.loc, x, y);
  }

  struct State {
    Value h, c;
  };
  State lstm(Value a, State old);
  State gru(Value a, State old);
  State run(Value a, State old) {
    switch (all.op.getKind()) {
    case RecurrentKind::lstm:
      return lstm(a, old);
    case RecurrentKind::gru:
      return gru(a, old);
    case RecurrentKind::rnn:
      break;
    }
    Value q = all.product(old.h, recurrent);
    return {map({a, q},
                [&](OpBuilder &b, ValueRange v) {
                  return cell.rnnOutput(b, all.loc, add(b, v[0], v[1]));
                }),
            nullptr};
  }
};
} // namespace

Step::State Step::lstm(Value a, State old) {
  Value q = all.product(old.h, recurrent);
  Values inputs = {old.c};
  for (unsigned g : {GateI, GateF, GateC})
    inputs.append({gate(a, g), gate(q, g)});
  if (peephole[0])
    inputs.append({peephole[0], peephole[2]});
  State next;
  next.c = map(inputs, [&](OpBuilder &b, ValueRange v) {
    return cell.lstmState(
        b, all.loc, add(b, v[1], v[2]), add(b, v[3], v[4]), add(b, v[5], v[6]),
        v[0], peephole[0] ? v[7] : Value(), peephole[0] ? v[8] : Value());
  });
  inputs = {next.c, gate(a, GateO), gate(q, GateO)};
  if (peephole[0])
    inputs.push_back(peephole[1]);
  next.h = map(inputs, [&](OpBuilder &b, ValueRange v) {
    return cell.lstmOutput(b, all.loc, add(b, v[1], v[2]), v[0],
                           peephole[0] ? v[3] : Value());
  });
  return next;
}

Step::State Step::gru(Value a, State old) {
  if (!resetsFirst()) {
    Value q = all.product(old.h, recurrent);
    Values inputs = {old.h};
    for (unsigned g : {GateZ, GateR, GateH})
      inputs.append({gate(a, g), gate(q, g)});
    if (resetBias)
      inputs.push_back(resetBias);
    Value h = map(inputs, [&](OpBuilder &b, ValueRange v) {
      Value fromState = resetBias ? add(b, v[6], v[7]) : v[6];
      Value kept = cell.gruReset(b, all.loc, add(b, v[3], v[4]), fromState);
      return cell.gruOutput(b, all.loc, add(b, v[1], v[2]), add(b, v[5], kept),
                            v[0]);
    });
    return {h, nullptr};
  }
  Value q = all.product(old.h, resetAndUpdate);
  Value kept = map({old.h, gate(a, GateR), gate(q, GateR)},
                   [&](OpBuilder &b, ValueRange v) {
                     return cell.gruReset(b, all.loc, add(b, v[1], v[2]), v[0]);
                   });
  Value n = all.product(kept, candidate);
  Value h = map({old.h, gate(a, GateZ), gate(q, GateZ), gate(a, GateH), n},
                [&](OpBuilder &b, ValueRange v) {
                  return cell.gruOutput(b, all.loc, add(b, v[1], v[2]),
                                        add(b, v[3], v[4]), v[0]);
                });
  return {h, nullptr};
}

void RecurrentDefinition::runDirection(int64_t d) {
  // All that the loop reads is made in front of it.
  Value a = projected(d);
  Step step(*this, d);
  OpFoldResult zero = index(0), one = index(1);
  FoldedSizes stateSizes = {one, batch, index(hidden)};
  FoldedSizes stateOffsets = {index(d), zero, zero};
  Values state = {slice(h, typeOf(stateSizes), stateOffsets, stateSizes)};
  if (c)
    state.push_back(slice(c, typeOf(stateSizes), stateOffsets, stateSizes));
  if (y)
    state.push_back(y);
  Value first = arith::ConstantIndexOp::create(b, loc, 0);
  Value stride = arith::ConstantIndexOp::create(b, loc, 1);
  Value count = getValueOrCreateConstantIndexOp(b, loc, steps);
  Value last = op.isReverse(d)
                   ? Value(arith::SubIOp::create(b, loc, count, stride))
                   : Value();

  auto loop = scf::ForOp::create(b, loc, first, count, stride, state);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    Value t = loop.getInductionVar();
    if (last)
      t = arith::SubIOp::create(b, loc, last, t);
    auto read = [&](Value from, OpFoldResult at, int64_t width) {
      FoldedSizes sizes = {one, batch, index(width)};
      return slice(from, typeOf({batch, index(width)}), {at, zero, zero},
                   sizes);
    };
    auto carried = loop.getRegionIterArgs();
    Step::State old = {read(carried[0], zero, hidden),
                       c ? read(carried[1], zero, hidden) : Value()};
    Step::State next = step.run(read(a, t, gates * hidden), old);
    Value written = next.h;
    if (Value lengths = op.getLengths()) {
      auto keep = [&](Value fresh, Value otherwise) {
        AffineMap row =
            AffineMap::get(2, 0, {b.getAffineDimExpr(0)}, b.getContext());
        AffineMap identity = b.getMultiDimIdentityMap(2);
        Values inputs = {lengths, fresh};
        SmallVector<AffineMap> maps = {row, identity};
        if (otherwise) {
          inputs.push_back(otherwise);
          maps.push_back(identity);
        }
        return map(inputs, maps, {batch, index(hidden)}, compute,
                   [&](OpBuilder &b, ValueRange v) -> Value {
                     Value now =
                         arith::IndexCastOp::create(b, loc, v[0].getType(), t);
                     Value runs = arith::CmpIOp::create(
                         b, loc, arith::CmpIPredicate::slt, now, v[0]);
                     return arith::SelectOp::create(
                         b, loc, runs, v[1],
                         otherwise ? v[2] : buildFloat(b, loc, compute, 0));
                   });
      };
      written = keep(next.h, nullptr);
      next.h = keep(next.h, old.h);
      if (c)
        next.c = keep(next.c, old.c);
    }
    FoldedSizes zeros(3, zero);
    Values results = {insert(next.h, carried[0], zeros, stateSizes)};
    if (c)
      results.push_back(insert(next.c, carried[1], zeros, stateSizes));
    if (y)
      results.push_back(insert(written, carried.back(),
                               {t, index(d), zero, zero},
                               {one, one, batch, index(hidden)}));
    scf::YieldOp::create(b, loc, results);
  }
  h = insert(loop.getResult(0), h, stateOffsets, stateSizes);
  if (c)
    c = insert(loop.getResult(1), c, stateOffsets, stateSizes);
  if (y)
    y = loop.getResults().back();
}

SmallVector<Value> RecurrentDefinition::run() {
  for (int64_t d = 0; d < op.getDirections(); ++d)
    runDirection(d);
  auto element = cast<FloatType>(getElementTypeOrSelf(op.getX()));
  Values results;
  for (Value value : {y, h, c})
    if (value)
      results.push_back(convert(value, element));
  return results;
}

FailureOr<SmallVector<Value>> RecurrentOp::decomposeOperation(OpBuilder &b) {
  if (!isa<RankedTensorType>(getX().getType()))
    return failure();
  return RecurrentDefinition(*this, b).run();
}
