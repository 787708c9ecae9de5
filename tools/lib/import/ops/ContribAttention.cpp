// ContribAttention.cpp - the attention ops of com.microsoft as attn.sdpa.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Their padding masks are additive: mask_filter_value (−10000 if not given) on
// keys that are padding, as ONNX Runtime's CPU kernels compute it.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Gather.h"
#include "tools/lib/import/ops/Map.h"
#include "tools/lib/import/ops/Rotary.h"
#include "tools/lib/import/ops/Sdpa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

/// x[from : from + count] along an axis.
Tensor part(Emitter &e, const Tensor &x, int64_t axis, const Sym &from,
            const Sym &count) {
  SmallVector<Sym> offsets(x->rank(), Sym(0));
  SmallVector<int64_t> strides(x->rank(), 1);
  Shape sizes = x->shape;
  offsets[axis] = from;
  sizes[axis] = count;
  return e.slice(x, offsets, sizes, strides);
}

/// x[..., i, ...] without that axis.
Tensor pickOne(Emitter &e, const Tensor &x, int64_t axis, int64_t i) {
  Shape shape = x->shape;
  shape.erase(shape.begin() + axis);
  return e.reshape(part(e, x, axis, i, 1), shape);
}

void refuse(Node &n, std::initializer_list<StringRef> attributes) {
  for (StringRef name : attributes)
    if (n.intAttr(name, 0))
      fail("attribute " + quoted(name) + " is not supported");
}

void refuseInputs(Node &n, size_t from) {
  for (size_t i = from; i < n.numInputs(); ++i)
    if (n.has(i))
      fail("input " + Twine(i) + " is not supported");
}

/// Output [b, s, h·d].
Tensor merged(Emitter &e, const SdpaParts &p) {
  Heads y = p.q;
  y.tensor = emitSdpa(e, p);
  Tensor t = e.transpose(y.tensor, {y.at[0], y.at[2], y.at[1], y.at[3]});
  return e.reshape(t, {t->shape[0], t->shape[1], t->shape[2] * t->shape[3]});
}

/// The result, and keys and values with their past where they are asked for.
void setOutputs(Node &n, const SdpaParts &p) {
  n.set(merged(n.e, p));
  if (n.wants(1))
    n.set(1, inOrder(n.e, p.k));
  if (n.wants(2))
    n.set(2, inOrder(n.e, p.v));
}

void readScale(Node &n, SdpaParts &p) {
  if (double scale = n.floatAttr("scale", 0); scale != 0)
    p.scale = scale;
}

void addBias(Emitter &e, SdpaParts &p, const Tensor &t) {
  p.checkMask(e, t);
  p.bias = p.bias ? map2<arith::AddFOp>(e, p.bias, t) : t;
}

/// A padding mask as what it adds to the scores: [b] lengths, [b, keys] or
/// [b, queries, keys] of 1 and 0.
void addPadding(Node &n, SdpaParts &p, const Tensor &mask) {
  Emitter &e = n.e;
  if (mask->type != DType::I32)
    fail("the mask is " + name(mask->type) + ", expected int32");
  Shape shape = mask->shape;
  bool isLength = mask->rank() == 1;
  if (isLength) {
    e.require(shape[0], p.batch, "key lengths");
    shape = {p.batch, 1, 1, p.keys};
  } else if (mask->rank() == 2 || mask->rank() == 3) {
    shape.insert(shape.begin() + 1, mask->rank() == 2 ? 2 : 1, Sym(1));
  } else {
    fail("a mask of rank " + Twine(mask->rank()) + " is not supported");
  }
  DType type = p.q.tensor->type;
  Value closed = e.scalar(type, n.floatAttr("mask_filter_value", -10000)),
        open = e.scalar(type, 0);
  Tensor bias;
  if (isLength) {
    Value lengths = e.ir(mask);
    bias = e.generate(
        type, shape, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
          Value count = tensor::ExtractOp::create(b, l, lengths, i[0]);
          count = arith::IndexCastOp::create(b, l, b.getIndexType(), count);
          Value isOpen = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt,
                                               i[3], count);
          return arith::SelectOp::create(b, l, isOpen, open, closed);
        });
  } else {
    Value zero = e.scalar(DType::I32, 0);
    bias = e.elementwise(
        {e.reshape(mask, shape)}, type,
        [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
          Value isOpen = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sgt,
                                               v[0], zero);
          return arith::SelectOp::create(b, l, isOpen, open, closed);
        });
  }
  addBias(e, p, bias);
}

/// Key and value with the past in front, as [b, h, s, d].
void appendPast(Emitter &e, SdpaParts &p, const Tensor &pastKey,
                const Tensor &pastValue) {
  for (const Tensor &t : {pastKey, pastValue})
    if (t->rank() != 4 || t->type != p.k.tensor->type)
      fail("a past state has rank " + Twine(t->rank()) + " and type " +
           name(t->type));
  e.require(pastKey->shape[2], pastValue->shape[2], "past lengths");
  p.k = {e.concat({pastKey, inOrder(e, p.k)}, 2)};
  p.v = {e.concat({pastValue, inOrder(e, p.v)}, 2)};
}

void readCausal(Node &n, SdpaParts &p, bool hasPast) {
  if (n.intAttr("unidirectional", 0))
    p.causal = hasPast ? attn::Causal::bottom_right : attn::Causal::top_left;
}

/// MultiHeadAttention: query, key and value projected, or packed as [b, s, h,
/// 3, d] or [b, s, h, 2, d].
void importMultiHead(Node &n) {
  Emitter &e = n.e;
  int64_t heads = n.intAttr("num_heads");
  refuseInputs(n, 8);
  for (size_t i : {0, 1, 2, 3, 5, 6, 7})
    if (n.has(i) && n.input(i)->type != n.floatInput(0)->type)
      fail("input " + Twine(i) + ": expected " + name(n.input(0)->type) +
           ", got " + name(n.input(i)->type));
  Tensor q = n.input(0), k = n.optional(1), v = n.optional(2);
  SdpaParts p;
  auto bshd = [](Tensor t) {
    Heads r{t};
    r.at[1] = 2;
    r.at[2] = 1;
    return r;
  };
  if (q->rank() == 5) {
    e.require(q->shape[2], heads, "heads of the packed query");
    e.require(q->shape[3], 3, "packed query");
    p.q = bshd(pickOne(e, q, 3, 0));
    p.k = bshd(pickOne(e, q, 3, 1));
    p.v = bshd(pickOne(e, q, 3, 2));
    if (k || v || n.has(3))
      fail("a packed query with a key, value or bias is not supported");
  } else if (k && k->rank() == 5) {
    e.require(k->shape[2], heads, "heads of the packed key");
    e.require(k->shape[3], 2, "packed key");
    p.q = splitHeads(e, q, heads, "input 0");
    p.k = bshd(pickOne(e, k, 3, 0));
    p.v = bshd(pickOne(e, k, 3, 1));
    if (v || n.has(3))
      fail("a packed key with a value or bias is not supported");
  } else {
    if (!k || !v)
      fail("key and value are missing");
    if (Tensor bias = n.optional(3)) { // of q, k and v, side by side
      if (bias->rank() != 1 || k->rank() != 3 || v->rank() != 3)
        fail("input 3: expected a vector, with 3-D key and value");
      Sym a = q->shape.back(), c = k->shape.back(), d = v->shape.back();
      e.require(bias->shape[0], a + c + d, "bias");
      q = map2<arith::AddFOp>(e, q, part(e, bias, 0, 0, a));
      k = map2<arith::AddFOp>(e, k, part(e, bias, 0, a, c));
      v = map2<arith::AddFOp>(e, v, part(e, bias, 0, a + c, d));
    }
    p.q = splitHeads(e, q, heads, "input 0");
    // Keys of a cross-attention may come as [b, h, s, d].
    p.k = k->rank() == 4 ? Heads{k} : splitHeads(e, k, heads, "input 1");
    p.v = v->rank() == 4 ? Heads{v} : splitHeads(e, v, heads, "input 2");
  }
  if (n.has(6) != n.has(7))
    fail("past_key and past_value must come together");
  if (n.has(6))
    appendPast(e, p, n.input(6), n.input(7));
  p.finish(e);
  if (n.has(4))
    addPadding(n, p, n.input(4));
  if (n.has(5))
    addBias(e, p, n.input(5));
  readCausal(n, p, n.has(6));
  readScale(n, p);
  setOutputs(n, p);
}

/// Attention: one weight matrix projects the input to q, k and v.
void importPackedAttention(Node &n) {
  Emitter &e = n.e;
  int64_t heads = n.intAttr("num_heads");
  refuse(n, {"do_rotary", "past_present_share_buffer"});
  refuseInputs(n, 6);
  n.requireRank(0, 3, 3);
  n.requireRank(1, 2, 2);
  const Tensor &x = n.floatInput(0), &w = n.input(1);
  for (size_t i : {1, 2, 4, 5})
    if (n.has(i) && n.input(i)->type != x->type)
      fail("input " + Twine(i) + " has another type than the input");
  SmallVector<Sym> widths;
  if (auto given = n.intsAttr("qkv_hidden_sizes"); given && !given->empty()) {
    if (given->size() != 3)
      fail("attribute 'qkv_hidden_sizes' has " + Twine(given->size()) +
           " entries, expected 3");
    widths.assign(given->begin(), given->end());
  } else {
    auto third = w->shape[1].exactQuotient(3);
    if (!third)
      fail("the weights do not divide into q, k and v");
    widths.assign(3, *third);
  }
  e.require(w->shape[1], widths[0] + widths[1] + widths[2], "weights");
  Shape flat = {x->shape[0] * x->shape[1], x->shape[2]};
  Tensor y = e.matmul(e.reshape(x, flat), w);
  if (Tensor bias = n.optional(2)) {
    if (bias->rank() != 1)
      fail("input 2: expected a vector");
    e.require(bias->shape[0], w->shape[1], "bias");
    y = map2<arith::AddFOp>(e, y, bias);
  }
  y = e.reshape(y, {x->shape[0], x->shape[1], w->shape[1]});
  SdpaParts p;
  Heads *parts[] = {&p.q, &p.k, &p.v};
  Sym at(0);
  for (size_t i = 0; i < 3; ++i) {
    *parts[i] = splitHeads(e, part(e, y, 2, at, widths[i]), heads, "input 1");
    at = at + widths[i];
  }
  if (Tensor past = n.optional(4)) { // [2, b, h, s, d]
    n.requireRank(4, 5, 5);
    e.require(past->shape[0], 2, "past");
    appendPast(e, p, pickOne(e, past, 0, 0), pickOne(e, past, 0, 1));
  }
  p.finish(e);
  if (n.has(3))
    addPadding(n, p, n.input(3));
  if (n.has(5))
    addBias(e, p, n.input(5));
  readCausal(n, p, n.has(4));
  readScale(n, p);
  n.set(merged(e, p));
  if (n.wants(1)) {
    SmallVector<Tensor> both;
    for (const Heads *h : {&p.k, &p.v}) {
      Tensor t = inOrder(e, *h);
      Shape shape = t->shape;
      shape.insert(shape.begin(), Sym(1));
      both.push_back(e.reshape(t, shape));
    }
    n.set(1, e.concat(both, 0));
  }
}

/// Rows [from, from + count) of a rotary cache as [1, count, half].
Tensor cacheRows(Emitter &e, const Tensor &cache, const Sym &from,
                 const Sym &count) {
  if (cache->rank() != 2)
    fail("a rotary cache has rank " + Twine(cache->rank()) + ", expected 2");
  e.requireAtLeast(cache->shape[0] - from - count, 0,
                   "rows that the rotary cache has left");
  return e.reshape(part(e, cache, 0, from, count), {1, count, cache->shape[1]});
}

/// GroupQueryAttention with the past in front of the new keys. A buffer that
/// past and present share, or batches of unlike lengths, fail at run time.
void importGroupQuery(Node &n) {
  Emitter &e = n.e;
  int64_t heads = n.intAttr("num_heads"), kvHeads = n.intAttr("kv_num_heads");
  refuse(n, {"smooth_softmax", "qk_output", "k_quant_type", "v_quant_type"});
  refuseInputs(n, 9);
  Tensor q = n.floatInput(0), k = n.optional(1), v = n.optional(2);
  n.requireRank(0, 3, 3);
  if (heads < 1 || kvHeads < 1)
    fail("the node has no heads");
  if (!k) { // packed: q, k and v side by side
    auto size = q->shape[2].exactQuotient(heads + 2 * kvHeads);
    if (!size || v)
      fail("the packed query does not divide by its heads");
    Sym wide = *size * Sym(heads), narrow = *size * Sym(kvHeads);
    Tensor all = q;
    q = part(e, all, 2, 0, wide);
    k = part(e, all, 2, wide, narrow);
    v = part(e, all, 2, wide + narrow, narrow);
  }
  if (!v)
    fail("the value is missing");
  SdpaParts p;
  p.q = splitHeads(e, q, heads, "input 0");
  p.k = splitHeads(e, k, kvHeads, "input 1");
  p.v = splitHeads(e, v, kvHeads, "input 2");
  if (!n.has(3) || !n.has(4))
    fail("past_key or past_value is missing");
  Sym past = e.canonical(n.input(3)->shape.size() == 4 ? n.input(3)->shape[2]
                                                       : Sym(0));
  Sym fresh = e.canonical(q->shape[1]);
  // seqlens_k is the number of keys of each batch entry, less one.
  const Tensor &lengths = n.input(5);
  if (lengths->type != DType::I32)
    fail("input 5: expected int32, got " + name(lengths->type));
  Tensor flat = e.reshape(lengths, {q->shape[0]});
  Value want = arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(),
                                          e.size(past + fresh - Sym(1)));
  for (ReduceKind kind : {ReduceKind::Min, ReduceKind::Max}) {
    Tensor extreme = e.reduce(flat, {0}, false, kind);
    Value found =
        tensor::ExtractOp::create(e.b, e.loc, e.ir(extreme), ValueRange());
    e.assertThat(arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                       found, want),
                 "seqlens_k: expected the length of past and new keys less "
                 "one, for each batch entry (shared buffers and padded "
                 "batches are not supported)");
  }
  if (n.intAttr("do_rotary", 0)) {
    Sym rotated = n.floatInput(7)->shape.back() * Sym(2);
    Tensor cos = cacheRows(e, n.floatInput(7), past, fresh),
           sin = cacheRows(e, n.floatInput(8), past, fresh);
    bool interleaved = n.intAttr("rotary_interleaved", 0);
    for (Heads *h : {&p.q, &p.k})
      h->tensor = rotate(e, h->tensor, cos, sin, rotated, 2, interleaved);
  }
  appendPast(e, p, n.input(3), n.input(4));
  p.finish(e);
  p.causal = attn::Causal::bottom_right;
  int64_t window = n.intAttr("local_window_size", -1);
  if (window >= 1) // the key itself and those before it
    p.window = {window - 1, -1};
  p.softcap = n.floatAttr("softcap", 0);
  readScale(n, p);
  setOutputs(n, p);
}

/// The standard's op with other inputs: x, position ids, caches.
void importContribRotary(Node &n) {
  Emitter &e = n.e;
  refuse(n, {"is_packed_batching"});
  if (double scale = n.floatAttr("scale", 1); scale != 1)
    fail("attribute 'scale' is not 1");
  n.requireRank(0, 3, 4);
  const Tensor &input = n.floatInput(0), &cache = n.floatInput(2);
  if (cache->rank() != 2 || n.floatInput(3)->rank() != 2)
    fail("expected 2-D caches");
  Tensor x = input, ids = n.input(1);
  int64_t headAxis = 1;
  Sym rotated = n.intAttr("rotary_embedding_dim", 0);
  if (x->rank() == 3) {
    int64_t heads = n.intAttr("num_heads", 0);
    Sym size = cache->shape[1] * Sym(2);
    auto count = x->shape[2].exactQuotient(size);
    if (heads == 0 && (!count || !count->constant()))
      fail("the heads are not known");
    x = splitHeads(e, x, heads ? heads : *count->constant(), "input 0").tensor;
    headAxis = 2;
  }
  if (rotated == Sym(0))
    rotated = x->shape[3];
  if (ids->type != DType::I64 || ids->rank() < 1 || ids->rank() > 2)
    fail("input 1: expected int64 of rank 1 or 2");
  Sym length = x->shape[headAxis == 1 ? 2 : 1];
  if (ids->rank() == 1) { // the position of the first element
    e.require(ids->shape[0], 1, "position ids");
    Value first = e.ir(e.reshape(ids, {}));
    ids = e.generate(
        DType::I64, {1, length},
        [&](OpBuilder &b, Location l, ValueRange i) -> Value {
          Value from = tensor::ExtractOp::create(b, l, first, ValueRange());
          Value step = arith::IndexCastOp::create(b, l, b.getI64Type(), i[1]);
          return arith::AddIOp::create(b, l, from, step);
        });
  }
  Tensor y =
      rotate(e, x, gather(e, cache, ids, 0), gather(e, n.input(3), ids, 0),
             rotated, headAxis, n.intAttr("interleaved", 0));
  n.set(e.reshape(y, input->shape));
}

} // namespace

llvm::ArrayRef<OpEntry> contribAttentionOps() {
  static const OpEntry ops[] = {
      {"MultiHeadAttention", 1, 1, 10, importMultiHead},
      {"Attention", 1, 2, 7, importPackedAttention},
      {"GroupQueryAttention", 1, 1, 14, importGroupQuery},
      {"RotaryEmbedding", 1, 4, 4, importContribRotary},
  };
  return ops;
}

} // namespace heed::import
