// Symbolic.cpp - sizes as integer polynomials over interned atoms.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Symbolic.h"
#include "tools/lib/import/Error.h"

#include <algorithm>

namespace heed::import {

namespace {
// Bounds that no honest model comes near; a hostile one would otherwise grow
// (a + b + ...)^n without end.
constexpr size_t maxTerms = 64;
constexpr size_t maxDegree = 24;

int64_t checkedMul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r))
    fail("a size overflows 64 bits");
  return r;
}
int64_t checkedAdd(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r))
    fail("a size overflows 64 bits");
  return r;
}
int64_t floorDivInt(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q - (a % b != 0 && (a < 0) != (b < 0));
}
} // namespace

Sym::Sym(int64_t constant) {
  if (constant)
    monomials[{}] = constant;
}

Sym Sym::atom(unsigned id) {
  Sym s;
  s.monomials[{id}] = 1;
  return s;
}

bool Sym::isConstant() const {
  return monomials.empty() ||
         (monomials.size() == 1 && monomials.begin()->first.empty());
}

std::optional<int64_t> Sym::constant() const {
  if (!isConstant())
    return std::nullopt;
  return monomials.empty() ? 0 : monomials.begin()->second;
}

void Sym::add(const Monomial &monomial, int64_t coefficient) {
  auto [it, isNew] = monomials.try_emplace(monomial, coefficient);
  if (!isNew)
    it->second = checkedAdd(it->second, coefficient);
  if (it->second == 0)
    monomials.erase(it);
  if (monomials.size() > maxTerms || monomial.size() > maxDegree)
    fail("a size is too complex to follow");
}

Sym Sym::operator+(const Sym &other) const {
  Sym r = *this;
  for (auto &[m, c] : other.monomials)
    r.add(m, c);
  return r;
}

Sym Sym::operator-(const Sym &other) const { return *this + other * Sym(-1); }

Sym Sym::operator*(const Sym &other) const {
  Sym r;
  for (auto &[m, c] : monomials)
    for (auto &[n, d] : other.monomials) {
      Monomial both;
      std::merge(m.begin(), m.end(), n.begin(), n.end(),
                 std::back_inserter(both));
      r.add(both, checkedMul(c, d));
    }
  return r;
}

std::optional<Sym> Sym::exactQuotient(const Sym &divisor) const {
  if (divisor.monomials.empty())
    return std::nullopt;
  // Long division by the leading term. The order must be compatible with
  // products, which "by degree, then lexicographically" is.
  auto leading = [](const Sym &s) {
    return std::max_element(s.monomials.begin(), s.monomials.end(),
                            [](auto &x, auto &y) {
                              return x.first.size() != y.first.size()
                                         ? x.first.size() < y.first.size()
                                         : x.first > y.first;
                            });
  };
  auto lead = leading(divisor);
  Sym rest = *this, quotient;
  for (size_t step = 0; !rest.monomials.empty(); ++step) {
    auto top = leading(rest);
    if (step > maxTerms || top->second % lead->second != 0 ||
        !std::includes(top->first.begin(), top->first.end(),
                       lead->first.begin(), lead->first.end()))
      return std::nullopt;
    Sym factor;
    Monomial left;
    std::set_difference(top->first.begin(), top->first.end(),
                        lead->first.begin(), lead->first.end(),
                        std::back_inserter(left));
    factor.add(left, top->second / lead->second);
    quotient = quotient + factor;
    rest = rest - factor * divisor;
  }
  return quotient;
}

Sym SymTable::dimension() {
  atoms.push_back({AtomKind::Dimension, 0, 0, 0});
  return Sym::atom(atoms.size() - 1);
}

Sym SymTable::value(std::optional<int64_t> low) {
  atoms.push_back({AtomKind::Value, 0, 0, low});
  return Sym::atom(atoms.size() - 1);
}

Sym SymTable::intern(AtomKind kind, const Sym &a, const Sym &b) {
  auto [it, isNew] = interned.try_emplace({kind, a, b}, atoms.size());
  if (isNew)
    atoms.push_back({kind, a, b, atomBound(kind, a, b)});
  return Sym::atom(it->second);
}

Sym SymTable::floorDiv(const Sym &a, const Sym &b) {
  auto d = b.constant();
  if (d && *d <= 0)
    fail("division of a size by " + llvm::Twine(*d));
  if (auto n = a.constant(); n && d)
    return floorDivInt(*n, *d);
  if (auto q = a.exactQuotient(b))
    return *q;
  if (!d)
    return intern(AtomKind::FloorDiv, a, b);
  // Take out the part that the divisor divides.
  Sym whole, rest;
  for (auto &[m, c] : a.terms()) {
    Sym mono(1);
    for (unsigned id : m)
      mono = mono * Sym::atom(id);
    int64_t q = floorDivInt(c, *d);
    // Only a constant may leave a remainder beside its quotient; c·x / d does
    // not split for a non-constant x.
    if (c % *d == 0 || m.empty()) {
      whole = whole + mono * Sym(q);
      rest = rest + mono * Sym(c - q * *d);
    } else {
      rest = rest + mono * Sym(c);
    }
  }
  if (auto r = rest.constant())
    return whole + Sym(floorDivInt(*r, *d));
  // floor((floor(x / e) + k) / d) = floor((x + k·e) / (d·e)).
  const Atom *inner = nullptr;
  int64_t k = 0;
  for (auto &[m, c] : rest.terms()) {
    if (m.empty())
      k = c;
    else if (!inner && m.size() == 1 && c == 1 &&
             atoms[m[0]].kind == AtomKind::FloorDiv &&
             atoms[m[0]].b.isConstant() && rest.terms().size() <= 2)
      inner = &atoms[m[0]];
    else
      return whole + intern(AtomKind::FloorDiv, rest, b);
  }
  if (!inner)
    return whole + intern(AtomKind::FloorDiv, rest, b);
  Sym x = inner->a, e = inner->b;
  return whole + floorDiv(x + Sym(k) * e, e * b);
}

Sym SymTable::ceilDiv(const Sym &a, const Sym &b) {
  return floorDiv(a + b - Sym(1), b);
}

Sym SymTable::max(const Sym &a, const Sym &b) {
  if (auto l = lowerBound(a - b); l && *l >= 0)
    return a;
  if (auto l = lowerBound(b - a); l && *l >= 0)
    return b;
  return intern(AtomKind::Max, std::min(a, b), std::max(a, b));
}

Sym SymTable::min(const Sym &a, const Sym &b) {
  if (auto l = lowerBound(a - b); l && *l >= 0)
    return b;
  if (auto l = lowerBound(b - a); l && *l >= 0)
    return a;
  return intern(AtomKind::Min, std::min(a, b), std::max(a, b));
}

std::optional<int64_t> SymTable::atomBound(AtomKind kind, const Sym &a,
                                           const Sym &b) const {
  auto x = lowerBound(a), y = lowerBound(b);
  switch (kind) {
  case AtomKind::Dimension:
    return 0;
  case AtomKind::Value:
    return std::nullopt;
  case AtomKind::FloorDiv:
    if (!x)
      return std::nullopt;
    if (auto d = b.constant())
      return floorDivInt(*x, *d);
    return std::min<int64_t>(*x, 0);
  case AtomKind::Max:
    return x && y ? std::max(*x, *y) : x ? x : y;
  case AtomKind::Min:
    return x && y ? std::optional<int64_t>(std::min(*x, *y)) : std::nullopt;
  }
  return std::nullopt;
}

/// Bound from the atoms' own bounds alone; they multiply only where nothing is
/// negative, or for a lone atom.
static std::optional<int64_t> termwiseBound(const Sym &s,
                                            const std::vector<Atom> &atoms) {
  __int128 bound = 0;
  for (auto &[m, c] : s.terms()) {
    __int128 product = c;
    for (unsigned id : m) {
      std::optional<int64_t> low = atoms[id].low;
      if (!low || c < 0 || (*low < 0 && m.size() > 1))
        return std::nullopt;
      product *= *low;
      if (product > INT64_MAX || product < INT64_MIN)
        return std::nullopt;
    }
    bound += product;
  }
  if (bound > INT64_MAX || bound < INT64_MIN)
    return std::nullopt;
  return static_cast<int64_t>(bound);
}

void SymTable::raiseBound(const Sym &s, int64_t low) {
  // Only a lone atom can keep it: a + c ≥ low.
  Sym::Monomial lone;
  int64_t offset = 0;
  for (auto &[m, c] : s.terms()) {
    if (m.empty())
      offset = c;
    else if (m.size() == 1 && c == 1 && lone.empty())
      lone = m;
    else
      return;
  }
  if (lone.empty())
    return;
  std::optional<int64_t> &bound = atoms[lone[0]].low;
  bound = std::max(bound.value_or(low - offset), low - offset);
}

bool SymTable::dependsOnValue(const Sym &s) const {
  for (auto &[m, c] : s.terms())
    for (unsigned id : m) {
      const Atom &atom = atoms[id];
      if (atom.kind == AtomKind::Value ||
          (atom.kind != AtomKind::Dimension &&
           (dependsOnValue(atom.a) || dependsOnValue(atom.b))))
        return true;
    }
  return false;
}

std::optional<int64_t> SymTable::lowerBound(const Sym &s,
                                            unsigned depth) const {
  auto best = termwiseBound(s, atoms);
  auto consider = [&](std::optional<int64_t> bound) {
    if (bound && (!best || *bound > *best))
      best = bound;
  };
  for (auto &[m, c] : s.terms()) {
    if (depth == 0 || m.size() != 1 || (c != 1 && c != -1))
      continue;
    const Atom &atom = atoms[m[0]];
    Sym rest = s - Sym::atom(m[0]) * Sym(c);
    // rest − min(a, b) ≥ rest − a, rest − b; rest + max(a, b) ≥ rest + a, rest
    // + b.
    if ((c == -1 && atom.kind == AtomKind::Min) ||
        (c == 1 && atom.kind == AtomKind::Max)) {
      consider(lowerBound(rest + atom.a * Sym(c), depth - 1));
      consider(lowerBound(rest + atom.b * Sym(c), depth - 1));
    }
    // rest − floor(a / d) ≥ (d·rest − a) / d.
    if (c == -1 && atom.kind == AtomKind::FloorDiv)
      if (auto d = atom.b.constant())
        if (auto low = lowerBound(rest * Sym(*d) - atom.a, depth - 1))
          consider(floorDivInt(*low, *d));
  }
  return best;
}

} // namespace heed::import
