// NonMaxSuppression.cpp - the best boxes of each class that do not overlap.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each batch and class: of the boxes whose score is above the threshold the
// best is taken (the first among equals), and those that overlap it by more
// than the threshold are struck out, until none is left or enough are taken.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Loop.h"

#include <limits>

using namespace mlir;

namespace heed::import {

namespace {

using Values = Code::Values;

class Suppression {
public:
  Suppression(Node &n);
  void run();

private:
  Value threshold(size_t i, double fallback);
  /// y1, x1, y2, x2, the lower ones first.
  Values corners(Value batch, Value box);
  Value overlaps(const Values &x, const Values &y);
  /// The candidates of a batch and class: their list, scores and number.
  Values candidates(Value batch, Value label, Value list, Value scores);
  /// Position of the best candidate; `count` if there is none.
  Value best(Value scores, Value count);

  Node &n;
  Emitter &e;
  Code c;
  Formula s;
  bool centres;
  Value boxes, scores, boxCount, minScore, maxOverlap;
};

Suppression::Suppression(Node &n)
    : n(n), e(n.e), c{e, e.b, e.loc}, s{e, n.floatInput(0)->type, e.b, e.loc} {
  n.requireRank(0, 3, 3);
  n.requireRank(1, 3, 3);
  if (n.floatInput(1)->type != s.type)
    fail("the boxes and their scores have different types");
  int64_t form = n.intAttr("center_point_box", 0);
  if (form != 0 && form != 1)
    fail("attribute 'center_point_box' is " + Twine(form));
  centres = form;
}

Value Suppression::threshold(size_t i, double fallback) {
  if (!n.has(i))
    return s.c(fallback);
  Tensor given = e.cast(e.reshape(n.floatInput(i), {}), s.type);
  return c.get(e.ir(given), {});
}

Values Suppression::corners(Value batch, Value box) {
  Values v;
  for (int64_t k = 0; k < 4; ++k)
    v.push_back(c.get(boxes, {batch, box, c.index(k)}));
  if (centres) { // x, y, width, height
    Value h = s.mul(v[3], s.c(0.5)), w = s.mul(v[2], s.c(0.5));
    return {s.sub(v[1], h), s.sub(v[0], w), s.add(v[1], h), s.add(v[0], w)};
  }
  return {s.min(v[0], v[2]), s.min(v[1], v[3]), s.max(v[0], v[2]),
          s.max(v[1], v[3])};
}

/// Intersection over union above the threshold; a box without area overlaps
/// nothing.
Value Suppression::overlaps(const Values &x, const Values &y) {
  auto area = [&](const Values &v) {
    return s.mul(s.sub(v[2], v[0]), s.sub(v[3], v[1]));
  };
  Value height = s.sub(s.min(x[2], y[2]), s.max(x[0], y[0])),
        width = s.sub(s.min(x[3], y[3]), s.max(x[1], y[1]));
  Value common = s.mul(s.max(height, s.c(0)), s.max(width, s.c(0)));
  Value all = s.sub(s.add(area(x), area(y)), common);
  Value ratio = s.div(common, all); // not a number for 0 / 0
  return c.both(s.greater(common, s.c(0)), s.greater(ratio, maxOverlap));
}

Values Suppression::candidates(Value batch, Value label, Value list,
                               Value live) {
  return c.repeat(boxCount, {list, live, c.index(0)}, [&](Value i, Values v) {
    Value score = c.get(scores, {batch, label, i});
    return Values{c.put(c.i64(i), v[0], {v[2]}), c.put(score, v[1], {v[2]}),
                  c.add(v[2], c.select(s.greater(score, minScore), c.index(1),
                                       c.index(0)))};
  });
}

Value Suppression::best(Value live, Value count) {
  double infinity = std::numeric_limits<double>::infinity();
  return c.repeat(count, {s.c(-infinity), count}, [&](Value j, Values v) {
    Value score = c.get(live, {j}), better = s.greater(score, v[0]);
    return Values{c.select(better, score, v[0]), c.select(better, j, v[1])};
  })[1];
}

void Suppression::run() {
  const Shape &of = n.input(0)->shape, &scored = n.input(1)->shape;
  e.require(of[0], scored[0], "batch of the scores");
  e.require(of[1], scored[2], "boxes and scores");
  e.require(of[2], 4, "numbers of a box");
  Sym most(0);
  if (n.has(2)) {
    auto given = e.someElements(n.input(2));
    if (given.size() != 1)
      fail("the number of boxes is no scalar");
    most = e.syms.min(e.syms.max(given[0], 0), of[1]);
  }
  most = e.canonical(most);
  // What the loops read is made in front of them.
  boxes = e.ir(n.input(0));
  scores = e.ir(n.input(1));
  boxCount = e.size(of[1]);
  maxOverlap = threshold(3, 0);
  minScore = threshold(4, -std::numeric_limits<double>::infinity());
  Value limit = e.size(most), labels = e.size(scored[1]), zero = c.index(0),
        one = c.index(1);
  Sym pairs = scored[0] * scored[1], rows = e.canonical(pairs * most);
  Value list = e.empty(DType::I64, {of[1]}), live = e.empty(s.type, {of[1]}),
        out = e.empty(DType::I64, {rows, 3});
  auto result =
      c.repeat(e.size(pairs), {list, live, out, zero}, [&](Value p, Values v) {
        Value batch = c.div(p, labels), label = c.rem(p, labels);
        Values of = candidates(batch, label, v[0], v[1]);
        Value rounds = c.min(limit, of[2]);
        Values taken = c.repeat(
            rounds, {of[0], of[1], of[2], v[2], v[3]},
            [&](Value, Values w) -> Values {
              Value list = w[0], live = w[1], count = w[2], out = w[3];
              Value at = best(live, count), found = c.less(at, count);
              Value first = c.get(list, {c.select(found, at, zero)});
              const Value row[] = {c.i64(batch), c.i64(label), first};
              for (int64_t k = 0; k < 3; ++k)
                out = c.put(row[k], out, {w[4], c.index(k)});
              Values box = corners(batch, c.fromI64(first));
              // Those that stay move up, in their order.
              Values rest = c.repeat(
                  c.select(found, count, zero), {list, live, zero},
                  [&](Value j, Values u) -> Values {
                    Value i = c.get(u[0], {j}), score = c.get(u[1], {j});
                    Value gone = overlaps(box, corners(batch, c.fromI64(i)));
                    Value step = c.select(gone, zero, one);
                    step = c.select(c.equal(j, at), zero, step);
                    return {c.put(i, u[0], {u[2]}), c.put(score, u[1], {u[2]}),
                            c.add(u[2], step)};
                  });
              return {rest[0], rest[1], rest[2], out,
                      c.add(w[4], c.select(found, one, zero))};
            });
        return Values{taken[0], taken[1], taken[3], taken[4]};
      });
  Sym count = e.sizeOf(result[3], 0);
  n.set(e.slice(e.computed(result[2], DType::I64, {rows, 3}), {0, 0},
                {count, 3}, {1, 1}));
}

void importNonMaxSuppression(Node &n) { Suppression(n).run(); }

} // namespace

llvm::ArrayRef<OpEntry> nonMaxSuppressionOps() {
  static const OpEntry ops[] = {
      {"NonMaxSuppression", 10, 2, 5, importNonMaxSuppression},
  };
  return ops;
}

} // namespace heed::import
