// EmitReshape.cpp - reshape as expand_shape and collapse_shape.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dims of source and target are cut into groups that hold the same
// elements. A group goes source -> fine -> coarse -> target, by expand,
// collapse, expand, and most groups need one of the three:
//   [C] to [C, 1, 1]            fine = [C, 1, 1] = coarse
//   [B, H·d] to [B·H, d]        fine = [B, H, d], coarse = [B·H, d]
//   [4, 6] to [6, 4]            fine = [4, 6],    coarse = [24]

#include "tools/lib/import/Emitter.h"
#include "tools/lib/import/Error.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

namespace {

/// Source and target dims that hold the same elements.
struct Group {
  Shape source, target;
};

/// For each coarse dim, the fine dims that it is the product of.
using Lists = SmallVector<ReassociationIndices>;

/// The finest groups: cut wherever the products of the leading dims agree.
SmallVector<Group> findGroups(Emitter &e, ArrayRef<Sym> source,
                              ArrayRef<Sym> target) {
  SmallVector<Group> groups;
  Group open;
  size_t i = 0, j = 0;
  Sym s(1), t(1);
  while (i < source.size() || j < target.size()) {
    bool takeSource;
    if (i == source.size() || j == target.size())
      takeSource = j == target.size();
    else if (open.source.empty() || open.target.empty())
      takeSource = open.source.empty();
    else if (s.isConstant() && t.isConstant())
      takeSource = *s.constant() < *t.constant();
    else // extend the side that the other is a multiple of
      takeSource = t.exactQuotient(s) || !s.exactQuotient(t);
    if (takeSource) {
      open.source.push_back(source[i]);
      s = e.canonical(s * source[i++]);
    } else {
      open.target.push_back(target[j]);
      t = e.canonical(t * target[j++]);
    }
    if (s != t || open.source.empty() || open.target.empty())
      continue;
    groups.push_back(open);
    open = Group();
    s = t = Sym(1);
  }
  if (open.source.empty() && open.target.empty())
    return groups;
  // Left over: unit dims of one side, or sizes that only the program can
  // compare.
  e.require(s, t, "reshape: number of elements");
  if (!groups.empty() && (open.source.empty() || open.target.empty())) {
    groups.back().source.append(open.source);
    groups.back().target.append(open.target);
  } else {
    groups.push_back(open);
  }
  return groups;
}

/// The way of one group, see the head of the file.
struct Way {
  Shape fine, coarse;
  Lists sourceOfFine, coarseOfFine, coarseOfTarget;
};

/// Fine dims that both source and target dims are products of, if their prefix
/// products divide each other in turn.
std::optional<Way> refine(const Group &g) {
  Way way;
  way.coarse = g.target;
  size_t i = 0, j = 0, ns = g.source.size(), nt = g.target.size();
  way.sourceOfFine.resize(ns);
  way.coarseOfFine.resize(nt);
  Sym s = g.source[0], t = g.target[0];
  auto add = [&](const Sym &dim) {
    way.sourceOfFine[std::min(i, ns - 1)].push_back(way.fine.size());
    way.coarseOfFine[std::min(j, nt - 1)].push_back(way.fine.size());
    way.fine.push_back(dim);
  };
  auto nextSource = [&] { s = ++i < ns ? g.source[i] : Sym(1); };
  auto nextTarget = [&] { t = ++j < nt ? g.target[j] : Sym(1); };
  while (i < ns || j < nt) {
    if (s == t) {
      add(s);
      nextSource();
      nextTarget();
    } else if (auto q = t.exactQuotient(s); q && i < ns) {
      add(s);
      t = *q;
      nextSource();
    } else if (auto q = s.exactQuotient(t); q && j < nt) {
      add(t);
      s = *q;
      nextTarget();
    } else {
      return std::nullopt;
    }
  }
  for (size_t k = 0; k < nt; ++k)
    way.coarseOfTarget.push_back({int64_t(k)});
  return way;
}

/// Through one dim that holds the whole group.
Way throughOne(Emitter &e, const Group &g) {
  Way way;
  way.fine = g.source;
  way.coarse.push_back(e.canonical(e.product(g.source)));
  way.coarseOfFine.resize(1);
  way.coarseOfTarget.resize(1);
  for (size_t k = 0; k < g.source.size(); ++k) {
    way.sourceOfFine.push_back({int64_t(k)});
    way.coarseOfFine[0].push_back(k);
  }
  for (size_t k = 0; k < g.target.size(); ++k)
    way.coarseOfTarget[0].push_back(k);
  return way;
}

void append(Lists &all, const Lists &lists, size_t offset) {
  for (const ReassociationIndices &list : lists) {
    ReassociationIndices shifted;
    for (int64_t i : list)
      shifted.push_back(i + offset);
    all.push_back(shifted);
  }
}

/// The coarse type that goes with a fine shape: static where all its parts are.
RankedTensorType coarseType(Emitter &e, DType type, ArrayRef<Sym> fine,
                            const Lists &lists) {
  SmallVector<int64_t> dims;
  for (const ReassociationIndices &list : lists) {
    int64_t size = 1;
    for (int64_t i : list) {
      auto c = fine[i].constant();
      size =
          c && !ShapedType::isDynamic(size) ? size * *c : ShapedType::kDynamic;
    }
    dims.push_back(size);
  }
  return RankedTensorType::get(dims, irType(type, e.b.getContext()));
}

Tensor expand(Emitter &e, const Tensor &t, Shape fine, const Lists &lists) {
  if (t->rank() == fine.size())
    return t;
  Value source = e.ir(t);
  RankedTensorType want = coarseType(e, t->type, fine, lists);
  if (source.getType() != want)
    source = tensor::CastOp::create(e.b, e.loc, want, source);
  Value r = tensor::ExpandShapeOp::create(e.b, e.loc, e.typeOf(t->type, fine),
                                          source, lists, e.foldedSizes(fine));
  return e.computed(r, t->type, fine);
}

Tensor collapse(Emitter &e, const Tensor &t, Shape coarse, const Lists &lists) {
  if (t->rank() == coarse.size())
    return t;
  Value r = tensor::CollapseShapeOp::create(
      e.b, e.loc, coarseType(e, t->type, t->shape, lists), e.ir(t), lists);
  return e.computed(r, t->type, coarse);
}

} // namespace

Tensor Emitter::reshape(const Tensor &tensor, Shape shape) {
  Shape source;
  for (const Sym &s : tensor->shape)
    source.push_back(canonical(s));
  for (Sym &s : shape)
    s = canonical(s);
  typeOf(tensor->type, shape); // the product of the dims fits
  if (source == shape)
    return tensor;
  if (auto dims = staticShape(shape); dims && isKnown(tensor)) {
    int64_t have = checkedCount(*staticShape(source)),
            want = checkedCount(*dims);
    if (have != want)
      fail("reshape: " + Twine(have) + " elements to " + Twine(want));
    return tensor->constant
               ? constant(tensor->constant->reshaped(*dims), tensor->name)
               : integers(tensor->type, *dims, *tensor->elements);
  }
  if (llvm::is_contained(source, Sym(0)) && llvm::is_contained(shape, Sym(0)))
    return computed(empty(tensor->type, shape), tensor->type, shape);
  if (source.empty() || shape.empty()) { // a scalar on one side
    for (const Sym &s : source.empty() ? shape : source)
      require(s, 1, "reshape: number of elements");
    Shape ones(std::max(source.size(), shape.size()), Sym(1));
    return source.empty()
               ? computed(ir(expand(*this, tensor, ones, {})), tensor->type,
                          shape)
               : collapse(*this, computed(ir(tensor), tensor->type, ones), {},
                          {});
  }
  Shape fine, coarse;
  Lists sourceOfFine, coarseOfFine, coarseOfTarget;
  size_t targets = 0;
  for (const Group &g : findGroups(*this, source, shape)) {
    auto refined = refine(g);
    Way way = refined ? *refined : throughOne(*this, g);
    append(sourceOfFine, way.sourceOfFine, fine.size());
    append(coarseOfFine, way.coarseOfFine, fine.size());
    append(coarseOfTarget, way.coarseOfTarget, targets);
    fine.append(way.fine);
    coarse.append(way.coarse);
    targets += g.target.size();
  }
  Tensor t = expand(*this, tensor, fine, sourceOfFine);
  t = collapse(*this, t, coarse, coarseOfFine);
  t = expand(*this, t, shape, coarseOfTarget);
  // Sizes that only a run-time check made equal.
  return t->shape == shape ? t : computed(ir(t), tensor->type, shape);
}

} // namespace heed::import
