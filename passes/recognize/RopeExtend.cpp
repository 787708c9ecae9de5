// RopeExtend.cpp - elements that pass through beside the rotated ones.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   concat(rotated x[:R], x[R:])  →  one op on x, of which R elements turn
#include "passes/recognize/RopeMatch.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::recognize {

/// The source of a slice that keeps elements from `offset` on of one dimension
/// of `size` elements, which `part` addresses: addressed by `whole`.
static std::optional<TensorView> wholeOf(const TensorView &view,
                                         const Factors &part, int64_t offset,
                                         int64_t size, Factor whole) {
  auto slice = view.value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || slice.getDroppedDims().any() || !slice.hasUnitStride())
    return std::nullopt;
  TensorView source{slice.getSource(), view.dims};
  bool found = false;
  for (auto [dim, sizes] : llvm::enumerate(slice.getMixedSizes())) {
    OpFoldResult from = slice.getMixedOffsets()[dim];
    if (view.dims[dim] == part && !found &&
        slice.getSourceType().getDimSize(dim) == size &&
        isConstantIntValue(from, offset)) {
      source.dims[dim] = {whole};
      found = true;
    } else if (!isConstantIntValue(from, 0) ||
               Size::of(sizes) != Size::of(slice.getSource(), dim)) {
      return std::nullopt;
    }
  }
  return found ? std::optional<TensorView>(source) : std::nullopt;
}

/// x by the whole dimension, of which it has the first elements.
static std::optional<Leaf> wholeX(const RopeMatch &match, int64_t size,
                                  Factor whole, PairReader &reader,
                                  FactorTable &table) {
  int64_t pairs = 1;
  for (Factor factor : match.pairs)
    pairs *= table.getSize(factor).number;
  Leaf x = match.x;
  Digits &digits = x.dims[match.digit.dim];
  size_t from = match.digit.place;
  if (match.interleaved)
    --from;
  // The run of elements that the digits from there on address, and where x's
  // begin in it.
  int64_t have = 2 * pairs, begin = 0;
  if (!match.interleaved) {
    have = match.digit.size * pairs;
    begin = match.digit.first * pairs;
  } else {
    if (match.digit.size != 2 || match.digit.place + 1 != digits.size())
      return std::nullopt;
    if (from > 0 && digits[from - 1].isKnown()) {
      --from;
      begin = digits[from].value * have;
      have *= digits[from].size;
    }
  }
  if (have % size == 0 && begin % size == 0) {
    digits.erase(digits.begin() + from, digits.end());
    if (have != size) // one of several in a packed projection
      digits.push_back({0, have / size, begin / size});
    digits.push_back({whole, 0, -1});
    return x;
  }
  if (begin != 0)
    return std::nullopt;
  // A slice whose size does not divide the dimension's.
  Factors run = table.create(Size::of(have));
  TensorView view{x.root, {}};
  for (auto [dim, list] : llvm::enumerate(x.dims)) {
    view.dims.push_back({});
    for (auto [place, digit] : llvm::enumerate(list)) {
      if (dim == match.digit.dim && place >= from)
        break;
      if (digit.isKnown())
        return std::nullopt;
      view.dims.back().push_back(digit.factor);
    }
    if (dim == match.digit.dim)
      llvm::append_range(view.dims.back(), run);
  }
  std::optional<TensorView> source = wholeOf(view, run, 0, size, whole);
  if (!source)
    return std::nullopt;
  return reader.leafOf(Element(*source), 0);
}

/// The op that uses the value, if it is one; sizes aside.
static Operation *onlyUser(Value value) {
  Operation *only = nullptr;
  for (Operation *user : value.getUsers()) {
    if (isa<tensor::DimOp>(user))
      continue;
    if (only)
      return nullptr;
    only = user;
  }
  return only;
}

/// What the value is the first of two parts of. Interleaved pairs that stand in
/// two dimensions are merged before.
static std::optional<Parts> findOuter(RopeMatch &match, FactorTable &table) {
  Operation *user = onlyUser(match.result);
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(user)) {
    Access merged;
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      merged.push_back({});
      for (int64_t dim : group)
        llvm::append_range(merged.back(), table.leaves(match.dims[dim]));
    }
    match.result = collapse.getResult();
    match.dims = merged;
    user = onlyUser(match.result);
  }
  while (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(user)) {
    auto next =
        dyn_cast_or_null<tensor::InsertSliceOp>(onlyUser(insert.getResult()));
    if (!next || next.getDest() != insert.getResult())
      break;
    user = next;
  }
  if (!user || user->getNumResults() != 1)
    return std::nullopt;
  std::optional<Parts> parts = asParts(user->getResult(0));
  if (!parts || parts->values.size() != 2 || parts->values[0] != match.result)
    return std::nullopt;
  return parts;
}

void extendRope(RopeMatch &match, PairReader &reader, const Parts &anchor,
                FactorTable &table) {
  std::optional<Parts> parts = anchor;
  if (match.result != anchor.whole || anchor.values.size() != 3)
    parts = findOuter(match, table);
  if (!parts)
    return;
  const Parts &outer = *parts;
  Value rest = outer.values.back();
  // Exactly the pairs are the part's dimension.
  Factors run = match.pairs;
  run.insert(match.interleaved ? run.end() : run.begin(), match.half);
  if (table.leaves(match.dims[outer.dim]) != run)
    return;
  int64_t size =
      cast<RankedTensorType>(outer.whole.getType()).getDimSize(outer.dim);
  int64_t restSize =
      cast<RankedTensorType>(rest.getType()).getDimSize(outer.dim);
  Factors whole = table.create(Size::of(size)),
          part = table.create(Size::of(restSize));
  std::optional<Leaf> x = wholeX(match, size, whole.front(), reader, table);
  if (!x)
    return;
  TensorView view{rest, match.dims};
  view.dims[outer.dim] = part;
  while (true) {
    if (std::optional<TensorView> source =
            wholeOf(view, part, size - restSize, size, whole.front())) {
      std::optional<Leaf> passed = reader.leafOf(Element(*source), 0);
      if (!passed || passed->sign != 1 || x->sign != 1 ||
          passed->root != x->root || passed->dims != x->dims)
        return;
      break;
    }
    std::optional<TensorView> source = stepUp(view, table);
    if (!source)
      return;
    view = *source;
  }
  match.result = outer.whole;
  match.dims[outer.dim] = whole;
  match.whole = RopeMatch::Whole{whole.front(), *x};
}

} // namespace heed::recognize
