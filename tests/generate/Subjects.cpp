// Subjects.cpp - the programs that miscompiles are planted in.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Attention.h"
#include "tests/generate/Gate.h"
#include "tests/generate/Mutants.h"
#include <limits>

namespace heed::generate {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void sizes(Trace &t, const std::string &labels, std::vector<int64_t> values) {
  for (size_t i = 0; i < labels.size(); ++i)
    t.declare(labels[i], values[i]);
}

Traced attend(Trace &t, Traced s, Traced v, const std::string &out) {
  Weights weights = spellSoftmax(t, s, 'j', false, true, false);
  return t.contract(weights.e, v, out);
}

Traced masked(Trace &t, Traced s, Mask::Kind kind, const std::string &dims,
              const Trace::Fill &open, double sentinel) {
  Mask mask;
  mask.kind = kind;
  mask.dims = dims;
  mask.open = open;
  Condition condition{t.constant(dims, t.i1(), open), true};
  if (kind == Mask::Padding) // known when it runs
    condition.open = t.input(dims, t.i1(), open);
  return applyMask(t, s, condition, sentinel, true);
}

Traced attention(Trace &t, Subject subject) {
  Traced q = t.input("bhid", 2), k = t.input("bhjd", 2), v = t.input("bhje");
  Traced s = t.times(t.contract(q, k, "bhij"), 0.5);
  int64_t corner = t.size('j') - t.size('i');
  switch (subject) {
  case Subject::Causal:
    s = masked(
        t, s, Mask::Causal, "ij",
        [](const Shape &at) { return at[1] <= at[0]; }, -kInfinity);
    break;
  case Subject::CausalLast:
    s = masked(
        t, s, Mask::CausalLast, "ij",
        [=](const Shape &at) { return at[1] <= at[0] + corner; }, -kInfinity);
    break;
  case Subject::Window:
    s = masked(
        t, s, Mask::Window, "ij",
        [](const Shape &at) {
          return at[1] >= at[0] - 1 && at[1] <= at[0] + 2;
        },
        -kInfinity);
    break;
  case Subject::Bias:
    s = t.add(t.times(t.tanh(t.times(s, 0.5)), 2), t.input("hij", 2));
    break;
  case Subject::Padding:
  case Subject::PaddingLow:
    s = masked(
        t, s, Mask::Padding, "bj",
        [](const Shape &at) { return at[0] != 1 && at[1] < 3; },
        subject == Subject::Padding ? -kInfinity : -1e9);
    break;
  case Subject::Slopes: {
    Traced distance = t.map("ij", {}, [](auto &f, const auto &) {
      return f.toFloat(f.sub(f.index('j'), f.index('i')));
    });
    s = t.add(s, t.times(distance, 0.25));
    s = t.map(s.dims, {s, t.input("h")},
              [](auto &f, const auto &x) { return f.max(x[0], x[1]); });
    break;
  }
  default:
    break;
  }
  return attend(t, s, v, "bhie");
}

Traced groups(Trace &t) {
  sizes(t, "bgrijde", {2, 3, 3, 4, 5, 4, 4});
  Traced q = t.input("bgrid", 2), k = t.input("bgjd", 2), v = t.input("bgje");
  return attend(t, t.contract(q, k, "bgrij"), v, "bgrie");
}

Traced projections(Trace &t) {
  sizes(t, "bijhdefC", {2, 4, 4, 2, 4, 4, 4, 8});
  Traced x = t.input("biC");
  auto project = [&](char width) {
    Traced w = t.constant(std::string{'C', 'h', width}, t.f32(),
                          [&](const Shape &) { return t.random.unit(); });
    return t.contract(x, w, std::string{'b', 'i', 'h', width});
  };
  Traced q = project('d'), k = t.rename(project('d'), 'i', 'j');
  Traced v = t.rename(project('e'), 'i', 'j');
  return attend(t, t.times(t.contract(q, k, "bhij"), 0.5), v, "bihe");
}

Traced sigmoid(Trace &t, Traced a) {
  return t.map(a.dims, {a}, [](auto &f, const auto &x) {
    return f.div(f.num(1), f.add(f.num(1), f.exp(f.neg(x[0]))));
  });
}

Traced gate(Trace &t, Subject subject) {
  sizes(t, "nchwmk", {2, 4, 4, 4, 3, 4});
  Traced x = t.input("nchw", 2);
  Traced mean = t.mean(x, "hw");
  auto layer = [&](Traced p, Traced w, Traced bias) {
    return t.rename(t.add(t.contract(p, w, "nk"), bias), 'k', 'c');
  };
  switch (subject) {
  case Subject::Shared: {
    Traced w1 = t.input("cm"), w2 = t.input("mk");
    auto mlp = [&](Traced p) {
      Traced hidden = t.contract(p, w1, "nm");
      // Leaky, so that no hidden value is lost.
      hidden = t.map(hidden.dims, {hidden}, [](auto &f, const auto &v) {
        return f.max(v[0], f.mul(v[0], f.num(0.125)));
      });
      return t.rename(t.contract(hidden, w2, "nk"), 'k', 'c');
    };
    Traced max = t.reduce(Sum::Max, x, "hw");
    return t.mul(x, sigmoid(t, t.add(t.times(mlp(mean), 0.75),
                                     t.times(mlp(max), 0.25))));
  }
  case Subject::Epilogue: {
    Traced g = sigmoid(t, layer(mean, t.input("ck"), t.input("k")));
    Traced sum = t.add(t.mul(x, g), t.input("nchw"));
    Traced y = t.mul(sum, t.input("nchw"));
    return t.map(y.dims, {y},
                 [](auto &f, const auto &v) { return f.max(v[0], f.num(0)); });
  }
  case Subject::Channels:
    return t.mul(x, sigmoid(t, convolve(t, mean, 'c')));
  case Subject::Places: {
    Traced max = t.reduce(Sum::Max, x, "c");
    return t.mul(x, sigmoid(t, convolve(t, convolve(t, max, 'h'), 'w')));
  }
  default:
    return t.mul(x, sigmoid(t, layer(mean, t.input("ck"), t.input("k"))));
  }
}

Traced layer(Trace &t) {
  sizes(t, "bsc", {3, 4, 4});
  Traced x = t.input("bsc");
  Traced d = t.sub(x, t.mean(x, "c"));
  Traced variance = t.mean(t.mul(d, d), "c");
  Traced factor = t.map(variance.dims, {variance}, [](auto &f, const auto &v) {
    return f.rsqrt(f.add(v[0], f.num(0.25)));
  });
  return t.add(t.mul(t.mul(d, factor), t.input("c")), t.input("c"));
}
} // namespace

Case makeSubject(mlir::MLIRContext &context, Subject subject) {
  Random random(uint64_t(subject) + 1);
  Trace t(context, random);
  bool isGate = subject >= Subject::Excitation && subject < Subject::Layer;
  Traced result;
  if (subject == Subject::Layer) {
    result = layer(t);
  } else if (isGate) {
    result = gate(t, subject);
  } else if (subject == Subject::Groups) {
    result = groups(t);
  } else if (subject == Subject::Projections) {
    result = projections(t);
  } else {
    bool cross = subject == Subject::Causal || subject == Subject::CausalLast;
    sizes(t, "bhijde",
          cross ? std::vector<int64_t>{2, 4, 4, 6, 4, 4}
                : std::vector<int64_t>{4, 4, 4, 4, 4, 4});
    result = attention(t, subject);
  }
  t.output(result, result.dims);
  Case generated("subject", "subject " + std::to_string(int(subject)), t);
  generated.op = subject == Subject::Layer ? "norm" : isGate ? "gate" : "sdpa";
  return generated;
}

} // namespace heed::generate
