// Einsum.cpp - Einsum as transposes, products and contractions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace heed::import {

namespace {

/// A tensor with a letter for each dim.
struct Term {
  Tensor tensor;
  std::string dims;
};

/// Sums the dims that are in neither `keep`.
Term summed(Emitter &e, Term t, const std::string &keep) {
  SmallVector<int64_t> axes;
  std::string left;
  for (auto [i, c] : llvm::enumerate(t.dims))
    if (keep.find(c) == std::string::npos)
      axes.push_back(i);
    else
      left += c;
  if (axes.empty())
    return t;
  return {e.reduce(t.tensor, axes, false, ReduceKind::Sum), left};
}

/// The dims in the order of `order`, absent ones with size 1.
Tensor aligned(Emitter &e, const Term &t, const std::string &order) {
  SmallVector<int64_t> perm;
  Shape shape;
  for (char c : order) {
    size_t at = t.dims.find(c);
    shape.push_back(at == std::string::npos ? Sym(1) : t.tensor->shape[at]);
    if (at != std::string::npos)
      perm.push_back(at);
  }
  return e.reshape(e.transpose(t.tensor, perm), shape);
}

/// A letter that names several dims takes the elements where they are equal.
Term diagonal(Emitter &e, Term t) {
  std::string once;
  Shape shape;
  for (auto [i, c] : llvm::enumerate(t.dims)) {
    size_t at = once.find(c);
    if (at != std::string::npos) {
      e.require(shape[at], t.tensor->shape[i], "dims of one letter");
      continue;
    }
    once += c;
    shape.push_back(t.tensor->shape[i]);
  }
  if (once.size() == t.dims.size())
    return t;
  Value source = e.ir(t.tensor);
  return {e.generate(t.tensor->type, shape,
                     [&](OpBuilder &b, Location l, ValueRange p) -> Value {
                       SmallVector<Value> from;
                       for (char c : t.dims)
                         from.push_back(p[once.find(c)]);
                       return tensor::ExtractOp::create(b, l, source, from);
                     }),
          once};
}

Term multiply(Emitter &e, Term x, Term y, const std::string &keep) {
  x = summed(e, x, keep + y.dims);
  y = summed(e, y, keep + x.dims);
  std::string both = x.dims, out;
  for (char c : y.dims)
    if (both.find(c) == std::string::npos)
      both += c;
  // The result's dims in the order of the final output where they are in it.
  for (char c : keep)
    if (both.find(c) != std::string::npos && out.find(c) == std::string::npos)
      out += c;
  if (out.size() == both.size())
    return {e.elementwise(
                {aligned(e, x, out), aligned(e, y, out)}, x.tensor->type,
                [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
                  if (!isFloat(x.tensor->type))
                    return arith::MulIOp::create(b, l, v[0], v[1]);
                  return arith::MulFOp::create(b, l, v[0], v[1]);
                }),
            out};
  return {e.contract(x.tensor, x.dims, y.tensor, y.dims, out), out};
}

void importEinsum(Node &n) {
  Emitter &e = n.e;
  n.requireSameTypes();
  std::string equation;
  for (char c : n.stringAttr("equation", ""))
    if (c != ' ')
      equation += c;
  size_t arrow = equation.find("->");
  SmallVector<StringRef> names;
  StringRef(equation).take_front(arrow).split(names, ',');
  if (names.size() != n.numInputs())
    fail("the equation names " + Twine(names.size()) +
         " inputs, the node has " + Twine(n.numInputs()));
  // An ellipsis stands for dims that no letter can name.
  size_t ellipsisRank = 0;
  std::vector<Term> terms;
  std::map<char, size_t> uses;
  for (auto [i, name] : llvm::enumerate(names)) {
    const Tensor &t = n.input(i);
    size_t dots = name.find("...");
    size_t letters = name.size() - (dots == StringRef::npos ? 0 : 3);
    if (letters > t->rank() ||
        (dots == StringRef::npos && letters != t->rank()))
      fail("the equation does not fit the rank of input " + Twine(i));
    size_t hidden = t->rank() - letters;
    if (hidden > 20)
      fail("the ellipsis stands for too many dims");
    ellipsisRank = std::max(ellipsisRank, hidden);
    std::string dims;
    for (size_t c = 0; c < name.size(); ++c) {
      if (c == dots) {
        for (size_t k = hidden; k-- > 0;)
          dims += static_cast<char>('0' - 20 + k + 1); // counted from the right
        c += 2;
      } else if (llvm::isAlpha(name[c])) {
        dims += name[c];
      } else {
        fail("the equation holds " + quoted(name.substr(c, 1)));
      }
    }
    for (char c : dims)
      ++uses[c];
    terms.push_back(diagonal(e, {t, dims}));
  }
  std::string hiddenDims;
  for (size_t k = ellipsisRank; k-- > 0;)
    hiddenDims += static_cast<char>('0' - 20 + k + 1);
  std::string out;
  if (arrow == std::string::npos) { // letters used once, in order
    out = hiddenDims;
    for (auto [c, count] : uses)
      if (count == 1 && llvm::isAlpha(c))
        out += c;
  } else {
    std::string text = equation.substr(arrow + 2);
    size_t dots = text.find("...");
    for (size_t c = 0; c < text.size(); ++c) {
      if (c == dots) {
        out += hiddenDims;
        c += 2;
      } else if (llvm::isAlpha(text[c]) && uses.count(text[c]) &&
                 out.find(text[c]) == std::string::npos) {
        out += text[c];
      } else {
        fail("the output of the equation holds " + quoted(text.substr(c, 1)));
      }
    }
  }
  Term result = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) {
    std::string keep = out;
    for (size_t k = i + 1; k < terms.size(); ++k)
      keep += terms[k].dims;
    result = multiply(e, result, terms[i], keep);
  }
  result = summed(e, result, out);
  SmallVector<int64_t> perm;
  for (char c : out)
    if (size_t at = result.dims.find(c); at != std::string::npos)
      perm.push_back(at);
  if (perm.size() != out.size())
    fail("the output of the equation names a dim of no input");
  n.set(e.transpose(result.tensor, perm));
}

} // namespace

llvm::ArrayRef<OpEntry> einsumOps() {
  static const OpEntry ops[] = {
      {"Einsum", 12, 1, variadic, importEinsum},
  };
  return ops;
}

} // namespace heed::import
