// SymbolicBand.cpp - comparisons of query and key indices as a band, for sizes
// known at run time only.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   j − i + c ≤ 0   ⇔   j ≤ i − c: right bound        j − i + c ≥ 0: left bound
//
// c may hold Sq − Sk: the bound is then measured from the last key.
#include "passes/recognize/SdpaMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using heed::attn::Causal;

namespace heed::recognize {
namespace {

/// ci · i + cj · j + constant + Σ coefficient · symbol.
struct Linear {
  int64_t i = 0, j = 0, constant = 0;
  SmallVector<std::pair<Size, int64_t>, 2> symbols;

  void add(const Linear &other, int64_t factor) {
    i += factor * other.i;
    j += factor * other.j;
    constant += factor * other.constant;
    for (auto [symbol, coefficient] : other.symbols)
      addSymbol(symbol, factor * coefficient);
  }
  void addSymbol(Size symbol, int64_t coefficient) {
    for (auto it = symbols.begin(); it != symbols.end(); ++it)
      if (it->first == symbol) {
        it->second += coefficient;
        if (it->second == 0)
          symbols.erase(it);
        return;
      }
    symbols.push_back({symbol, coefficient});
  }
};

struct BandReader {
  Factors queries, keys;
  FactorTable &table;

  std::optional<Linear> linear(const Element &unresolved, unsigned depth = 0) {
    Element element = resolve(unresolved, table);
    Linear result;
    if (std::optional<double> number = constantOf(element, table)) {
      if (*number != std::floor(*number) || std::fabs(*number) > 1e9)
        return std::nullopt;
      result.constant = static_cast<int64_t>(*number);
      return result;
    }
    if (!element.frame) {
      Value value = element.value;
      if (auto elements = value.getDefiningOp<tensor::FromElementsOp>();
          elements && elements.getElements().size() == 1)
        return linear(Element(elements.getElements()[0], {}, {}), depth + 1);
      if (element.isTensor())
        return std::nullopt;
      if (auto castOp = value.getDefiningOp<arith::IndexCastOp>())
        value = castOp.getIn();
      result.addSymbol(Size::of(OpFoldResult(value)), 1);
      return result;
    }
    Operation *op = scalarOp(element);
    if (!op || depth > 12)
      return std::nullopt;
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      Factors list = table.leaves(element.dims[index.getDim()]);
      if (list == queries)
        result.i = 1;
      else if (list == keys)
        result.j = 1;
      else
        return std::nullopt;
      return result;
    }
    if (isa<arith::IndexCastOp, arith::SIToFPOp, arith::UIToFPOp,
            arith::ExtSIOp, arith::ExtUIOp, arith::FPToSIOp>(op) ||
        (isa<arith::TruncIOp>(op) && !op->getResult(0).getType().isInteger(1)))
      return op->getOperand(0).getType().isInteger(1)
                 ? std::nullopt
                 : linear(element.operand(0), depth + 1);
    bool minus = isa<arith::SubIOp, arith::SubFOp>(op);
    if (!minus &&
        !isa<arith::AddIOp, arith::AddFOp, arith::MulIOp, arith::MulFOp>(op))
      return std::nullopt;
    std::optional<Linear> a = linear(element.operand(0), depth + 1);
    std::optional<Linear> b = linear(element.operand(1), depth + 1);
    if (!a || !b)
      return std::nullopt;
    if (isa<arith::MulIOp, arith::MulFOp>(op)) {
      auto isNumber = [](const Linear &x) {
        return x.i == 0 && x.j == 0 && x.symbols.empty();
      };
      if (!isNumber(*a) && !isNumber(*b))
        return std::nullopt;
      bool left = isNumber(*a);
      result.add(left ? *b : *a, left ? a->constant : b->constant);
      return result;
    }
    result.add(*a, 1);
    result.add(*b, minus ? -1 : 1);
    return result;
  }

  /// `form` ≤ 0, or ≥ 0.
  std::optional<Band> bound(Linear form, bool upper) {
    if (form.j == -1 && form.i == 1) {
      Linear negated;
      negated.add(form, -1);
      form = negated;
      upper = !upper;
    }
    if (form.j != 1 || form.i != -1)
      return std::nullopt;
    bool fromLastKey = false;
    if (!form.symbols.empty()) {
      // Sq − Sk and nothing else.
      Linear corner;
      if (queries.size() != 1 || keys.size() != 1)
        return std::nullopt;
      corner.addSymbol(table.getSize(queries[0]), -1);
      corner.addSymbol(table.getSize(keys[0]), 1);
      corner.add(form, 1);
      if (!corner.symbols.empty())
        return std::nullopt;
      fromLastKey = true;
    }
    int64_t distance = upper ? -form.constant : form.constant;
    if (distance < 0)
      return std::nullopt; // some row has no key
    if (upper && distance == 0)
      return Band{fromLastKey ? Causal::bottom_right : Causal::top_left, -1,
                  -1};
    if (fromLastKey)
      return std::nullopt; // attn.sdpa measures windows from the first key
    return upper ? Band{Causal::none, -1, distance}
                 : Band{Causal::none, distance, -1};
  }

  /// A comparison as an integer predicate; floats here are whole numbers.
  static std::optional<arith::CmpIPredicate> predicateOf(Operation *op) {
    using I = arith::CmpIPredicate;
    using F = arith::CmpFPredicate;
    if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
      I p = compare.getPredicate();
      return p == I::ult   ? I::slt
             : p == I::ule ? I::sle
             : p == I::ugt ? I::sgt
             : p == I::uge ? I::sge
                           : p;
    }
    auto compare = dyn_cast<arith::CmpFOp>(op);
    if (!compare)
      return std::nullopt;
    switch (compare.getPredicate()) {
    case F::OLT:
    case F::ULT:
      return I::slt;
    case F::OLE:
    case F::ULE:
      return I::sle;
    case F::OGT:
    case F::UGT:
      return I::sgt;
    case F::OGE:
    case F::UGE:
      return I::sge;
    case F::OEQ:
    case F::UEQ:
      return I::eq;
    case F::ONE:
    case F::UNE:
      return I::ne;
    default:
      return std::nullopt;
    }
  }

  std::optional<Band> condition(const Element &unresolved, bool attendIf,
                                unsigned depth = 0) {
    Element element = resolve(unresolved, table);
    if (std::optional<double> number = constantOf(element, table))
      return (*number != 0) == attendIf ? std::optional<Band>(Band{})
                                        : std::nullopt;
    Operation *op = scalarOp(element);
    if (!op || depth > 8)
      return std::nullopt;
    if (attendIf ? isa<arith::AndIOp>(op) : isa<arith::OrIOp>(op)) {
      std::optional<Band> a =
          condition(element.operand(0), attendIf, depth + 1);
      std::optional<Band> b =
          condition(element.operand(1), attendIf, depth + 1);
      return a && b ? intersect(*a, *b) : std::nullopt;
    }
    if (isa<arith::XOrIOp>(op)) {
      for (unsigned i : {0, 1})
        if (constantOf(element.operand(i), table) == 1.0)
          return condition(element.operand(1 - i), !attendIf, depth + 1);
      return std::nullopt;
    }
    if (isa<arith::ExtUIOp, arith::TruncIOp>(op))
      return condition(element.operand(0), attendIf, depth + 1);
    std::optional<arith::CmpIPredicate> predicate = predicateOf(op);
    if (!predicate)
      return std::nullopt;
    // A truth value spelled as a number.
    for (unsigned i : {0, 1}) {
      std::optional<Choice> chosen = choiceOf(element.operand(i), table);
      std::optional<double> number = constantOf(element.operand(1 - i), table);
      if (!chosen || !number)
        continue;
      auto holds = [&](double value) {
        double a = i == 0 ? value : *number, b = i == 0 ? *number : value;
        switch (*predicate) {
        case arith::CmpIPredicate::eq:
          return a == b;
        case arith::CmpIPredicate::ne:
          return a != b;
        case arith::CmpIPredicate::slt:
          return a < b;
        case arith::CmpIPredicate::sle:
          return a <= b;
        case arith::CmpIPredicate::sgt:
          return a > b;
        default:
          return a >= b;
        }
      };
      bool first = holds(chosen->first), second = holds(chosen->second);
      if (first == second)
        return std::nullopt;
      return condition(chosen->condition, first == attendIf, depth + 1);
    }
    using P = arith::CmpIPredicate;
    if (!attendIf)
      predicate = arith::invertPredicate(*predicate);
    if (*predicate == P::eq || *predicate == P::ne)
      return std::nullopt;
    // |a| ≤ w: both bounds.
    Element left = resolve(element.operand(0), table);
    bool upper = *predicate == P::sle || *predicate == P::slt;
    bool strict = *predicate == P::slt || *predicate == P::sgt;
    Operation *leftOp = scalarOp(left);
    if (isa_and_nonnull<math::AbsIOp, math::AbsFOp>(leftOp)) {
      std::optional<Linear> inner = linear(left.operand(0));
      std::optional<double> width = constantOf(element.operand(1), table);
      if (!inner || !width || !upper)
        return std::nullopt;
      Linear high = *inner, low = *inner;
      int64_t distance = static_cast<int64_t>(std::floor(*width)) - strict;
      high.constant -= distance;
      low.constant += distance;
      std::optional<Band> a = bound(high, true), b = bound(low, false);
      return a && b ? intersect(*a, *b) : std::nullopt;
    }
    std::optional<Linear> a = linear(element.operand(0));
    std::optional<Linear> b = linear(element.operand(1));
    if (!a || !b)
      return std::nullopt;
    a->add(*b, -1);
    if (strict)
      a->constant += upper ? 1 : -1;
    return bound(*a, upper);
  }
};
} // namespace

std::optional<Band> symbolicBandOfCondition(const Element &condition,
                                            bool attendIf,
                                            const Factors &queries,
                                            const Factors &keys,
                                            FactorTable &table) {
  BandReader reader{table.leaves(queries), table.leaves(keys), table};
  return reader.condition(condition, attendIf);
}

std::optional<AdditiveBand> symbolicBandOfTerm(const Term &term,
                                               const Factors &queries,
                                               const Factors &keys,
                                               FactorTable &table) {
  BandReader reader{table.leaves(queries), table.leaves(keys), table};
  std::optional<Choice> choice = choiceOf(term.value, table);
  if (!choice)
    return std::nullopt;
  double first = choice->first * term.coefficient;
  double second = choice->second * term.coefficient;
  bool attendIf = first == 0;
  double masked = attendIf ? second : first;
  if ((attendIf ? first : second) != 0 || !(masked <= -1e9))
    return std::nullopt;
  std::optional<Band> band = reader.condition(choice->condition, attendIf);
  if (!band)
    return std::nullopt;
  bool finite = std::isfinite(masked);
  // Every band holds its diagonal: with as many keys as queries each row has
  // an open key.
  auto sizes = [&](const Factors &list) {
    SmallVector<Size> result;
    for (Factor factor : list)
      result.push_back(table.getSize(factor));
    return result;
  };
  if (finite && sizes(reader.queries) != sizes(reader.keys))
    return std::nullopt;
  return AdditiveBand{*band, finite};
}

} // namespace heed::recognize
