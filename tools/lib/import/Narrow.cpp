// Narrow.cpp - sizes and flags that the caller knows, put into an ONNX graph.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Narrow.h"
#include "tools/lib/import/Error.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace heed::import {

using Dimension = onnx::TensorShapeProto::Dimension;

static void setSize(Dimension &dim, int64_t size,
                    llvm::StringMap<int64_t> &named) {
  if (dim.has_dim_value() && dim.dim_value() != -1) {
    if (dim.dim_value() != size)
      fail("a dimension of " + llvm::Twine(dim.dim_value()) +
           " cannot be narrowed to " + llvm::Twine(size));
    return;
  }
  if (!dim.dim_param().empty()) {
    auto [entry, isNew] = named.try_emplace(dim.dim_param(), size);
    if (!isNew && entry->second != size)
      fail("dimension " + quoted(dim.dim_param()) + " cannot be both " +
           llvm::Twine(entry->second) + " and " + llvm::Twine(size));
  }
  dim.set_dim_value(size);
}

/// The input becomes a constant: an input with an initializer of its name is
/// none.
static void setElement(onnx::GraphProto &graph,
                       const onnx::ValueInfoProto &input, bool element) {
  constexpr int kBool = 9;
  const auto &type = input.type().tensor_type();
  if (type.elem_type() != kBool)
    fail("only a boolean input can be narrowed to a constant");
  onnx::TensorProto &tensor = *graph.add_initializer();
  tensor.set_name(input.name());
  tensor.set_data_type(kBool);
  for (const Dimension &dim : type.shape().dim()) {
    if (dim.has_dim_value() && dim.dim_value() != 1)
      fail("only an input of one element can be narrowed to a constant");
    tensor.add_dims(1);
  }
  tensor.add_int32_data(element);
}

void narrowInputs(onnx::GraphProto &graph, const NarrowInput &narrow) {
  llvm::StringSet<> constants;
  for (const auto &tensor : graph.initializer())
    constants.insert(tensor.name());
  llvm::StringMap<int64_t> named;
  for (auto &input : *graph.mutable_input()) {
    if (constants.contains(input.name()) ||
        !input.type().tensor_type().has_shape())
      continue;
    auto &shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    llvm::SmallVector<int64_t> sizes;
    for (const Dimension &dim : shape.dim())
      sizes.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
    std::optional<bool> element;
    narrow(input.name(), sizes, element);
    try {
      for (int i = 0; i < shape.dim_size(); ++i)
        if (sizes[i] >= 0)
          setSize(*shape.mutable_dim(i), sizes[i], named);
      if (element)
        setElement(graph, input, *element);
    } catch (ImportError &error) {
      fail("input " + quoted(input.name()) + ": " + error.reason);
    }
  }
  for (auto &input : *graph.mutable_input()) {
    if (!input.type().tensor_type().has_shape())
      continue;
    auto &shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (Dimension &dim : *shape.mutable_dim())
      if (auto it = named.find(dim.dim_param()); it != named.end())
        dim.set_dim_value(it->second);
  }
}

} // namespace heed::import
