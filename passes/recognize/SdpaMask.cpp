// SdpaMask.cpp - constant masks as causal and window attributes, by exact
// analysis.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   open(i, j)  ⇔  i + off − left ≤ j ≤ i + off + right,   off = 0 or Sk − Sq
#include "passes/recognize/SdpaMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;
using heed::attn::Causal;

namespace heed::recognize {
namespace {

int64_t sizeOf(const Factors &factors, FactorTable &table) {
  int64_t size = 1;
  for (Factor factor : table.leaves(factors))
    size *= table.getSize(factor).number;
  return size;
}

/// The band that is exactly the open pairs, measured from diagonal `offset`.
std::optional<std::pair<int64_t, int64_t>>
bandAt(ArrayRef<char> open, int64_t rows, int64_t columns, int64_t offset) {
  // Each row that is bounded inside the table says what the bound is; then all
  // rows are checked.
  int64_t left = -1, right = -1;
  bool hasLeft = false, hasRight = false;
  for (int64_t i = 0; i < rows; ++i) {
    ArrayRef<char> row = open.slice(i * columns, columns);
    int64_t first = llvm::find(row, char(true)) - row.begin();
    if (first == columns)
      continue;
    int64_t last = columns - 1;
    while (!row[last])
      --last;
    if (first > 0 && !hasLeft) {
      left = i + offset - first;
      hasLeft = true;
    }
    if (last < columns - 1 && !hasRight) {
      right = last - i - offset;
      hasRight = true;
    }
  }
  if ((hasLeft && left < 0) || (hasRight && right < 0))
    return std::nullopt;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      bool inside = (!hasLeft || j >= i + offset - left) &&
                    (!hasRight || j <= i + offset + right);
      if (inside != bool(open[i * columns + j]))
        return std::nullopt;
    }
  return std::make_pair(left, right);
}

std::optional<Band> bandOf(ArrayRef<char> open, int64_t rows, int64_t columns) {
  if (llvm::all_of(open, [](char value) { return value; }))
    return Band{};
  // Causal first; from the last key on, attn.sdpa has no other band.
  auto first = bandAt(open, rows, columns, 0);
  if (first && first->second == 0)
    return Band{Causal::top_left, first->first, -1};
  auto last = bandAt(open, rows, columns, columns - rows);
  if (last && last->second == 0)
    return Band{Causal::bottom_right, last->first, -1};
  if (first)
    return Band{Causal::none, first->first, first->second};
  return std::nullopt;
}

/// A right bound that ends at the last key in the last row: causal.
Band fromLastKey(Band band, const Factors &queries, const Factors &keys,
                 FactorTable &table) {
  for (const Factors *list : {&queries, &keys})
    for (Factor factor : table.leaves(*list))
      if (!table.getSize(factor).isStatic())
        return band;
  int64_t corner = sizeOf(keys, table) - sizeOf(queries, table);
  if (band.causal == Causal::none && corner > 0 && band.right == corner)
    return Band{Causal::bottom_right, band.left < 0 ? -1 : band.left + corner,
                -1};
  return band;
}

} // namespace

bool eachRowIsOpen(ArrayRef<char> open, int64_t columns) {
  for (; !open.empty(); open = open.drop_front(columns))
    if (!llvm::is_contained(open.take_front(columns), char(true)))
      return false;
  return true;
}

std::optional<std::vector<char>> openPairsOfSteps(ArrayRef<Step> steps,
                                                  const Factors &queries,
                                                  const Factors &keys,
                                                  FactorTable &table) {
  std::vector<char> open;
  for (const Step &step : steps) {
    bool isSelect = static_cast<bool>(definedBy<arith::SelectOp>(step.at));
    if (!isSelect && !definedBy<arith::AddFOp>(step.at))
      return std::nullopt;
    if (isSelect) {
      std::optional<double> masked =
          constantOf(step.at.operand(step.spine == 1 ? 2 : 1), table);
      if (!masked || !(*masked <= -1e9))
        return std::nullopt;
    }
    std::optional<std::vector<double>> values = evaluateGrid(
        step.at.operand(isSelect ? 0 : 1 - step.spine), queries, keys, table);
    if (!values)
      return std::nullopt;
    open.resize(values->size(), true);
    for (auto [pair, value] : llvm::zip(open, *values)) {
      if (!isSelect && value != 0 && !(value <= -1e9))
        return std::nullopt;
      pair &= isSelect ? (value != 0) == (step.spine == 1) : value == 0;
    }
  }
  if (open.empty() || !eachRowIsOpen(open, sizeOf(keys, table)))
    return std::nullopt;
  return open;
}

std::optional<Band> bandOfPairs(ArrayRef<char> open, const Factors &queries,
                                const Factors &keys, FactorTable &table) {
  return bandOf(open, sizeOf(queries, table), sizeOf(keys, table));
}

std::optional<Band> bandOfCondition(const Element &condition, bool attendIf,
                                    const Factors &queries, const Factors &keys,
                                    FactorTable &table) {
  if (std::optional<Band> band =
          symbolicBandOfCondition(condition, attendIf, queries, keys, table))
    return fromLastKey(*band, queries, keys, table);
  std::optional<std::vector<double>> values =
      evaluateGrid(condition, queries, keys, table);
  if (!values)
    return std::nullopt;
  std::vector<char> open;
  for (double value : *values)
    open.push_back((value != 0) == attendIf);
  return bandOf(open, sizeOf(queries, table), sizeOf(keys, table));
}

std::optional<AdditiveBand> bandOfTerm(const Term &term, const Factors &queries,
                                       const Factors &keys,
                                       FactorTable &table) {
  if (std::optional<AdditiveBand> band =
          symbolicBandOfTerm(term, queries, keys, table)) {
    band->band = fromLastKey(band->band, queries, keys, table);
    return band;
  }
  std::optional<std::vector<double>> values =
      evaluateGrid(term.value, queries, keys, table, [&](double value) {
        return isZeroOrClosed(value * term.coefficient);
      });
  if (!values)
    return std::nullopt;
  int64_t rows = sizeOf(queries, table), columns = sizeOf(keys, table);
  std::vector<char> open;
  bool finite = false;
  for (double value : *values) {
    double added = value * term.coefficient;
    finite |= added != 0 && std::isfinite(added);
    open.push_back(added == 0);
  }
  if (finite && !eachRowIsOpen(open, columns))
    return std::nullopt;
  std::optional<Band> band = bandOf(open, rows, columns);
  if (!band)
    return std::nullopt;
  return AdditiveBand{*band, finite};
}

std::optional<Band> intersect(const Band &a, const Band &b) {
  if (a.isOpen())
    return b;
  if (b.isOpen())
    return a;
  // Bounds are measured from the causal corner, else from the first key.
  bool cornerA = a.causal == Causal::bottom_right;
  bool cornerB = b.causal == Causal::bottom_right;
  if (cornerA != cornerB)
    return std::nullopt;
  auto tighter = [](int64_t x, int64_t y) {
    return x < 0 ? y : y < 0 ? x : std::min(x, y);
  };
  Band both;
  both.causal = a.causal != Causal::none ? a.causal : b.causal;
  both.left = tighter(a.left, b.left);
  both.right = tighter(a.right, b.right);
  if (both.causal != Causal::none)
    both.right = -1;
  return both;
}

} // namespace heed::recognize
