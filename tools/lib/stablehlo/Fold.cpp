// Fold.cpp - elementwise ops on what the importer knows: sizes and constants.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file with dynamic sizes computes them by ops on small integer tensors. Here
// they become polynomials (tools/lib/import/Symbolic.h), a truth value one that
// is 0 or 1:
//
//   [d > 0] = max(0, min(d, 1))          [x = y] = 1 − [x > y] − [y > x]
//   p and q = p·q                        select(p, x, y) = y + p·(x − y)
//
// A remainder r = x − c·floor(x / c) is 0 or more, and [r ≠ 0] is
// ceil(x / c) − floor(x / c): with it a division that rounds down, spelled by
// one that rounds towards zero, comes out as the same polynomial.

#include "tools/lib/stablehlo/Op.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;

namespace heed::stablehlo {

namespace {
using import::AtomKind;
using import::SymTable;

/// Tensors of at most this many elements: shapes, places, numbers.
constexpr int64_t maxElements = 64;

class Sizes {
public:
  Sizes(Emitter &e) : e(e), syms(e.syms) {}

  std::optional<Sym> fold(Operation *op, ArrayRef<Sym> v);
  /// Whether a 32-bit integer holds it in any run that is not absurd: factors of
  /// a number that only the run knows are small.
  bool isSafe(const Sym &s);

private:
  bool atLeast(const Sym &s, int64_t low) {
    auto bound = syms.lowerBound(s);
    return bound && *bound >= low;
  }
  Sym positive(const Sym &d) { // [d > 0]
    if (auto rounded = excess(d))
      return *rounded;
    return syms.max(syms.min(d, 1), 0);
  }
  std::optional<Sym> excess(const Sym &d);
  Sym differ(const Sym &x, const Sym &y) {
    return positive(x - y) + positive(y - x);
  }
  Sym quotient(const Sym &x, const Sym &y); // towards zero; y > 0
  Sym sign(const Sym &x);
  std::optional<Sym> compare(Operation *op, const Sym &x, const Sym &y);

  Emitter &e;
  SymTable &syms;
};

bool Sizes::isSafe(const Sym &s) {
  for (auto &[m, c] : s.terms()) {
    unsigned values = 0;
    for (unsigned id : m)
      values += syms.dependsOnValue(Sym::atom(id));
    if (values > 1 || (values == 1 && std::abs(c) > 1024))
      return false;
    if (m.empty() && std::abs(c) > INT32_MAX)
      return false;
  }
  return true;
}

/// d = ±(x − c·floor(x / c)): [d > 0] is ceil(x / c) − floor(x / c), or 0.
std::optional<Sym> Sizes::excess(const Sym &d) {
  for (auto &[m, k] : d.terms()) {
    if (m.size() != 1 || syms[m[0]].kind != AtomKind::FloorDiv)
      continue;
    import::Atom atom = syms[m[0]];
    auto by = atom.b.constant();
    if (!by || (k != *by && k != -*by))
      continue;
    Sym remainder = atom.a - Sym::atom(m[0]) * atom.b;
    if (k == -*by && d == remainder)
      return syms.ceilDiv(atom.a, atom.b) - Sym::atom(m[0]);
    if (k == *by && d == Sym(0) - remainder)
      return Sym(0);
  }
  return std::nullopt;
}

Sym Sizes::quotient(const Sym &x, const Sym &y) {
  if (atLeast(x, 0))
    return syms.floorDiv(x, y);
  Sym negative = Sym(0) - x;
  if (atLeast(negative, 0))
    return Sym(0) - syms.floorDiv(negative, y);
  return syms.max(syms.floorDiv(x, y), 0) -
         syms.max(syms.floorDiv(negative, y), 0);
}

/// A size of 0 is refused, where a size's sign is taken: JAX does it to divide,
/// and its own sizes are at least 1.
Sym Sizes::sign(const Sym &x) {
  for (int64_t side : {1, -1})
    if (Sym s = x * Sym(side); atLeast(s, 0) && !syms.dependsOnValue(s)) {
      e.requireAtLeast(s, 1, "a size whose sign counts");
      return side;
    }
  return positive(x) - positive(Sym(0) - x);
}

std::optional<Sym> Sizes::compare(Operation *op, const Sym &x, const Sym &y) {
  auto word = dyn_cast_or_null<StringAttr>(op->getAttr("comparison_direction"));
  StringRef direction = word ? word.getValue() : "";
  if (direction == "GT")
    return positive(x - y);
  if (direction == "LT")
    return positive(y - x);
  if (direction == "GE")
    return Sym(1) - positive(y - x);
  if (direction == "LE")
    return Sym(1) - positive(x - y);
  if (direction == "NE")
    return differ(x, y);
  if (direction == "EQ")
    return Sym(1) - differ(x, y);
  return std::nullopt;
}

std::optional<Sym> Sizes::fold(Operation *op, ArrayRef<Sym> v) {
  StringRef name = op->getName().getStringRef();
  bool isBool = getElementTypeOrSelf(op->getResult(0).getType()).isInteger(1);
  if (name == "stablehlo.compare")
    return compare(op, v[0], v[1]);
  if (name == "stablehlo.select")
    return v[2] + v[0] * (v[1] - v[2]);
  if (name == "stablehlo.multiply" || (isBool && name == "stablehlo.and"))
    return v[0] * v[1];
  if (isBool) {
    if (name == "stablehlo.or")
      return v[0] + v[1] - v[0] * v[1];
    if (name == "stablehlo.not")
      return Sym(1) - v[0];
    if (name == "stablehlo.xor")
      return v[0] + v[1] - Sym(2) * v[0] * v[1];
    return std::nullopt;
  }
  if (name == "stablehlo.add")
    return v[0] + v[1];
  if (name == "stablehlo.subtract")
    return v[0] - v[1];
  if (name == "stablehlo.negate")
    return Sym(0) - v[0];
  if (name == "stablehlo.maximum")
    return syms.max(v[0], v[1]);
  if (name == "stablehlo.minimum")
    return syms.min(v[0], v[1]);
  if (name == "stablehlo.clamp")
    return syms.min(syms.max(v[1], v[0]), v[2]);
  if (name == "stablehlo.sign")
    return sign(v[0]);
  if (name == "stablehlo.abs")
    return syms.max(v[0], Sym(0) - v[0]);
  bool divides = name == "stablehlo.divide";
  if (!divides && name != "stablehlo.remainder")
    return std::nullopt;
  if (!atLeast(v[1], 1))
    return std::nullopt;
  Sym q = quotient(v[0], v[1]);
  return divides ? q : v[0] - q * v[1];
}

/// What a float op makes of constants. Rounding a sum, product, quotient or root
/// of two numbers of the type from a double gives the right one.
std::optional<double> foldReal(Operation *op, const double *v) {
  StringRef name = op->getName().getStringRef();
  if (name == "stablehlo.compare") {
    auto word =
        dyn_cast_or_null<StringAttr>(op->getAttr("comparison_direction"));
    auto order = dyn_cast_or_null<StringAttr>(op->getAttr("compare_type"));
    if (!word || (order && order.getValue() == "TOTALORDER"))
      return std::nullopt;
    return llvm::StringSwitch<std::optional<double>>(word.getValue())
        .Case("GT", v[0] > v[1])
        .Case("LT", v[0] < v[1])
        .Case("GE", v[0] >= v[1])
        .Case("LE", v[0] <= v[1])
        .Case("NE", v[0] != v[1])
        .Case("EQ", v[0] == v[1])
        .Default(std::nullopt);
  }
  if (name == "stablehlo.select")
    return v[0] != 0 ? v[1] : v[2];
  if (name == "stablehlo.add")
    return v[0] + v[1];
  if (name == "stablehlo.subtract")
    return v[0] - v[1];
  if (name == "stablehlo.multiply")
    return v[0] * v[1];
  if (name == "stablehlo.divide")
    return v[0] / v[1];
  if (name == "stablehlo.negate")
    return -v[0];
  if (name == "stablehlo.abs")
    return std::abs(v[0]);
  if (name == "stablehlo.sqrt")
    return std::sqrt(v[0]);
  if (std::isnan(v[0]) || std::isnan(v[1]))
    return std::nullopt;
  if (name == "stablehlo.maximum")
    return std::max(v[0], v[1]);
  if (name == "stablehlo.minimum")
    return std::min(v[0], v[1]);
  return std::nullopt;
}

/// A float that is the cast of a size, or a whole number.
std::optional<Sym> wholeOf(const Tensor &t) {
  if (t->castOf)
    return t->castOf->size() == 1 ? std::optional(t->castOf->front())
                                  : std::nullopt;
  if (!t->constant || t->constant->count() != 1)
    return std::nullopt;
  double value = import::isFloat(t->type) ? t->constant->asDouble(0)
                                          : double(t->constant->asInt(0));
  if (value != std::floor(value) || std::abs(value) > 1 << 20)
    return std::nullopt;
  return Sym(int64_t(value));
}

/// Sizes as floats: sums, products and comparisons of one element, which are
/// exact as far as floats hold the sizes.
Tensor foldCounts(Emitter &e, Operation *op, ArrayRef<Tensor> in, DType type) {
  StringRef name = op->getName().getStringRef();
  bool hasCount = false;
  SmallVector<Sym> v;
  for (const Tensor &t : in) {
    auto whole = wholeOf(t);
    if (!whole || t->rank() != 0)
      return nullptr;
    v.push_back(e.canonical(*whole));
    hasCount |= bool(t->castOf);
  }
  bool isExact = name == "stablehlo.add" || name == "stablehlo.subtract" ||
                 name == "stablehlo.multiply" || name == "stablehlo.maximum" ||
                 name == "stablehlo.minimum" || name == "stablehlo.compare";
  if (!hasCount || !isExact)
    return nullptr;
  auto result = Sizes(e).fold(op, v);
  if (!result)
    return nullptr;
  if (type == DType::Bool)
    return e.integers(type, {}, {*result});
  Tensor number = e.cast(e.integers(DType::I64, {}, {*result}), type);
  number->castOf = {*result};
  return number;
}
} // namespace

static Tensor foldSizes(Emitter &e, Operation *op, ArrayRef<Tensor> in,
                        DType type, ArrayRef<int64_t> dims) {
  bool hasSizes = llvm::any_of(in, [](auto &t) { return bool(t->elements); });
  SmallVector<std::vector<Sym>> elements;
  for (const Tensor &t : in) {
    if (t->type != DType::I32 && t->type != DType::I64 &&
        t->type != DType::Bool)
      return nullptr;
    // Beside sizes, what only the run knows becomes one: a place that is
    // clamped to them.
    if (!e.isKnown(t) && (!hasSizes || t->type == DType::Bool))
      return nullptr;
    elements.push_back(e.someElements(t));
  }
  Sizes sizes(e);
  std::vector<Sym> results;
  int64_t count = import::checkedCount(dims);
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Sym> operands;
    for (const std::vector<Sym> &list : elements)
      operands.push_back(list[list.size() == 1 ? 0 : i]);
    auto result = sizes.fold(op, operands);
    if (!result || !sizes.isSafe(*result))
      return nullptr;
    results.push_back(e.canonical(*result));
  }
  return e.integers(type, dims, std::move(results));
}

static Tensor foldReals(Emitter &e, Operation *op, ArrayRef<Tensor> in,
                        DType type, ArrayRef<int64_t> dims) {
  for (const Tensor &t : in)
    if (!t->constant)
      return nullptr;
  std::vector<double> results;
  int64_t count = import::checkedCount(dims);
  for (int64_t i = 0; i < count; ++i) {
    double operands[3] = {};
    for (auto [k, t] : llvm::enumerate(in))
      operands[k] = t->constant->asDouble(t->constant->count() == 1 ? 0 : i);
    auto result = foldReal(op, operands);
    if (!result)
      return nullptr;
    results.push_back(*result);
  }
  return e.constant(import::HostTensor::ofDoubles(type, dims, results));
}

Tensor foldElementwise(Emitter &e, Operation *op, ArrayRef<Tensor> in,
                       DType type) {
  if (in.size() > 3)
    return nullptr;
  const Shape &shape = in[in.size() > 1 ? 1 : 0]->shape;
  auto dims = import::staticShape(shape);
  if (!dims || import::checkedCount(*dims) > maxElements)
    return nullptr;
  try {
    if (llvm::none_of(in, [](auto &t) { return import::isFloat(t->type); }))
      return foldSizes(e, op, in, type, *dims);
    if (Tensor counts = foldCounts(e, op, in, type))
      return counts;
    return foldReals(e, op, in, type, *dims);
  } catch (import::ImportError &) {
    return nullptr; // a polynomial too long to follow
  }
}

} // namespace heed::stablehlo
