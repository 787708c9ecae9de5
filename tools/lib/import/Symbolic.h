// Symbolic.h - sizes as integer polynomials over interned atoms.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_SYMBOLIC_H
#define HEED_TOOLS_LIB_IMPORT_SYMBOLIC_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace heed::import {

/// A polynomial with integer coefficients. A monomial is the sorted list of its
/// atoms, repeated by their power; equal polynomials have equal maps, so `==`
/// is exact. Arithmetic fails (ImportError) on overflow of a coefficient.
class Sym {
public:
  using Monomial = std::vector<unsigned>;

  Sym(int64_t constant = 0);
  static Sym atom(unsigned id);

  bool isConstant() const;
  std::optional<int64_t> constant() const;
  const std::map<Monomial, int64_t> &terms() const { return monomials; }

  Sym operator+(const Sym &other) const;
  Sym operator-(const Sym &other) const;
  Sym operator*(const Sym &other) const;
  bool operator==(const Sym &other) const {
    return monomials == other.monomials;
  }
  bool operator!=(const Sym &other) const { return !(*this == other); }
  bool operator<(const Sym &other) const { return monomials < other.monomials; }

  /// q with q * divisor == *this as polynomials, if there is one.
  std::optional<Sym> exactQuotient(const Sym &divisor) const;

private:
  void add(const Monomial &monomial, int64_t coefficient);
  std::map<Monomial, int64_t> monomials; // no zero coefficients
};

enum class AtomKind {
  Dimension, // a size of a graph input; at least 0
  Value,     // a run-time integer; of unknown sign
  FloorDiv,  // floor(a / b), b > 0
  Max,
  Min
};

struct Atom {
  AtomKind kind;
  Sym a, b;                   // operands of FloorDiv, Max, Min
  std::optional<int64_t> low; // never smaller than this
};

/// The atoms of one import, and the operations that need to make them.
class SymTable {
public:
  Sym dimension();
  Sym value(std::optional<int64_t> low = std::nullopt);

  /// floor(a / b) for b > 0, in canonical form:
  ///   (c·x + r) / c = x + r / c;  floor(floor(x / a) + k) / b) = floor((x +
  ///   k·a) / (a·b)).
  Sym floorDiv(const Sym &a, const Sym &b);
  Sym ceilDiv(const Sym &a, const Sym &b);
  Sym max(const Sym &a, const Sym &b);
  Sym min(const Sym &a, const Sym &b);

  /// From here on the size is known to be at least `low`.
  void raiseBound(const Sym &s, int64_t low);
  /// A bound that holds for all values of the atoms, if one can be shown.
  std::optional<int64_t> lowerBound(const Sym &s, unsigned depth = 4) const;

  /// Whether any atom in it, or in what its atoms are made of, is a value.
  bool dependsOnValue(const Sym &s) const;
  bool isValue(unsigned id) const { return atoms[id].kind == AtomKind::Value; }
  const Atom &operator[](unsigned id) const { return atoms[id]; }

private:
  std::optional<int64_t> atomBound(AtomKind kind, const Sym &a,
                                   const Sym &b) const;
  Sym intern(AtomKind kind, const Sym &a, const Sym &b);
  std::vector<Atom> atoms;
  std::map<std::tuple<AtomKind, Sym, Sym>, unsigned> interned;
};

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_SYMBOLIC_H
