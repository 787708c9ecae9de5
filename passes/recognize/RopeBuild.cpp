// RopeBuild.cpp - writes a matched rotary embedding as attn.rope.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The op works in the layout of the tensor that x is a view of: a projection's
// b·s·(h·d) becomes b, s, h, d without a copy, and the transposition of heads
// and positions comes after it, where the attention takes it into its map.
#include "passes/recognize/RopeMatch.h"

#include "dialect/rope/RopeOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/recognize/Reshape.h"

using namespace mlir;

namespace heed::recognize {

namespace {
class Builder {
public:
  Builder(OpBuilder &b, Location loc, const RopeMatch &match,
          FactorTable &table)
      : b(b), loc(loc), match(match), table(table),
        resultDims(table.leaves(match.dims)) {
    run = table.leaves(match.pairs);
    run.insert(match.interleaved ? run.end() : run.begin(), match.half);
    rotated = match.whole ? Factors{match.whole->factor} : run;
  }

  Value build() {
    int64_t pairs = 1;
    for (Factor factor : match.pairs) {
      if (!table.getSize(factor).isStatic())
        return {};
      pairs *= table.getSize(factor).number;
    }
    std::optional<TensorView> x = match.whole
                                      ? viewOf(match.whole->x, std::nullopt)
                                      : viewOf(match.x, match.digit);
    std::optional<TensorView> cos = viewOf(match.cos.first, match.cos.digit),
                              sin = viewOf(match.sin.first, match.sin.digit);
    if (!x || !cos || !sin)
      return {};
    mergeRun(2 * pairs, *x, *cos, *sin);
    if (!divide(x->dims, table.flatten(cos->dims), table.flatten(sin->dims)))
      return {};
    Value input = reshapeTo(b, loc, *x, dims, table);
    SmallVector<int64_t> cosDims, sinDims;
    Value cosValue = tableOver(*cos, match.cos.digit.has_value(), cosDims);
    Value sinValue = tableOver(*sin, match.sin.digit.has_value(), sinDims);
    if (!input || !cosValue || !sinValue)
      return {};
    auto type = cast<RankedTensorType>(match.result.getType());
    input = castElements(b, loc, input, type.getElementType());
    // outs(%x) permits to work in place where x dies.
    auto rope = attn::RopeOp::create(
        b, loc, TypeRange(input.getType()), input, cosValue, sinValue, input,
        b.getDenseI64ArrayAttr(cosDims), b.getDenseI64ArrayAttr(sinDims),
        b.getI64IntegerAttr(dimension), b.getI64IntegerAttr(2 * pairs),
        match.interleaved ? b.getUnitAttr() : UnitAttr());
    Value y = reshapeTo(b, loc, {rope->getResult(0), dims}, resultDims, table);
    if (y && y.getType() != type)
      y = tensor::CastOp::create(b, loc, type, y);
    return y;
  }

private:
  /// The tensor by factors alone: what known digits select is sliced off. The
  /// `pair` digit becomes the half.
  std::optional<TensorView> viewOf(const Leaf &leaf,
                                   std::optional<PairDigit> pair) {
    struct Range {
      Factor factor;
      int64_t offset, size;
      Factors kept;
    };
    SmallVector<Range> ranges;
    TensorView view{leaf.root, {}};
    for (auto [dim, digits] : llvm::enumerate(leaf.dims)) {
      Factors list;
      for (auto [place, digit] : llvm::enumerate(digits)) {
        bool isPair = pair && pair->dim == dim && pair->place == place;
        if (!digit.isKnown()) {
          list.push_back(digit.factor);
          continue;
        }
        if (isPair && digit.size == 2) {
          list.push_back(match.half);
          continue;
        }
        Factors factor = table.create(Size::of(digit.size));
        if (factor.empty())
          continue;
        list.push_back(factor.front());
        if (isPair)
          ranges.push_back({factor.front(), pair->first, 2, {match.half}});
        else
          ranges.push_back({factor.front(), digit.value, 1, {}});
      }
      view.dims.push_back(list);
    }
    for (const Range &range : ranges) {
      std::optional<TensorView> sliced =
          sliceRoot(b, loc, view, range.factor, range.offset, range.size,
                    range.kept, table);
      if (!sliced)
        return std::nullopt;
      view = *sliced;
    }
    view.dims = table.leaves(view.dims);
    return view;
  }

  /// Replaces the run of factors that are the rotated elements by `with`.
  static bool replaceRun(Access &dims, ArrayRef<Factor> run, Factors with) {
    for (Factors &list : dims) {
      auto place =
          std::search(list.begin(), list.end(), run.begin(), run.end());
      if (place == list.end())
        continue;
      Factors replaced(list.begin(), place);
      llvm::append_range(replaced, with);
      replaced.append(place + run.size(), list.end());
      list = replaced;
      return true;
    }
    return false;
  }

  /// One factor for the rotated elements, where x and the result have them in
  /// one order: nothing then divides them.
  void mergeRun(int64_t size, TensorView &x, TensorView &cos, TensorView &sin) {
    Access xDims = x.dims, yDims = resultDims;
    Factors merged = table.create(Size::of(size));
    if (match.whole || !replaceRun(xDims, run, merged) ||
        !replaceRun(yDims, run, merged))
      return;
    x.dims = xDims;
    resultDims = yDims;
    rotated = merged;
    replaceRun(cos.dims, run, merged);
    replaceRun(sin.dims, run, merged);
  }

  /// Sets `dims` and `dimension`: x's dimensions, divided where only a part of
  /// one is rotated or has a table.
  bool divide(const Access &xDims, const Factors &cos, const Factors &sin) {
    auto kindOf = [&](Factor factor) {
      if (llvm::is_contained(rotated, factor))
        return 4;
      return (llvm::is_contained(cos, factor) ? 1 : 0) +
             (llvm::is_contained(sin, factor) ? 2 : 0);
    };
    for (const Factors &list : xDims) {
      dims.push_back({});
      for (Factor factor : list) {
        if (!dims.back().empty() &&
            kindOf(dims.back().back()) != kindOf(factor))
          dims.push_back({});
        dims.back().push_back(factor);
      }
      if (dims.back() == rotated)
        dimension = dims.size() - 1;
      else if (llvm::is_contained(dims, rotated))
        dimension = llvm::find(dims, rotated) - dims.begin();
    }
    return dimension >= 0;
  }

  /// The table in dimensions of the op, in its own order; `over` says which.
  Value tableOver(const TensorView &view, bool isPerElement,
                  SmallVectorImpl<int64_t> &over) {
    Factors own = table.flatten(view.dims);
    Factors along = rotated;
    if (match.whole)
      along = run;
    if (!isPerElement)
      along = table.leaves(match.pairs);
    if (along.empty()) // one pair: a dimension of size 1
      over.push_back(dimension);
    Access wanted(over.size());
    for (Factor factor : own)
      for (auto [i, list] : llvm::enumerate(dims)) {
        bool isRotated = static_cast<int64_t>(i) == dimension;
        const Factors &part = isRotated ? along : list;
        if (part.empty() || part.front() != factor)
          continue;
        over.push_back(i);
        wanted.push_back(part);
      }
    if (!llvm::is_contained(over, dimension))
      return {};
    return reshapeTo(b, loc, view, wanted, table);
  }

  OpBuilder &b;
  Location loc;
  const RopeMatch &match;
  FactorTable &table;
  Access resultDims;
  Factors run;     // the half and the pairs, in the order of the elements
  Factors rotated; // the factors of the op's dimension
  Access dims;     // of the op
  int64_t dimension = -1;
};
} // namespace

Value buildRope(OpBuilder &b, Location anchor, const RopeMatch &match,
                FactorTable &table) {
  return Builder(b, anchor, match, table).build();
}

} // namespace heed::recognize
