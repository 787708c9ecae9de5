// RopeRead.cpp - reads tensors that are put together from two parts, an element
// of each at a time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   concat(−x[H:], x[:H]) at (half, k)  =  −x at (1, k)   half = 0
//                                           x at (0, k)   half = 1
//
// A slice of a dimension is a known digit of its index: x[H:2H] of 2H elements
// reads (1, k), x[1::2] reads (k, 1).
#include "passes/recognize/RopeMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::recognize {

//===----------------------------------------------------------------------===//
// Tensors of parts
//===----------------------------------------------------------------------===//

/// Slices inserted one after the other that cover the tensor along one dim.
static std::optional<Parts> asInsertedParts(tensor::InsertSliceOp last) {
  Parts parts{last.getResult(), -1, {}};
  RankedTensorType type = last.getResultType();
  int64_t end = -1; // of the part before, from the last to the first
  for (tensor::InsertSliceOp op = last; op;
       op = op.getDest().getDefiningOp<tensor::InsertSliceOp>()) {
    if (op.getSourceType().getRank() != type.getRank() ||
        ShapedType::isDynamicShape(op.getStaticSizes()) ||
        !type.hasStaticShape() || !op.hasUnitStride())
      return std::nullopt;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (op.getStaticSizes()[dim] != type.getDimSize(dim)) {
        if (parts.dim >= 0 && parts.dim != dim)
          return std::nullopt;
        parts.dim = dim;
      }
    if (parts.dim < 0)
      return std::nullopt;
    int64_t offset = op.getStaticOffsets()[parts.dim],
            size = op.getStaticSizes()[parts.dim];
    if (offset + size != (end < 0 ? type.getDimSize(parts.dim) : end))
      return std::nullopt;
    end = offset;
    parts.values.insert(parts.values.begin(), op.getSource());
    if (end == 0)
      return parts;
    if (!op.getDest().hasOneUse())
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Parts> asParts(Value value) {
  if (auto insert = value.getDefiningOp<tensor::InsertSliceOp>())
    return asInsertedParts(insert);
  auto concat = value.getDefiningOp<tensor::ConcatOp>();
  if (!concat)
    return std::nullopt;
  Parts parts{value, static_cast<int64_t>(concat.getDim()), {}};
  llvm::append_range(parts.values, concat.getInputs());
  for (Value part : parts.values)
    if (cast<RankedTensorType>(part.getType()).isDynamicDim(parts.dim))
      return std::nullopt;
  return parts;
}

bool PairReader::meet(const TensorView &view) {
  if (!anchorDims.empty())
    return table.leaves(view.dims) == table.leaves(anchorDims);
  anchorDims = table.leaves(view.dims);
  int64_t size =
      cast<RankedTensorType>(anchor.values[0].getType()).getDimSize(anchor.dim);
  std::optional<Access> split;
  if (anchor.values.size() == 2)
    split =
        table.regroup(anchorDims[anchor.dim], {Size::of(2), Size::of(size)});
  else // the rest is no part of the pairs
    split = Access{table.create(Size::of(2)), table.create(Size::of(size))};
  if (!split || (*split)[0].size() != 1) {
    anchorDims.clear();
    return false;
  }
  halfFactor = (*split)[0].front();
  anchorDims[anchor.dim] = (*split)[0];
  llvm::append_range(anchorDims[anchor.dim], (*split)[1]);
  anchorDims = table.leaves(anchorDims);
  return true;
}

Element PairReader::partOf(int second) const {
  Access inside = anchorDims;
  inside[anchor.dim].erase(inside[anchor.dim].begin());
  return Element(anchor.values[second], inside, {});
}

std::optional<Element> PairReader::partAt(const Element &element, int second) {
  if (element.frame || element.value != anchor.whole ||
      !meet({element.value, element.dims}))
    return std::nullopt;
  return partOf(second);
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

std::optional<TensorView> PairReader::stepUpSlice(const TensorView &view) {
  auto slice = view.value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return std::nullopt;
  TensorView source{slice.getSource(), {}};
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(),
                            sizes = slice.getMixedSizes(),
                            strides = slice.getMixedStrides();
  unsigned next = 0;
  for (int64_t dim = 0; dim < slice.getSourceType().getRank(); ++dim) {
    Factors list;
    if (!dropped.test(dim))
      list = view.dims[next++];
    std::optional<int64_t> offset = getConstantIntValue(offsets[dim]),
                           size = getConstantIntValue(sizes[dim]),
                           stride = getConstantIntValue(strides[dim]);
    if (offset == 0 && stride == 1 &&
        Size::of(sizes[dim]) == Size::of(slice.getSource(), dim)) {
      source.dims.push_back(list);
      continue;
    }
    int64_t whole = slice.getSourceType().getDimSize(dim);
    if (!offset || !size || !stride || ShapedType::isDynamic(whole) ||
        whole % *size != 0)
      return std::nullopt;
    bool isStrided = *stride > 1 && *size > 1;
    if (isStrided ? *size * *stride != whole || *offset >= *stride
                  : *offset % *size != 0)
      return std::nullopt;
    for (Factor digit : table.create(Size::of(whole / *size))) {
      known[digit] = isStrided ? *offset : *offset / *size;
      list.insert(isStrided ? list.end() : list.begin(), digit);
    }
    source.dims.push_back(list);
  }
  return source;
}

Leaf PairReader::normalise(const TensorView &view, int second, int sign) const {
  // A factor that is a number may have been divided since.
  llvm::DenseMap<Factor, int64_t> numbers;
  if (!anchorDims.empty())
    numbers[halfFactor] = second;
  for (auto [factor, number] : known) {
    int64_t rest = number;
    for (Factor digit : llvm::reverse(table.leaves(Factors{factor}))) {
      numbers[digit] = rest % table.getSize(digit).number;
      rest /= table.getSize(digit).number;
    }
  }
  Leaf leaf{view.value, {}, sign};
  for (const Factors &list : view.dims) {
    Digits digits;
    for (Factor factor : table.leaves(list)) {
      auto number = numbers.find(factor);
      if (number == numbers.end()) {
        digits.push_back({factor, 0, -1});
        continue;
      }
      int64_t size = table.getSize(factor).number;
      if (!digits.empty() && digits.back().isKnown()) {
        Digit &before = digits.back();
        before = {0, before.size * size, before.value * size + number->second};
      } else {
        digits.push_back({0, size, number->second});
      }
    }
    leaf.dims.push_back(digits);
  }
  return leaf;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// −e, or e · −1: the operand that is negated.
static std::optional<Element> negated(const Element &element,
                                      FactorTable &table) {
  if (definedBy<arith::NegFOp>(element))
    return element.operand(0);
  if (definedBy<arith::MulFOp>(element))
    for (unsigned i : {0, 1})
      if (constantOf(element.operand(i), table) == -1.0)
        return element.operand(1 - i);
  return std::nullopt;
}

/// Up by one float cast, or out of a body.
static std::optional<Element> stepOut(const Element &element) {
  if (definedBy<arith::ExtFOp>(element) || definedBy<arith::TruncFOp>(element))
    return element.operand(0);
  return scalarOp(element) ? std::nullopt : leaveFrame(element);
}

std::optional<Leaf> PairReader::leafOf(Element element, int second) {
  int sign = 1;
  while (true) {
    if (std::optional<Element> inner = negated(element, table)) {
      sign = -sign;
      element = *inner;
      continue;
    }
    if (element.frame) {
      std::optional<Element> outside = stepOut(element);
      if (!outside)
        return std::nullopt;
      element = *outside;
      continue;
    }
    if (!element.isTensor())
      return std::nullopt;
    TensorView view{element.value, element.dims};
    if (std::optional<Element> part = partAt(element, second)) {
      element = *part;
      continue;
    }
    std::optional<TensorView> source = stepUp(view, table);
    if (!source)
      source = stepUpSlice(view);
    if (source) {
      element = *source;
      continue;
    }
    std::optional<Element> inside = enterElementwise(element);
    if (inside && negated(*inside, table)) {
      element = *inside;
      continue;
    }
    return normalise(view, second, sign);
  }
}

bool PairReader::expand(Element element, int second, int sign,
                        SmallVectorImpl<Summand> &sum) {
  while (true) {
    if (std::optional<Element> inner = negated(element, table)) {
      sign = -sign;
      element = *inner;
    } else if (definedBy<arith::AddFOp>(element) ||
               definedBy<arith::SubFOp>(element)) {
      int right = definedBy<arith::SubFOp>(element) ? -sign : sign;
      return sum.size() < 2 && expand(element.operand(0), second, sign, sum) &&
             expand(element.operand(1), second, right, sum);
    } else if (definedBy<arith::MulFOp>(element)) {
      std::optional<Leaf> left = leafOf(element.operand(0), second);
      std::optional<Leaf> right = leafOf(element.operand(1), second);
      if (!left || !right || sum.size() == 2)
        return false;
      sum.push_back({sign * left->sign * right->sign, *left, *right});
      return true;
    } else if (element.frame) {
      std::optional<Element> outside = stepOut(element);
      if (!outside)
        return false;
      element = *outside;
    } else if (!element.isTensor()) {
      return false;
    } else if (std::optional<Element> part = partAt(element, second)) {
      element = *part;
    } else if (std::optional<TensorView> source =
                   stepUp({element.value, element.dims}, table)) {
      element = *source;
    } else if (std::optional<Element> inside = enterElementwise(element)) {
      element = *inside;
    } else {
      return false;
    }
  }
}

std::optional<PairDifference> differ(const Leaf &first, const Leaf &second) {
  if (first.root != second.root || first.dims.size() != second.dims.size())
    return std::nullopt;
  PairDifference difference;
  for (size_t dim = 0; dim < first.dims.size(); ++dim) {
    const Digits &a = first.dims[dim], &b = second.dims[dim];
    if (a.size() != b.size())
      return std::nullopt;
    for (size_t place = 0; place < a.size(); ++place) {
      if (a[place] == b[place])
        continue;
      if (difference.digit || !a[place].isKnown() || !b[place].isKnown() ||
          a[place].size != b[place].size ||
          a[place].value + 1 != b[place].value)
        return std::nullopt;
      difference.digit = PairDigit{dim, place, a[place].size, a[place].value};
    }
  }
  return difference;
}

} // namespace heed::recognize
