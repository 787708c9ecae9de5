// Relayout.cpp - writes the reshapes and the transposition between two layouts
// of one tensor.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/recognize/Movement.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::recognize {

/// Splits the digits of `layout` wherever a digit of `other` begins or ends, so
/// that equal contents have equal digits.
static std::optional<Layout> refine(const Layout &layout, const Layout &other) {
  Layout refined;
  for (const Axis &axis : layout) {
    Axis parts;
    for (Atom atom : axis) {
      SmallVector<int64_t> cuts{atom.stride};
      for (Atom o : digits(other))
        if (o.dim == atom.dim && !ShapedType::isDynamic(atom.size) &&
            !ShapedType::isDynamic(o.size))
          for (int64_t cut : {o.stride, o.stride * o.size})
            if (cut > atom.stride && cut < atom.stride * atom.size)
              cuts.push_back(cut);
      llvm::sort(cuts);
      cuts.erase(llvm::unique(cuts), cuts.end());
      Axis pieces; // innermost first
      for (auto [index, cut] : llvm::enumerate(cuts)) {
        if (index + 1 == cuts.size()) {
          pieces.push_back(Atom{atom.dim, cut,
                                ShapedType::isDynamic(atom.size)
                                    ? atom.size
                                    : atom.stride * atom.size / cut});
        } else if (cuts[index + 1] % cut != 0) {
          return std::nullopt;
        } else {
          pieces.push_back(Atom{atom.dim, cut, cuts[index + 1] / cut});
        }
      }
      parts.append(pieces.rbegin(), pieces.rend());
    }
    refined.push_back(parts);
  }
  return refined;
}

static bool sameAtom(Atom a, Atom b) {
  return a.dim == b.dim && a.stride == b.stride;
}

bool canRelayout(const Layout &from, const Layout &to) {
  std::optional<Layout> a = refine(from, to), b = refine(to, from);
  if (!a || !b || hasBroadcast(*a) || hasBroadcast(*b))
    return false;
  SmallVector<Atom> left = digits(*a), right = digits(*b);
  auto isIn = [](ArrayRef<Atom> all) {
    return [=](Atom atom) {
      return llvm::count_if(all, [&](Atom o) {
               return sameAtom(o, atom) &&
                      (o.size == atom.size || ShapedType::isDynamic(o.size) ||
                       ShapedType::isDynamic(atom.size));
             }) == 1;
    };
  };
  // Splitting an axis into several digits needs their sizes.
  auto splittable = [](const Axis &axis) {
    return llvm::count_if(axis, [](Atom atom) {
             return ShapedType::isDynamic(atom.size);
           }) <= 1;
  };
  return left.size() == right.size() && llvm::all_of(left, isIn(right)) &&
         llvm::all_of(right, isIn(left)) && llvm::all_of(*a, splittable);
}

static Value collapse(OpBuilder &b, Location loc, Value value,
                      ArrayRef<ReassociationIndices> groups) {
  if (static_cast<int64_t>(groups.size()) ==
      cast<RankedTensorType>(value.getType()).getRank())
    return value;
  return tensor::CollapseShapeOp::create(b, loc, value, groups);
}

/// Groups `counts[i]` consecutive dimensions into one.
static SmallVector<ReassociationIndices> groupsOf(ArrayRef<size_t> counts) {
  SmallVector<ReassociationIndices> groups;
  int64_t next = 0;
  for (size_t count : counts) {
    groups.emplace_back();
    for (size_t i = 0; i < count; ++i)
      groups.back().push_back(next++);
  }
  return groups;
}

/// Groups that attach the dimensions without digits to a neighbour with some.
static SmallVector<ReassociationIndices> groupUnits(const Layout &layout) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  for (auto [dim, axis] : llvm::enumerate(layout)) {
    if (axis.empty()) {
      (groups.empty() ? leading : groups.back()).push_back(dim);
      continue;
    }
    groups.emplace_back(leading);
    groups.back().push_back(dim);
    leading.clear();
  }
  return groups;
}

static SmallVector<int64_t> sizesOf(ArrayRef<Atom> atoms) {
  return llvm::map_to_vector(atoms, [](Atom atom) { return atom.size; });
}

Value emitRelayout(OpBuilder &b, Location loc, Value value, const Layout &from,
                   const Layout &to, RankedTensorType type) {
  Layout source = *refine(from, to), target = *refine(to, from);
  SmallVector<Atom> flat = digits(source), wanted = digits(target);
  Type element = type.getElementType();
  auto sameAxis = [](const Axis &a, const Axis &b) {
    return a.size() == b.size() && llvm::all_of(llvm::zip(a, b), [](auto pair) {
             return sameAtom(std::get<0>(pair), std::get<1>(pair));
           });
  };
  if (source.size() == target.size() &&
      llvm::all_of(llvm::zip(source, target), [&](auto pair) {
        return sameAxis(std::get<0>(pair), std::get<1>(pair));
      }))
    return value.getType() == type
               ? value
               : tensor::CastOp::create(b, loc, type, value).getResult();
  // Everything of size 1: a scalar on the way.
  value = collapse(b, loc, value, groupUnits(source));
  SmallVector<size_t> counts;
  for (const Axis &axis : source)
    if (!axis.empty())
      counts.push_back(axis.size());
  if (counts.size() != flat.size())
    value = tensor::ExpandShapeOp::create(
        b, loc, RankedTensorType::get(sizesOf(flat), element), value,
        groupsOf(counts));
  SmallVector<int64_t> permutation;
  for (Atom atom : wanted)
    permutation.push_back(
        llvm::find_if(flat, [&](Atom o) { return sameAtom(o, atom); }) -
        flat.begin());
  if (!llvm::is_sorted(permutation)) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
    SmallVector<OpFoldResult> permuted;
    for (int64_t dim : permutation)
      permuted.push_back(sizes[dim]);
    Value empty = tensor::EmptyOp::create(b, loc, permuted, element);
    value = linalg::TransposeOp::create(b, loc, value, empty, permutation)
                ->getResult(0);
  }
  counts.clear();
  for (const Axis &axis : target)
    if (!axis.empty())
      counts.push_back(axis.size());
  value = collapse(b, loc, value, groupsOf(counts));
  if (counts.size() != target.size()) {
    SmallVector<int64_t> shape;
    auto current = cast<RankedTensorType>(value.getType());
    int64_t next = 0;
    for (const Axis &axis : target)
      shape.push_back(axis.empty() ? 1 : current.getDimSize(next++));
    value = tensor::ExpandShapeOp::create(b, loc,
                                          RankedTensorType::get(shape, element),
                                          value, groupUnits(target));
  }
  if (value.getType() != type)
    value = tensor::CastOp::create(b, loc, type, value);
  return value;
}

} // namespace heed::recognize
