// Movement.cpp - ops that move elements: shapes, slices, pads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the sizes of a result, or its place, are operands, they are followed as
// symbolic sizes; what the file has as attributes are constants of these.

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::stablehlo {

Tensor padTensor(Emitter &e, Tensor x, Value value, ArrayRef<Sym> low,
                 ArrayRef<Sym> high, ArrayRef<int64_t> interior) {
  SmallVector<Sym> zeros(x->rank(), Sym(0));
  for (size_t d = 0; d < x->rank(); ++d) {
    Shape sizes = x->shape;
    if (auto known = sizes[d].constant();
        interior[d] == 0 || (known && *known < 2))
      continue;
    // [.., n, ..] as [.., n, 1, ..], padded to [.., n, 1 + interior, ..]; the
    // last run of it falls off.
    Shape apart = sizes;
    apart.insert(apart.begin() + d + 1, 1);
    Tensor wide = e.reshape(x, apart);
    SmallVector<Sym> none(apart.size(), Sym(0)), more = none;
    more[d + 1] = Sym(interior[d]);
    wide = e.pad(wide, none, more, value);
    sizes[d] = sizes[d] * Sym(1 + interior[d]);
    x = e.reshape(wide, sizes);
    sizes[d] = e.syms.max(sizes[d] - Sym(interior[d]), 0);
    x = e.slice(x, zeros, sizes, Ints(x->rank(), 1));
  }
  SmallVector<Sym> start, before, after;
  Shape sizes = x->shape;
  for (size_t d = 0; d < x->rank(); ++d) {
    Sym cutLow = e.syms.max(Sym(0) - low[d], 0),
        cutHigh = e.syms.max(Sym(0) - high[d], 0);
    sizes[d] = e.canonical(sizes[d] - cutLow - cutHigh);
    if (auto left = sizes[d].constant(); left && *left < 0)
      fail("unsupported: negative padding that takes more than there is");
    start.push_back(cutLow);
    before.push_back(e.syms.max(low[d], 0));
    after.push_back(e.syms.max(high[d], 0));
  }
  x = e.slice(x, start, sizes, Ints(x->rank(), 1));
  return e.pad(x, before, after, value);
}

Sym clampedStart(Emitter &e, const Tensor &start, const Sym &size,
                 const Sym &whole) {
  if (!import::isInteger(start->type) || start->rank() != 0)
    fail("a start index is no scalar integer");
  requireFits(e, size, whole);
  Sym last = e.canonical(whole - size);
  if (last == Sym(0))
    return 0;
  if (start->constant && last.isConstant()) {
    int64_t at = start->constant->asInt(0);
    if (start->type == DType::U64 && at < 0)
      at = *last.constant();
    return std::clamp<int64_t>(at, 0, *last.constant());
  }
  if (auto known = e.knownElements(start);
      known && !import::isUnsigned(start->type))
    return e.syms.min(e.syms.max((*known)[0], 0), last);
  Type index = e.b.getIndexType();
  Value v = scalarOf(e, start), end = e.size(last);
  if (import::isUnsigned(start->type)) {
    v = arith::IndexCastUIOp::create(e.b, e.loc, index, v);
    v = arith::MinUIOp::create(e.b, e.loc, v, end);
  } else {
    v = arith::IndexCastOp::create(e.b, e.loc, index, v);
    v = arith::MaxSIOp::create(e.b, e.loc, v, e.scalarInt(index, 0));
    v = arith::MinSIOp::create(e.b, e.loc, v, end);
  }
  return e.sizeOf(v, 0);
}

namespace {

void broadcastTo(Op &o, Shape sizes) {
  Shape from = o.in[0]->shape;
  Ints dims = o.dims("broadcast_dimensions", sizes.size());
  if (dims.size() != from.size())
    fail("attribute 'broadcast_dimensions' has " + Twine(dims.size()) +
         " entries, expected " + Twine(from.size()));
  // The operand's dims in the order of the result's, then unit dims between.
  Ints order;
  for (size_t i = 0; i < dims.size(); ++i)
    order.push_back(i);
  llvm::sort(order, [&](int64_t x, int64_t y) { return dims[x] < dims[y]; });
  Shape unit(sizes.size(), Sym(1));
  for (auto [i, d] : llvm::enumerate(dims)) {
    if (o.e.canonical(from[i]) != Sym(1))
      o.e.require(from[i], sizes[d], "operand dimension " + Twine(i));
    unit[d] = from[i];
  }
  Tensor t = o.e.transpose(o.in[0], order);
  t = o.e.reshape(t, unit);
  o.out.push_back(o.e.broadcast(t, sizes));
}

void convertBroadcast(Op &o) {
  o.requireOperands(1);
  broadcastTo(o, import::shapeOf(o.resultSizes()));
}

/// The rank that the file gives the result, whose sizes an operand holds.
size_t resultRank(const Op &o) {
  if (o.op->getNumResults() != 1)
    fail("it has " + Twine(o.op->getNumResults()) + " results");
  return declaredSizes(o.op->getResult(0).getType()).size();
}

void convertDynamicBroadcast(Op &o) {
  o.requireOperands(2);
  broadcastTo(o, o.elements(1, resultRank(o)));
}

void convertReshape(Op &o) {
  o.requireOperands(1);
  o.out.push_back(o.e.reshape(o.in[0], import::shapeOf(o.resultSizes())));
}

void convertDynamicReshape(Op &o) {
  o.requireOperands(2);
  o.out.push_back(o.e.reshape(o.in[0], o.elements(1, resultRank(o))));
}

void convertTranspose(Op &o) {
  o.requireOperands(1);
  size_t rank = o.in[0]->rank();
  Ints perm = o.dims("permutation", rank);
  if (perm.size() != rank)
    fail("attribute 'permutation' has " + Twine(perm.size()) +
         " entries, expected " + Twine(rank));
  o.out.push_back(o.e.transpose(o.in[0], perm));
}

void convertSlice(Op &o) {
  o.requireOperands(1);
  const Shape &from = o.in[0]->shape;
  size_t rank = from.size();
  Ints starts = o.ints("start_indices", rank),
       limits = o.ints("limit_indices", rank),
       strides = o.intsOr("strides", rank, 1);
  Ints sizes;
  for (size_t d = 0; d < rank; ++d) {
    if (starts[d] < 0 || limits[d] < starts[d] || strides[d] < 1)
      fail("it reads " + Twine(starts[d]) + ":" + Twine(limits[d]) + ":" +
           Twine(strides[d]));
    o.e.requireAtLeast(from[d], limits[d], "a slice's end");
    sizes.push_back((limits[d] - starts[d] + strides[d] - 1) / strides[d]);
  }
  o.out.push_back(o.e.slice(o.in[0], import::shapeOf(starts),
                            import::shapeOf(sizes), strides));
}

/// x[start : limit : stride], all of them operands.
void convertRealDynamicSlice(Op &o) {
  o.requireOperands(4);
  size_t rank = o.in[0]->rank();
  auto starts = o.elements(1, rank), limits = o.elements(2, rank),
       steps = o.elements(3, rank);
  Ints strides;
  Shape sizes;
  for (size_t d = 0; d < rank; ++d) {
    auto stride = steps[d].constant();
    if (!stride || *stride < 1)
      fail("unsupported: strides that are no positive constants");
    strides.push_back(*stride);
    sizes.push_back(
        o.e.canonical(o.e.syms.ceilDiv(limits[d] - starts[d], *stride)));
    requireFits(o.e, sizes.back(), o.in[0]->shape[d]);
  }
  o.out.push_back(o.e.slice(o.in[0], starts, sizes, strides));
}

void convertReverse(Op &o) {
  o.requireOperands(1);
  Shape sizes = o.in[0]->shape;
  Shape starts(sizes.size(), Sym(0));
  Ints strides(sizes.size(), 1);
  for (int64_t d : o.dims("dimensions", sizes.size())) {
    starts[d] = o.e.syms.max(sizes[d] - Sym(1), 0);
    strides[d] = -1;
  }
  o.out.push_back(o.e.slice(o.in[0], starts, sizes, strides));
}

void convertConcatenate(Op &o) {
  if (o.in.empty())
    fail("it has no operands");
  size_t rank = o.in[0]->rank();
  int64_t dim = o.integer("dimension", {}, 0, int64_t(rank) - 1);
  bool hasSizes = false;
  for (const Tensor &t : o.in) {
    if (t->type != o.in[0]->type)
      fail("the element types of its operands differ");
    if (t->rank() != rank)
      fail("the ranks of its operands differ");
    hasSizes |= bool(t->elements);
  }
  // A shape or a place of which only some entries are known yet.
  for (const Tensor &t : o.in)
    if (hasSizes && rank == 1 && t->shape[0] == Sym(1))
      o.e.someElements(t);
  o.out.push_back(o.in.size() == 1 ? o.in[0] : o.e.concat(o.in, dim));
}

void padWith(Op &o, ArrayRef<Sym> low, ArrayRef<Sym> high,
             const Ints &interior) {
  for (int64_t i : interior)
    if (i < 0)
      fail("interior padding of " + Twine(i));
  if (o.in[1]->type != o.in[0]->type || o.in[1]->rank() != 0)
    fail("the padding value is no scalar of the operand's type");
  o.out.push_back(
      padTensor(o.e, o.in[0], scalarOf(o.e, o.in[1]), low, high, interior));
}

void convertPad(Op &o) {
  o.requireOperands(2);
  size_t rank = o.in[0]->rank();
  padWith(o, import::shapeOf(o.ints("edge_padding_low", rank)),
          import::shapeOf(o.ints("edge_padding_high", rank)),
          o.intsOr("interior_padding", rank, 0));
}

void convertDynamicPad(Op &o) {
  o.requireOperands(5);
  size_t rank = o.in[0]->rank();
  Ints interior;
  for (const Sym &s : o.elements(4, rank)) {
    if (!s.isConstant())
      fail("unsupported: interior padding that is no constant");
    interior.push_back(*s.constant());
  }
  padWith(o, o.elements(2, rank), o.elements(3, rank), interior);
}

/// Start indices, the operands from `first` on.
Shape startsOf(Op &o, size_t first, ArrayRef<Sym> from, ArrayRef<Sym> sizes) {
  o.requireOperands(first + from.size());
  Shape starts;
  for (size_t d = 0; d < from.size(); ++d)
    starts.push_back(clampedStart(o.e, o.in[first + d], sizes[d], from[d]));
  return starts;
}

void convertDynamicSlice(Op &o) {
  if (o.in.empty())
    fail("it has no operands");
  size_t rank = o.in[0]->rank();
  Shape sizes = import::shapeOf(o.ints("slice_sizes", rank));
  for (const Sym &s : sizes)
    if (*s.constant() < 0)
      fail("a slice of size " + Twine(*s.constant()));
  Shape starts = startsOf(o, 1, o.in[0]->shape, sizes);
  o.out.push_back(o.e.slice(o.in[0], starts, sizes, Ints(rank, 1)));
}

void convertDynamicUpdateSlice(Op &o) {
  if (o.in.size() < 2)
    fail("it has " + Twine(o.in.size()) + " operands");
  const Tensor &x = o.in[0], &update = o.in[1];
  if (x->type != update->type || x->rank() != update->rank())
    fail("the update does not fit the operand");
  Emitter &e = o.e;
  Shape starts = startsOf(o, 2, x->shape, update->shape);
  SmallVector<OpFoldResult> steps(x->rank(), e.b.getIndexAttr(1));
  Value r = tensor::InsertSliceOp::create(e.b, e.loc, e.ir(update), e.ir(x),
                                          e.foldedSizes(starts),
                                          e.foldedSizes(update->shape), steps);
  o.out.push_back(e.computed(r, x->type, x->shape));
}

void convertGetDimensionSize(Op &o) {
  o.requireOperands(1);
  int64_t dim = o.integer("dimension", {}, 0, int64_t(o.in[0]->rank()) - 1);
  o.out.push_back(
      o.e.integers(DType::I32, {}, {o.e.canonical(o.in[0]->shape[dim])}));
}

} // namespace

ArrayRef<Entry> movementOps() {
  static const Entry ops[] = {
      {"stablehlo.broadcast_in_dim", convertBroadcast},
      {"stablehlo.dynamic_broadcast_in_dim", convertDynamicBroadcast},
      {"stablehlo.reshape", convertReshape},
      {"stablehlo.dynamic_reshape", convertDynamicReshape},
      {"stablehlo.transpose", convertTranspose},
      {"stablehlo.slice", convertSlice},
      {"stablehlo.real_dynamic_slice", convertRealDynamicSlice},
      {"stablehlo.reverse", convertReverse},
      {"stablehlo.concatenate", convertConcatenate},
      {"stablehlo.pad", convertPad},
      {"stablehlo.dynamic_pad", convertDynamicPad},
      {"stablehlo.dynamic_slice", convertDynamicSlice},
      {"stablehlo.dynamic_update_slice", convertDynamicUpdateSlice},
      {"stablehlo.get_dimension_size", convertGetDimensionSize},
  };
  return ops;
}

} // namespace heed::stablehlo
