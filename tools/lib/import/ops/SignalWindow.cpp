// SignalWindow.cpp - windows and filter banks of audio front ends.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   w[n] = a − b·cos(2πn / N) + c·cos(4πn / N)
// with N the size for a periodic window, one less for a symmetric one.

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Formula.h"
#include "tools/lib/import/ops/Loop.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

struct CosineSum {
  StringRef op;
  double a, b, c;
};
const CosineSum cosineSums[] = {
    {"HannWindow", 0.5, 0.5, 0},
    {"HammingWindow", 25.0 / 46, 21.0 / 46, 0},
    {"BlackmanWindow", 0.42, 0.5, 0.08},
};

DType outputType(Node &n) {
  DType type = checkedDType(n.intAttr("output_datatype", 1));
  if (!isFloat(type))
    fail("attribute 'output_datatype': " + name(type) + " is not supported");
  return type;
}

void importWindow(Node &n) {
  Emitter &e = n.e;
  DType type = outputType(n);
  bool periodic = n.intAttr("periodic", 1);
  std::vector<Sym> given = e.someElements(n.input(0));
  if (given.size() != 1)
    fail("the size is no scalar");
  Sym size = e.canonical(given[0]);
  e.requireAtLeast(size, 0, "size");
  const CosineSum *sum = cosineSums;
  while (sum->op != n.op())
    ++sum;
  if (auto count = size.constant(); count && e.chargeFold(8 * *count)) {
    double span = double(std::max<int64_t>(periodic ? *count : *count - 1, 1));
    std::vector<double> values;
    for (int64_t i = 0; i < *count; ++i) {
      double t = 2 * M_PI * double(i) / span;
      values.push_back(sum->a - sum->b * std::cos(t) +
                       sum->c * std::cos(2 * t));
    }
    return n.set(e.constant(HostTensor::ofDoubles(type, {*count}, values)));
  }
  Code outer{e, e.b, e.loc};
  Value span = e.size(periodic ? size : size - Sym(1));
  span = outer.toFloat(outer.max(span, outer.index(1)), type);
  n.set(e.generate(
      type, {size}, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        Formula s{e, type, b, l};
        Code c{e, b, l};
        Value t = s.div(s.mul(s.c(2 * M_PI), c.toFloat(i[0], type)), span);
        Value w =
            s.sub(s.c(sum->a), s.mul(s.c(sum->b), s.make<math::CosOp>(t)));
        if (sum->c == 0)
          return w;
        Value twice = s.make<math::CosOp>(s.mul(s.c(2), t));
        return s.add(w, s.mul(s.c(sum->c), twice));
      }));
}

/// Triangles that rise and fall between neighbours of points which are evenly
/// spaced in mel = 2595·log10(1 + f / 700): [spectrum bins, mel bins].
void importMelWeightMatrix(Node &n) {
  DType type = outputType(n);
  double given[5];
  for (size_t i = 0; i < 5; ++i) {
    auto c = n.e.knownConstant(n.input(i));
    if (!c || c->count() != 1)
      fail("input " + Twine(i) +
           ": a value that is only known at run time is not supported here");
    given[i] = isFloat(c->type()) ? c->asDouble(0) : double(c->asInt(0));
  }
  auto [bands, length, rate, low, high] = given;
  if (!(bands >= 0 && bands < 1 << 16 && length >= 1 && length < 1 << 24 &&
        rate > 0 && low >= 0 && high >= low))
    fail("the number of bins, the length, the rate or the edges are out of "
         "range");
  int64_t columns = int64_t(bands), bins = int64_t(length) / 2 + 1;
  if (!n.e.chargeFold(8 * bins * columns))
    fail("the matrix is too large");
  auto mel = [](double f) { return 2595 * std::log10(1 + f / 700); };
  double step = (mel(high) - mel(low)) / double(columns + 2);
  std::vector<int64_t> points;
  for (int64_t i = 0; i < columns + 2; ++i) {
    double f = 700 * (std::pow(10, (mel(low) + double(i) * step) / 2595) - 1);
    points.push_back(int64_t(std::floor((length + 1) * f / rate)));
  }
  if (points.back() > bins)
    fail("the upper edge is above half of the sample rate");
  std::vector<double> m(bins * columns);
  for (int64_t i = 0; i < columns; ++i) {
    int64_t left = points[i], top = points[i + 1], right = points[i + 2];
    for (int64_t j = left; j <= top && j < bins; ++j)
      m[j * columns + i] =
          left == top ? 1 : double(j - left) / double(top - left);
    for (int64_t j = top; j < right && j < bins; ++j)
      m[j * columns + i] = double(right - j) / double(right - top);
  }
  n.set(n.e.constant(HostTensor::ofDoubles(type, {bins, columns}, m), "mel"));
}

} // namespace

llvm::ArrayRef<OpEntry> signalWindowOps() {
  static const OpEntry ops[] = {
      {"HannWindow", 17, 1, 1, importWindow},
      {"HammingWindow", 17, 1, 1, importWindow},
      {"BlackmanWindow", 17, 1, 1, importWindow},
      {"MelWeightMatrix", 17, 5, 5, importMelWeightMatrix},
  };
  return ops;
}

} // namespace heed::import
