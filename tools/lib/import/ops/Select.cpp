// Select.cpp - OneHot, Compress, NonZero, ReverseSequence: positions chosen by
// values.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Gather.h"
#include "tools/lib/import/ops/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

/// y[..., d, ...] = values[indices[...] == d], negative indices from the end;
/// one that is out of range is nowhere on.
void importOneHot(Node &n) {
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  Tensor indices = n.input(0);
  const Tensor &values = n.input(2);
  if (indices->type == DType::Bool)
    fail("bool indices are not supported");
  if (isFloat(indices->type) || isUnsigned(indices->type))
    indices = e.cast(indices, DType::I64);
  if (values->rank() != 1)
    fail("the values are no vector");
  e.require(values->shape[0], 2, "values");
  std::vector<Sym> depths =
      e.someElements(isFloat(n.input(1)->type) && n.input(1)->constant
                         ? e.cast(n.input(1), DType::I64)
                         : n.input(1));
  if (depths.size() != 1)
    fail("the depth is no scalar");
  Sym depth = e.canonical(depths[0]);
  e.requireAtLeast(depth, 0, "depth");
  size_t rank = indices->rank() + 1;
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", -1), rank);
  Shape shape = indices->shape, apart = indices->shape;
  shape.insert(shape.begin() + axis, depth);
  apart.insert(apart.begin() + axis, Sym(1));
  auto value = [&](int64_t i) -> Value {
    return tensor::ExtractOp::create(
        b, e.loc, e.ir(values), ValueRange{e.scalarInt(b.getIndexType(), i)});
  };
  Value off = value(0), on = value(1), count = e.size(depth),
        zero = e.scalarInt(b.getIndexType(), 0);
  // Read by position: the new dim is none of the indices'.
  Value source = e.ir(e.reshape(indices, apart));
  n.set(e.generate(
      values->type, shape,
      [&](OpBuilder &at, Location l, ValueRange p) -> Value {
        SmallVector<Value> from(p);
        from[axis] = zero;
        Value i = tensor::ExtractOp::create(at, l, source, from);
        i = arith::IndexCastOp::create(at, l, at.getIndexType(), i);
        Value negative =
            arith::CmpIOp::create(at, l, arith::CmpIPredicate::slt, i, zero);
        Value fromEnd = arith::AddIOp::create(at, l, i, count);
        i = arith::SelectOp::create(at, l, negative, fromEnd, i);
        Value is =
            arith::CmpIOp::create(at, l, arith::CmpIPredicate::eq, i, p[axis]);
        return arith::SelectOp::create(at, l, is, on, off);
      }));
}

/// Where a vector of bool is true, found by the program.
Tensor positionsWhere(Emitter &e, const Tensor &condition) {
  Value source = e.ir(condition);
  return positionsWhere(e, condition->shape[0],
                        [&](Code &c, Value i) { return c.get(source, {i}); });
}

/// Slices of x where the condition is true.
void importCompress(Node &n) {
  Emitter &e = n.e;
  Tensor x = n.input(0);
  const Tensor &condition = n.input(1);
  if (condition->type != DType::Bool || condition->rank() != 1)
    fail("input 1: expected a vector of bool");
  int64_t axis = 0;
  if (n.hasAttr("axis"))
    axis = Node::normalisedAxis(n.intAttr("axis"), x->rank());
  else
    x = e.reshape(x, {e.product(x->shape)});
  if (!condition->constant)
    return n.set(gather(e, x, positionsWhere(e, condition), axis));
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < condition->constant->count(); ++i)
    if (condition->constant->asInt(condition->constant->isSplat() ? 0 : i))
      kept.push_back(i);
  int64_t count = kept.size();
  n.set(gather(e, x, e.constant(HostTensor::ofInts(DType::I64, {count}, kept)),
               axis));
}

/// Those of elements that the program computes: as many as there are then.
Tensor nonZeroPositions(Emitter &e, const Tensor &x) {
  Tensor flat = e.cast(e.reshape(x, {e.product(x->shape)}), DType::Bool);
  Tensor positions = positionsWhere(e, flat);
  // Row-major: position / (all dims after d) % dim d.
  int64_t rank = x->rank();
  Value list = e.ir(positions);
  Sym step(1);
  SmallVector<Tensor> rows(rank);
  for (int64_t d = rank; d-- > 0; step = step * x->shape[d]) {
    Value by = e.size(step), size = e.size(x->shape[d]);
    rows[d] = e.generate(DType::I64, {1, positions->shape[0]},
                         [&](OpBuilder &b, Location l, ValueRange i) -> Value {
                           Code c{e, b, l};
                           Value at = c.fromI64(c.get(list, {i[1]}));
                           return c.i64(c.rem(c.div(at, by), size));
                         });
  }
  return e.concat(rows, 0);
}

/// Row-major positions of the nonzero elements.
void importNonZero(Node &n) {
  const Tensor &x = n.input(0);
  if (!x->constant) {
    n.requireRank(0, 1);
    return n.set(nonZeroPositions(n.e, x));
  }
  const HostTensor &host = *x->constant;
  if (!n.e.chargeFold(8 * host.count()))
    fail("the constant is too large");
  auto strides = stridesOf(host.dims());
  std::vector<std::vector<int64_t>> at(host.dims().size());
  for (int64_t i = 0; i < host.count(); ++i) {
    bool nonZero =
        isFloat(x->type) ? host.asDouble(i) != 0 : host.asInt(i) != 0;
    for (size_t d = 0; nonZero && d < at.size(); ++d)
      at[d].push_back(i / strides[d] % host.dims()[d]);
  }
  std::vector<int64_t> flat;
  for (auto &list : at)
    flat.insert(flat.end(), list.begin(), list.end());
  int64_t rank = at.size(), count = rank ? flat.size() / rank : 0;
  n.set(n.e.constant(HostTensor::ofInts(DType::I64, {rank, count}, flat)));
}

/// y[t, b] = x[len[b] − 1 − t, b] for t < len[b], else x[t, b].
void importReverseSequence(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 2);
  const Tensor &x = n.input(0), &lengths = n.input(1);
  int64_t time = Node::normalisedAxis(n.intAttr("time_axis", 0), x->rank());
  int64_t batch = Node::normalisedAxis(n.intAttr("batch_axis", 1), x->rank());
  if (time == batch)
    fail("attributes 'time_axis' and 'batch_axis' are the same axis");
  if (lengths->type != DType::I64 || lengths->rank() != 1)
    fail("input 1: expected a vector of int64");
  e.require(lengths->shape[0], x->shape[batch], "sequence lengths");
  // A length is at most the dimension: one more than the largest index.
  checkIndices(e, lengths, x->shape[time] + Sym(1));
  Value source = e.ir(x), list = e.ir(lengths),
        one = e.scalarInt(e.b.getIndexType(), 1),
        zero = e.scalarInt(e.b.getIndexType(), 0),
        last = e.size(x->shape[time] - Sym(1));
  n.set(e.generate(
      x->type, x->shape, [&](OpBuilder &b, Location l, ValueRange p) -> Value {
        Value length = tensor::ExtractOp::create(b, l, list, p[batch]);
        length = arith::IndexCastOp::create(b, l, b.getIndexType(), length);
        Value back = arith::SubIOp::create(b, l, length, one);
        back = arith::SubIOp::create(b, l, back, p[time]);
        Value inside =
            arith::CmpIOp::create(b, l, arith::CmpIPredicate::sge, back, zero);
        SmallVector<Value> from(p);
        from[time] = arith::SelectOp::create(b, l, inside, back, p[time]);
        from[time] = arith::MinSIOp::create(b, l, from[time], last);
        return tensor::ExtractOp::create(b, l, source, from);
      }));
}

} // namespace

llvm::ArrayRef<OpEntry> selectOps() {
  static const OpEntry ops[] = {
      {"OneHot", 9, 3, 3, importOneHot},
      {"Compress", 9, 2, 2, importCompress},
      {"NonZero", 9, 1, 1, importNonZero},
      {"ReverseSequence", 10, 2, 2, importReverseSequence},
  };
  return ops;
}

} // namespace heed::import
