// Unique.cpp - the different elements (or slices) of a tensor.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   first[i] = the first j whose slice equals slice i
//   place[i] = how many firsts come before it: lower ones, or earlier ones
// Every pair of slices is compared; there is nothing to sort.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Gather.h"
#include "tools/lib/import/ops/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace heed::import {

namespace {

using Values = Code::Values;

struct Slices {
  DType type;
  Value source, count, length; // [count, length]

  Value lower(Code &c, Value x, Value y) {
    if (isFloat(type))
      return arith::CmpFOp::create(c.b, c.l, arith::CmpFPredicate::OLT, x, y);
    return arith::CmpIOp::create(c.b, c.l,
                                 isUnsigned(type) ? arith::CmpIPredicate::ult
                                                  : arith::CmpIPredicate::slt,
                                 x, y);
  }
  /// 0 if slice i equals slice j, 1 if it comes before it, 2 if after it.
  Value order(Code &c, Value i, Value j) {
    Value zero = c.index(0);
    return c.repeat(length, {zero}, [&](Value k, Values state) {
      Value x = c.get(source, {i, k}), y = c.get(source, {j, k});
      Value differs = c.select(lower(c, x, y), c.index(1),
                               c.select(lower(c, y, x), c.index(2), zero));
      return Values{c.select(c.equal(state[0], zero), differs, state[0])};
    })[0];
  }
};

void importUnique(Node &n) {
  Emitter &e = n.e;
  Tensor x = n.input(0);
  bool sorted = n.intAttr("sorted", 1);
  int64_t axis = 0;
  if (n.hasAttr("axis"))
    axis = Node::normalisedAxis(n.intAttr("axis"), x->rank());
  else
    x = e.reshape(x, {e.product(x->shape)});
  SmallVector<int64_t> perm = {axis};
  Shape rest;
  for (size_t d = 0; d < x->rank(); ++d)
    if (int64_t(d) != axis) {
      perm.push_back(d);
      rest.push_back(x->shape[d]);
    }
  Sym size = x->shape[axis], length = e.product(rest);
  // What the loops read is made in front of them.
  Slices slices{x->type, e.ir(e.reshape(e.transpose(x, perm), {size, length})),
                e.size(size), e.size(length)};
  Tensor first = e.generate(
      DType::I64, {size}, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        Code c{e, b, l};
        return c.i64(
            c.repeat(slices.count, {slices.count}, [&](Value j, Values best) {
              Value same = c.equal(slices.order(c, i[0], j), c.index(0));
              return Values{c.min(best[0], c.select(same, j, slices.count))};
            })[0]);
      });
  Value firsts = e.ir(first);
  Tensor place = e.generate(
      DType::I64, {size}, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        Code c{e, b, l};
        Value own = c.fromI64(c.get(firsts, {i[0]}));
        return c.i64(
            c.repeat(slices.count, {c.index(0)}, [&](Value j, Values sum) {
              Value counts = c.equal(c.fromI64(c.get(firsts, {j})), j);
              Value before = sorted
                                 ? c.equal(slices.order(c, j, i[0]), c.index(1))
                                 : c.less(j, own);
              return Values{c.add(sum[0], c.select(c.both(counts, before),
                                                   c.index(1), c.index(0)))};
            })[0]);
      });
  Value places = e.ir(place);
  Code c{e, e.b, e.loc};
  Value none = e.scalar(DType::I64, 0), one = e.scalar(DType::I64, 1);
  auto found = c.repeat(
      slices.count,
      {e.filled(DType::I64, {size}, none), e.filled(DType::I64, {size}, none),
       c.index(0)},
      [&](Value i, Values v) {
        Value at = c.fromI64(c.get(places, {i}));
        Value isNew = c.equal(c.fromI64(c.get(firsts, {i})), i);
        Value index = c.select(isNew, c.i64(i), c.get(v[0], {at}));
        Value count = c.add(c.get(v[1], {at}), one);
        return Values{c.put(index, v[0], {at}), c.put(count, v[1], {at}),
                      c.add(v[2], c.select(isNew, c.index(1), c.index(0)))};
      });
  Sym count = e.sizeOf(found[2], 0);
  auto cut = [&](Value list) {
    return e.slice(e.computed(list, DType::I64, {size}), {Sym(0)}, {count},
                   {1});
  };
  Tensor indices = cut(found[0]);
  n.set(0, gather(e, x, indices, axis));
  n.set(1, indices);
  n.set(2, place);
  n.set(3, cut(found[1]));
}

} // namespace

llvm::ArrayRef<OpEntry> uniqueOps() {
  static const OpEntry ops[] = {
      {"Unique", 11, 1, 1, importUnique},
  };
  return ops;
}

} // namespace heed::import
