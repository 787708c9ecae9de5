// Gather.cpp - Gather, GatherElements and GatherND.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Indices that the program computes are checked before they are used, and
// clamped where they are used, so that no input reads out of bounds.

#include "tools/lib/import/ops/Gather.h"
#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

static SmallVector<int64_t> allAxes(const Tensor &t) {
  SmallVector<int64_t> axes;
  for (size_t d = 0; d < t->rank(); ++d)
    axes.push_back(d);
  return axes;
}

void checkIndices(Emitter &e, const Tensor &indices, const Sym &size) {
  if (indices->constant && size.isConstant()) {
    int64_t limit = *size.constant();
    for (int64_t i = 0; i < indices->constant->count(); ++i)
      if (int64_t v = indices->constant->asInt(i); v < -limit || v >= limit)
        fail("index " + Twine(v) + " is outside of a dimension of size " +
             Twine(limit));
    return;
  }
  OpBuilder &b = e.b;
  Location l = e.loc;
  auto extreme = [&](ReduceKind kind) -> Value {
    Tensor r = indices->rank()
                   ? e.reduce(indices, allAxes(indices), false, kind)
                   : indices;
    return tensor::ExtractOp::create(b, l, e.ir(r), ValueRange());
  };
  Type type = irType(indices->type, b.getContext());
  Value limit = arith::IndexCastOp::create(b, l, type, e.size(size));
  Value low = arith::SubIOp::create(b, l, e.scalarInt(type, 0), limit);
  Value high = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt,
                                     extreme(ReduceKind::Max), limit);
  Value notLow = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge,
                                       extreme(ReduceKind::Min), low);
  // An empty index tensor has the extremes ±2^63 and fetches nothing.
  Value valid = arith::AndIOp::create(b, l, high, notLow);
  bool mayBeEmpty = false;
  for (const Sym &s : indices->shape)
    if (auto bound = e.syms.lowerBound(s); !bound || *bound < 1)
      mayBeEmpty = true;
  if (mayBeEmpty) {
    Value count = e.size(e.product(indices->shape));
    Value none = arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, count,
                                       e.scalarInt(b.getIndexType(), 0));
    valid = arith::OrIOp::create(b, l, valid, none);
  }
  e.assertThat(valid, "an index is out of bounds");
}

IndexClamp::IndexClamp(Emitter &e, const Tensor &indices, const Sym &extent) {
  plain = indices->constant && extent.isConstant();
  for (int64_t i = 0; plain && i < indices->constant->count(); ++i)
    plain = indices->constant->asInt(i) >= 0;
  zero = e.scalarInt(e.b.getIndexType(), 0);
  size = e.size(extent);
  last = e.size(extent - Sym(1));
}

Value IndexClamp::operator()(OpBuilder &b, Location l, Value v) const {
  Value i = arith::IndexCastOp::create(b, l, b.getIndexType(), v);
  if (plain)
    return i;
  Value fromEnd = arith::AddIOp::create(b, l, i, size);
  Value negative =
      arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, i, zero);
  i = arith::SelectOp::create(b, l, negative, fromEnd, i);
  i = arith::MinSIOp::create(b, l, i, last);
  return arith::MaxSIOp::create(b, l, i, zero);
}

namespace {

Tensor integerIndices(Node &n, size_t i) {
  const Tensor &t = n.input(i);
  if (t->type != DType::I64 && t->type != DType::I32)
    fail("input " + Twine(i) + ": expected int32 or int64 indices, got " +
         name(t->type));
  return t;
}

/// Indices that count up by one step: a slice.
std::optional<int64_t> stepOf(const std::vector<Sym> &indices) {
  if (indices.size() == 1)
    return 1;
  std::optional<int64_t> step;
  for (size_t i = 1; i < indices.size(); ++i) {
    auto d = (indices[i] - indices[i - 1]).constant();
    if (!d || *d < 1 || (step && *step != *d))
      return std::nullopt;
    step = d;
  }
  return step;
}

} // namespace

Tensor gather(Emitter &e, const Tensor &x, const Tensor &indices,
              int64_t axis) {
  Sym size = e.canonical(x->shape[axis]);
  Shape shape(x->shape.begin(), x->shape.begin() + axis);
  shape.append(indices->shape);
  shape.append(x->shape.begin() + axis + 1, x->shape.end());

  if (auto known = e.knownElements(indices)) {
    std::vector<Sym> at;
    bool inside = true;
    for (const Sym &s : *known) {
      auto c = s.constant();
      if (c && size.isConstant() &&
          (*c < -*size.constant() || *c >= *size.constant()))
        fail("index " + Twine(*c) + " is outside of a dimension of size " +
             Twine(*size.constant()));
      at.push_back(c && *c < 0 ? size + s : s);
      auto low = e.syms.lowerBound(at.back());
      auto room = e.syms.lowerBound(size - at.back());
      inside &= low && *low >= 0 && room && *room >= 1;
    }
    bool constant = size.isConstant() && llvm::all_of(at, [](const Sym &s) {
                      return s.isConstant();
                    });
    if (auto dims = e.foldable(shape, 1 << 20);
        dims && constant && e.isKnown(x)) {
      auto from = *staticShape(x->shape), strides = stridesOf(from);
      auto inner = stridesOf(*staticShape(indices->shape));
      size_t count = indices->rank();
      return e.pick(x, *dims, [&](ArrayRef<int64_t> out) {
        int64_t flat = 0, index = 0;
        for (size_t d = 0; d < count; ++d)
          flat += out[axis + d] * inner[d];
        for (size_t d = 0; d < from.size(); ++d)
          index += strides[d] * (int64_t(d) < axis    ? out[d]
                                 : int64_t(d) == axis ? *at[flat].constant()
                                                      : out[d + count - 1]);
        return index;
      });
    }
    auto step = at.empty() ? std::nullopt : stepOf(at);
    if (step) {
      if (!inside) {
        e.requireAtLeast(at.front(), 0, "an index");
        e.requireAtLeast(size - at.back(), 1, "size minus an index");
      }
      SmallVector<Sym> offsets(x->rank(), Sym(0));
      SmallVector<int64_t> strides(x->rank(), 1);
      Shape sizes = x->shape;
      offsets[axis] = at.front();
      strides[axis] = *step;
      sizes[axis] = int64_t(at.size());
      return e.reshape(e.slice(x, offsets, sizes, strides), shape);
    }
  }
  checkIndices(e, indices, size);
  IndexClamp clamp(e, indices, size);
  Value source = e.ir(x);
  OpBuilder &b = e.b;
  SmallVector<AffineExpr> exprs;
  for (size_t d = 0; d < indices->rank(); ++d)
    exprs.push_back(b.getAffineDimExpr(axis + d));
  SmallVector<AffineMap> maps = {
      AffineMap::get(shape.size(), 0, exprs, b.getContext()),
      b.getMultiDimIdentityMap(shape.size())};
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  Value init = e.empty(x->type, shape);
  size_t count = indices->rank();
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), e.ir(indices), init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange a) {
        SmallVector<Value> from;
        for (size_t d = 0; d < x->rank(); ++d)
          from.push_back(int64_t(d) == axis
                             ? clamp(at, l, a[0])
                             : linalg::IndexOp::create(
                                   at, l, int64_t(d) < axis ? d : d + count - 1)
                                   .getResult());
        Value v = tensor::ExtractOp::create(at, l, source, from);
        linalg::YieldOp::create(at, l, v);
      });
  return e.computed(op.getResult(0), x->type, shape);
}

namespace {

void importGather(Node &n) {
  n.requireRank(0, 1);
  const Tensor &x = n.input(0);
  Tensor indices = integerIndices(n, 1);
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", 0), x->rank());
  n.set(gather(n.e, x, indices, axis));
}

void importGatherElements(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 1);
  const Tensor &x = n.input(0);
  Tensor indices = integerIndices(n, 1);
  if (indices->rank() != x->rank())
    fail("the indices have rank " + Twine(indices->rank()) + ", the input " +
         Twine(x->rank()));
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", 0), x->rank());
  for (size_t d = 0; d < x->rank(); ++d)
    if (int64_t(d) != axis)
      e.requireAtLeast(x->shape[d] - indices->shape[d], 0,
                       "dimension " + Twine(d) + " of input minus indices");
  checkIndices(e, indices, x->shape[axis]);
  IndexClamp clamp(e, indices, x->shape[axis]);
  Value source = e.ir(x);
  n.set(e.elementwise(
      {indices}, x->type,
      [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
        SmallVector<Value> from;
        for (size_t d = 0; d < x->rank(); ++d)
          from.push_back(int64_t(d) == axis
                             ? clamp(b, l, v[0])
                             : linalg::IndexOp::create(b, l, d).getResult());
        return tensor::ExtractOp::create(b, l, source, from);
      }));
}

/// Index tuples of the last dim of `indices`, one tensor a component.
SmallVector<Tensor> components(Emitter &e, const Tensor &indices) {
  auto count = indices->shape.back().constant();
  if (!count || *count > 16)
    fail("the number of index components is unknown or too large");
  SmallVector<Tensor> parts;
  Shape lead(indices->shape.begin(), indices->shape.end() - 1);
  for (int64_t k = 0; k < *count; ++k) {
    SmallVector<Sym> offsets(indices->rank(), Sym(0));
    SmallVector<int64_t> strides(indices->rank(), 1);
    Shape sizes = indices->shape;
    offsets.back() = k;
    sizes.back() = 1;
    parts.push_back(e.reshape(e.slice(indices, offsets, sizes, strides), lead));
  }
  return parts;
}

void importGatherND(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 1);
  n.requireRank(1, 1);
  const Tensor &x = n.input(0);
  Tensor indices = integerIndices(n, 1);
  int64_t batch = n.intAttr("batch_dims", 0);
  SmallVector<Tensor> parts = components(e, indices);
  if (batch < 0 || batch >= int64_t(std::min(x->rank(), indices->rank())) ||
      batch + parts.size() > x->rank())
    fail("attribute 'batch_dims' or the index components do not fit the ranks");
  size_t lead = indices->rank() - 1, first = batch,
         fixed = batch + parts.size();
  Shape shape(indices->shape.begin(), indices->shape.end() - 1);
  shape.append(x->shape.begin() + fixed, x->shape.end());
  SmallVector<IndexClamp> clamps;
  SmallVector<Value> operands;
  OpBuilder &b = e.b;
  SmallVector<AffineMap> maps;
  for (auto [k, part] : llvm::enumerate(parts)) {
    checkIndices(e, part, x->shape[first + k]);
    clamps.emplace_back(e, part, x->shape[first + k]);
    operands.push_back(e.ir(part));
    maps.push_back(
        AffineMap::getMultiDimIdentityMap(shape.size(), b.getContext())
            .getMajorSubMap(lead));
  }
  for (int64_t d = 0; d < batch; ++d)
    e.require(x->shape[d], indices->shape[d], "batch dimension " + Twine(d));
  maps.push_back(b.getMultiDimIdentityMap(shape.size()));
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  Value init = e.empty(x->type, shape), source = e.ir(x);
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), operands, init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange a) {
        SmallVector<Value> from;
        for (size_t d = 0; d < x->rank(); ++d)
          from.push_back(d >= first && d < fixed
                             ? clamps[d - first](at, l, a[d - first])
                             : linalg::IndexOp::create(
                                   at, l, d < first ? d : d - fixed + lead)
                                   .getResult());
        Value v = tensor::ExtractOp::create(at, l, source, from);
        linalg::YieldOp::create(at, l, v);
      });
  n.set(e.computed(op.getResult(0), x->type, shape));
}

} // namespace

llvm::ArrayRef<OpEntry> gatherOps() {
  static const OpEntry ops[] = {
      {"Gather", 1, 2, 2, importGather},
      {"GatherElements", 11, 2, 2, importGatherElements},
      {"GatherND", 11, 2, 2, importGatherND},
  };
  return ops;
}

} // namespace heed::import
