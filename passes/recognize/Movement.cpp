// Movement.cpp - looks through data movement: a value as a re-indexed view of
// the value behind it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Movement.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::recognize {

static bool isDynamic(int64_t size) { return ShapedType::isDynamic(size); }

Layout identityLayout(Type type) {
  Layout layout;
  for (auto [dim, size] : llvm::enumerate(cast<ShapedType>(type).getShape()))
    layout.push_back(
        size == 1 ? Axis{} : Axis{Atom{static_cast<int64_t>(dim), 1, size}});
  return layout;
}

llvm::SmallVector<Atom> digits(const Layout &layout) {
  llvm::SmallVector<Atom> all;
  for (const Axis &axis : layout)
    all.append(axis.begin(), axis.end());
  return all;
}

bool hasBroadcast(const Layout &layout) {
  return llvm::any_of(digits(layout), [](Atom a) { return a.dim < 0; });
}

bool overlap(Atom a, Atom b) {
  if (a.dim != b.dim || a.dim < 0)
    return false;
  if (isDynamic(a.size) || isDynamic(b.size))
    return true;
  return a.stride < b.stride * b.size && b.stride < a.stride * a.size;
}

/// Appends the digits of `axis` to `to`; digits that continue each other merge.
static void append(Axis &to, const Axis &axis) {
  for (Atom atom : axis) {
    if (!to.empty() && !isDynamic(to.back().size) && !isDynamic(atom.size) &&
        to.back().dim == atom.dim &&
        (atom.dim < 0 || to.back().stride == atom.stride * atom.size)) {
      to.back().size *= atom.size;
      to.back().stride = atom.stride;
    } else {
      to.push_back(atom);
    }
  }
}

/// Takes `size` off the inner (or outer) end of `axis`, splitting a digit where
/// needed.
static std::optional<Axis> take(Axis &axis, int64_t size, bool inner) {
  Axis taken;
  while (size > 1) {
    if (axis.empty())
      return std::nullopt;
    Atom &end = inner ? axis.back() : axis.front();
    Atom part = end;
    if (isDynamic(end.size))
      return std::nullopt;
    if (size % end.size == 0) {
      axis.erase(inner ? axis.end() - 1 : axis.begin());
    } else if (end.size % size == 0) {
      int64_t rest = end.size / size;
      part.size = size;
      part.stride = inner ? end.stride : end.stride * rest;
      end.size = rest;
      end.stride = inner ? end.stride * size : end.stride;
    } else {
      return std::nullopt;
    }
    size /= part.size;
    taken.insert(inner ? taken.begin() : taken.end(), part);
  }
  return taken;
}

/// Splits a dimension into `sizes`, of which at most one is dynamic: that one
/// takes what the others leave.
static std::optional<Layout> splitAxis(Axis axis, ArrayRef<int64_t> sizes) {
  Layout parts(sizes.size());
  // With two, the sizes would have to agree at run time.
  if (llvm::count_if(sizes, isDynamic) > 1)
    return std::nullopt;
  int64_t last = sizes.size() - 1, first = 0;
  for (; last >= 0 && !isDynamic(sizes[last]); --last) {
    std::optional<Axis> part = take(axis, sizes[last], /*inner=*/true);
    if (!part)
      return std::nullopt;
    parts[last] = *part;
  }
  for (; first < last; ++first) {
    std::optional<Axis> part = take(axis, sizes[first], /*inner=*/false);
    if (!part)
      return std::nullopt;
    parts[first] = *part;
  }
  if (last >= 0)
    parts[last] = axis;
  else if (!axis.empty())
    return std::nullopt;
  return parts;
}

/// A linalg op that only copies elements of its one input.
static linalg::LinalgOp asCopy(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  if (!linalgOp || linalgOp.getNumDpsInputs() != 1 ||
      linalgOp.getNumDpsInits() != 1 ||
      linalgOp.getNumParallelLoops() != linalgOp.getNumLoops() ||
      !isa<RankedTensorType>(linalgOp.getDpsInputs()[0].getType()))
    return nullptr;
  Block *body = linalgOp.getBlock();
  if (!llvm::hasSingleElement(*body) ||
      body->getTerminator()->getOperand(0) != body->getArgument(0))
    return nullptr;
  return linalgOp;
}

/// A slice that keeps everything and drops or keeps unit dimensions.
static bool isWholeSlice(tensor::ExtractSliceOp slice) {
  auto isInt = [](int64_t value) {
    return [=](OpFoldResult r) { return isConstantIntValue(r, value); };
  };
  return llvm::all_of(slice.getMixedOffsets(), isInt(0)) &&
         llvm::all_of(slice.getMixedStrides(), isInt(1)) &&
         slice.getStaticSizes() == slice.getSourceType().getShape() &&
         slice.getSourceType().hasStaticShape();
}

Value movementSource(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return nullptr;
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
    return op->getOperand(0);
  if (auto castOp = dyn_cast<tensor::CastOp>(op))
    return isa<RankedTensorType>(castOp.getSource().getType()) &&
                   isa<RankedTensorType>(castOp.getType())
               ? castOp.getSource()
               : nullptr;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return isWholeSlice(slice) ? slice.getSource() : nullptr;
  if (linalg::LinalgOp copy = asCopy(op))
    return copy.getDpsInputs()[0];
  return nullptr;
}

static std::optional<Layout> moveThroughCopy(linalg::LinalgOp copy,
                                             const Layout &source) {
  AffineMap in = copy.getIndexingMapsArray()[0];
  AffineMap out = copy.getIndexingMapsArray()[1];
  auto inType = cast<RankedTensorType>(copy.getDpsInputs()[0].getType());
  auto outType = cast<RankedTensorType>(copy->getResult(0).getType());
  if (!out.isPermutation())
    return std::nullopt;
  SmallVector<std::optional<Axis>> loops(copy.getNumLoops());
  for (auto [position, expr] : llvm::enumerate(in.getResults())) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      if (loops[dim.getPosition()]) // a diagonal
        return std::nullopt;
      loops[dim.getPosition()] = source[position];
    } else if (!isa<AffineConstantExpr>(expr) ||
               inType.getDimSize(position) != 1) {
      return std::nullopt;
    }
  }
  Layout layout;
  for (auto [position, expr] : llvm::enumerate(out.getResults())) {
    auto &axis = loops[cast<AffineDimExpr>(expr).getPosition()];
    int64_t size = outType.getDimSize(position);
    if (axis)
      layout.push_back(*axis);
    else
      layout.push_back(size == 1 ? Axis{} : Axis{Atom{-1, 1, size}});
  }
  return layout;
}

std::optional<Layout> moveLayout(Operation *op, const Layout &source) {
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    Layout layout;
    for (const auto &group : collapse.getReassociationIndices()) {
      Axis axis;
      for (int64_t dim : group)
        append(axis, source[dim]);
      layout.push_back(axis);
    }
    return layout;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    Layout layout;
    if (expand.getSrcType().getRank() == 0)
      return Layout(expand.getResultType().getRank());
    for (auto [dim, group] :
         llvm::enumerate(expand.getReassociationIndices())) {
      SmallVector<int64_t> sizes;
      for (int64_t to : group)
        sizes.push_back(expand.getResultType().getDimSize(to));
      std::optional<Layout> parts = splitAxis(source[dim], sizes);
      if (!parts)
        return std::nullopt;
      layout.append(parts->begin(), parts->end());
    }
    return layout;
  }
  if (isa<tensor::CastOp>(op))
    return source;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    Layout layout;
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [dim, axis] : llvm::enumerate(source))
      if (!dropped.test(dim))
        layout.push_back(axis);
    return layout;
  }
  if (linalg::LinalgOp copy = asCopy(op))
    return moveThroughCopy(copy, source);
  return std::nullopt;
}

View peelMovement(Value value, bool broadcasts) {
  if (!isa<RankedTensorType>(value.getType()))
    return {value, {}};
  SmallVector<Operation *> chain;
  Value root = value;
  while (Value source = movementSource(root)) {
    chain.push_back(root.getDefiningOp());
    root = source;
  }
  View view{root, identityLayout(root.getType())};
  for (Operation *op : llvm::reverse(chain)) {
    std::optional<Layout> layout = moveLayout(op, view.axes);
    if (layout && (broadcasts || !hasBroadcast(*layout)))
      view.axes = *layout;
    else // Opaque from here on: the view starts anew at this op.
      view = {op->getResult(0), identityLayout(op->getResult(0).getType())};
  }
  return view;
}

std::optional<Layout> composeLayouts(const Layout &outer, const Layout &inner) {
  Layout layout;
  for (const Axis &axis : outer) {
    Axis composed;
    for (Atom atom : axis) {
      if (atom.dim < 0) {
        append(composed, {atom});
        continue;
      }
      Axis source = inner[atom.dim];
      if (isDynamic(atom.size)) {
        append(composed, source);
        continue;
      }
      if (!take(source, atom.stride, /*inner=*/true))
        return std::nullopt;
      std::optional<Axis> part = take(source, atom.size, /*inner=*/true);
      if (!part)
        return std::nullopt;
      append(composed, *part);
    }
    layout.push_back(composed);
  }
  return layout;
}

} // namespace heed::recognize
