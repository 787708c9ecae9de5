// Movement.cpp - ops that move elements: shapes, slices, pads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::stablehlo {

Tensor padTensor(Emitter &e, Tensor x, Value value, ArrayRef<int64_t> low,
                 ArrayRef<int64_t> high, ArrayRef<int64_t> interior) {
  SmallVector<Sym> zeros(x->rank(), Sym(0));
  for (size_t d = 0; d < x->rank(); ++d) {
    Ints sizes = sizesOf(x);
    if (interior[d] == 0 || sizes[d] < 2)
      continue;
    // [.., n, ..] as [.., n, 1, ..], padded to [.., n, 1 + interior, ..]; the
    // last run of it falls off.
    Ints apart = sizes;
    apart.insert(apart.begin() + d + 1, 1);
    Tensor wide = e.reshape(x, import::shapeOf(apart));
    SmallVector<Sym> none(apart.size(), Sym(0)), more = none;
    more[d + 1] = Sym(interior[d]);
    wide = e.pad(wide, none, more, value);
    sizes[d] *= 1 + interior[d];
    x = e.reshape(wide, import::shapeOf(sizes));
    sizes[d] -= interior[d];
    x = e.slice(x, zeros, import::shapeOf(sizes), Ints(x->rank(), 1));
  }
  SmallVector<Sym> start, before, after;
  Ints sizes = sizesOf(x);
  for (size_t d = 0; d < x->rank(); ++d) {
    int64_t cutLow = std::max<int64_t>(-low[d], 0),
            cutHigh = std::max<int64_t>(-high[d], 0);
    if (cutLow + cutHigh > sizes[d])
      fail("unsupported: negative padding that takes more than there is");
    start.push_back(cutLow);
    sizes[d] -= cutLow + cutHigh;
    before.push_back(std::max<int64_t>(low[d], 0));
    after.push_back(std::max<int64_t>(high[d], 0));
  }
  x = e.slice(x, start, import::shapeOf(sizes), Ints(x->rank(), 1));
  return e.pad(x, before, after, value);
}

namespace {

void convertBroadcast(Op &o) {
  o.requireOperands(1);
  Ints sizes = o.resultSizes(), from = sizesOf(o.in[0]);
  Ints dims = o.dims("broadcast_dimensions", sizes.size());
  if (dims.size() != from.size())
    fail("attribute 'broadcast_dimensions' has " + Twine(dims.size()) +
         " entries, expected " + Twine(from.size()));
  // The operand's dims in the order of the result's, then unit dims between.
  Ints order;
  for (size_t i = 0; i < dims.size(); ++i)
    order.push_back(i);
  llvm::sort(order, [&](int64_t x, int64_t y) { return dims[x] < dims[y]; });
  Ints unit(sizes.size(), 1);
  for (auto [i, d] : llvm::enumerate(dims)) {
    if (from[i] != 1 && from[i] != sizes[d])
      fail("operand dimension " + Twine(i) + " of size " + Twine(from[i]) +
           " does not broadcast to " + Twine(sizes[d]));
    unit[d] = from[i];
  }
  Tensor t = o.e.transpose(o.in[0], order);
  t = o.e.reshape(t, import::shapeOf(unit));
  o.out.push_back(o.e.broadcast(t, import::shapeOf(sizes)));
}

void convertReshape(Op &o) {
  o.requireOperands(1);
  Ints sizes = o.resultSizes();
  if (import::checkedCount(sizes) != import::checkedCount(sizesOf(o.in[0])))
    fail("the numbers of elements differ");
  o.out.push_back(o.e.reshape(o.in[0], import::shapeOf(sizes)));
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
  Ints from = sizesOf(o.in[0]);
  size_t rank = from.size();
  Ints starts = o.ints("start_indices", rank),
       limits = o.ints("limit_indices", rank),
       strides = o.intsOr("strides", rank, 1);
  Ints sizes;
  for (size_t d = 0; d < rank; ++d) {
    if (starts[d] < 0 || limits[d] < starts[d] || limits[d] > from[d] ||
        strides[d] < 1)
      fail("it reads " + Twine(starts[d]) + ":" + Twine(limits[d]) + ":" +
           Twine(strides[d]) + " of a dimension of size " + Twine(from[d]));
    sizes.push_back((limits[d] - starts[d] + strides[d] - 1) / strides[d]);
  }
  o.out.push_back(o.e.slice(o.in[0], import::shapeOf(starts),
                            import::shapeOf(sizes), strides));
}

void convertReverse(Op &o) {
  o.requireOperands(1);
  Ints sizes = sizesOf(o.in[0]);
  Ints starts(sizes.size(), 0), strides(sizes.size(), 1);
  for (int64_t d : o.dims("dimensions", sizes.size())) {
    starts[d] = std::max<int64_t>(sizes[d] - 1, 0);
    strides[d] = -1;
  }
  o.out.push_back(o.e.slice(o.in[0], import::shapeOf(starts),
                            import::shapeOf(sizes), strides));
}

void convertConcatenate(Op &o) {
  if (o.in.empty())
    fail("it has no operands");
  size_t rank = o.in[0]->rank();
  int64_t dim = o.integer("dimension", {}, 0, int64_t(rank) - 1);
  for (const Tensor &t : o.in) {
    if (t->type != o.in[0]->type)
      fail("the element types of its operands differ");
    if (t->rank() != rank)
      fail("the ranks of its operands differ");
  }
  o.out.push_back(o.in.size() == 1 ? o.in[0] : o.e.concat(o.in, dim));
}

void convertPad(Op &o) {
  o.requireOperands(2);
  size_t rank = o.in[0]->rank();
  Ints low = o.ints("edge_padding_low", rank),
       high = o.ints("edge_padding_high", rank),
       interior = o.intsOr("interior_padding", rank, 0);
  for (int64_t i : interior)
    if (i < 0)
      fail("attribute 'interior_padding' holds " + Twine(i));
  if (o.in[1]->type != o.in[0]->type || o.in[1]->rank() != 0)
    fail("the padding value is no scalar of the operand's type");
  o.out.push_back(
      padTensor(o.e, o.in[0], scalarOf(o.e, o.in[1]), low, high, interior));
}

/// Start indices, clamped so that the slice lies inside.
SmallVector<Sym> startsOf(Op &o, size_t first, ArrayRef<int64_t> from,
                          ArrayRef<int64_t> sizes) {
  o.requireOperands(first + from.size());
  Emitter &e = o.e;
  SmallVector<Sym> starts;
  for (size_t d = 0; d < from.size(); ++d) {
    const Tensor &t = o.in[first + d];
    if (!import::isInteger(t->type) || t->rank() != 0)
      fail("start index " + Twine(d) + " is no scalar integer");
    int64_t last = from[d] - sizes[d];
    if (sizes[d] < 0 || last < 0)
      fail("a slice of " + Twine(sizes[d]) + " of a dimension of size " +
           Twine(from[d]));
    if (last == 0) {
      starts.push_back(0);
      continue;
    }
    if (t->constant) {
      int64_t start = t->constant->asInt(0);
      if (t->type == DType::U64 && start < 0)
        start = last;
      starts.push_back(std::clamp<int64_t>(start, 0, last));
      continue;
    }
    Type index = e.b.getIndexType();
    Value v = scalarOf(e, t);
    bool u = import::isUnsigned(t->type);
    v = u ? arith::IndexCastUIOp::create(e.b, e.loc, index, v).getResult()
          : arith::IndexCastOp::create(e.b, e.loc, index, v).getResult();
    Value end = e.scalarInt(index, last);
    if (u) {
      v = arith::MinUIOp::create(e.b, e.loc, v, end);
    } else {
      v = arith::MaxSIOp::create(e.b, e.loc, v, e.scalarInt(index, 0));
      v = arith::MinSIOp::create(e.b, e.loc, v, end);
    }
    starts.push_back(e.sizeOf(v, 0));
  }
  return starts;
}

void convertDynamicSlice(Op &o) {
  if (o.in.empty())
    fail("it has no operands");
  Ints from = sizesOf(o.in[0]), sizes = o.ints("slice_sizes", from.size());
  auto starts = startsOf(o, 1, from, sizes);
  o.out.push_back(
      o.e.slice(o.in[0], starts, import::shapeOf(sizes), Ints(from.size(), 1)));
}

void convertDynamicUpdateSlice(Op &o) {
  if (o.in.size() < 2)
    fail("it has " + Twine(o.in.size()) + " operands");
  Ints from = sizesOf(o.in[0]), sizes = sizesOf(o.in[1]);
  if (o.in[0]->type != o.in[1]->type || from.size() != sizes.size())
    fail("the update does not fit the operand");
  Emitter &e = o.e;
  auto starts = startsOf(o, 2, from, sizes);
  SmallVector<OpFoldResult> steps(from.size(), e.b.getIndexAttr(1));
  Value r = tensor::InsertSliceOp::create(e.b, e.loc, e.ir(o.in[1]),
                                          e.ir(o.in[0]), e.foldedSizes(starts),
                                          e.foldedSizes(o.in[1]->shape), steps);
  o.out.push_back(e.computed(r, o.in[0]->type, o.in[0]->shape));
}

} // namespace

ArrayRef<Entry> movementOps() {
  static const Entry ops[] = {
      {"stablehlo.broadcast_in_dim", convertBroadcast},
      {"stablehlo.reshape", convertReshape},
      {"stablehlo.transpose", convertTranspose},
      {"stablehlo.slice", convertSlice},
      {"stablehlo.reverse", convertReverse},
      {"stablehlo.concatenate", convertConcatenate},
      {"stablehlo.pad", convertPad},
      {"stablehlo.dynamic_slice", convertDynamicSlice},
      {"stablehlo.dynamic_update_slice", convertDynamicUpdateSlice},
  };
  return ops;
}

} // namespace heed::stablehlo
