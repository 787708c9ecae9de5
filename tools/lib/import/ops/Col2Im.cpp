// Col2Im.cpp - overlapping blocks summed into an image (torch's fold).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y[n, c, o] = Σ_k x[n, c, k, (o + pad − k·dilation) / stride]
// over those k for which the block is a whole number and there.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Loop.h"
#include "tools/lib/import/ops/Pooling.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace heed::import {

namespace {

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
  Window win = readWindow(n, kernel, image);
  auto channels = x->shape[1].exactQuotient(checkedCount(kernel));
  if (!channels)
    fail("the channels do not divide by the elements of a block");
  Shape parts = {x->shape[0], *channels}, shape = parts;
  SmallVector<Value> counts, pads;
  Sym blocks(1);
  for (int64_t k : kernel)
    parts.push_back(k);
  for (size_t d = 0; d < spatial; ++d) {
    e.requireAtLeast(image[d], 0, "image size");
    e.requireAtLeast(win.outputs[d], 1, "blocks in the padded image");
    shape.push_back(e.canonical(image[d]));
    counts.push_back(e.size(win.outputs[d]));
    pads.push_back(e.size(win.low[d]));
    parts.push_back(win.outputs[d]);
    blocks = blocks * win.outputs[d];
  }
  e.require(x->shape[2], blocks, "number of blocks");
  Value source = e.ir(e.reshape(x, parts));

  // Loops n, c, o..., k...; the window is there for its sizes.
  PoolMaps maps = poolMaps(b, win);
  Value window = e.empty(x->type, shapeOf(kernel)),
        init = e.filled(x->type, shape, e.scalar(x->type, 0));
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), window, init,
      ArrayRef<AffineMap>{maps.window, maps.result}, maps.iterators,
      [&](OpBuilder &at, Location l, ValueRange a) {
        Code c{e, at, l};
        Formula s{e, x->type, at, l};
        auto loop = [&](size_t d) -> Value {
          return linalg::IndexOp::create(at, l, d);
        };
        SmallVector<Value> from = {loop(0), loop(1)}, block;
        Value isThere;
        for (size_t d = 0; d < spatial; ++d) {
          Value k = loop(2 + spatial + d), stride = c.index(win.strides[d]);
          Value p = c.sub(c.add(loop(2 + d), pads[d]),
                          c.mul(k, c.index(win.dilations[d])));
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
