// AttentionMisses.cpp - programs that look like attentions and are none.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Attention.h"
#include "tests/generate/Case.h"

namespace heed::generate {
namespace {

/// The divisor of another row: element i + 1.
Traced exponentials(Trace &t, Traced s, char keys) {
  return t.exp(t.sub(s, t.reduce(Sum::Max, s, std::string(1, keys))));
}

} // namespace

Case makeAttentionMiss(mlir::MLIRContext &context, uint64_t seed) {
  Random random(seed);
  Trace t(context, random);
  AttentionSizes sizes = drawSizes(t);
  // As many queries as keys, and no size of 1: else some are equivalents.
  int64_t length = random.pick<int64_t>({2, 3, 5, 7});
  bool dynamic = t.isDynamic('i');
  t.declare('i', length, dynamic);
  t.declare('j', length, dynamic);
  t.declare('d', 4);
  t.declare('e', 4);
  if (!sizes.batch.empty())
    t.declare('b', 2, t.isDynamic('b'));
  std::string what = describe(t, sizes);
  Expect expect = Expect::Refused;
  AttentionOperands in = drawOperands(t, sizes);
  std::string rows = sizes.batch + sizes.heads, scores = rows + "ij";
  std::string out = rows + "ie";
  Traced s = drawProduct(t, sizes, in.q, in.k, 0.5, what);
  auto softmax = [&](Traced a, char keys) {
    return spellSoftmax(t, a, keys, true, false, false).e;
  };
  Traced o;
  switch (random.below(18)) {
  case 0:
    what += ", softmax over queries";
    o = t.contract(softmax(s, 'i'), in.v, out);
    break;
  case 1:
    what += ", softmax over batch or heads";
    if (rows.empty() || t.size(rows[0]) == 1) {
      o = t.contract(softmax(s, 'i'), in.v, out);
      break;
    }
    o = t.contract(softmax(s, rows[0]), in.v, out);
    break;
  case 2: { // Σ_i p[i, j] · v[i]
    what += ", values summed over queries";
    Traced v = t.rename(in.v, 'j', 'i');
    o = t.contract(softmax(s, 'j'), v, rows + "je");
    break;
  }
  case 3:
    what += ", no division";
    o = t.contract(exponentials(t, s, 'j'), in.v, out);
    break;
  case 4: {
    what += ", divided by the sum over queries";
    Traced e = exponentials(t, s, 'j');
    o = t.contract(t.div(e, t.reduce(Sum::Add, e, "i")), in.v, out);
    break;
  }
  case 5: {
    what += ", the sum has another shift";
    Traced max = t.reduce(Sum::Max, s, "j");
    Traced e = t.exp(t.sub(s, max));
    Traced other = t.exp(t.sub(s, t.plus(max, 1)));
    o = t.contract(t.div(e, t.reduce(Sum::Add, other, "j")), in.v, out);
    break;
  }
  case 6: {
    what += ", probabilities squared";
    Traced p = softmax(s, 'j');
    o = t.contract(t.mul(p, p), in.v, out);
    break;
  }
  case 7: { // the output scaled: right to fuse, not asked for
    what += ", a factor for each query after the softmax";
    expect = Expect::Either;
    o = t.contract(t.mul(softmax(s, 'j'), t.input("i")), in.v, out);
    break;
  }
  case 8: // the values scaled: the same
    what += ", a factor for each key after the softmax";
    expect = Expect::Either;
    o = t.contract(t.mul(softmax(s, 'j'), t.input("j")), in.v, out);
    break;
  case 9:
    what += ", a number added to the probabilities";
    o = t.contract(t.plus(softmax(s, 'j'), 0.125), in.v, out);
    break;
  case 10: {
    what += ", masked after the softmax";
    Traced open = t.map(
        "ij", {},
        [](auto &f, const auto &) { return f.ge(f.index('i'), f.index('j')); },
        t.i1());
    Traced p = softmax(s, 'j');
    p = t.map(p.dims, {open, p}, [](auto &f, const auto &x) {
      return f.select(x[0], x[1], f.num(0));
    });
    o = t.contract(p, in.v, out);
    break;
  }
  case 11: {
    what += ", keys are weights";
    char features = t.fresh(4);
    Traced x = t.input(rows + "i" + features);
    Traced w = t.constant(std::string{features, 'j'}, t.f32(),
                          [&](const Shape &) { return random.unit(); });
    if (t.isDynamic('j')) { // constants have sizes
      o = t.contract(exponentials(t, s, 'j'), in.v, out);
      break;
    }
    o = t.contract(softmax(t.contract(x, w, scores), 'j'), in.v, out);
    break;
  }
  case 12: {
    what += ", exponentials squared in the sum";
    Traced e = exponentials(t, s, 'j');
    o = t.contract(t.div(e, t.reduce(Sum::Add, t.mul(e, e), "j")), in.v, out);
    break;
  }
  case 13: {
    what += ", sigmoid for softmax";
    Traced p = t.map(s.dims, {s}, [](auto &f, const auto &x) {
      return f.div(f.num(1), f.add(f.num(1), f.exp(f.neg(x[0]))));
    });
    o = t.contract(p, in.v, out);
    break;
  }
  case 14: { // q · q: still a product of queries and keys
    what += ", queries are the keys";
    expect = Expect::Either;
    Traced k = t.rename(in.q, 'i', 'j');
    o = t.contract(softmax(t.contract(in.q, k, scores), 'j'), in.v, out);
    break;
  }
  case 15: { // the largest score of each key: a bias of the keys
    what += ", shifted by each key's maximum";
    expect = Expect::Either;
    Traced shifted = t.sub(s, t.reduce(Sum::Max, s, "i"));
    o = t.contract(softmax(shifted, 'j'), in.v, out);
    break;
  }
  case 16: {
    what += ", the sum leaves out a key";
    Traced e = exponentials(t, s, 'j');
    char fewer = t.fresh(length - 1);
    Traced part = t.slice(e, 'j', fewer, 1);
    o = t.contract(t.div(e, t.reduce(Sum::Add, part, std::string(1, fewer))),
                   in.v, out);
    break;
  }
  default: {
    what += ", scores of one tensor";
    Traced x = t.input(scores);
    o = t.contract(softmax(x, 'j'), in.v, out);
    break;
  }
  }
  o = t.disguise(o);
  t.output(o, o.dims);
  Case result("attention miss", what, t);
  result.expect = expect;
  return result;
}

} // namespace heed::generate
