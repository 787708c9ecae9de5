// SdpaWeights.cpp - what stands between the softmax and the product with the
// values, as far as it commutes with that product.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   Σ_j (f · p_j) · v_j = f · Σ_j p_j · v_j         f the same for all keys
//   softmax([s, c])[.. : −1] = softmax(s) · sigmoid(lse(s) − c)       a sink
#include "passes/recognize/SdpaMatch.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;

namespace heed::recognize {
namespace {

/// The condition holds only for rows without a key: their probabilities are
/// NaN, all their scores −inf.
bool isRowGuard(const Element &unresolved, Value softmax, Value scores,
                FactorTable &table) {
  Element condition = resolve(unresolved, table);
  if (!condition.frame) {
    // all_j(s == −inf)
    std::optional<ElementReduction> all =
        condition.isTensor() ? matchReduction(condition, table) : std::nullopt;
    if (!all || !isa<arith::AndIOp>(all->combiner))
      return false;
    Element test = resolve(all->input, table);
    auto compare = definedBy<arith::CmpFOp>(test);
    if (!compare || compare.getPredicate() != arith::CmpFPredicate::OEQ)
      return false;
    for (unsigned i : {0, 1}) {
      std::optional<TensorView> tested = asTensor(test.operand(i), table);
      std::optional<double> number = constantOf(test.operand(1 - i), table);
      FactorTable own;
      if (tested && number && std::isinf(*number) && *number < 0 &&
          tested->value == peel(makeView(scores, own), own).value)
        return true;
    }
    return false;
  }
  // p != p
  auto compare = definedBy<arith::CmpFOp>(condition);
  if (!compare || (compare.getPredicate() != arith::CmpFPredicate::UNO &&
                   compare.getPredicate() != arith::CmpFPredicate::UNE))
    return false;
  for (unsigned i : {0, 1}) {
    Element tested = resolve(condition.operand(i), table);
    if (tested.value != softmax && !constantOf(tested, table))
      return false;
  }
  return true;
}

bool isProbability(const Element &unresolved, Value softmax, FactorTable &table,
                   unsigned depth);

/// The condition holds for no probability: those are in [0, 1], or NaN.
bool neverHolds(const Element &unresolved, Value softmax, FactorTable &table,
                unsigned depth = 0) {
  Element condition = resolve(unresolved, table);
  auto either = [&](unsigned i) {
    return neverHolds(condition.operand(i), softmax, table, depth + 1);
  };
  if (depth > 4 || !condition.frame)
    return false;
  if (definedBy<arith::AndIOp>(condition))
    return either(0) || either(1);
  if (definedBy<arith::OrIOp>(condition))
    return either(0) && either(1);
  auto compare = definedBy<arith::CmpFOp>(condition);
  if (!compare || !isProbability(condition.operand(0), softmax, table, depth))
    return false;
  std::optional<double> number = constantOf(condition.operand(1), table);
  if (!number)
    return false;
  switch (compare.getPredicate()) {
  case arith::CmpFPredicate::OEQ:
    return *number < 0 || *number > 1;
  case arith::CmpFPredicate::OLT:
    return *number <= 0;
  case arith::CmpFPredicate::OLE:
    return *number < 0;
  case arith::CmpFPredicate::OGT:
    return *number >= 1;
  case arith::CmpFPredicate::OGE:
    return *number > 1;
  default:
    return false;
  }
}

/// A probability, perhaps with a number in [0, 1] in place of some of them.
bool isProbability(const Element &unresolved, Value softmax, FactorTable &table,
                   unsigned depth) {
  Element element = resolve(unresolved, table);
  if (element.value == softmax)
    return true;
  if (depth > 4 || !definedBy<arith::SelectOp>(element))
    return false;
  std::optional<double> number = constantOf(element.operand(1), table);
  return isProbability(element.operand(2), softmax, table, depth + 1) &&
         ((number && *number >= 0 && *number <= 1) ||
          neverHolds(element.operand(0), softmax, table, depth + 1));
}

/// x behind x − max(x): a softmax does not see what is the same for all keys.
Element withoutShift(const Element &unresolved, const Factors &keys,
                     FactorTable &table) {
  Element element = resolve(unresolved, table);
  while (definedBy<arith::SubFOp>(element) &&
         !dependsOn(element.operand(1), keys, table)) {
    std::optional<ElementReduction> maximum =
        matchReduction(resolve(element.operand(1), table), table);
    if (!maximum ||
        !isa<arith::MaximumFOp, arith::MaxNumFOp>(maximum->combiner))
      break;
    element = resolve(element.operand(0), table);
  }
  return element;
}

/// A slice of a softmax over [scores, c] that leaves c away.
bool readSink(Weights &weights, tensor::ExtractSliceOp slice,
              linalg::SoftmaxOp softmax, FactorTable &table) {
  unsigned axis = softmax.getDimension();
  auto whole = dyn_cast<RankedTensorType>(softmax->getResult(0).getType());
  if (slice.getType().getRank() != whole.getRank())
    return false;
  for (unsigned dim = 0; dim < whole.getRank(); ++dim) {
    if (!isConstantIntValue(slice.getMixedStrides()[dim], 1) ||
        !getConstantIntValue(slice.getMixedOffsets()[dim]))
      return false;
    if (dim != axis &&
        (!isConstantIntValue(slice.getMixedOffsets()[dim], 0) ||
         Size::of(slice.getResult(), dim) != Size::of(slice.getSource(), dim)))
      return false;
  }
  int64_t offset = *getConstantIntValue(slice.getMixedOffsets()[axis]);
  // The softmax's own index over keys and sink; the other dims are shared.
  Factors both = table.create(Size::of(softmax->getResult(0), axis));
  Access dims = weights.dims;
  dims[axis] = both;
  Element joined =
      withoutShift(Element(softmax.getInput(), dims, {}), both, table);
  auto isAxis = [&](const Element &element, int64_t dim) {
    return table.leaves(element.dims[dim]) == table.leaves(both);
  };
  auto use = [&](Value scores, int64_t dim) {
    if (Size::of(scores, dim) != Size::of(slice.getResult(), axis))
      return false;
    Access access = joined.dims;
    access[dim] = weights.keys;
    weights.scores = {scores, access};
    return true;
  };
  if (auto concat = joined.value.getDefiningOp<tensor::ConcatOp>()) {
    int64_t dim = concat.getDim();
    if (concat.getInputs().size() != 2 || !isAxis(joined, dim) || offset > 1)
      return false;
    Value scores = concat.getInputs()[offset];
    Value sink = concat.getInputs()[1 - offset];
    if (cast<RankedTensorType>(sink.getType()).getDimSize(dim) != 1 ||
        !use(scores, dim))
      return false;
    Access access = joined.dims;
    access[dim] = {};
    weights.sink = Sink{peel({sink, access}, table), 0};
    return true;
  }
  auto pad = joined.value.getDefiningOp<tensor::PadOp>();
  if (!pad || !pad.getConstantPaddingValue())
    return false;
  std::optional<double> number =
      constantOf(Element(pad.getConstantPaddingValue(), {}, {}), table);
  std::optional<int64_t> padded;
  for (int64_t dim = 0; dim < pad.getType().getRank(); ++dim) {
    std::optional<int64_t> low = getConstantIntValue(pad.getMixedLowPad()[dim]);
    std::optional<int64_t> high =
        getConstantIntValue(pad.getMixedHighPad()[dim]);
    if (!low || !high)
      return false;
    if (*low == 0 && *high == 0)
      continue;
    if (padded || *low + *high != 1 || *low != offset)
      return false;
    padded = dim;
  }
  if (!number || !padded || !isAxis(joined, *padded) ||
      !use(pad.getSource(), *padded))
    return false;
  weights.sink = Sink{std::nullopt, *number};
  return true;
}

/// The end of the way up: the softmax's result, or a slice of it.
bool readSoftmax(Weights &weights, const Element &element,
                 linalg::SoftmaxOp softmax, FactorTable &table) {
  if (!element.isTensor())
    return false;
  weights.dims = element.dims;
  if (element.value == softmax->getResult(0)) {
    weights.keys = weights.dims[softmax.getDimension()];
    weights.scores = {softmax.getInput(), weights.dims};
    return true;
  }
  auto slice = element.value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || slice.getSource() != softmax->getResult(0))
    return false;
  weights.keys = weights.dims[softmax.getDimension()];
  return readSink(weights, slice, softmax, table);
}

} // namespace

std::optional<Weights> findWeights(const Element &side,
                                   linalg::SoftmaxOp softmax,
                                   FactorTable &table) {
  Value result = softmax->getResult(0);
  Weights weights;
  SmallVector<std::pair<Element, bool>> factors;
  // Down to the softmax by the operand that leads there.
  std::function<bool(const Element &)> walk = [&](const Element &unresolved) {
    Element element = resolve(unresolved, table);
    if (!element.frame)
      return readSoftmax(weights, element, softmax, table);
    if (factors.size() > 4)
      return false;
    if (definedBy<arith::SelectOp>(element)) {
      if (neverHolds(element.operand(0), result, table))
        return walk(element.operand(2));
      unsigned kept = constantOf(element.operand(1), table) == 0.0 ? 2 : 1;
      if (constantOf(element.operand(3 - kept), table) != 0.0)
        return false;
      if (isRowGuard(element.operand(0), result, softmax.getInput(), table)) {
        // `not NaN` would keep the other arm.
        if (kept == 1)
          return false;
        weights.guarded = true;
      } else if (kept == 2 && !weights.zeroed) {
        weights.zeroed = element.operand(0);
      } else {
        return false;
      }
      return walk(element.operand(kept));
    }
    bool divides = static_cast<bool>(definedBy<arith::DivFOp>(element));
    if (!divides && !definedBy<arith::MulFOp>(element))
      return false;
    for (unsigned kept : {0, 1}) {
      if (divides && kept == 1)
        break;
      Element by = element.operand(1 - kept);
      if (std::optional<double> number = constantOf(by, table)) {
        weights.factor *= divides ? 1 / *number : *number;
        return walk(element.operand(kept));
      }
    }
    for (unsigned kept : {0, 1}) {
      if (divides && kept == 1)
        break;
      factors.push_back({element.operand(1 - kept), divides});
      if (walk(element.operand(kept)))
        return true;
      factors.pop_back();
    }
    return false;
  };
  if (!walk(side))
    return std::nullopt;
  for (auto &[factor, divides] : factors) {
    std::optional<TensorView> view = asTensor(factor, table);
    if (!view || dependsOn(factor, weights.keys, table))
      return std::nullopt;
    weights.factors.push_back({*view, divides});
  }
  return weights;
}

bool isFactorOf(const TensorView &factor, const TensorView &result,
                FactorTable &table) {
  Factors known = table.flatten(result.dims);
  return llvm::all_of(table.flatten(factor.dims), [&](Factor index) {
    return llvm::is_contained(known, index);
  });
}

void splitMask(const MaskTerm &mask, SmallVectorImpl<MaskTerm> &parts,
               FactorTable &table) {
  Element element = resolve(mask.condition, table);
  auto part = [&](const Element &condition, bool attendIf) {
    splitMask({condition, attendIf, mask.sentinel}, parts, table);
  };
  if ((mask.attendIf && definedBy<arith::AndIOp>(element)) ||
      (!mask.attendIf && definedBy<arith::OrIOp>(element))) {
    part(element.operand(0), mask.attendIf);
    part(element.operand(1), mask.attendIf);
    return;
  }
  if (definedBy<arith::XOrIOp>(element))
    for (unsigned i : {0, 1})
      if (constantOf(element.operand(i), table) == 1.0)
        return part(element.operand(1 - i), !mask.attendIf);
  parts.push_back(mask);
}

bool isMaskOf(const Element &condition, const Score &score,
              FactorTable &table) {
  if (score.masks.empty() || !score.region.empty())
    return false;
  SmallVector<MaskTerm> zeroed, masked;
  splitMask({condition, /*attendIf=*/false, 0}, zeroed, table);
  for (const MaskTerm &mask : score.masks)
    splitMask(mask, masked, table);
  auto contains = [&](ArrayRef<MaskTerm> list, const MaskTerm &mask) {
    return llvm::any_of(list, [&](const MaskTerm &other) {
      Renaming none;
      return other.attendIf == mask.attendIf &&
             sameComputation(other.condition, mask.condition, none, table);
    });
  };
  auto within = [&](ArrayRef<MaskTerm> some, ArrayRef<MaskTerm> all) {
    return llvm::all_of(
        some, [&](const MaskTerm &mask) { return contains(all, mask); });
  };
  return within(zeroed, masked) && within(masked, zeroed);
}

} // namespace heed::recognize
