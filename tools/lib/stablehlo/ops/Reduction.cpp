// Reduction.cpp - reduce and reduce_window, with any scalar body.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {

/// n operands, then n scalars of their types.
size_t countOf(Op &o) {
  size_t count = o.op->getNumResults();
  if (count == 0 || o.in.size() != 2 * count)
    fail("it has " + Twine(o.in.size()) + " operands and " +
         Twine(o.op->getNumResults()) + " results");
  for (size_t i = 0; i < count; ++i) {
    requireShape(o.e, o.in[i]->shape, o.in[0]->shape,
                 "the sizes of its operands");
    if (o.in[count + i]->type != o.in[i]->type || o.in[count + i]->rank())
      fail("initial value " + Twine(i) + " is no scalar of its operand's type");
  }
  Region &body = o.body();
  checkScalarRegion(body, 2 * count, count);
  for (size_t i = 0; i < 2 * count; ++i)
    if (dtypeOf(getElementTypeOrSelf(body.getArgument(i).getType())) !=
        o.in[i % count]->type)
      fail("unsupported: a body on other element types than the operands'");
  for (auto [i, v] : llvm::enumerate(body.front().back().getOperands()))
    if (dtypeOf(getElementTypeOrSelf(v.getType())) != o.in[i]->type)
      fail("its body returns another element type than its operands'");
  return count;
}

/// The loop nest: the operands by `maps`, accumulated from the initial values.
void accumulate(Op &o, size_t count, ArrayRef<Value> ins, AffineMap inMap,
                ArrayRef<AffineMap> more, AffineMap outMap, const Shape &out,
                ArrayRef<utils::IteratorType> iterators) {
  Emitter &e = o.e;
  SmallVector<AffineMap> maps(count, inMap);
  llvm::append_range(maps, more);
  SmallVector<Value> inits;
  SmallVector<Type> types;
  for (size_t i = 0; i < count; ++i) {
    inits.push_back(e.filled(o.in[i]->type, out, scalarOf(e, o.in[count + i])));
    types.push_back(inits.back().getType());
    maps.push_back(outMap);
  }
  size_t extra = more.size();
  Region &body = o.body();
  auto op = linalg::GenericOp::create(
      e.b, e.loc, types, ins, inits, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange args) {
        // The body's arguments: the accumulators, then the elements.
        SmallVector<Value> operands(args.drop_front(count + extra));
        operands.append(args.begin(), args.begin() + count);
        linalg::YieldOp::create(at, l, scalarRegion(at, l, body, operands));
      });
  for (size_t i = 0; i < count; ++i)
    o.out.push_back(e.computed(op.getResult(i), o.in[i]->type, out));
}

void convertReduce(Op &o) {
  size_t count = countOf(o);
  const Shape &sizes = o.in[0]->shape;
  size_t rank = sizes.size();
  Ints dims = o.dims("dimensions", rank);
  OpBuilder &b = o.e.b;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  for (int64_t d : dims)
    iterators[d] = utils::IteratorType::reduction;
  SmallVector<AffineExpr> kept;
  Shape out;
  for (size_t d = 0; d < rank; ++d)
    if (iterators[d] == utils::IteratorType::parallel) {
      kept.push_back(b.getAffineDimExpr(d));
      out.push_back(sizes[d]);
    }
  SmallVector<Value> ins;
  for (size_t i = 0; i < count; ++i)
    ins.push_back(o.e.ir(o.in[i]));
  accumulate(o, count, ins, b.getMultiDimIdentityMap(rank), {},
             AffineMap::get(rank, 0, kept, b.getContext()), out, iterators);
}

/// How windows lie on their operand; sizes may be known only at run time.
struct Windows {
  Shape sizes;
  Ints strides, dilations, base;
  SmallVector<std::pair<Sym, Sym>> pads;
};

void reduceWindow(Op &o, const Windows &w) {
  size_t count = countOf(o);
  Emitter &e = o.e;
  OpBuilder &b = e.b;
  size_t rank = o.in[0]->rank();
  Ints interior;
  Shape low, high, out;
  for (size_t d = 0; d < rank; ++d) {
    for (const Sym &v :
         {w.sizes[d], Sym(w.strides[d]), Sym(w.dilations[d]), Sym(w.base[d])})
      if (auto known = v.constant(); known && (*known < 1 || *known > 1 << 20))
        fail("a window size, stride or dilation is " + Twine(*known));
    low.push_back(w.pads[d].first);
    high.push_back(w.pads[d].second);
    interior.push_back(w.base[d] - 1);
  }
  SmallVector<Value> ins;
  for (size_t i = 0; i < count; ++i) {
    Tensor x = padTensor(e, o.in[i], scalarOf(e, o.in[count + i]), low, high,
                         interior);
    ins.push_back(e.ir(x));
    out.clear();
    for (auto [d, size] : llvm::enumerate(x->shape)) {
      Sym room = size - (w.sizes[d] - Sym(1)) * Sym(w.dilations[d]) - Sym(1);
      Sym places = e.syms.floorDiv(e.canonical(room), w.strides[d]) + Sym(1);
      out.push_back(e.canonical(e.syms.max(places, 0)));
    }
  }
  // Loops: the windows, then the places in one, which the shape of an unread
  // tensor gives.
  SmallVector<AffineExpr> from, place;
  for (size_t d = 0; d < rank; ++d) {
    AffineExpr o = b.getAffineDimExpr(d), k = b.getAffineDimExpr(rank + d);
    from.push_back(o * w.strides[d] + k * w.dilations[d]);
    place.push_back(k);
  }
  SmallVector<utils::IteratorType> iterators(2 * rank,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), rank, utils::IteratorType::parallel);
  ins.push_back(e.empty(o.in[0]->type, w.sizes));
  SmallVector<AffineExpr> outs;
  for (size_t d = 0; d < rank; ++d)
    outs.push_back(b.getAffineDimExpr(d));
  accumulate(o, count, ins, AffineMap::get(2 * rank, 0, from, b.getContext()),
             AffineMap::get(2 * rank, 0, place, b.getContext()),
             AffineMap::get(2 * rank, 0, outs, b.getContext()), out, iterators);
}

void convertReduceWindow(Op &o) {
  if (o.in.empty())
    fail("it has no operands");
  size_t rank = o.in[0]->rank();
  reduceWindow(o, {import::shapeOf(o.ints("window_dimensions", rank)),
                   o.intsOr("window_strides", rank, 1),
                   o.intsOr("window_dilations", rank, 1),
                   o.intsOr("base_dilations", rank, 1), o.pads(rank)});
}

/// The same of one operand, with all that the windows are as operands.
void convertDynamicReduceWindow(Op &o) {
  o.requireOperands(7);
  size_t rank = o.in[0]->rank();
  auto constants = [&](unsigned i) {
    auto known = import::staticShape(o.elements(i, rank));
    if (!known)
      fail("unsupported: strides or dilations that are no constants");
    return Ints(*known);
  };
  Windows w{o.elements(2, rank), constants(3), constants(5), constants(4), {}};
  Tensor pads = o.e.reshape(o.in[6], {Sym(2 * rank)});
  o.in = {o.in[0], o.in[1], pads};
  auto list = o.elements(2, 2 * rank);
  for (size_t d = 0; d < rank; ++d)
    w.pads.push_back({list[2 * d], list[2 * d + 1]});
  o.in.pop_back();
  reduceWindow(o, w);
}

} // namespace

ArrayRef<Entry> reductionOps() {
  static const Entry ops[] = {
      {"stablehlo.reduce", convertReduce},
      {"stablehlo.reduce_window", convertReduceWindow},
      {"stablehlo.custom_call @stablehlo.dynamic_reduce_window",
       convertDynamicReduceWindow},
  };
  return ops;
}

} // namespace heed::stablehlo
