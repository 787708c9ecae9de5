// Sizes.cpp - symbolic sizes as index values of the program, and what is known
// to be equal.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Emitter.h"
#include "tools/lib/import/Error.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

/// Runs `make` at the end of the function's prologue, where sizes that follow
/// from the arguments are computed once.
template <typename Make> Value Emitter::atEntry(Make make) {
  OpBuilder at(block->getParentOp()->getContext());
  if (lastEntryOp)
    at.setInsertionPointAfter(lastEntryOp);
  else
    at.setInsertionPointToStart(block);
  Value value = make(at);
  // Everything new, nested calls included, stands before the insertion point.
  if (at.getInsertionPoint() != block->begin())
    lastEntryOp = &*std::prev(at.getInsertionPoint());
  return value;
}

Value Emitter::scalarInt(Type type, int64_t value) {
  TypedAttr attr = b.getIntegerAttr(type, value);
  Value &cached = scalars[attr];
  if (!cached)
    cached = atEntry([&](OpBuilder &at) -> Value {
      return arith::ConstantOp::create(at, entryLoc, attr);
    });
  return cached;
}

Value Emitter::scalar(DType type, double value) {
  Type ty = irType(type, b.getContext());
  if (!isa<FloatType>(ty))
    return scalarInt(ty, static_cast<int64_t>(value));
  TypedAttr attr = b.getFloatAttr(ty, value);
  Value &cached = scalars[attr];
  if (!cached)
    cached = atEntry([&](OpBuilder &at) -> Value {
      return arith::ConstantOp::create(at, entryLoc, attr);
    });
  return cached;
}

void Emitter::bindDimension(const Sym &atom, Value tensor, int64_t dim) {
  unsigned id = atom.terms().begin()->first[0];
  Value index = scalarInt(b.getIndexType(), dim);
  Value d = atEntry([&](OpBuilder &at) -> Value {
    return tensor::DimOp::create(at, entryLoc, tensor, index);
  });
  if (atomValues.try_emplace(id, d).second)
    return;
  // A size that the model names twice: the arguments must agree.
  Value first = atomValues[id];
  atEntry([&](OpBuilder &at) -> Value {
    Value equal =
        arith::CmpIOp::create(at, entryLoc, arith::CmpIPredicate::eq, first, d);
    cf::AssertOp::create(
        at, entryLoc, equal,
        "inputs disagree on a dimension that the model gives one name");
    return equal;
  });
}

Sym Emitter::sizeOf(Value index, std::optional<int64_t> low) {
  Sym s = syms.value(low);
  atomValues[s.terms().begin()->first[0]] = index;
  return s;
}

Value Emitter::size(const Sym &s) {
  if (auto it = sizes.find(s); it != sizes.end())
    return it->second;
  Value value;
  if (auto c = s.constant())
    value = scalarInt(b.getIndexType(), *c);
  else if (syms.dependsOnValue(s))
    value = materialise(b, s);
  else
    value = atEntry([&](OpBuilder &at) { return materialise(at, s); });
  return sizes[s] = value;
}

/// Σ c·Π atoms, in the order of the monomials; shares what `size` already made.
Value Emitter::materialise(OpBuilder &at, const Sym &s) {
  Value sum;
  Location where = syms.dependsOnValue(s) ? loc : entryLoc;
  for (auto &[m, c] : s.terms()) {
    Value product;
    for (unsigned id : m) {
      Value v = atomValue(at, id);
      product = product ? arith::MulIOp::create(at, where, product, v) : v;
    }
    Value factor =
        c != 1 || !product ? scalarInt(b.getIndexType(), c) : Value();
    if (product && factor)
      product = arith::MulIOp::create(at, where, product, factor);
    else if (!product)
      product = factor;
    sum = sum ? arith::AddIOp::create(at, where, sum, product) : product;
  }
  return sum;
}

Value Emitter::atomValue(OpBuilder &at, unsigned id) {
  if (auto it = atomValues.find(id); it != atomValues.end())
    return it->second;
  Atom atom = syms[id];
  Value x = size(atom.a), y = size(atom.b), v;
  Sym self = Sym::atom(id);
  bool late = syms.dependsOnValue(self);
  auto make = [&](OpBuilder &at) -> Value {
    Location where = late ? loc : entryLoc;
    switch (atom.kind) {
    case AtomKind::Max:
      return arith::MaxSIOp::create(at, where, x, y);
    case AtomKind::Min:
      return arith::MinSIOp::create(at, where, x, y);
    default:
      break;
    }
    auto low = syms.lowerBound(atom.a);
    if (low && *low >= 0)
      return arith::DivSIOp::create(at, where, x, y);
    return arith::FloorDivSIOp::create(at, where, x, y);
  };
  v = late ? make(b) : atEntry(make);
  return atomValues[id] = v;
}

OpFoldResult Emitter::foldedSize(const Sym &s) {
  if (auto c = s.constant())
    return b.getIndexAttr(*c);
  return size(s);
}

SmallVector<OpFoldResult> Emitter::foldedSizes(ArrayRef<Sym> shape) {
  SmallVector<OpFoldResult> r;
  for (const Sym &s : shape)
    r.push_back(foldedSize(s));
  return r;
}

Sym Emitter::canonical(const Sym &s) {
  if (equalities.empty() || s.isConstant())
    return s;
  Sym r;
  for (auto &[m, c] : s.terms()) {
    Sym product(c);
    for (unsigned id : m) {
      Atom atom = syms[id];
      if (auto it = equalities.find(id); it != equalities.end())
        product = product * canonical(it->second);
      else if (atom.kind == AtomKind::FloorDiv)
        product = product * syms.floorDiv(canonical(atom.a), canonical(atom.b));
      else if (atom.kind == AtomKind::Max)
        product = product * syms.max(canonical(atom.a), canonical(atom.b));
      else if (atom.kind == AtomKind::Min)
        product = product * syms.min(canonical(atom.a), canonical(atom.b));
      else
        product = product * Sym::atom(id);
    }
    r = r + product;
  }
  return r;
}

bool Emitter::same(const Sym &x, const Sym &y) {
  return x == y || canonical(x) == canonical(y);
}

bool Emitter::occurs(unsigned atom, const Sym &s) {
  for (auto &[m, c] : s.terms())
    for (unsigned id : m)
      if (id == atom ||
          (syms[id].kind != AtomKind::Dimension &&
           syms[id].kind != AtomKind::Value &&
           (occurs(atom, syms[id].a) || occurs(atom, syms[id].b))))
        return true;
  return false;
}

void Emitter::assertThat(Value condition, const Twine &message) {
  cf::AssertOp::create(b, loc, condition, message.str());
}

void Emitter::require(const Sym &left, const Sym &right, const Twine &what) {
  Sym x = canonical(left), y = canonical(right);
  if (x == y)
    return;
  Sym difference = x - y;
  if (auto c = difference.constant()) {
    auto text = [](const Sym &s) {
      auto c = s.constant();
      return c ? std::to_string(*c) : std::string("?");
    };
    fail(what + ": " + text(x) + " and " + text(y) + " differ");
  }
  Value a = size(x), c = size(y);
  // What a region requires holds only where it runs.
  bool late = openRegions || syms.dependsOnValue(difference);
  auto check = [&](OpBuilder &at) -> Value {
    Value equal =
        arith::CmpIOp::create(at, loc, arith::CmpIPredicate::eq, a, c);
    cf::AssertOp::create(at, loc, equal, (what + ": sizes differ").str());
    return equal;
  };
  if (late)
    check(b);
  else
    atEntry(check);
  // From here on an atom that stands alone counts as the rest of the equation;
  // derived atoms go first, then the youngest dimension.
  std::optional<unsigned> chosen;
  auto rank = [&](unsigned id) {
    return std::make_pair(syms[id].kind != AtomKind::Dimension, id);
  };
  for (auto &[m, k] : difference.terms()) {
    if (m.size() != 1 || (k != 1 && k != -1))
      continue;
    Sym rest = Sym::atom(m[0]) * Sym(k) - difference;
    if (!occurs(m[0], rest) && (!chosen || rank(m[0]) > rank(*chosen)))
      chosen = m[0];
  }
  if (!chosen)
    return divide(difference);
  int64_t k = difference.terms().at({*chosen});
  equalities[*chosen] = (Sym::atom(*chosen) * Sym(k) - difference) * Sym(k);
}

/// x = c·floor(x / c) for an atom x: from here on x is c·q.
void Emitter::divide(const Sym &difference) {
  for (auto &[m, k] : difference.terms()) {
    if (m.size() != 1 || syms[m[0]].kind != AtomKind::FloorDiv)
      continue;
    Atom quotient = syms[m[0]];
    auto by = quotient.b.constant();
    Sym whole = difference * Sym(k < 0 ? 1 : -1) + Sym::atom(m[0]) * quotient.b;
    auto &terms = quotient.a.terms();
    if (!by || std::abs(k) != *by || whole != quotient.a || terms.size() != 1 ||
        terms.begin()->first.size() != 1 || terms.begin()->second != 1)
      continue;
    unsigned x = terms.begin()->first[0];
    Value value = size(Sym::atom(m[0]));
    Sym q = syms.dependsOnValue(quotient.a) ? syms.value() : syms.dimension();
    atomValues[q.terms().begin()->first[0]] = value;
    equalities[x] = q * Sym(*by);
    return;
  }
}

void Emitter::requireAtLeast(const Sym &s, int64_t low, const Twine &what) {
  auto bound = syms.lowerBound(canonical(s));
  if (bound && *bound >= low)
    return;
  if (s.isConstant())
    fail(what + ": " + Twine(*s.constant()) + " is less than " + Twine(low));
  Value v = size(s), limit = scalarInt(b.getIndexType(), low);
  auto check = [&](OpBuilder &at) -> Value {
    Value holds =
        arith::CmpIOp::create(at, loc, arith::CmpIPredicate::sge, v, limit);
    cf::AssertOp::create(at, loc, holds,
                         (what + ": a size is less than " + Twine(low)).str());
    return holds;
  };
  if (openRegions || syms.dependsOnValue(s)) {
    check(b);
    return;
  }
  atEntry(check);
  syms.raiseBound(canonical(s), low);
}

Sym Emitter::product(ArrayRef<Sym> shape) {
  Sym r(1);
  for (const Sym &s : shape)
    r = r * s;
  return r;
}

Sym Emitter::broadcastDim(ArrayRef<Sym> dims) {
  std::optional<Sym> result;
  for (const Sym &d : dims) {
    if (d == Sym(1))
      continue;
    if (!result || (d.isConstant() && !result->isConstant()))
      result = d;
  }
  if (!result)
    return Sym(1);
  for (const Sym &d : dims)
    if (d != Sym(1))
      require(*result, d, "shapes do not broadcast");
  return canonical(*result);
}

Shape Emitter::broadcastShape(ArrayRef<Tensor> tensors) {
  size_t rank = 0;
  for (const Tensor &t : tensors)
    rank = std::max(rank, t->rank());
  Shape shape;
  for (size_t i = 0; i < rank; ++i) {
    SmallVector<Sym> dims;
    for (const Tensor &t : tensors)
      if (i + t->rank() >= rank)
        dims.push_back(t->shape[i + t->rank() - rank]);
    shape.push_back(broadcastDim(dims));
  }
  return shape;
}

} // namespace heed::import
