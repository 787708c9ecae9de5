// SdpaConstantMask.cpp - what constants say about the pairs: attributes where
// they are a band, a table of open pairs where they are not.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   s + (0 or −inf)            =  select(open, s, −inf)
//   s + (open ? 0 : −inf)      =  select(open, s, −inf)
//   select(a ∧ b, s, −inf)     =  select(a, select(b, s, −inf), −inf)
//
// A finite number in place of −inf underflows beside any open key; in a row
// without one it is the mean of the values only where it swallows the scores.
#include "passes/recognize/SdpaMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;
using heed::attn::Causal;
using heed::attn::MaskedRows;
using heed::attn::SdpaOp;

namespace heed::recognize {
namespace {

/// Tables beyond this would be longer than what they save.
constexpr int64_t kMaxConstantPairs = int64_t(1) << 24;

/// Added to any score of a model, it is that number again.
bool swallowsScores(double value) { return value <= -1e30; }

/// What a mask may depend on, outermost first.
constexpr unsigned kPairDims[] = {SdpaOp::B, SdpaOp::H, SdpaOp::I, SdpaOp::J};

struct Reader {
  Attention &attention;
  const Groups &groups;
  FactorTable &table;
  ConstantMask result = {};
  SmallVector<MaskTerm> added = {}; // what remains of chosen terms
  Score &score = attention.score;
  const Factors &queries = groups.of[SdpaOp::I], &keys = groups.of[SdpaOp::J];

  //===--------------------------------------------------------------------===//
  // Tables
  //===--------------------------------------------------------------------===//

  struct Table {
    SmallVector<unsigned> dims;
    std::vector<double> values;
  };

  /// The product of the sizes of a group, where it is known.
  std::optional<int64_t> sizeOf(unsigned dim) {
    int64_t product = 1;
    for (Factor factor : table.leaves(groups.of[dim])) {
      if (!table.getSize(factor).isStatic())
        return std::nullopt;
      product *= table.getSize(factor).number;
    }
    return product;
  }

  /// The element's values over those of b, h, i and j that it depends on.
  std::optional<Table> evaluate(const Element &element,
                                function_ref<bool(double)> accept = {}) {
    Table result;
    Factors outer, inner;
    for (unsigned dim : kPairDims)
      if (dependsOn(element, groups.of[dim], table)) {
        result.dims.push_back(dim);
        llvm::append_range(dim == SdpaOp::J ? inner : outer, groups.of[dim]);
      }
    if (result.dims.empty())
      return std::nullopt;
    std::optional<std::vector<double>> values =
        evaluateGrid(element, outer, inner, table, accept);
    if (!values)
      return std::nullopt;
    result.values = std::move(*values);
    return result;
  }

  /// The same pairs over more dims.
  std::vector<char> spread(ArrayRef<char> open, ArrayRef<unsigned> dims,
                           ArrayRef<unsigned> wanted) {
    std::vector<char> result(open.begin(), open.end());
    // From the inside: each missing dim repeats what lies within it.
    int64_t inner = 1;
    size_t known = dims.size();
    for (unsigned dim : llvm::reverse(wanted)) {
      int64_t size = *sizeOf(dim);
      if (known > 0 && dims[known - 1] == dim) {
        --known;
      } else {
        std::vector<char> more;
        for (size_t at = 0; at < result.size(); at += inner)
          for (int64_t k = 0; k < size; ++k)
            more.insert(more.end(), result.begin() + at,
                        result.begin() + at + inner);
        result = std::move(more);
      }
      inner *= size;
    }
    return result;
  }

  bool takePairs(std::vector<char> open, ArrayRef<unsigned> dims) {
    SmallVector<unsigned> both;
    int64_t count = 1;
    for (unsigned dim : kPairDims)
      if (llvm::is_contained(dims, dim) ||
          llvm::is_contained(result.dims, dim)) {
        both.push_back(dim);
        count *= *sizeOf(dim);
      }
    if (count > kMaxConstantPairs)
      return false;
    if (result.dims.empty()) {
      result.open = std::move(open);
    } else {
      result.open = spread(result.open, result.dims, both);
      for (auto [pair, more] : llvm::zip(result.open, spread(open, dims, both)))
        pair &= more;
    }
    result.dims = both;
    return true;
  }

  bool takeBand(const std::optional<Band> &more) {
    std::optional<Band> both =
        more ? intersect(result.band, *more) : std::nullopt;
    if (both)
      result.band = *both;
    return both.has_value();
  }

  //===--------------------------------------------------------------------===//
  // Conditions and terms
  //===--------------------------------------------------------------------===//

  bool takeCondition(const MaskTerm &mask) {
    if (takeBand(bandOfCondition(mask.condition, mask.attendIf, queries, keys,
                                 table)))
      return true;
    std::optional<Table> values = evaluate(mask.condition);
    if (!values)
      return false;
    std::vector<char> open;
    for (double value : values->values)
      open.push_back((value != 0) == mask.attendIf);
    return takePairs(std::move(open), values->dims);
  }

  /// Adds what remains of the mask to `rest`; false where that is all of it.
  bool takeMask(const MaskTerm &mask, SmallVectorImpl<MaskTerm> &rest) {
    SmallVector<MaskTerm> parts, open;
    splitMask(mask, parts, table);
    for (const MaskTerm &part : parts)
      if (!takeCondition(part))
        open.push_back(part);
    // Nothing gained by taking the rest apart.
    bool taken = open.size() < parts.size();
    rest.append(taken ? open : SmallVector<MaskTerm>{mask});
    return taken;
  }

  bool isAnyMaskFinite() {
    return llvm::any_of(score.masks, [](const MaskTerm &mask) {
      return std::isfinite(mask.sentinel);
    });
  }

  /// `alone`: nothing else is added or masked.
  bool takeTerm(const Term &term, bool alone) {
    std::optional<AdditiveBand> additive =
        bandOfTerm(term, queries, keys, table);
    // A finite number added twice becomes −inf: only exact when alone.
    if (additive && (!additive->finite || alone) && takeBand(additive->band))
      return true;
    // A region may make anything of −inf.
    if (!score.region.empty() || isAnyMaskFinite())
      return false;
    std::optional<Table> values = evaluate(term.value, [&](double value) {
      return isZeroOrClosed(value * term.coefficient);
    });
    if (!values)
      return false;
    bool finite = false;
    std::vector<char> open;
    for (double value : values->values) {
      double added = value * term.coefficient;
      finite |= added != 0 && std::isfinite(added);
      open.push_back(added == 0);
    }
    if (finite) {
      bool hasKeys = llvm::is_contained(values->dims, SdpaOp::J);
      if (!alone || !eachRowIsOpen(open, hasKeys ? *sizeOf(SdpaOp::J) : 1))
        return false;
    }
    return takePairs(std::move(open), values->dims);
  }

  /// A chosen 0 or −inf is a mask; worth it where a constant part comes off.
  bool takeChoice(const Term &term, bool alone) {
    std::optional<Choice> choice = choiceOf(term.value, table);
    if (!choice || !score.region.empty() || isAnyMaskFinite())
      return false;
    double first = choice->first * term.coefficient;
    double second = choice->second * term.coefficient;
    bool attendIf = first == 0;
    double sentinel = attendIf ? second : first;
    if ((attendIf ? first : second) != 0 || !swallowsScores(sentinel) ||
        (std::isfinite(sentinel) && !alone))
      return false;
    SmallVector<MaskTerm> rest;
    if (!takeMask({choice->condition, attendIf, sentinel}, rest))
      return false;
    if (std::isfinite(sentinel))
      result.rows = MaskedRows::uniform;
    added.append(rest);
    return true;
  }

  /// Sums apart: the addends of a bias.
  void addends(const Element &unresolved, double coefficient,
               SmallVectorImpl<Term> &result, unsigned depth = 0) {
    Element element = resolve(unresolved, table);
    bool minus = static_cast<bool>(definedBy<arith::SubFOp>(element));
    if (depth > 4 || (!minus && !definedBy<arith::AddFOp>(element))) {
      result.push_back({unresolved, coefficient});
      return;
    }
    addends(element.operand(0), coefficient, result, depth + 1);
    addends(element.operand(1), minus ? -coefficient : coefficient, result,
            depth + 1);
  }

  /// The band has a key for each query: no left bound, and the diagonal does
  /// not begin before the first key; of a table each row is looked at.
  bool eachRowHasKey() {
    std::optional<int64_t> rows = sizeOf(SdpaOp::I),
                           columns = sizeOf(SdpaOp::J);
    const Band &band = result.band;
    if (result.dims.empty()) {
      if (band.left >= 0)
        return false;
      return band.causal != Causal::bottom_right ||
             (rows && columns && *rows <= *columns);
    }
    SmallVector<unsigned> dims;
    for (unsigned dim : kPairDims)
      if (dim >= SdpaOp::I || llvm::is_contained(result.dims, dim))
        dims.push_back(dim);
    if (!rows || !columns || !band.isOpen())
      return false;
    return eachRowIsOpen(spread(result.open, result.dims, dims), *columns);
  }

  void read() {
    if (score.masks.empty() && score.bias.empty())
      if (auto open = openPairsOfSteps(score.region, queries, keys, table))
        if (takeBand(bandOfPairs(*open, queries, keys, table)) ||
            takePairs(*open, {SdpaOp::I, SdpaOp::J}))
          score.region.clear();
    SmallVector<MaskTerm> masks;
    for (const MaskTerm &mask : score.masks) {
      result.rows =
          std::isfinite(mask.sentinel) ? MaskedRows::uniform : MaskedRows::nan;
      takeMask(mask, masks);
    }
    SmallVector<Term> terms;
    for (const Term &term : score.bias) {
      SmallVector<Term> parts, open;
      addends(term.value, term.coefficient, parts);
      bool alone =
          score.masks.empty() && score.bias.size() == 1 && parts.size() == 1;
      for (const Term &part : parts)
        if (!takeTerm(part, alone) && !takeChoice(part, alone))
          open.push_back(part);
      // Nothing gained by taking the rest apart.
      if (open.size() == parts.size())
        open = {term};
      terms.append(open);
    }
    score.bias = terms;
    masks.append(added);
    score.masks = masks;
    if (score.masks.empty() && eachRowHasKey())
      result.rows = MaskedRows::nan;
    const Weights &weights = attention.weights;
    if (weights.guarded && result.rows == MaskedRows::nan)
      result.rows = MaskedRows::zero;
    // A sink takes all of a row without a key.
    if (weights.zeroed || weights.sink)
      result.rows = MaskedRows::zero;
  }
};
} // namespace

/// Beyond a number's 0 and 1: through sums and products with numbers.
static std::optional<Choice> choiceAt(const Element &unresolved,
                                      FactorTable &table, unsigned depth) {
  Element element = resolve(unresolved, table);
  Operation *op = scalarOp(element);
  if (!op || depth > 8)
    return std::nullopt;
  if (isa<arith::SelectOp>(op)) {
    std::optional<double> a = constantOf(element.operand(1), table);
    std::optional<double> b = constantOf(element.operand(2), table);
    if (a && b)
      return Choice{element.operand(0), *a, *b};
    return std::nullopt;
  }
  if (isa<arith::ExtUIOp, arith::UIToFPOp>(op)) {
    if (op->getOperand(0).getType().isInteger(1))
      return Choice{element.operand(0), 1, 0};
    return choiceAt(element.operand(0), table, depth + 1);
  }
  if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp>(op))
    return std::nullopt;
  for (unsigned i : {0, 1}) {
    std::optional<double> number = constantOf(element.operand(1 - i), table);
    std::optional<Choice> choice =
        number ? choiceAt(element.operand(i), table, depth + 1) : std::nullopt;
    if (!choice)
      continue;
    for (double *value : {&choice->first, &choice->second}) {
      double x = i == 0 ? *value : *number, y = i == 0 ? *number : *value;
      double exact = isa<arith::AddFOp>(op)   ? x + y
                     : isa<arith::SubFOp>(op) ? x - y
                                              : x * y;
      *value = op->getResult(0).getType().isF64() ? exact : float(exact);
      // −inf · 0 is no mask.
      if (std::isnan(*value))
        return std::nullopt;
    }
    return choice;
  }
  return std::nullopt;
}

std::optional<Choice> choiceOf(const Element &element, FactorTable &table) {
  return choiceAt(element, table, 0);
}

ConstantMask takeConstantMask(Attention &attention, const Groups &groups,
                              FactorTable &table) {
  Reader reader{attention, groups, table};
  reader.read();
  return std::move(reader.result);
}

} // namespace heed::recognize
