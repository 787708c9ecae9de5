// Sdpa.cpp - attn.sdpa from the parts that the attention ops have in common,
// and the scores that some of them return as well.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Sdpa.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Map.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

AffineMap Heads::map(ArrayRef<AffineExpr> bhsd, MLIRContext *context) const {
  SmallVector<AffineExpr> exprs(4);
  for (unsigned i = 0; i < 4; ++i)
    exprs[at[i]] = bhsd[i];
  return AffineMap::get(6, 0, exprs, context);
}

Heads splitHeads(Emitter &e, const Tensor &x, int64_t heads,
                 const Twine &what) {
  if (heads < 1)
    fail(what + ": " + Twine(heads) + " heads");
  if (x->rank() != 3)
    fail(what + ": rank " + Twine(x->rank()) + ", expected 3");
  auto size = x->shape[2].exactQuotient(heads);
  if (!size)
    fail(what + ": its last dimension does not divide by " + Twine(heads) +
         " heads");
  Heads r{e.reshape(x, {x->shape[0], x->shape[1], heads, *size})};
  r.at[1] = 2;
  r.at[2] = 1;
  return r;
}

Tensor inOrder(Emitter &e, const Heads &x) {
  return e.transpose(x.tensor, {x.at[0], x.at[1], x.at[2], x.at[3]});
}

void SdpaParts::finish(Emitter &e) {
  batch = e.canonical(q.size(0));
  heads = e.canonical(q.size(1));
  queries = e.canonical(q.size(2));
  keys = e.canonical(k.size(2));
  e.require(k.size(0), batch, "batch of key");
  e.require(v.size(0), batch, "batch of value");
  e.require(q.size(3), k.size(3), "head sizes of query and key");
  e.require(v.size(2), keys, "lengths of key and value");
  e.require(v.size(1), k.size(1), "heads of key and value");
  auto ratio = heads.exactQuotient(e.canonical(k.size(1)));
  if (!ratio || !ratio->constant() || *ratio->constant() < 1)
    fail("the heads of key do not divide the heads of query");
  group = *ratio->constant();
}

void SdpaParts::checkMask(Emitter &e, const Tensor &t) const {
  if (t->rank() < 1 || t->rank() > 4)
    fail("the mask has rank " + Twine(t->rank()) + ", expected 1 to 4");
  const Sym sizes[] = {batch, heads, queries, keys};
  for (size_t d = 0; d < t->rank(); ++d)
    if (t->shape[d] != Sym(1))
      e.require(t->shape[d], sizes[4 - t->rank() + d],
                "mask, dimension " + Twine(d));
}

static AffineMap maskMap(Emitter &e, const SdpaParts &p, const Tensor &t) {
  const Sym sizes[] = {p.batch, p.heads, p.queries, p.keys};
  SmallVector<AffineExpr> exprs;
  for (size_t d = 0; d < t->rank(); ++d) {
    size_t dim = 4 - t->rank() + d;
    exprs.push_back(t->shape[d] == Sym(1) && sizes[dim] != Sym(1)
                        ? e.b.getAffineConstantExpr(0)
                        : e.b.getAffineDimExpr(dim));
  }
  return AffineMap::get(6, 0, exprs, e.b.getContext());
}

/// The query, and the scale that is left for the attention: where the head size
/// is only known at run time the query takes all of it.
static std::pair<Tensor, double> scaledQuery(Emitter &e, const SdpaParts &p) {
  Tensor query = p.q.tensor;
  if (p.scale)
    return {query, *p.scale};
  if (auto size = p.q.size(3).constant())
    return {query, 1 / std::sqrt(static_cast<double>(*size))};
  Value reciprocal = e.reciprocalOf(p.q.size(3), query->type);
  Value factor = math::SqrtOp::create(e.b, e.loc, reciprocal);
  query =
      e.elementwise({query}, query->type,
                    [&](OpBuilder &at, Location l, ArrayRef<Value> x) -> Value {
                      return arith::MulFOp::create(at, l, x[0], factor);
                    });
  return {query, 1};
}

Tensor emitSdpa(Emitter &e, const SdpaParts &p) {
  OpBuilder &b = e.b;
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> d;
  for (unsigned i = 0; i < 6; ++i)
    d.push_back(b.getAffineDimExpr(i));
  using Dim = attn::SdpaOp;
  AffineExpr kvHead = p.group == 1 ? d[Dim::H] : d[Dim::H].floorDiv(p.group);
  SmallVector<AffineMap> maps = {
      p.q.map({d[Dim::B], d[Dim::H], d[Dim::I], d[Dim::D]}, context),
      p.k.map({d[Dim::B], kvHead, d[Dim::J], d[Dim::D]}, context),
      p.v.map({d[Dim::B], kvHead, d[Dim::J], d[Dim::E]}, context)};
  if (p.bias)
    maps.push_back(maskMap(e, p, p.bias));
  if (p.mask)
    maps.push_back(maskMap(e, p, p.mask));
  if (p.length)
    maps.push_back(AffineMap::get(6, 0, d[Dim::B], context));
  maps.push_back(
      p.q.map({d[Dim::B], d[Dim::H], d[Dim::I], d[Dim::E]}, context));

  auto [query, scale] = scaledQuery(e, p);
  Shape shape(4);
  for (unsigned i = 0; i < 3; ++i)
    shape[p.q.at[i]] = p.q.size(i);
  shape[p.q.at[3]] = p.v.size(3);
  auto ir = [&](const Tensor &t) { return t ? e.ir(t) : Value(); };
  Value init = e.empty(query->type, shape);
  auto op = attn::SdpaOp::create(
      b, e.loc, TypeRange{init.getType()}, ir(query), ir(p.k.tensor),
      ir(p.v.tensor), ir(p.bias), ir(p.mask), ir(p.length), init, Value(),
      b.getAffineMapArrayAttr(maps), APFloat(scale), p.causal,
      p.window.empty() ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(p.window),
      p.softcap > 0 ? b.getF64FloatAttr(p.softcap) : FloatAttr(),
      attn::MaskedRows::zero);
  return e.computed(op->getResult(0), query->type, shape);
}

/// Whether query i attends key j, from the causal order, the window and the
/// lengths; null where all do.
static Tensor positions(Emitter &e, const SdpaParts &p) {
  bool causal = p.causal != attn::Causal::none;
  if (!causal && p.window.empty() && !p.length)
    return nullptr;
  Type index = e.b.getIndexType();
  bool atEnd = p.causal == attn::Causal::bottom_right;
  Value offset = e.size(atEnd ? p.keys - p.queries : Sym(0));
  Value lengths = p.length ? e.ir(p.length) : Value();
  int64_t left = p.window.empty() ? -1 : p.window[0],
          right = p.window.empty() ? -1 : p.window[1];
  return e.generate(
      DType::Bool, {p.length ? p.batch : Sym(1), 1, p.queries, p.keys},
      [&](OpBuilder &at, Location l, ValueRange i) -> Value {
        Value keep = e.scalar(DType::Bool, 1);
        auto atMost = [&](Value x, Value y) {
          Value holds =
              arith::CmpIOp::create(at, l, arith::CmpIPredicate::sle, x, y);
          keep = arith::AndIOp::create(at, l, keep, holds);
        };
        Value j = i[3], from = arith::AddIOp::create(at, l, i[2], offset);
        if (causal)
          atMost(j, from);
        if (left >= 0)
          atMost(arith::SubIOp::create(at, l, from, e.scalarInt(index, left)),
                 j);
        if (right >= 0)
          atMost(j,
                 arith::AddIOp::create(at, l, from, e.scalarInt(index, right)));
        if (lengths) {
          Value n = tensor::ExtractOp::create(at, l, lengths, i[0]);
          n = arith::IndexCastOp::create(at, l, index, n);
          atMost(arith::AddIOp::create(at, l, j, e.scalarInt(index, 1)), n);
        }
        return keep;
      });
}

Tensor emitScores(Emitter &e, const SdpaParts &p, int64_t stage) {
  DType type = p.q.tensor->type;
  auto map = [&](ArrayRef<Tensor> ins, auto formula) {
    return e.elementwise(ins, type,
                         [&](OpBuilder &b, Location l, ArrayRef<Value> v) {
                           Formula s{e, type, b, l};
                           return formula(s, v);
                         });
  };
  // Query heads beside the key head that they share: [b, g, r, i, d].
  auto [query, scale] = scaledQuery(e, p);
  Heads q = p.q;
  q.tensor = query;
  auto kvHeads = e.canonical(p.k.size(1));
  Tensor grouped = e.reshape(
      inOrder(e, q), {p.batch, kvHeads, p.group, p.queries, p.q.size(3)});
  Tensor s = e.contract(grouped, "bgrid", inOrder(e, p.k), "bgjd", "bgrij");
  s = e.reshape(s, {p.batch, p.heads, p.queries, p.keys});
  double factor = scale;
  s = map({s}, [&](Formula &f, ArrayRef<Value> v) {
    return f.mul(v[0], f.c(factor));
  });
  if (stage >= 1 && p.softcap > 0)
    s = map({s}, [&](Formula &f, ArrayRef<Value> v) {
      return f.mul(f.c(p.softcap), f.tanh(f.div(v[0], f.c(p.softcap))));
    });
  if (stage < 2)
    return s;
  if (p.bias)
    s = map2<arith::AddFOp>(e, s, p.bias);
  for (const Tensor &keep : {p.mask, positions(e, p)})
    if (keep)
      s = map({s, keep}, [&](Formula &f, ArrayRef<Value> v) {
        return f.select(v[1], v[0], f.c(-INFINITY));
      });
  if (stage == 2)
    return s;
  // exp(s − m) / Σ, with m = 0 for a row of −∞ and its sum taken as 1.
  Tensor m = e.reduce(s, {3}, true, ReduceKind::Max);
  Tensor ex = map({s, m}, [&](Formula &f, ArrayRef<Value> v) {
    Value isOpen = f.greater(v[1], f.c(-INFINITY));
    return f.exp(f.sub(v[0], f.select(isOpen, v[1], f.c(0))));
  });
  Tensor sum = e.reduce(ex, {3}, true, ReduceKind::Sum);
  return map({ex, sum}, [&](Formula &f, ArrayRef<Value> v) {
    Value isOpen = f.greater(v[1], f.c(0));
    return f.div(v[0], f.select(isOpen, v[1], f.c(1)));
  });
}

} // namespace heed::import
