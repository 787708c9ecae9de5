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
  size_t count = o.in.size() / 2;
  if (o.in.empty() || o.in.size() % 2 || o.op->getNumResults() != count)
    fail("it has " + Twine(o.in.size()) + " operands and " +
         Twine(o.op->getNumResults()) + " results");
  for (size_t i = 0; i < count; ++i) {
    if (sizesOf(o.in[i]) != sizesOf(o.in[0]))
      fail("the sizes of its operands differ");
    if (o.in[count + i]->type != o.in[i]->type || o.in[count + i]->rank())
      fail("initial value " + Twine(i) + " is no scalar of its operand's type");
  }
  if (o.op->getNumRegions() != 1)
    fail("it has no body");
  Region &body = o.op->getRegion(0);
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
                ArrayRef<AffineMap> more, AffineMap outMap,
                ArrayRef<int64_t> out,
                ArrayRef<utils::IteratorType> iterators) {
  Emitter &e = o.e;
  SmallVector<AffineMap> maps(count, inMap);
  llvm::append_range(maps, more);
  SmallVector<Value> inits;
  SmallVector<Type> types;
  for (size_t i = 0; i < count; ++i) {
    inits.push_back(e.filled(o.in[i]->type, import::shapeOf(out),
                             scalarOf(e, o.in[count + i])));
    types.push_back(inits.back().getType());
    maps.push_back(outMap);
  }
  size_t extra = more.size();
  Region &body = o.op->getRegion(0);
  auto op = linalg::GenericOp::create(
      e.b, e.loc, types, ins, inits, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange args) {
        // The body's arguments: the accumulators, then the elements.
        SmallVector<Value> operands(args.drop_front(count + extra));
        operands.append(args.begin(), args.begin() + count);
        linalg::YieldOp::create(at, l, scalarRegion(at, l, body, operands));
      });
  for (size_t i = 0; i < count; ++i)
    o.out.push_back(
        e.computed(op.getResult(i), o.in[i]->type, import::shapeOf(out)));
}

void convertReduce(Op &o) {
  size_t count = countOf(o);
  Ints sizes = sizesOf(o.in[0]);
  size_t rank = sizes.size();
  Ints dims = o.dims("dimensions", rank);
  OpBuilder &b = o.e.b;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  for (int64_t d : dims)
    iterators[d] = utils::IteratorType::reduction;
  SmallVector<AffineExpr> kept;
  Ints out;
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

void convertReduceWindow(Op &o) {
  size_t count = countOf(o);
  Emitter &e = o.e;
  OpBuilder &b = e.b;
  size_t rank = o.in[0]->rank();
  Ints window = o.ints("window_dimensions", rank),
       strides = o.intsOr("window_strides", rank, 1),
       dilations = o.intsOr("window_dilations", rank, 1),
       base = o.intsOr("base_dilations", rank, 1);
  Ints low, high, interior, out;
  for (auto [d, pad] : llvm::enumerate(o.pads(rank))) {
    for (int64_t v : {window[d], strides[d], dilations[d], base[d]})
      if (v < 1 || v > 1 << 20)
        fail("a window size, stride or dilation is " + Twine(v));
    low.push_back(pad.first);
    high.push_back(pad.second);
    interior.push_back(base[d] - 1);
  }
  SmallVector<Value> ins;
  for (size_t i = 0; i < count; ++i) {
    Tensor x = padTensor(e, o.in[i], scalarOf(e, o.in[count + i]), low, high,
                         interior);
    ins.push_back(e.ir(x));
    out.clear();
    for (auto [d, size] : llvm::enumerate(sizesOf(x))) {
      int64_t room = size - ((window[d] - 1) * dilations[d] + 1);
      out.push_back(room < 0 ? 0 : room / strides[d] + 1);
    }
  }
  // Loops: the windows, then the places in one, which the shape of an unread
  // tensor gives.
  SmallVector<AffineExpr> from, place;
  for (size_t d = 0; d < rank; ++d) {
    AffineExpr o = b.getAffineDimExpr(d), k = b.getAffineDimExpr(rank + d);
    from.push_back(o * strides[d] + k * dilations[d]);
    place.push_back(k);
  }
  SmallVector<utils::IteratorType> iterators(2 * rank,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), rank, utils::IteratorType::parallel);
  ins.push_back(e.empty(o.in[0]->type, import::shapeOf(window)));
  SmallVector<AffineExpr> outs;
  for (size_t d = 0; d < rank; ++d)
    outs.push_back(b.getAffineDimExpr(d));
  accumulate(o, count, ins, AffineMap::get(2 * rank, 0, from, b.getContext()),
             AffineMap::get(2 * rank, 0, place, b.getContext()),
             AffineMap::get(2 * rank, 0, outs, b.getContext()), out, iterators);
}

} // namespace

ArrayRef<Entry> reductionOps() {
  static const Entry ops[] = {
      {"stablehlo.reduce", convertReduce},
      {"stablehlo.reduce_window", convertReduceWindow},
  };
  return ops;
}

} // namespace heed::stablehlo
