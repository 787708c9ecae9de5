// GateMisses.cpp - programs that look like gates and are none.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Case.h"
#include "tests/generate/Gate.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace heed::generate {
namespace {

/// Elements of a dimension in another order.
Traced rotated(Trace &t, Traced a, char label) {
  char first = t.fresh(1), rest = t.fresh(t.size(label) - 1);
  Traced head = t.slice(a, label, first, 0);
  Traced tail = t.slice(a, label, rest, 1);
  head = t.rename(head, first, rest); // one place in both
  std::string dims = tail.dims;
  size_t place = dims.find(rest);
  dims[place] = label;
  Traced result{mlir::tensor::ConcatOp::create(
                    t.builder(), t.loc(), t.typeOf(dims, a.element()), place,
                    mlir::ValueRange{tail.value, head.value}),
                dims, Tensor(t.shapeOf(dims))};
  Shape index(dims.size(), 0);
  do {
    Shape source = index;
    source[place] = (source[place] + 1) % t.size(label);
    result.data.at(index) = a.data.at(source);
  } while (reference::next(index, result.data.shape));
  return result;
}

} // namespace

Case makeGateMiss(mlir::MLIRContext &context, uint64_t seed) {
  Random random(seed);
  Trace t(context, random);
  std::string what;
  Expect expect = Expect::Refused;
  GateSizes sizes = drawGateSizes(t, what);
  // Sizes of 1 make equivalents of near-misses; equal places hide swaps.
  for (char label : "n" + sizes.dims)
    if (t.size(label) < 3)
      t.declare(label, 3);
  for (char label : sizes.places)
    t.declare(label, 4);
  Traced x = drawFeatures(t, sizes);
  Mlp mlp = drawMlp(t);
  const std::string &places = sizes.places;
  auto excite = [&](Traced pooled) {
    return activate(t, apply(t, mlp, pooled));
  };
  Traced y;
  switch (random.below(15)) {
  case 0:
    what += ", another tensor is pooled";
    y = t.mul(x, excite(t.mean(t.input(sizes.dims), places)));
    break;
  case 1: {
    what += ", a function of it is pooled";
    Traced positive = t.map(x.dims, {x}, [](auto &f, const auto &v) {
      return f.max(v[0], f.num(0));
    });
    y = t.mul(x, excite(t.mean(positive, places)));
    break;
  }
  case 2:
    what += ", its square is pooled";
    expect = Expect::Either; // a p-norm, with something learned behind it
    y = t.mul(x, excite(t.mean(t.mul(x, x), places)));
    break;
  case 3: {
    what += ", read directly";
    Traced sum = t.add(x, apply(t, mlp, t.mean(x, places)));
    y = t.mul(x, activate(t, sum));
    break;
  }
  case 4: {
    what += ", softmax-weighted pool";
    Traced e = t.exp(x);
    Traced p = t.div(e, t.reduce(Sum::Add, e, places));
    y = t.mul(x, excite(t.reduce(Sum::Add, t.mul(p, x), places)));
    break;
  }
  case 5: {
    what += ", a part is pooled";
    char part = t.fresh(3);
    Traced half = t.slice(x, places[0], part, 0);
    std::string over = places;
    over[0] = part;
    y = t.mul(x, excite(t.mean(half, over)));
    break;
  }
  case 6:
    what += ", the gate is added";
    y = t.add(x, excite(t.mean(x, places)));
    break;
  case 7: {
    what += ", a norm";
    Traced square = t.mean(t.mul(x, x), places);
    Traced factor = t.map(square.dims, {square}, [](auto &f, const auto &v) {
      return f.rsqrt(f.add(v[0], f.num(1e-5)));
    });
    y = t.mul(x, factor);
    break;
  }
  case 8:
    what += ", no reduction";
    y = t.mul(x, activate(t, t.weight("c")));
    break;
  case 9: // the batch is pooled too: one gate for all images is a gate
    what += ", mean over the batch";
    expect = Expect::Either;
    y = t.mul(x, excite(t.mean(x, "n" + places)));
    break;
  case 10:
    what += ", another image is pooled";
    y = t.mul(x, excite(t.mean(rotated(t, x, 'n'), places)));
    break;
  case 11: {
    what += ", gate along a pooled dimension";
    if (places.size() < 2) {
      Traced p = t.mean(x, places);
      y = t.mul(t.input(sizes.dims), excite(p));
      break;
    }
    Traced p = activate(t, t.mean(x, "w"));
    std::string dims = p.dims;
    y = t.mul(x, t.rename(p, 'h', 'w')); // the gate of row h at column h
    break;
  }
  case 12: {
    what += ", the pooled tensor is not the scaled one";
    Traced z = t.tanh(x);
    y = t.mul(z, excite(t.reduce(Sum::Max, x, places)));
    break;
  }
  case 13: {
    what += ", a factor along the pooled";
    Traced z = t.mul(x, t.weight(std::string(1, places[0])));
    y = t.mul(z, excite(t.mean(x, places)));
    break;
  }
  default: {
    what += ", channels exchanged inside the gate";
    expect = Expect::Either; // any excitation is one
    y = t.mul(x, rotated(t, excite(t.mean(x, places)), 'c'));
    break;
  }
  }
  y = t.disguise(y);
  t.output(y, y.dims);
  Case result("gate miss", what, t);
  result.op = "gate";
  result.expect = expect;
  return result;
}

} // namespace heed::generate
