// Slice.cpp - Slice and Split, with bounds that may be sizes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"

#include <limits>

using namespace mlir;

namespace heed::import {

namespace {

/// A bound of ONNX as a position in [0, size]: negative counts from the end.
/// Values beyond 2^62 mean "to the end" whatever the size is.
Sym position(Node &n, const Sym &bound, const Sym &size) {
  SymTable &syms = n.e.syms;
  if (auto c = bound.constant()) {
    if (*c >= int64_t(1) << 31)
      return size;
    if (*c <= -(int64_t(1) << 31))
      return Sym(0);
    return *c < 0 ? syms.max(size + bound, 0) : syms.min(bound, size);
  }
  // A computed bound is taken for a position, as exporters write it.
  n.e.requireAtLeast(bound, 0, "a computed bound of the slice");
  return syms.min(n.e.canonical(bound), size);
}

void importSlice(Node &n) {
  const Tensor &x = n.input(0);
  std::vector<Sym> starts, ends;
  SmallVector<int64_t> axes, steps;
  if (n.opset < 10) {
    auto s = n.intsAttr("starts"), t = n.intsAttr("ends"),
         a = n.intsAttr("axes");
    if (!s || !t)
      fail("attribute 'starts' or 'ends' is missing");
    starts.assign(s->begin(), s->end());
    ends.assign(t->begin(), t->end());
    if (a)
      axes = *a;
    else
      for (size_t i = 0; i < starts.size(); ++i)
        axes.push_back(i);
  } else {
    starts = n.e.someElements(n.input(1));
    ends = n.e.someElements(n.input(2));
    if (n.has(3))
      axes = n.constantInts(3);
    else
      for (size_t i = 0; i < starts.size(); ++i)
        axes.push_back(i);
    if (n.has(4))
      steps = n.constantInts(4);
  }
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (starts.size() != ends.size() || axes.size() != starts.size() ||
      steps.size() != starts.size())
    fail("starts, ends, axes and steps have different lengths");
  for (int64_t &a : axes)
    a = Node::normalisedAxis(a, x->rank());
  Node::normalisedAxes(axes, x->rank()); // none twice

  SmallVector<Sym> offsets(x->rank(), Sym(0));
  SmallVector<int64_t> strides(x->rank(), 1);
  Shape sizes = x->shape;
  SymTable &syms = n.e.syms;
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t step = steps[i], axis = axes[i];
    if (step == 0 || step == std::numeric_limits<int64_t>::min())
      fail("the step of axis " + Twine(axis) + " is " + Twine(step));
    Sym size = n.e.canonical(x->shape[axis]);
    Sym length, start;
    if (step > 0) {
      start = position(n, starts[i], size);
      length = position(n, ends[i], size) - start;
      length = syms.ceilDiv(length, step);
    } else {
      // Positions in [-1, size - 1], from start down to just above end.
      auto s = starts[i].constant(), t = ends[i].constant();
      if (!s || !t)
        fail("a computed bound with a negative step is not supported");
      Sym last = size - Sym(1);
      start = *s >= 0 ? syms.min(*s, last) : syms.max(size + Sym(*s), -1);
      Sym end = *t < 0
                    ? (*t < -(int64_t(1) << 31) ? Sym(-1)
                                                : syms.max(size + Sym(*t), -1))
                    : syms.min(*t, last);
      length = syms.ceilDiv(start - end, -step);
    }
    sizes[axis] = n.e.canonical(syms.max(length, 0));
    offsets[axis] = start;
    strides[axis] = step;
  }
  n.set(n.e.slice(x, offsets, sizes, strides));
}

void importSplit(Node &n) {
  const Tensor &x = n.input(0);
  n.requireRank(0, 1);
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", 0), x->rank());
  size_t count = n.numOutputs();
  std::vector<Sym> sizes;
  if (n.opset < 13) {
    if (auto given = n.intsAttr("split"))
      sizes.assign(given->begin(), given->end());
  } else if (n.has(1)) {
    sizes = n.e.someElements(n.input(1));
  }
  Sym total = n.e.canonical(x->shape[axis]);
  if (sizes.empty()) {
    int64_t parts = n.intAttr("num_outputs", count);
    if (parts < 1 || size_t(parts) != count)
      fail("attribute 'num_outputs' is " + Twine(parts) + ", the node has " +
           Twine(count) + " outputs");
    // Equal parts; the last one is smaller where they do not divide.
    Sym part = n.e.syms.ceilDiv(total, parts);
    for (int64_t i = 0; i + 1 < parts; ++i)
      sizes.push_back(part);
    sizes.push_back(total - part * Sym(parts - 1));
  }
  if (sizes.size() != count)
    fail("it has " + Twine(sizes.size()) + " sizes for " + Twine(count) +
         " outputs");
  Sym sum(0);
  for (const Sym &s : sizes) {
    n.e.requireAtLeast(s, 0, "split");
    sum = sum + s;
  }
  n.e.require(sum, total, "split: sum of the sizes");
  SmallVector<Sym> offsets(x->rank(), Sym(0));
  SmallVector<int64_t> strides(x->rank(), 1);
  Sym at(0);
  for (size_t i = 0; i < count; ++i) {
    Shape shape = x->shape;
    shape[axis] = n.e.canonical(sizes[i]);
    offsets[axis] = at;
    if (n.wants(i))
      n.set(i, n.e.slice(x, offsets, shape, strides));
    at = at + sizes[i];
  }
}

} // namespace

llvm::ArrayRef<OpEntry> sliceOps() {
  static const OpEntry ops[] = {
      {"Slice", 1, 1, 5, importSlice},
      {"Split", 2, 1, 2, importSplit},
  };
  return ops;
}

} // namespace heed::import
