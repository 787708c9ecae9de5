// Attention.cpp - attentions in random equivalent spellings.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Attention.h"

#include "tests/generate/Case.h"
#include <limits>

namespace heed::generate {

Case::Case(std::string family, std::string name, Trace &trace)
    : name(std::move(name)), family(std::move(family)) {
  for (const Traced &argument : trace.arguments) {
    inputs.push_back(argument.data);
    inputIsBool.push_back(argument.element().isInteger(1));
  }
  for (const Traced &result : trace.results)
    outputs.push_back(result.data);
  summed = trace.summed;
  module = trace.take();
}

AttentionSizes drawSizes(Trace &t) {
  Random &random = t.random;
  AttentionSizes sizes;
  auto length = [&] { return random.pick<int64_t>({1, 2, 3, 5, 7, 17, 33}); };
  auto width = [&] { return random.pick<int64_t>({1, 2, 3, 4, 5, 7, 8, 16}); };
  sizes.batch = !random.oneIn(4) ? "b" : "";
  sizes.self = random.coin();
  bool dynamic = random.oneIn(3);
  t.declare('b', random.pick<int64_t>({1, 2, 3}), dynamic && random.coin());
  int64_t queries = length();
  t.declare('i', queries, dynamic && random.coin());
  // One symbol for one size.
  t.declare('j', sizes.self ? queries : length(),
            sizes.self ? t.isDynamic('i') : dynamic && random.coin());
  t.declare('d', width());
  t.declare('e', random.coin() ? t.size('d') : width());
  switch (random.below(3)) {
  case 0:
    break;
  case 1:
    sizes.heads = "h";
    t.declare('h', random.pick<int64_t>({1, 2, 3}));
    break;
  default:
    sizes.heads = "gr";
    sizes.keyHeads = "g";
    t.declare('g', random.pick<int64_t>({1, 2, 3}));
    t.declare('r', random.pick<int64_t>({2, 3}));
    break;
  }
  if (sizes.heads == "h")
    sizes.keyHeads = "h";
  return sizes;
}

std::string describe(const Trace &t, const AttentionSizes &sizes) {
  std::string text;
  for (char label : sizes.batch + sizes.heads + "ijde")
    text += (text.empty() ? "" : " ") + std::string(1, label) +
            (t.isDynamic(label) ? "=?" : "=") + std::to_string(t.size(label));
  return text;
}

/// One of q, k and v: an argument, with heads and width as one dimension, or
/// projected from a layer's input.
Traced drawOperand(Trace &t, const std::string &dims) {
  Random &random = t.random;
  char width = dims.back();
  std::string outer, heads;
  for (char label : dims.substr(0, dims.size() - 1))
    (label == 'h' || label == 'g' || label == 'r' ? heads : outer)
        .push_back(label);
  Traced result;
  switch (random.below(4)) {
  case 0: { // (b, s, heads · width)
    std::string parts = heads + width;
    if (parts.size() < 2)
      return t.disguise(t.input(dims));
    int64_t product = 1;
    for (char part : parts)
      product *= t.size(part);
    char merged = t.fresh(product);
    result = t.split(t.input(outer + merged), merged, parts);
    break;
  }
  case 1: { // a linear layer
    char features = t.fresh(random.pick<int64_t>({2, 3, 5, 8}));
    Traced x = t.input(outer + features);
    Traced w = t.weight(std::string(1, features) + heads + width, 0.5);
    if (random.coin())
      w = t.times(w, 2);
    result = t.contract(x, w, outer + heads + width);
    if (random.coin())
      result = t.add(result, t.weight(heads + width, 0.2));
    break;
  }
  case 2: { // a part of a larger tensor
    char larger = t.fresh(t.size(width) + 2);
    std::string whole = dims;
    whole.back() = larger;
    result = t.slice(t.input(whole), larger, width, random.below(3));
    break;
  }
  default: {
    std::string order = dims;
    random.shuffle(order);
    result = t.input(order);
    break;
  }
  }
  return t.disguise(result);
}

/// Keys or values once for every head of a group, as one dimension of heads.
static Traced repeated(Trace &t, Traced a, char heads) {
  std::string dims;
  for (char label : a.dims)
    dims += label == 'g' ? std::string("gr") : std::string(1, label);
  return t.merge(t.broadcast(a, dims), "gr", heads);
}

AttentionOperands drawOperands(Trace &t, AttentionSizes &sizes) {
  AttentionOperands result;
  result.q = drawOperand(t, sizes.batch + sizes.heads + "id");
  result.k = drawOperand(t, sizes.batch + sizes.keyHeads + "jd");
  result.v = drawOperand(t, sizes.batch + sizes.keyHeads + "je");
  if (sizes.heads == "gr" && t.random.coin()) {
    t.declare('h', t.size('g') * t.size('r'));
    result.q = t.merge(result.q, "gr", 'h');
    result.k = repeated(t, result.k, 'h');
    result.v = repeated(t, result.v, 'h');
    sizes.heads = sizes.keyHeads = "h";
  }
  return result;
}

static Traced drawBias(Trace &t, const AttentionSizes &sizes,
                       std::string &what) {
  Random &random = t.random;
  std::string heads = sizes.heads;
  if (random.oneIn(3)) { // ALiBi: slope · (j − i)
    what += ", ALiBi";
    double slope = 0.25;
    Traced distance = t.map("ij", {}, [&](auto &f, const auto &) {
      return f.toFloat(f.sub(f.index('j'), f.index('i')));
    });
    if (heads.empty() || random.oneIn(3))
      return t.times(distance, slope);
    return t.mul(distance, t.weight(heads, slope));
  }
  what += ", bias";
  switch (random.below(4)) {
  case 0:
    return t.disguise(t.input("ij"));
  case 1:
    return t.disguise(t.input(heads + "ij"));
  case 2:
    return t.disguise(t.input(sizes.batch + heads + "ij"));
  default:
    return t.disguise(t.input(sizes.batch + "j"));
  }
}

/// scale · q·k, the scale in any place.
Traced drawProduct(Trace &t, const AttentionSizes &sizes, Traced q, Traced k,
                   double scale, std::string &what) {
  std::string out = sizes.batch + sizes.heads + "ij";
  int64_t place = t.random.below(5);
  double root = std::sqrt(scale);
  switch (place) {
  case 0:
    what += ", scale on q";
    return t.disguise(t.contract(t.times(q, scale), k, out));
  case 1:
    what += ", scale on k";
    return t.disguise(t.contract(q, t.times(k, scale), out));
  case 2:
    what += ", scale on both";
    return t.disguise(t.contract(t.times(q, root), t.times(k, root), out));
  case 3:
    what += ", scale on the scores";
    return t.disguise(t.times(t.disguise(t.contract(q, k, out)), scale));
  default:
    what += ", scale in two parts";
    return t.times(t.contract(t.times(q, root), k, out), root);
  }
}

Traced drawOutput(Trace &t, const AttentionSizes &sizes, const Weights &weights,
                  Traced v) {
  std::string out = sizes.batch + sizes.heads + "ie";
  Traced p = t.disguise(weights.e);
  Traced o = t.random.coin() ? t.contract(p, v, out) : t.contract(v, p, out);
  if (weights.total)
    o = t.div(o, *weights.total);
  return o;
}

Case makeAttention(mlir::MLIRContext &context, uint64_t seed) {
  Random random(seed);
  Trace t(context, random);
  AttentionSizes sizes = drawSizes(t);
  std::string what = describe(t, sizes);
  AttentionOperands in = drawOperands(t, sizes);
  double scale = random.pick({0.5, 0.25, 0.35355339, 1.0});
  Traced s = drawProduct(t, sizes, in.q, in.k, scale, what);
  if (random.oneIn(5)) {
    what += ", softcap";
    double cap = random.pick({1.0, 2.0, 5.0});
    s = t.times(t.tanh(cap == 1 ? s : t.times(s, 1 / cap)), cap);
  }
  bool biased = random.oneIn(3);
  if (biased) {
    Traced bias = drawBias(t, sizes, what);
    s = random.coin() ? t.add(s, bias) : t.add(bias, s);
    if (random.oneIn(4)) {
      what += ", factor after the bias";
      s = t.times(s, 0.5);
    }
  }
  bool limited = random.oneIn(6);
  if (limited) { // no scale, no bias: a score of its own
    std::string over;
    for (char label : sizes.heads)
      if (random.coin())
        over.push_back(label);
    what += ", limit over '" + over + "'";
    s = t.map(s.dims, {s, t.input(over)},
              [](auto &f, const auto &x) { return f.max(x[0], x[1]); });
  }
  bool mayOmitMax = true, openRows = true;
  std::vector<Mask> masks;
  bool known = true;
  if (random.coin()) {
    double sentinel =
        random.pick({-std::numeric_limits<double>::infinity(), -1e9,
                     -double(std::numeric_limits<float>::max())});
    for (int64_t count = random.oneIn(4) ? 2 : 1; count > 0; --count) {
      Mask mask = drawMask(t, !sizes.batch.empty());
      Condition condition = spellCondition(t, mask);
      // Two finite numbers on one score would not be one mask.
      bool bySelect = count > 1 || !masks.empty() || random.coin();
      s = applyMask(t, s, condition, sentinel, bySelect);
      openRows &= eachRowIsOpen(t, mask);
      masks.push_back(mask);
      known &= condition.known;
      what += ", " + mask.str() + (std::isinf(sentinel) ? " -inf" : " finite");
    }
    mayOmitMax = masks.size() == 1 && openRows;
  }
  s = t.disguise(s);
  Weights weights =
      spellSoftmax(t, s, 'j', mayOmitMax, !masks.empty(), openRows);
  if (!weights.total && !masks.empty() && random.oneIn(4)) {
    what += ", NaN guard";
    weights.e = t.map(weights.e.dims, {weights.e}, [](auto &f, const auto &x) {
      return f.select(f.isNan(x[0]), f.num(0), x[0]);
    });
  }
  bool escapes = !weights.total && random.oneIn(5);
  if (weights.total)
    what += ", late division";
  Traced o = t.disguise(drawOutput(t, sizes, weights, in.v));
  if (random.oneIn(4)) {
    what += ", output layer";
    char features = t.fresh(4);
    Traced w = t.weight(sizes.heads + "e" + features, 0.5);
    o = t.contract(o, w, sizes.batch + "i" + features);
  }
  t.output(o, o.dims);
  if (escapes) {
    what += ", probabilities returned";
    t.output(weights.e, weights.e.dims);
  }
  bool oneKey = t.size('j') == 1 && !t.isDynamic('j');
  Case result("attention", what, t);
  if (oneKey) // the only weight is 1: there is nothing to attend to
    result.expect = Expect::Either;
  // Of one query, the heads that share its keys are the rows.
  if (!oneKey && t.size('i') > 1 && masks.size() == 1 && masks[0].isBand() &&
      known && !biased && !limited && openRows && !t.isDynamic('i') &&
      !t.isDynamic('j')) {
    result.band.emplace();
    for (int64_t i = 0; i < t.size('i'); ++i)
      for (int64_t j = 0; j < t.size('j'); ++j)
        result.band->push_back(masks[0].open({i, j}) != 0);
  }
  return result;
}

} // namespace heed::generate
