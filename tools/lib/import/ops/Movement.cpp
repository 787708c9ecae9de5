// Movement.cpp - Reshape, Transpose, Squeeze, Expand, Concat and the like.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

using namespace mlir;

namespace heed::import {

namespace {

void importIdentity(Node &n) { n.set(n.input(0)); }

/// Dropout is the identity in inference; its mask output is all true.
void importDropout(Node &n) {
  if (n.has(2)) {
    auto training = n.constantInts(2);
    if (training.size() != 1 || training[0])
      fail("training mode is not supported");
  }
  n.set(n.input(0));
  if (n.wants(1))
    n.set(1,
          n.e.broadcast(n.e.constant(HostTensor::ofInts(DType::Bool, {}, {1})),
                        n.input(0)->shape));
}

void importReshape(Node &n) {
  const Tensor &x = n.input(0);
  std::vector<Sym> want;
  if (n.opset < 5)
    fail("opset 4 is not supported");
  if (n.input(1)->rank() != 1)
    fail("the shape is not a vector");
  want = n.e.someElements(n.input(1));
  bool allowZero = n.intAttr("allowzero", 0);
  Shape shape;
  Sym others(1);
  std::optional<size_t> open;
  for (auto [i, s] : llvm::enumerate(want)) {
    Sym dim = s;
    if (s == Sym(-1)) {
      if (open)
        fail("the shape has two entries of -1");
      open = i;
      shape.push_back(Sym(1));
      continue;
    }
    if (s == Sym(0) && !allowZero) {
      if (i >= x->rank())
        fail("the shape copies dimension " + Twine(i) + " of rank " +
             Twine(x->rank()));
      dim = x->shape[i];
    }
    n.e.requireAtLeast(dim, 0, "reshape");
    shape.push_back(dim);
    others = others * dim;
  }
  if (open) {
    Sym total = n.e.canonical(n.e.product(x->shape));
    others = n.e.canonical(others);
    if (others == Sym(0)) {
      // 0 elements: the open dim is whatever ONNX says it is, which is 0.
      shape[*open] = Sym(0);
    } else {
      shape[*open] = n.e.syms.floorDiv(total, others);
      if (total.isConstant() && others.isConstant() &&
          *total.constant() % *others.constant())
        fail("reshape: " + Twine(*total.constant()) +
             " elements do not divide by " + Twine(*others.constant()));
    }
  }
  n.set(n.e.reshape(x, shape));
}

void importFlatten(Node &n) {
  const Tensor &x = n.input(0);
  int64_t rank = x->rank(), axis = n.intAttr("axis", 1);
  if (axis < -rank || axis > rank)
    fail("axis " + Twine(axis) + " is outside of rank " + Twine(rank));
  if (axis < 0)
    axis += rank;
  ArrayRef<Sym> dims(x->shape);
  n.set(n.e.reshape(x, {n.e.product(dims.take_front(axis)),
                        n.e.product(dims.drop_front(axis))}));
}

void importSqueeze(Node &n) {
  const Tensor &x = n.input(0);
  auto axes = n.axes(13, 1);
  SmallVector<int64_t> dropped;
  if (axes) {
    dropped = Node::normalisedAxes(*axes, x->rank());
  } else {
    for (size_t d = 0; d < x->rank(); ++d)
      if (x->shape[d] == Sym(1))
        dropped.push_back(d);
  }
  Shape shape;
  for (size_t d = 0; d < x->rank(); ++d) {
    if (!llvm::is_contained(dropped, int64_t(d)))
      shape.push_back(x->shape[d]);
    else
      n.e.require(x->shape[d], 1, "squeezed dimension " + Twine(d));
  }
  n.set(n.e.reshape(x, shape));
}

void importUnsqueeze(Node &n) {
  const Tensor &x = n.input(0);
  auto axes = n.axes(13, 1);
  if (!axes)
    fail("the axes are missing");
  size_t rank = x->rank() + axes->size();
  SmallVector<int64_t> added = Node::normalisedAxes(*axes, rank);
  Shape shape;
  for (size_t d = 0, from = 0; d < rank; ++d)
    shape.push_back(llvm::is_contained(added, int64_t(d)) ? Sym(1)
                                                          : x->shape[from++]);
  n.set(n.e.reshape(x, shape));
}

void importTranspose(Node &n) {
  const Tensor &x = n.input(0);
  SmallVector<int64_t> perm;
  if (auto given = n.intsAttr("perm"))
    perm = *given;
  else
    for (size_t d = x->rank(); d-- > 0;)
      perm.push_back(d);
  SmallVector<int64_t> sorted = perm;
  llvm::sort(sorted);
  for (size_t d = 0; d < std::max(sorted.size(), x->rank()); ++d)
    if (sorted.size() != x->rank() || sorted[d] != int64_t(d))
      fail("attribute 'perm' is no permutation of rank " + Twine(x->rank()));
  n.set(n.e.transpose(x, perm));
}

void importExpand(Node &n) {
  const Tensor &x = n.input(0);
  if (n.input(1)->rank() != 1)
    fail("the shape is not a vector");
  std::vector<Sym> want = n.e.someElements(n.input(1));
  size_t rank = std::max(want.size(), x->rank());
  Shape shape;
  for (size_t d = 0; d < rank; ++d) {
    SmallVector<Sym> dims;
    if (d + want.size() >= rank) {
      n.e.requireAtLeast(want[d + want.size() - rank], 0, "expand");
      dims.push_back(want[d + want.size() - rank]);
    }
    if (d + x->rank() >= rank)
      dims.push_back(x->shape[d + x->rank() - rank]);
    shape.push_back(n.e.broadcastDim(dims));
  }
  n.set(n.e.broadcast(x, shape));
}

/// Tile as [d] -> [1, d] -> [r, d] -> [r·d] on every repeated dim.
void importTile(Node &n) {
  const Tensor &x = n.input(0);
  std::vector<Sym> repeats = n.e.someElements(n.input(1));
  if (repeats.size() != x->rank())
    fail("it has " + Twine(repeats.size()) + " repeats for rank " +
         Twine(x->rank()));
  Shape apart, wide, result;
  for (size_t d = 0; d < x->rank(); ++d) {
    n.e.requireAtLeast(repeats[d], 0, "repeats");
    if (repeats[d] != Sym(1)) {
      apart.push_back(1);
      wide.push_back(repeats[d]);
    }
    apart.push_back(x->shape[d]);
    wide.push_back(x->shape[d]);
    result.push_back(repeats[d] * x->shape[d]);
  }
  n.set(n.e.reshape(n.e.broadcast(n.e.reshape(x, apart), wide), result));
}

void importConcat(Node &n) {
  n.requireSameTypes();
  n.requireRank(0, 1);
  int64_t axis = Node::normalisedAxis(n.intAttr("axis"), n.input(0)->rank());
  for (size_t i = 0; i < n.numInputs(); ++i)
    n.input(i);
  n.set(n.e.concat(n.inputs, axis));
}

/// [b, c·r², h, w] to [b, c, h·r, w·r].
void importDepthToSpace(Node &n) {
  n.requireRank(0, 4, 4);
  const Tensor &x = n.input(0);
  Sym r(n.intAttr("blocksize"));
  n.e.requireAtLeast(r, 1, "attribute 'blocksize'");
  auto c = x->shape[1].exactQuotient(r * r);
  if (!c)
    fail("the channels do not divide by the square of the block size");
  bool crd = n.stringAttr("mode", "DCR") == "CRD";
  const Shape &s = x->shape;
  Tensor t = n.e.reshape(x, crd ? Shape{s[0], *c, r, r, s[2], s[3]}
                                : Shape{s[0], r, r, *c, s[2], s[3]});
  t = n.e.transpose(t, crd ? ArrayRef<int64_t>{0, 1, 4, 2, 5, 3}
                           : ArrayRef<int64_t>{0, 3, 4, 1, 5, 2});
  n.set(n.e.reshape(t, {s[0], *c, s[2] * r, s[3] * r}));
}

void importSpaceToDepth(Node &n) {
  n.requireRank(0, 4, 4);
  const Tensor &x = n.input(0);
  Sym r(n.intAttr("blocksize"));
  n.e.requireAtLeast(r, 1, "attribute 'blocksize'");
  const Shape &s = x->shape;
  Sym h = n.e.syms.floorDiv(s[2], r), w = n.e.syms.floorDiv(s[3], r);
  Tensor t = n.e.reshape(x, {s[0], s[1], h, r, w, r});
  bool crd = n.stringAttr("mode", "DCR") == "CRD";
  t = n.e.transpose(t, crd ? ArrayRef<int64_t>{0, 1, 3, 5, 2, 4}
                           : ArrayRef<int64_t>{0, 3, 5, 1, 2, 4});
  n.set(n.e.reshape(t, {s[0], s[1] * r * r, h, w}));
}

} // namespace

llvm::ArrayRef<OpEntry> movementOps() {
  static const OpEntry ops[] = {
      {"Identity", 1, 1, 1, importIdentity},
      {"Dropout", 1, 1, 3, importDropout},
      {"Reshape", 5, 2, 2, importReshape},
      {"Flatten", 1, 1, 1, importFlatten},
      {"Squeeze", 1, 1, 2, importSqueeze},
      {"Unsqueeze", 1, 1, 2, importUnsqueeze},
      {"Transpose", 1, 1, 1, importTranspose},
      {"Expand", 8, 2, 2, importExpand},
      {"Tile", 6, 2, 2, importTile},
      {"Concat", 4, 1, variadic, importConcat},
      {"DepthToSpace", 1, 1, 1, importDepthToSpace},
      {"SpaceToDepth", 1, 1, 1, importSpaceToDepth},
  };
  return ops;
}

} // namespace heed::import
