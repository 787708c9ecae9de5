// Attention.cpp - ONNX Attention (opset 23 to 25) as attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Query i stands at position p = i + offset, where offset is the length of the
// past, or kv_length[b] − Sq with an external cache, or 0. Key j is attended if
//   causal: j ≤ p;  window [l, r]: p − l ≤ j ≤ p + r;  j < kv_length[b];
//   the boolean mask says so.
// A row that attends nothing is 0.

#include "tools/lib/import/Registry.h"

#include "dialect/sdpa/SdpaOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

/// Q, K or V as batch, heads, sequence, size: the dims of a 4-D tensor in the
/// order of `at`.
struct Heads {
  Tensor tensor;
  unsigned at[4] = {0, 1, 2, 3}; // position of b, h, s, d
  const Sym &size(unsigned i) const { return tensor->shape[at[i]]; }

  AffineMap map(ArrayRef<AffineExpr> bhsd, MLIRContext *context) const {
    SmallVector<AffineExpr> exprs(4);
    for (unsigned i = 0; i < 4; ++i)
      exprs[at[i]] = bhsd[i];
    return AffineMap::get(6, 0, exprs, context);
  }
};

class AttentionImporter {
public:
  explicit AttentionImporter(Node &n) : n(n), e(n.e), b(n.e.b) {}
  void run();

private:
  Heads split(size_t input, StringRef headsAttr);
  Tensor inOrder(const Heads &x); // [b, h, s, d]
  void appendPast();
  void readMask();
  void readPositions();
  Tensor positionMask(bool causal, int64_t left, int64_t right);
  AffineMap maskMap(const Tensor &mask);
  void emit();

  Node &n;
  Emitter &e;
  OpBuilder &b;
  Heads q, k, v;
  Sym batch, heads, queries, keys, past;
  int64_t group = 1;
  Tensor bias, mask, length;
  attn::Causal causal = attn::Causal::none;
  SmallVector<int64_t> window;
};

/// A 3-D input holds its heads side by side in the last dim.
Heads AttentionImporter::split(size_t input, StringRef headsAttr) {
  const Tensor &x = n.floatInput(input);
  if (x->rank() == 4)
    return {x};
  n.requireRank(input, 3, 4);
  int64_t count = n.intAttr(headsAttr);
  if (count < 1)
    fail("attribute " + quoted(headsAttr) + " is " + Twine(count));
  auto size = x->shape[2].exactQuotient(count);
  if (!size)
    fail("input " + Twine(input) + ": its last dimension does not divide by " +
         Twine(count) + " heads");
  Heads r{e.reshape(x, {x->shape[0], x->shape[1], count, *size})};
  r.at[1] = 2;
  r.at[2] = 1;
  return r;
}

Tensor AttentionImporter::inOrder(const Heads &x) {
  return e.transpose(x.tensor, {x.at[0], x.at[1], x.at[2], x.at[3]});
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
    k = {e.concat({n.input(4), inOrder(k)}, 2)};
    v = {e.concat({n.input(5), inOrder(v)}, 2)};
  }
  if (n.wants(1))
    n.set(1, inOrder(k));
  if (n.wants(2))
    n.set(2, inOrder(v));
  keys = e.canonical(k.size(2));
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
  Sym missing = keys - t->shape.back();
  if (!e.same(t->shape.back(), keys)) {
    e.requireAtLeast(missing, 0, "keys without a mask entry");
    SmallVector<Sym> low(t->rank(), Sym(0)), high(t->rank(), Sym(0));
    high.back() = missing;
    Value value =
        isBool ? e.scalar(DType::Bool, 0) : e.scalar(t->type, -INFINITY);
    t = e.pad(t, low, high, value);
    t->shape.back() = keys;
  }
  const Sym sizes[] = {batch, heads, queries, keys};
  for (size_t d = 0; d < t->rank(); ++d)
    if (t->shape[d] != Sym(1))
      e.require(t->shape[d], sizes[4 - t->rank() + d],
                "mask, dimension " + Twine(d));
  (isBool ? mask : bias) = t;
}

AffineMap AttentionImporter::maskMap(const Tensor &t) {
  const Sym sizes[] = {batch, heads, queries, keys};
  SmallVector<AffineExpr> exprs;
  for (size_t d = 0; d < t->rank(); ++d) {
    size_t dim = 4 - t->rank() + d;
    exprs.push_back(t->shape[d] == Sym(1) && sizes[dim] != Sym(1)
                        ? b.getAffineConstantExpr(0)
                        : b.getAffineDimExpr(dim));
  }
  return AffineMap::get(6, 0, exprs, b.getContext());
}

/// What the attributes cannot say, as a mask: [1 or b, 1, i, j].
Tensor AttentionImporter::positionMask(bool isCausal, int64_t left,
                                       int64_t right) {
  Type index = b.getIndexType();
  Value offset, lengths;
  if (length)
    lengths = e.ir(length);
  else
    offset = e.size(past);
  Value sq = e.size(queries), l = e.scalarInt(index, left),
        r = e.scalarInt(index, isCausal ? 0 : right);
  return e.generate(
      DType::Bool, {length ? batch : Sym(1), 1, queries, keys},
      [&](OpBuilder &at, Location loc, ValueRange i) -> Value {
        Value from = offset;
        if (lengths) {
          Value count = tensor::ExtractOp::create(at, loc, lengths, i[0]);
          count = arith::IndexCastOp::create(at, loc, index, count);
          from = arith::SubIOp::create(at, loc, count, sq);
        }
        Value p = arith::AddIOp::create(at, loc, i[2], from), keep;
        auto also = [&](Value condition) {
          keep =
              keep ? arith::AndIOp::create(at, loc, keep, condition).getResult()
                   : condition;
        };
        if (isCausal || right >= 0) {
          Value last = arith::AddIOp::create(at, loc, p, r);
          also(arith::CmpIOp::create(at, loc, arith::CmpIPredicate::sle, i[3],
                                     last));
        }
        if (left >= 0) {
          Value first = arith::SubIOp::create(at, loc, p, l);
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
    e.require(t->shape[0], batch, "nonpad_kv_seqlen");
    length = t;
  }
  bool isCausal = n.intAttr("is_causal", 0);
  int64_t left = n.intAttr("left_window_size", -1),
          right = n.intAttr("right_window_size", -1);
  if (left < -1 || right < -1)
    fail("a window size is less than -1");
  bool hasWindow = left >= 0 || right >= 0;
  if (!isCausal && !hasWindow)
    return;
  bool atStart = !length && past == Sym(0);
  // With the past's length as offset the square of positions ends in the
  // bottom right corner: past = keys − queries.
  bool atEnd = !length && e.same(past, keys - queries) && isCausal;
  if (atStart || atEnd) {
    if (isCausal)
      causal = atStart ? attn::Causal::top_left : attn::Causal::bottom_right;
    if (hasWindow)
      window = {left, right};
    return;
  }
  Tensor t = positionMask(isCausal, left, right);
  mask = mask
             ? e.elementwise(
                   {mask, t}, DType::Bool,
                   [](OpBuilder &at, Location loc, ArrayRef<Value> v) -> Value {
                     return arith::AndIOp::create(at, loc, v[0], v[1]);
                   })
             : t;
}

void AttentionImporter::emit() {
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> d;
  for (unsigned i = 0; i < 6; ++i)
    d.push_back(b.getAffineDimExpr(i));
  using Dim = attn::SdpaOp;
  AffineExpr kvHead = group == 1 ? d[Dim::H] : d[Dim::H].floorDiv(group);
  SmallVector<AffineMap> maps = {
      q.map({d[Dim::B], d[Dim::H], d[Dim::I], d[Dim::D]}, context),
      k.map({d[Dim::B], kvHead, d[Dim::J], d[Dim::D]}, context),
      v.map({d[Dim::B], kvHead, d[Dim::J], d[Dim::E]}, context)};
  if (bias)
    maps.push_back(maskMap(bias));
  if (mask)
    maps.push_back(maskMap(mask));
  if (length)
    maps.push_back(AffineMap::get(6, 0, d[Dim::B], context));
  maps.push_back(q.map({d[Dim::B], d[Dim::H], d[Dim::I], d[Dim::E]}, context));

  // The default scale needs the head size, known or not.
  double scale = 1;
  Tensor query = q.tensor;
  if (n.hasAttr("scale")) {
    scale = n.floatAttr("scale", 1);
  } else if (auto size = q.size(3).constant()) {
    scale = 1 / std::sqrt(static_cast<double>(*size));
  } else {
    Value reciprocal = e.reciprocalOf(q.size(3), query->type);
    Value factor = math::SqrtOp::create(b, e.loc, reciprocal);
    query = e.elementwise(
        {query}, query->type,
        [&](OpBuilder &at, Location l, ArrayRef<Value> x) -> Value {
          return arith::MulFOp::create(at, l, x[0], factor);
        });
  }
  double cap = n.floatAttr("softcap", 0);
  Shape shape(4);
  shape[q.at[0]] = q.size(0);
  shape[q.at[1]] = q.size(1);
  shape[q.at[2]] = q.size(2);
  shape[q.at[3]] = v.size(3);
  auto ir = [&](const Tensor &t) { return t ? e.ir(t) : Value(); };
  Value init = e.empty(query->type, shape);
  auto op = attn::SdpaOp::create(
      b, e.loc, TypeRange{init.getType()}, ir(query), ir(k.tensor),
      ir(v.tensor), ir(bias), ir(mask), ir(length), init, Value(),
      b.getAffineMapArrayAttr(maps), APFloat(scale), causal,
      window.empty() ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(window),
      cap > 0 ? b.getF64FloatAttr(cap) : FloatAttr(), attn::MaskedRows::zero);
  Tensor y = e.computed(op->getResult(0), query->type, shape);
  n.set(n.input(0)->rank() == 4
            ? y
            : e.reshape(y, {shape[0], shape[1], shape[2] * shape[3]}));
}

void AttentionImporter::run() {
  DType type = n.floatInput(0)->type;
  for (size_t i : {1, 2})
    if (n.floatInput(i)->type != type ||
        n.input(i)->rank() != n.input(0)->rank())
      fail("query, key and value differ in type or rank");
  if (n.wants(3))
    fail("output 3 (qk_matmul_output) is not supported");
  q = split(0, "q_num_heads");
  k = split(1, "kv_num_heads");
  v = split(2, "kv_num_heads");
  appendPast();
  batch = e.canonical(q.size(0));
  heads = e.canonical(q.size(1));
  queries = e.canonical(q.size(2));
  e.require(k.size(0), batch, "batch of key");
  e.require(v.size(0), batch, "batch of value");
  e.require(q.size(3), k.size(3), "head sizes of query and key");
  e.require(v.size(2), keys, "lengths of key and value");
  e.require(v.size(1), k.size(1), "heads of key and value");
  auto ratio = heads.exactQuotient(e.canonical(k.size(1)));
  if (!ratio || !ratio->constant() || *ratio->constant() < 1)
    fail("the heads of key do not divide the heads of query");
  group = *ratio->constant();
  readMask();
  readPositions();
  emit();
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
