// AccessMap.cpp - which element of a root tensor a value's element is, through
// any data movement.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/AccessMap.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::recognize {

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Size Size::of(OpFoldResult size) {
  if (std::optional<int64_t> number = getConstantIntValue(size))
    return of(*number);
  Value value = cast<Value>(size);
  if (auto dimOp = value.getDefiningOp<tensor::DimOp>())
    if (std::optional<int64_t> dim = dimOp.getConstantIndex())
      return of(dimOp.getSource(), *dim);
  if (auto castOp = value.getDefiningOp<arith::IndexCastOp>())
    if (auto back = castOp.getIn().getDefiningOp<arith::IndexCastOp>())
      if (back.getIn().getType() == value.getType())
        return of(OpFoldResult(back.getIn()));
  return Size{ShapedType::kDynamic, value, -1};
}

/// The size that the op defining `tensor` states for its dimension.
static std::optional<OpFoldResult> statedSize(Value tensor, int64_t dim) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expand.getMixedOutputShape()[dim];
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return empty.getMixedSizes()[dim];
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped.test(i) && dim-- == 0)
        return size;
  }
  return std::nullopt;
}

Size Size::of(Value tensor, int64_t dim) {
  auto type = cast<ShapedType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return of(type.getDimSize(dim));
  if (std::optional<OpFoldResult> size = statedSize(tensor, dim))
    return of(*size);
  // A destination-passing op has its init's sizes, where that states them.
  if (auto dps = tensor.getDefiningOp<DestinationStyleOpInterface>())
    return of(dps.getTiedOpOperand(cast<OpResult>(tensor))->get(), dim);
  if (auto collapse = tensor.getDefiningOp<tensor::CollapseShapeOp>()) {
    // Where one source dimension alone has not size 1.
    int64_t source = -1;
    SmallVector<ReassociationIndices, 4> groups =
        collapse.getReassociationIndices();
    for (int64_t i : groups[dim]) {
      if (collapse.getSrcType().getDimSize(i) == 1)
        continue;
      if (source >= 0)
        return Size{ShapedType::kDynamic, tensor, dim};
      source = i;
    }
    if (source >= 0)
      return of(collapse.getSrc(), source);
  }
  if (auto castOp = tensor.getDefiningOp<tensor::CastOp>())
    if (isa<RankedTensorType>(castOp.getSource().getType()))
      return of(castOp.getSource(), dim);
  return Size{ShapedType::kDynamic, tensor, dim};
}

OpFoldResult Size::materialize(OpBuilder &b, Location loc) const {
  if (isStatic())
    return b.getIndexAttr(number);
  if (dim < 0)
    return symbol;
  return tensor::DimOp::create(b, loc, symbol, dim).getResult();
}

//===----------------------------------------------------------------------===//
// Factors
//===----------------------------------------------------------------------===//

Factors FactorTable::create(Size size) {
  if (size == Size::of(1))
    return {};
  factors.push_back({size});
  return {static_cast<Factor>(factors.size() - 1)};
}

Factors FactorTable::leaves(ArrayRef<Factor> list) const {
  Factors result;
  for (Factor factor : list) {
    const Entry &entry = factors[factor];
    if (entry.outer < 0)
      result.push_back(factor);
    else
      llvm::append_range(
          result, leaves(Factors{Factor(entry.outer), Factor(entry.inner)}));
  }
  return result;
}

Access FactorTable::leaves(const Access &access) const {
  Access result;
  for (const Factors &list : access)
    result.push_back(leaves(list));
  return result;
}

Factors FactorTable::flatten(const Access &access) const {
  Factors result;
  for (const Factors &list : access)
    llvm::append_range(result, leaves(list));
  return result;
}

void FactorTable::split(Factor factor, Size outer, Size inner) {
  int first = factors.size();
  factors.push_back({outer});
  factors.push_back({inner});
  factors[factor].outer = first;
  factors[factor].inner = first + 1;
}

/// Takes factors of the given size from one end of the list, splitting the last
/// one taken where it is too large. `others` is the size of all dimensions not
/// taken yet, where that is one symbol.
bool FactorTable::takeFrom(Factors &rest, Size size, std::optional<Size> others,
                           Factors &taken, bool back) {
  while (size != Size::of(1)) {
    if (rest.empty())
      return false;
    Factor factor = back ? rest.back() : rest.front();
    Size have = getSize(factor);
    if (have == size) {
      size = Size::of(1);
    } else if (!have.isStatic() && size.isStatic() && rest.size() == 1 &&
               others) {
      // n = (n / 4, 4), where the other dimension is known to be n / 4.
      split(factor, back ? *others : size, back ? size : *others);
      rest = leaves(Factors{factor});
      continue;
    } else if (!have.isStatic() || !size.isStatic()) {
      return false;
    } else if (size.number % have.number == 0) {
      size = Size::of(size.number / have.number);
    } else if (have.number % size.number == 0) {
      Size other = Size::of(have.number / size.number);
      split(factor, back ? other : size, back ? size : other);
      back ? rest.pop_back() : (void)rest.erase(rest.begin());
      Factors halves = leaves(Factors{factor});
      rest.insert(back ? rest.end() : rest.begin(), halves.begin(),
                  halves.end());
      continue;
    } else {
      return false;
    }
    taken.insert(back ? taken.begin() : taken.end(), factor);
    back ? rest.pop_back() : (void)rest.erase(rest.begin());
  }
  return true;
}

std::optional<Access> FactorTable::regroup(ArrayRef<Factor> list,
                                           ArrayRef<Size> sizes) {
  Factors rest = leaves(list);
  Access result(sizes.size());
  size_t first = 0, last = sizes.size();
  // From the inside as far as sizes are known to align, then from the outside;
  // one dimension that remains is all that remains.
  auto take = [&](bool back) {
    while (first < last) {
      size_t dim = back ? last - 1 : first;
      std::optional<Size> others;
      for (size_t i = first; i < last; ++i)
        if (i != dim && sizes[i] != Size::of(1)) {
          if (others || sizes[i].isStatic()) {
            others = std::nullopt;
            break;
          }
          others = sizes[i];
        }
      Factors saved = rest, taken;
      if (!takeFrom(rest, sizes[dim], others, taken, back)) {
        rest = leaves(saved);
        return;
      }
      result[dim] = taken;
      back ? --last : ++first;
    }
  };
  take(/*back=*/true);
  take(/*back=*/false);
  if (first == last)
    return rest.empty() ? std::optional<Access>(result) : std::nullopt;
  if (last - first != 1 || rest.empty())
    return std::nullopt;
  result[first] = rest;
  return result;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

TensorView makeView(Value tensor, FactorTable &table) {
  TensorView view{tensor, {}};
  for (int64_t i = 0, e = cast<ShapedType>(tensor.getType()).getRank(); i < e;
       ++i)
    view.dims.push_back(table.create(Size::of(tensor, i)));
  return view;
}

/// The access of the operand of a linalg op whose loops are addressed by
/// `loops`; none where its map does more than select loops.
static std::optional<Access> operandAccess(AffineMap map, const Access &loops) {
  Access access;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      access.push_back(loops[dim.getPosition()]);
    else if (auto constant = dyn_cast<AffineConstantExpr>(expr);
             constant && constant.getValue() == 0)
      access.push_back({});
    else
      return std::nullopt;
  }
  return access;
}

/// A generic (or named) op that only moves: yields an input, or its float cast.
static std::optional<TensorView> stepUpLinalg(linalg::LinalgOp op,
                                              const TensorView &view) {
  if (op.getNumParallelLoops() != op.getNumLoops() ||
      op->getNumResults() != 1 || op.hasIndexSemantics())
    return std::nullopt;
  AffineMap outMap = op.getIndexingMapMatchingResult(op->getResult(0));
  if (!outMap.isPermutation())
    return std::nullopt;
  Value yielded = op.getBlock()->getTerminator()->getOperand(0);
  while (Operation *def = yielded.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(def))
      return std::nullopt;
    yielded = def->getOperand(0);
  }
  auto argument = dyn_cast<BlockArgument>(yielded);
  if (!argument || argument.getOwner() != op.getBlock() ||
      argument.getArgNumber() >= op.getNumDpsInputs())
    return std::nullopt;
  OpOperand *input = op.getDpsInputOperand(argument.getArgNumber());
  if (!isa<RankedTensorType>(input->get().getType()))
    return std::nullopt;
  Access loops(op.getNumLoops());
  for (auto [i, expr] : llvm::enumerate(outMap.getResults()))
    loops[cast<AffineDimExpr>(expr).getPosition()] = view.dims[i];
  std::optional<Access> access =
      operandAccess(op.getMatchingIndexingMap(input), loops);
  if (!access)
    return std::nullopt;
  return TensorView{input->get(), *access};
}

std::optional<TensorView> stepUp(const TensorView &view, FactorTable &table) {
  Operation *op = view.value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    TensorView source{expand.getSrc(), {}};
    for (const ReassociationIndices &group : expand.getReassociationIndices()) {
      Factors list;
      for (int64_t dim : group)
        llvm::append_range(list, view.dims[dim]);
      source.dims.push_back(list);
    }
    return source;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    TensorView source{collapse.getSrc(), {}};
    for (auto [dim, group] :
         llvm::enumerate(collapse.getReassociationIndices())) {
      SmallVector<Size> sizes;
      for (int64_t i : group)
        sizes.push_back(Size::of(collapse.getSrc(), i));
      std::optional<Access> lists = table.regroup(view.dims[dim], sizes);
      if (!lists)
        return std::nullopt;
      llvm::append_range(source.dims, *lists);
    }
    // A tensor of one element collapses to rank 0 by no group at all.
    source.dims.resize(collapse.getSrcType().getRank());
    return source;
  }
  if (auto castOp = dyn_cast<tensor::CastOp>(op)) {
    if (!isa<RankedTensorType>(castOp.getSource().getType()))
      return std::nullopt;
    return TensorView{castOp.getSource(), view.dims};
  }
  if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op)) {
    TensorView source{broadcast.getInput(), {}};
    for (auto [i, list] : llvm::enumerate(view.dims))
      if (!llvm::is_contained(broadcast.getDimensions(), int64_t(i)))
        source.dims.push_back(list);
    return source;
  }
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    TensorView source{transpose.getInput(), Access(view.dims.size())};
    for (auto [i, from] : llvm::enumerate(transpose.getPermutation()))
      source.dims[from] = view.dims[i];
    return source;
  }
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return stepUpLinalg(linalgOp, view);
  return std::nullopt;
}

TensorView peel(TensorView view, FactorTable &table) {
  while (std::optional<TensorView> source = stepUp(view, table))
    view = *source;
  return view;
}

} // namespace heed::recognize
