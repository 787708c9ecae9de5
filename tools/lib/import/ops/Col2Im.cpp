// Col2Im.cpp - overlapping blocks summed into an image (torch's fold).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y[n, c, o] = Σ_k x[n, c, k, (o + pad − k·dilation) / stride]
// over those k for which the block is a whole number and there.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Loop.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace heed::import {

namespace {

SmallVector<int64_t> readInts(Node &n, StringRef attr, size_t count,
                              int64_t fallback, int64_t low) {
  auto given = n.intsAttr(attr);
  SmallVector<int64_t> r =
      given ? *given : SmallVector<int64_t>(count, fallback);
  if (r.size() != count)
    fail("attribute " + quoted(attr) + " has " + Twine(r.size()) +
         " entries, expected " + Twine(count));
  for (int64_t v : r)
    if (v < low || v > 1 << 20)
      fail("attribute " + quoted(attr) + " holds " + Twine(v));
  return r;
}

void importCol2Im(Node &n) {
  Emitter &e = n.e;
  OpBuilder &b = e.b;
  n.requireRank(0, 3, 3);
  Tensor x = n.floatInput(0);
  std::vector<Sym> image = e.someElements(n.input(1));
  SmallVector<int64_t> kernel = n.constantInts(2);
  size_t spatial = image.size();
  if (kernel.size() != spatial || spatial < 1 || spatial > 8)
    fail("the image has " + Twine(spatial) + " dims, the blocks " +
         Twine(kernel.size()));
  for (int64_t k : kernel)
    if (k < 1 || k > 1 << 20)
      fail("a block size is " + Twine(k));
  SmallVector<int64_t> strides = readInts(n, "strides", spatial, 1, 1),
                       dilations = readInts(n, "dilations", spatial, 1, 1),
                       pads = readInts(n, "pads", 2 * spatial, 0, 0);
  auto channels = x->shape[1].exactQuotient(checkedCount(kernel));
  if (!channels)
    fail("the channels do not divide by the elements of a block");
  Shape parts = {x->shape[0], *channels}, shape = parts;
  SmallVector<Value> counts;
  Sym blocks(1);
  for (int64_t k : kernel)
    parts.push_back(k);
  for (size_t d = 0; d < spatial; ++d) {
    e.requireAtLeast(image[d], 0, "image size");
    shape.push_back(e.canonical(image[d]));
    Sym room = image[d] + Sym(pads[d] + pads[d + spatial] -
                              dilations[d] * (kernel[d] - 1) - 1);
    e.requireAtLeast(room, 0, "the padded image minus a block");
    Sym count = e.canonical(e.syms.floorDiv(room, strides[d]) + Sym(1));
    counts.push_back(e.size(count));
    parts.push_back(count);
    blocks = blocks * count;
  }
  e.require(x->shape[2], blocks, "number of blocks");
  Value source = e.ir(e.reshape(x, parts));

  // Loops n, c, o..., k...; the window is there for its sizes.
  size_t loops = 2 + 2 * spatial;
  SmallVector<AffineExpr> ks;
  for (size_t d = 0; d < spatial; ++d)
    ks.push_back(b.getAffineDimExpr(2 + spatial + d));
  SmallVector<AffineMap> maps = {
      AffineMap::get(loops, 0, ks, b.getContext()),
      b.getMultiDimIdentityMap(loops).getMajorSubMap(2 + spatial)};
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), 2 + spatial, utils::IteratorType::parallel);
  Value window = e.empty(x->type, shapeOf(kernel)),
        init = e.filled(x->type, shape, e.scalar(x->type, 0));
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), window, init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange a) {
        Code c{e, at, l};
        Formula s{e, x->type, at, l};
        auto loop = [&](size_t d) -> Value {
          return linalg::IndexOp::create(at, l, d);
        };
        SmallVector<Value> from = {loop(0), loop(1)}, block;
        Value isThere;
        for (size_t d = 0; d < spatial; ++d) {
          Value k = loop(2 + spatial + d), stride = c.index(strides[d]);
          Value p = c.sub(c.add(loop(2 + d), c.index(pads[d])),
                          c.mul(k, c.index(dilations[d])));
          Value ok = c.less(c.index(-1), p);
          p = c.max(p, c.index(0));
          Value i = c.div(p, stride);
          ok = c.both(ok, c.equal(c.rem(p, stride), c.index(0)));
          ok = c.both(ok, c.less(i, counts[d]));
          isThere = isThere ? c.both(isThere, ok) : ok;
          from.push_back(k);
          block.push_back(c.min(i, c.sub(counts[d], c.index(1))));
        }
        from.append(block);
        Value v = s.select(isThere, c.get(source, from), s.c(0));
        linalg::YieldOp::create(at, l, s.add(a[1], v));
      });
  n.set(e.computed(op.getResult(0), x->type, shape));
}

} // namespace

llvm::ArrayRef<OpEntry> col2ImOps() {
  static const OpEntry ops[] = {
      {"Col2Im", 18, 3, 3, importCol2Im},
  };
  return ops;
}

} // namespace heed::import
