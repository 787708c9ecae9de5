// Scatter.cpp - ScatterND: a copy of x with slices replaced.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Scatter.h"
#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Gather.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

/// x, indices and updates, checked: updates[u, ...] replaces x[indices[u],
/// ...].
struct Scatter {
  Tensor x, indices, updates; // indices [count, k], updates [count, rest...]
  size_t k;                   // components of an index
  Sym count;
};

/// With known indices and rows: the last update that writes each row, or −1, as
/// a constant; then a select between that update and x.
Tensor scatterByTable(Emitter &e, const Scatter &s, ArrayRef<int64_t> rows) {
  auto strides = stridesOf(rows);
  int64_t count = *s.count.constant();
  std::vector<int64_t> writer(checkedCount(rows), -1);
  for (int64_t u = 0; u < count; ++u) {
    int64_t row = 0;
    for (size_t d = 0; d < s.k; ++d) {
      int64_t i = s.indices->constant->asInt(u * s.k + d);
      i = i < 0 ? i + rows[d] : i;
      if (i < 0 || i >= rows[d])
        fail("an index is outside of a dimension of size " + Twine(rows[d]));
      row += i * strides[d];
    }
    writer[row] = u;
  }
  Shape table(s.x->rank(), Sym(1));
  for (size_t d = 0; d < s.k; ++d)
    table[d] = rows[d];
  Tensor from = e.constant(
      HostTensor::ofInts(DType::I64, *staticShape(table), writer), "rows");
  Value source = e.ir(s.updates), none = e.scalarInt(e.b.getI64Type(), 0);
  return e.elementwise(
      {s.x, from}, s.x->type,
      [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        Value written =
            arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge, v[1], none);
        Value safe = arith::MaxSIOp::create(b, l, v[1], none);
        SmallVector<Value> at = {
            arith::IndexCastOp::create(b, l, b.getIndexType(), safe)};
        for (size_t d = s.k; d < s.x->rank(); ++d)
          at.push_back(linalg::IndexOp::create(b, l, d));
        Value update = tensor::ExtractOp::create(b, l, source, at);
        return arith::SelectOp::create(b, l, written, update, v[0]);
      });
}

/// Slice by slice, in order.
Tensor scatterByLoop(Emitter &e, const Scatter &s) {
  OpBuilder &b = e.b;
  SmallVector<IndexClamp> clamps;
  for (size_t d = 0; d < s.k; ++d) {
    SmallVector<Sym> offsets = {0, int64_t(d)};
    SmallVector<int64_t> strides = {1, 1};
    Tensor component = e.slice(s.indices, offsets, {s.count, 1}, strides);
    checkIndices(e, component, s.x->shape[d]);
    clamps.emplace_back(e, component, s.x->shape[d]);
  }
  Shape slice(s.k, Sym(1));
  slice.append(s.x->shape.begin() + s.k, s.x->shape.end());
  SmallVector<OpFoldResult> sizes = e.foldedSizes(slice),
                            ones(s.x->rank(), b.getIndexAttr(1)),
                            from(s.updates->rank(), b.getIndexAttr(0)),
                            fromOnes(s.updates->rank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> fromSizes = e.foldedSizes(s.updates->shape);
  fromSizes[0] = b.getIndexAttr(1);
  Shape rest(s.x->shape.begin() + s.k, s.x->shape.end());
  RankedTensorType part = e.typeOf(s.x->type, rest);
  Value source = e.ir(s.updates), indices = e.ir(s.indices), x = e.ir(s.x);
  SmallVector<Value> components;
  for (size_t d = 0; d < s.k; ++d)
    components.push_back(e.scalarInt(b.getIndexType(), d));
  Value zero = e.scalarInt(b.getIndexType(), 0),
        one = e.scalarInt(b.getIndexType(), 1);
  auto loop = scf::ForOp::create(
      b, e.loc, zero, e.size(s.count), one, x,
      [&](OpBuilder &at, Location l, Value u, ValueRange state) {
        SmallVector<OpFoldResult> offsets(s.x->rank(), at.getIndexAttr(0));
        for (size_t d = 0; d < s.k; ++d) {
          Value i = tensor::ExtractOp::create(at, l, indices,
                                              ValueRange{u, components[d]});
          offsets[d] = clamps[d](at, l, i);
        }
        SmallVector<OpFoldResult> start = from;
        start[0] = u;
        Value update = tensor::ExtractSliceOp::create(
            at, l, part, source, start, fromSizes, fromOnes);
        Value next = tensor::InsertSliceOp::create(at, l, update, state[0],
                                                   offsets, sizes, ones);
        scf::YieldOp::create(at, l, next);
      });
  return e.computed(loop.getResult(0), s.x->type, s.x->shape);
}

/// Element by element, reduced into what is there.
Tensor scatterReduced(Emitter &e, const Scatter &s, Reduction reduction) {
  SmallVector<IndexClamp> clamps;
  SmallVector<Value> components;
  for (size_t d = 0; d < s.k; ++d) {
    SmallVector<Sym> offsets = {0, int64_t(d)};
    SmallVector<int64_t> strides = {1, 1};
    Tensor component = e.slice(s.indices, offsets, {s.count, 1}, strides);
    checkIndices(e, component, s.x->shape[d]);
    clamps.emplace_back(e, component, s.x->shape[d]);
    components.push_back(e.scalarInt(e.b.getIndexType(), d));
  }
  Value indices = e.ir(s.indices);
  return scatterElementwise(e, s.x, s.updates, reduction,
                            [&](OpBuilder &b, Location l, ValueRange p) {
                              SmallVector<Value> to;
                              for (size_t d = 0; d < s.k; ++d) {
                                Value i = tensor::ExtractOp::create(
                                    b, l, indices,
                                    ValueRange{p[0], components[d]});
                                to.push_back(clamps[d](b, l, i));
                              }
                              to.append(p.begin() + 1, p.end());
                              return to;
                            });
}

void importScatterND(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 1);
  n.requireRank(1, 1);
  Scatter s{n.input(0), n.input(1), n.input(2), 0, Sym(1)};
  if (s.x->type != s.updates->type)
    fail("input types differ: " + name(s.x->type) + " and " +
         name(s.updates->type));
  if (s.indices->type != DType::I64)
    fail("input 1: expected int64 indices, got " + name(s.indices->type));
  Reduction reduction = readReduction(n);
  auto tuple = s.indices->shape.back().constant();
  if (!tuple || *tuple < 1 || size_t(*tuple) > s.x->rank())
    fail("the index tuples do not fit the rank");
  s.k = *tuple;
  size_t lead = s.indices->rank() - 1;
  if (s.updates->rank() != lead + s.x->rank() - s.k)
    fail("the updates have rank " + Twine(s.updates->rank()) + ", expected " +
         Twine(lead + s.x->rank() - s.k));
  for (size_t d = 0; d < s.updates->rank(); ++d)
    e.require(s.updates->shape[d],
              d < lead ? s.indices->shape[d] : s.x->shape[s.k + d - lead],
              "updates, dimension " + Twine(d));
  for (size_t d = 0; d < lead; ++d)
    s.count = s.count * s.indices->shape[d];
  s.count = e.canonical(s.count);
  if (s.count == Sym(0))
    return n.set(s.x);
  s.indices = e.reshape(s.indices, {s.count, *tuple});
  Shape flat = {s.count};
  flat.append(s.x->shape.begin() + s.k, s.x->shape.end());
  s.updates = e.reshape(s.updates, flat);
  if (reduction != Reduction::None)
    return n.set(scatterReduced(e, s, reduction));
  auto rows = e.foldable(ArrayRef<Sym>(s.x->shape).take_front(s.k), 1 << 23);
  if (s.indices->constant && rows)
    n.set(scatterByTable(e, s, *rows));
  else
    n.set(scatterByLoop(e, s));
}

} // namespace

llvm::ArrayRef<OpEntry> scatterOps() {
  static const OpEntry ops[] = {
      {"ScatterND", 11, 3, 3, importScatterND},
  };
  return ops;
}

} // namespace heed::import
