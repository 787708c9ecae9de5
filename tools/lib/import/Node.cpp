// Node.cpp - one ONNX node under import: its checked inputs, attributes and
// outputs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Node.h"
#include "tools/lib/import/Model.h"

using namespace mlir;

namespace heed::import {

const Tensor &Node::input(size_t i) const {
  if (!has(i))
    fail("input " + Twine(i) + " is missing");
  return inputs[i];
}

const Tensor &Node::floatInput(size_t i) const {
  const Tensor &t = input(i);
  if (!isFloat(t->type))
    fail("input " + Twine(i) + ": expected a float type, got " + name(t->type));
  return t;
}

SmallVector<int64_t> Node::constantInts(size_t i) const {
  const Tensor &t = input(i);
  auto known = e.knownElements(t);
  SmallVector<int64_t> r;
  if (known)
    for (const Sym &s : *known)
      if (auto c = s.constant())
        r.push_back(*c);
  if (!known || r.size() != known->size())
    fail("input " + Twine(i) +
         ": a value that is only known at run time is not supported here");
  return r;
}

void Node::requireSameTypes() const {
  const Tensor *first = nullptr;
  for (const Tensor &t : inputs) {
    if (!t)
      continue;
    if (first && (*first)->type != t->type)
      fail("input types differ: " + name((*first)->type) + " and " +
           name(t->type));
    first = &t;
  }
}

void Node::requireRank(size_t i, size_t low, size_t high) const {
  size_t rank = input(i)->rank();
  if (rank < low || rank > high)
    fail("input " + Twine(i) + ": rank " + Twine(rank) + ", expected " +
         (low == high ? Twine(low).str()
                      : (Twine(low) + " to " + Twine(high)).str()));
}

const onnx::AttributeProto *Node::find(StringRef name) const {
  for (const onnx::AttributeProto &a : proto.attribute()) {
    if (StringRef(a.name()) != name)
      continue;
    if (a.ref_attr_name().empty())
      return &a;
    // An attribute of the function that holds this node; absent if not given.
    return functionAttrs ? functionAttrs->lookup(a.ref_attr_name()) : nullptr;
  }
  return nullptr;
}

const onnx::AttributeProto *Node::find(StringRef name, AttrType type) const {
  const onnx::AttributeProto *a = find(name);
  if (a && a->type() != 0 && a->type() != static_cast<int>(type))
    fail("attribute " + quoted(name) + " has type " + Twine(a->type()) +
         ", expected " + Twine(static_cast<int>(type)));
  return a;
}

int64_t Node::intAttr(StringRef name, int64_t fallback) const {
  auto *a = find(name, AttrType::Int);
  return a ? a->i() : fallback;
}

int64_t Node::intAttr(StringRef name) const {
  if (!find(name))
    fail("attribute " + quoted(name) + " is missing");
  return intAttr(name, 0);
}

double Node::floatAttr(StringRef name, double fallback) const {
  auto *a = find(name, AttrType::Float);
  return a ? a->f() : fallback;
}

std::string Node::stringAttr(StringRef name, StringRef fallback) const {
  auto *a = find(name, AttrType::String);
  return a ? a->s() : fallback.str();
}

std::optional<SmallVector<int64_t>> Node::intsAttr(StringRef name) const {
  auto *a = find(name, AttrType::Ints);
  if (!a)
    return std::nullopt;
  return SmallVector<int64_t>(a->ints().begin(), a->ints().end());
}

std::optional<std::vector<double>> Node::floatsAttr(StringRef name) const {
  auto *a = find(name, AttrType::Floats);
  if (!a)
    return std::nullopt;
  return std::vector<double>(a->floats().begin(), a->floats().end());
}

std::vector<std::string> Node::stringsAttr(StringRef name) const {
  auto *a = find(name, AttrType::Strings);
  if (!a)
    return {};
  return std::vector<std::string>(a->strings().begin(), a->strings().end());
}

std::optional<HostTensor> Node::tensorAttr(StringRef name) const {
  auto *a = find(name, AttrType::Tensor);
  if (!a)
    return std::nullopt;
  onnx::TensorProto copy = a->t(); // a function may read it again
  return takeTensor(copy, modelPath);
}

std::optional<SmallVector<int64_t>> Node::axes(int64_t inputSince,
                                               size_t i) const {
  if (opset < inputSince)
    return intsAttr("axes");
  if (!has(i))
    return std::nullopt;
  return constantInts(i);
}

int64_t Node::normalisedAxis(int64_t axis, size_t rank) {
  int64_t r = static_cast<int64_t>(rank);
  if (axis < -r || axis >= r)
    fail("axis " + Twine(axis) + " is outside of rank " + Twine(rank));
  return axis < 0 ? axis + r : axis;
}

SmallVector<int64_t> Node::normalisedAxes(ArrayRef<int64_t> axes, size_t rank) {
  SmallVector<int64_t> r;
  for (int64_t a : axes)
    r.push_back(normalisedAxis(a, rank));
  llvm::sort(r);
  for (size_t i = 1; i < r.size(); ++i)
    if (r[i] == r[i - 1])
      fail("axis " + Twine(r[i]) + " is given twice");
  return r;
}

void Node::set(size_t i, Tensor output) {
  if (outputs.size() <= i)
    outputs.resize(i + 1);
  outputs[i] = std::move(output);
}

} // namespace heed::import
