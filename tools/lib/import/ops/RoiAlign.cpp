// RoiAlign.cpp - regions of a feature map brought to one size.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each bin of a region is the mean (or largest) of a grid of samples, each
// between four elements.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Gather.h"
#include "tools/lib/import/ops/Loop.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace heed::import {

namespace {

struct RoiAlign {
  Emitter &e;
  DType type;
  bool isMax, halfPixel;
  int64_t ratio = 0, bins[2] = {}; // height, width
  double scale = 1;
  Value source = {}, regions = {};
  Value sizes[2] = {}, lasts[2] = {}; // of the map: float, index

  /// One dim of a bin: where its samples start, how far apart, how many.
  struct Span {
    Value start, step, count;
  };
  Span spanOf(Code &c, Formula &s, Value region, Value bin, int64_t d) {
    auto edge = [&](int64_t k) { // of x1, y1, x2, y2
      Value v = s.mul(c.get(regions, {region, c.index(k)}), s.c(scale));
      return halfPixel ? s.sub(v, s.c(0.5)) : v;
    };
    Value low = edge(1 - d), size = s.sub(edge(3 - d), low);
    if (!halfPixel)
      size = s.max(size, s.c(1));
    Value each = s.div(size, s.c(double(bins[d])));
    Value count = c.index(ratio), samples = s.c(double(ratio));
    if (ratio == 0) { // as many as the bin has elements
      samples = s.make<math::CeilOp>(each);
      samples = s.max(s.min(samples, s.c(1 << 20)), s.c(0));
      count = c.fromFloat(samples);
    }
    Value start = s.add(low, s.mul(c.toFloat(bin, type), each));
    return {start, s.div(each, samples), count};
  }
  /// The two elements around a sample, their weights, and whether it lies on
  /// the map (an element beyond the edge does).
  struct Around {
    Value at[2], weight[2], inside;
  };
  Around around(Code &c, Formula &s, const Span &span, Value i, int64_t d) {
    Value middle = s.add(c.toFloat(i, type), s.c(0.5));
    Value p = s.add(span.start, s.mul(middle, span.step));
    Around r;
    Value above = arith::CmpFOp::create(c.b, c.l, arith::CmpFPredicate::OGE, p,
                                        s.c(-1)),
          below = arith::CmpFOp::create(c.b, c.l, arith::CmpFPredicate::OLE, p,
                                        sizes[d]);
    r.inside = c.both(above, below);
    p = s.select(r.inside, s.max(p, s.c(0)), s.c(0));
    Value low = c.min(c.fromFloat(p), lasts[d]);
    r.at[0] = low;
    r.at[1] = c.min(c.add(low, c.index(1)), lasts[d]);
    // At the last element both are the same, and so is their mix.
    r.weight[1] = s.sub(p, c.toFloat(low, type));
    r.weight[1] = s.select(c.less(low, lasts[d]), r.weight[1], s.c(0));
    r.weight[0] = s.sub(s.c(1), r.weight[1]);
    return r;
  }
  Value bin(Code &c, Value image, ValueRange out) {
    Formula s{e, type, c.b, c.l};
    Span spans[] = {spanOf(c, s, out[0], out[2], 0),
                    spanOf(c, s, out[0], out[3], 1)};
    double low = -std::numeric_limits<double>::infinity();
    Value start = s.c(isMax ? low : 0);
    auto rows = c.repeat(spans[0].count, {start}, [&](Value i, auto sum) {
      Around y = around(c, s, spans[0], i, 0);
      return c.repeat(spans[1].count, sum, [&](Value j, auto sum) {
        Around x = around(c, s, spans[1], j, 1);
        Value mixed;
        for (int k = 0; k < 4; ++k) {
          Value v = c.get(source, {image, out[1], y.at[k / 2], x.at[k % 2]});
          v = s.mul(s.mul(y.weight[k / 2], x.weight[k % 2]), v);
          // The largest is that of the weighted elements, as ONNX has it.
          mixed = !mixed ? v : isMax ? s.max(mixed, v) : s.add(mixed, v);
        }
        mixed = s.select(c.both(y.inside, x.inside), mixed, s.c(0));
        return Code::Values{isMax ? s.max(sum[0], mixed)
                                  : s.add(sum[0], mixed)};
      });
    });
    Value count = c.mul(spans[0].count, spans[1].count);
    if (isMax)
      return s.select(c.less(c.index(0), count), rows[0], s.c(0));
    return s.div(rows[0], c.toFloat(c.max(count, c.index(1)), type));
  }
};

void importRoiAlign(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 4, 4);
  n.requireRank(1, 2, 2);
  n.requireRank(2, 1, 1);
  const Tensor &x = n.floatInput(0), &indices = n.input(2);
  if (n.floatInput(1)->type != x->type)
    fail("the regions are " + name(n.input(1)->type) + ", the input " +
         name(x->type));
  if (!isInteger(indices->type))
    fail("input 2: expected integers, got " + name(indices->type));
  e.require(n.input(1)->shape[0], indices->shape[0], "regions and batches");
  e.require(n.input(1)->shape[1], 4, "numbers of a region");
  std::string mode = n.stringAttr("mode", "avg"),
              transform = n.stringAttr("coordinate_transformation_mode",
                                       n.opset < 16 ? "output_half_pixel"
                                                    : "half_pixel");
  if (mode != "avg" && mode != "max")
    fail("attribute 'mode' is " + quoted(mode));
  if (transform != "half_pixel" && transform != "output_half_pixel")
    fail("attribute 'coordinate_transformation_mode' is " + quoted(transform));
  RoiAlign roi{e, x->type, mode == "max", transform == "half_pixel"};
  auto small = [&](StringRef name, int64_t fallback, int64_t low) {
    int64_t v = n.intAttr(name, fallback);
    if (v < low || v > 1 << 20)
      fail("attribute " + quoted(name) + " is " + Twine(v));
    return v;
  };
  roi.ratio = small("sampling_ratio", 0, 0);
  roi.bins[0] = small("output_height", 1, 1);
  roi.bins[1] = small("output_width", 1, 1);
  roi.scale = n.floatAttr("spatial_scale", 1);
  checkIndices(e, indices, x->shape[0]);
  Code c{e, e.b, e.loc};
  for (int64_t d = 0; d < 2; ++d) {
    e.requireAtLeast(x->shape[2 + d], 1, "sampled dimension");
    roi.sizes[d] = c.toFloat(e.size(x->shape[2 + d]), x->type);
    roi.lasts[d] = e.size(x->shape[2 + d] - Sym(1));
  }
  roi.source = e.ir(x);
  roi.regions = e.ir(n.input(1));
  IndexClamp clamp(e, indices, x->shape[0]);
  Value images = e.ir(indices);
  n.set(e.generate(x->type,
                   {indices->shape[0], x->shape[1], roi.bins[0], roi.bins[1]},
                   [&](OpBuilder &b, Location l, ValueRange out) -> Value {
                     Code in{e, b, l};
                     Value image = clamp(b, l, in.get(images, {out[0]}));
                     return roi.bin(in, image, out);
                   }));
}

} // namespace

llvm::ArrayRef<OpEntry> roiAlignOps() {
  static const OpEntry ops[] = {
      {"RoiAlign", 10, 3, 3, importRoiAlign},
  };
  return ops;
}

} // namespace heed::import
