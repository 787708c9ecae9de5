// SpellMask.cpp - masks: what they open, and the ways to write them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Spellings.h"

namespace heed::generate {

std::string Mask::str() const {
  switch (kind) {
  case Causal:
    return "causal";
  case CausalLast:
    return "causal from the last key";
  case Window:
    return "window " + std::to_string(left) + ", " + std::to_string(right);
  case Padding:
    return "padding";
  case Blocks:
    return "blocks of " + std::to_string(left);
  case Prefix:
    return "prefix of " + std::to_string(left);
  case Any:
    return "any mask";
  }
  return {};
}

Mask drawMask(Trace &t, bool hasBatch) {
  Mask mask;
  Random &random = t.random;
  int64_t queries = t.size('i'), keys = t.size('j');
  bool dynamic = t.isDynamic('i') || t.isDynamic('j');
  mask.dims = "ij";
  mask.kind =
      random.pick({Mask::Causal, Mask::Causal, Mask::CausalLast, Mask::Window,
                   Mask::Padding, Mask::Blocks, Mask::Prefix, Mask::Any});
  if (mask.kind == Mask::CausalLast && dynamic)
    mask.kind = Mask::Causal;
  mask.left = random.below(3);
  mask.right = random.below(3);
  int64_t left = mask.left, right = mask.right;
  switch (mask.kind) {
  case Mask::Causal:
    mask.open = [](const Shape &at) { return at[1] <= at[0]; };
    break;
  case Mask::CausalLast:
    mask.open = [=](const Shape &at) {
      return at[1] <= at[0] + keys - queries;
    };
    break;
  case Mask::Window:
    mask.open = [=](const Shape &at) {
      return at[1] >= at[0] - left && at[1] <= at[0] + right;
    };
    break;
  case Mask::Blocks:
    mask.left = left = 1 + random.below(4);
    mask.open = [=](const Shape &at) { return at[0] / left == at[1] / left; };
    break;
  case Mask::Prefix:
    mask.left = left = 1 + random.below(3);
    mask.open = [=](const Shape &at) { return at[1] < left || at[1] <= at[0]; };
    break;
  case Mask::Padding: {
    mask.dims = hasBatch ? "bj" : "j";
    std::vector<int64_t> lengths;
    for (int64_t b = 0; b < (hasBatch ? t.size('b') : 1); ++b)
      lengths.push_back(1 + random.below(keys));
    mask.open = [=](const Shape &at) {
      return at.back() < lengths[hasBatch ? size_t(at[0]) : 0];
    };
    break;
  }
  case Mask::Any: {
    if (hasBatch && random.coin())
      mask.dims = "bij";
    uint64_t key = random.next();
    mask.open = [=](const Shape &at) {
      uint64_t seed = key;
      for (int64_t index : at)
        seed = seed * 1000003 + uint64_t(index);
      return Random(seed).below(4) != 0;
    };
    break;
  }
  }
  return mask;
}

bool eachRowIsOpen(const Trace &t, const Mask &mask) {
  std::string rows = mask.dims;
  rows.erase(rows.find('j'), 1);
  Shape shape = t.shapeOf(rows), index(rows.size(), 0);
  do {
    bool open = false;
    for (int64_t j = 0; j < t.size('j'); ++j) {
      Shape at = index;
      at.insert(at.begin() + long(mask.dims.find('j')), j);
      open |= mask.open(at) != 0;
    }
    if (!open)
      return false;
  } while (reference::next(index, shape));
  return true;
}

/// The condition by i and j, which are indices of loops or elements of iotas.
template <typename F, typename V>
static V compared(F &f, const Mask &mask, V i, V j, int64_t corner,
                  bool flipped) {
  V shifted = mask.kind == Mask::CausalLast ? f.add(i, f.integer(corner)) : i;
  switch (mask.kind) {
  case Mask::Window: {
    V low = flipped ? f.le(f.sub(i, f.integer(mask.left)), j)
                    : f.ge(f.add(j, f.integer(mask.left)), i);
    V high = flipped ? f.ge(f.integer(mask.right), f.sub(j, i))
                     : f.lt(j, f.add(i, f.integer(mask.right + 1)));
    return f.both(low, high);
  }
  case Mask::Prefix:
    return f.any(f.lt(j, f.integer(mask.left)), f.ge(i, j));
  default:
    return flipped ? f.no(f.gt(j, shifted)) : f.ge(shifted, j);
  }
}

static Traced indices(Trace &t, char label) {
  return t.map(
      std::string(1, label), {},
      [&](auto &f, const auto &) { return f.index(label); },
      t.builder().getIndexType());
}

static Traced comparison(Trace &t, const Mask &mask) {
  int64_t corner = t.size('j') - t.size('i');
  bool flipped = t.random.coin();
  if (t.random.coin())
    return t.map(
        t.random.coin() ? "ij" : "ji", {},
        [&](auto &f, const auto &) {
          return compared(f, mask, f.index('i'), f.index('j'), corner, flipped);
        },
        t.i1());
  Traced i = indices(t, 'i'), j = indices(t, 'j');
  return t.map(
      t.random.coin() ? "ij" : "ji", {i, j},
      [&](auto &f, const auto &x) {
        return compared(f, mask, x[0], x[1], corner, flipped);
      },
      t.i1());
}

/// Which segment an index lies in: numbers, or a running sum of beginnings.
static Traced segments(Trace &t, char label, int64_t length) {
  std::string dims(1, label);
  if (t.random.coin())
    return t.constant(dims, t.f32(),
                      [=](const Shape &at) { return double(at[0] / length); });
  char other = t.fresh(t.size(label));
  Traced begins =
      t.constant(std::string(1, other), t.f32(), [=](const Shape &at) {
        return double(at[0] > 0 && at[0] % length == 0);
      });
  Traced seen = t.map(dims + other, {begins}, [&](auto &f, const auto &x) {
    return f.select(f.le(f.index(other), f.index(label)), x[0], f.num(0));
  });
  return t.reduce(Sum::Add, seen, std::string(1, other));
}

/// A constant mask that is computed: segments compared, or numbers.
static Traced computed(Trace &t, const Mask &mask) {
  if (mask.kind == Mask::Blocks && !t.random.oneIn(4)) {
    Traced i = segments(t, 'i', mask.left), j = segments(t, 'j', mask.left);
    return t.map(
        t.random.coin() ? "ij" : "ji", {i, j},
        [](auto &f, const auto &x) { return f.eq(x[0], x[1]); }, t.i1());
  }
  Traced numbers = t.constant(mask.dims, t.f32(), [&](const Shape &at) {
    return mask.open(at) != 0 ? 2.0 : -1.0;
  });
  return t.map(
      mask.dims, {numbers},
      [](auto &f, const auto &x) { return f.gt(x[0], f.num(0)); }, t.i1());
}

static Traced negated(Trace &t, Traced a) {
  return t.map(
      a.dims, {a}, [](auto &f, const auto &x) { return f.no(x[0]); }, t.i1());
}

Condition spellCondition(Trace &t, const Mask &mask) {
  Random &random = t.random;
  bool dynamic = false;
  for (char label : mask.dims)
    dynamic |= t.isDynamic(label);
  bool compares = mask.isBand() || mask.kind == Mask::Prefix;
  int64_t spelling = random.below(compares ? 6 : 4);
  Condition result{{}, true};
  if (compares && (spelling >= 3 || dynamic)) {
    result.open = comparison(t, mask);
  } else if (spelling == 0 || dynamic) {
    result = {t.input(mask.dims, t.i1(), mask.open), false};
  } else if (spelling == 1) {
    result.open = t.constant(mask.dims, t.i1(), mask.open);
  } else {
    result.open = computed(t, mask);
  }
  for (int64_t step = random.below(3); step > 0; --step)
    switch (random.below(3)) {
    case 0: // not not
      result.open = negated(t, negated(t, result.open));
      break;
    case 1: // and true
      result.open = t.map(
          result.open.dims, {result.open},
          [](auto &f, const auto &x) { return f.both(x[0], f.truth(true)); },
          t.i1());
      break;
    default: // with itself
      result.open = t.map(
          result.open.dims, {result.open, result.open},
          [](auto &f, const auto &x) { return f.any(x[0], x[1]); }, t.i1());
      break;
    }
  return result;
}

Traced applyMask(Trace &t, Traced scores, const Condition &condition,
                 double sentinel, bool bySelect) {
  Traced open = condition.open;
  if (bySelect) {
    if (t.random.coin())
      return t.map(scores.dims, {open, scores}, [&](auto &f, const auto &x) {
        return f.select(x[0], x[1], f.num(sentinel));
      });
    return t.map(scores.dims, {negated(t, open), scores},
                 [&](auto &f, const auto &x) {
                   return f.select(x[0], f.num(sentinel), x[1]);
                 });
  }
  Traced added;
  if (std::isinf(sentinel) || t.random.coin()) {
    added = t.map(open.dims, {open}, [&](auto &f, const auto &x) {
      return f.select(x[0], f.num(0), f.num(sentinel));
    });
  } else { // (1 − m) · sentinel
    Traced number = t.map(open.dims, {open}, [&](auto &f, const auto &x) {
      return f.sub(f.num(1), f.toFloat(x[0]));
    });
    added = t.map(open.dims, {number}, [&](auto &f, const auto &x) {
      return f.mul(x[0], f.num(sentinel));
    });
  }
  return t.random.coin() ? t.add(scores, added) : t.add(added, scores);
}

} // namespace heed::generate
