// Attention.cpp - ONNX Attention (opset 23 to 25) as attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Query i stands at position p = i + offset, where offset is the length of the
// past, or kv_length[b] − Sq with an external cache, or 0. Key j is attended if
//   causal: j ≤ p;  window [l, r]: p − l ≤ j ≤ p + r;  j < kv_length[b];
//   the boolean mask says so.
// A row that attends nothing is 0.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Sdpa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

class AttentionImporter {
public:
  explicit AttentionImporter(Node &n) : n(n), e(n.e), b(n.e.b) {}
  void run();

private:
  Heads split(size_t input, StringRef headsAttr);
  void appendPast();
  void readMask();
  void readPositions();
  Tensor positionMask(bool causal, int64_t left, int64_t right);

  Node &n;
  Emitter &e;
  OpBuilder &b;
  SdpaParts p;
  Sym past;
};

/// A 3-D input holds its heads side by side in the last dim.
Heads AttentionImporter::split(size_t input, StringRef headsAttr) {
  const Tensor &x = n.floatInput(input);
  if (x->rank() == 4)
    return {x};
  n.requireRank(input, 3, 4);
  return splitHeads(e, x, n.intAttr(headsAttr), "input " + Twine(input));
}

void AttentionImporter::appendPast() {
  if (n.has(4) != n.has(5))
    fail("past_key and past_value must come together");
  if (n.has(4)) {
    if (n.has(6))
      fail("nonpad_kv_seqlen does not go with past_key");
    n.requireRank(4, 4, 4);
    n.requireRank(5, 4, 4);
    past = n.floatInput(4)->shape[2];
    e.require(past, n.floatInput(5)->shape[2], "past lengths");
    p.k = {e.concat({n.input(4), inOrder(e, p.k)}, 2)};
    p.v = {e.concat({n.input(5), inOrder(e, p.v)}, 2)};
  }
  if (n.wants(1))
    n.set(1, inOrder(e, p.k));
  if (n.wants(2))
    n.set(2, inOrder(e, p.v));
}

/// The mask as bias or boolean mask, right-aligned to [b, h, i, j].
void AttentionImporter::readMask() {
  Tensor t = n.optional(3);
  if (!t)
    return;
  n.requireRank(3, 1, 4);
  bool isBool = t->type == DType::Bool;
  if (!isBool && !isFloat(t->type))
    fail("input 3: expected a bool or float mask, got " + name(t->type));
  // Keys that a short mask does not reach are not attended.
  Sym missing = p.keys - t->shape.back();
  if (!e.same(t->shape.back(), p.keys)) {
    e.requireAtLeast(missing, 0, "keys without a mask entry");
    SmallVector<Sym> low(t->rank(), Sym(0)), high(t->rank(), Sym(0));
    high.back() = missing;
    Value value =
        isBool ? e.scalar(DType::Bool, 0) : e.scalar(t->type, -INFINITY);
    t = e.pad(t, low, high, value);
    t->shape.back() = p.keys;
  }
  p.checkMask(e, t);
  (isBool ? p.mask : p.bias) = t;
}

/// What the attributes cannot say, as a mask: [1 or b, 1, i, j].
Tensor AttentionImporter::positionMask(bool isCausal, int64_t left,
                                       int64_t right) {
  Type index = b.getIndexType();
  Value offset, lengths;
  if (p.length)
    lengths = e.ir(p.length);
  else
    offset = e.size(past);
  Value sq = e.size(p.queries), l = e.scalarInt(index, left),
        r = e.scalarInt(index, isCausal ? 0 : right);
  return e.generate(
      DType::Bool, {p.length ? p.batch : Sym(1), 1, p.queries, p.keys},
      [&](OpBuilder &at, Location loc, ValueRange i) -> Value {
        Value from = offset;
        if (lengths) {
          Value count = tensor::ExtractOp::create(at, loc, lengths, i[0]);
          count = arith::IndexCastOp::create(at, loc, index, count);
          from = arith::SubIOp::create(at, loc, count, sq);
        }
        Value position = arith::AddIOp::create(at, loc, i[2], from), keep;
        auto also = [&](Value condition) {
          keep =
              keep ? arith::AndIOp::create(at, loc, keep, condition).getResult()
                   : condition;
        };
        if (isCausal || right >= 0) {
          Value last = arith::AddIOp::create(at, loc, position, r);
          also(arith::CmpIOp::create(at, loc, arith::CmpIPredicate::sle, i[3],
                                     last));
        }
        if (left >= 0) {
          Value first = arith::SubIOp::create(at, loc, position, l);
          also(arith::CmpIOp::create(at, loc, arith::CmpIPredicate::sge, i[3],
                                     first));
        }
        return keep;
      });
}

/// Causality, window and length, by attributes where their offset allows it.
void AttentionImporter::readPositions() {
  if (Tensor t = n.optional(6)) {
    if (!isInteger(t->type) || t->rank() != 1)
      fail("input 6: expected a vector of integers");
    e.require(t->shape[0], p.batch, "nonpad_kv_seqlen");
    p.length = t;
  }
  bool isCausal = n.intAttr("is_causal", 0);
  int64_t left = n.intAttr("left_window_size", -1),
          right = n.intAttr("right_window_size", -1);
  if (left < -1 || right < -1)
    fail("a window size is less than -1");
  bool hasWindow = left >= 0 || right >= 0;
  if (!isCausal && !hasWindow)
    return;
  bool atStart = !p.length && past == Sym(0);
  // With the past's length as offset the square of positions ends in the
  // bottom right corner: past = keys − queries.
  bool atEnd = !p.length && e.same(past, p.keys - p.queries) && isCausal;
  if (atStart || atEnd) {
    if (isCausal)
      p.causal = atStart ? attn::Causal::top_left : attn::Causal::bottom_right;
    if (hasWindow)
      p.window = {left, right};
    return;
  }
  Tensor t = positionMask(isCausal, left, right);
  p.mask =
      p.mask ? e.elementwise(
                   {p.mask, t}, DType::Bool,
                   [](OpBuilder &at, Location loc, ArrayRef<Value> v) -> Value {
                     return arith::AndIOp::create(at, loc, v[0], v[1]);
                   })
             : t;
}

void AttentionImporter::run() {
  DType type = n.floatInput(0)->type;
  for (size_t i : {1, 2})
    if (n.floatInput(i)->type != type ||
        n.input(i)->rank() != n.input(0)->rank())
      fail("query, key and value differ in type or rank");
  p.q = split(0, "q_num_heads");
  p.k = split(1, "kv_num_heads");
  p.v = split(2, "kv_num_heads");
  appendPast();
  p.finish(e);
  readMask();
  readPositions();
  if (n.hasAttr("scale"))
    p.scale = n.floatAttr("scale", 1);
  p.softcap = n.floatAttr("softcap", 0);
  Tensor y = emitSdpa(e, p);
  n.set(n.input(0)->rank() == 4 ? y
                                : e.reshape(y, {y->shape[0], y->shape[1],
                                                y->shape[2] * y->shape[3]}));
  if (!n.wants(3))
    return;
  int64_t stage = n.intAttr("qk_matmul_output_mode", 0);
  if (stage < 0 || stage > 3)
    fail("attribute 'qk_matmul_output_mode' is " + Twine(stage));
  n.set(3, emitScores(e, p, stage));
}

void importAttention(Node &n) { AttentionImporter(n).run(); }

} // namespace

llvm::ArrayRef<OpEntry> attentionOps() {
  static const OpEntry ops[] = {
      {"Attention", 23, 3, 7, importAttention},
  };
  return ops;
}

} // namespace heed::import
