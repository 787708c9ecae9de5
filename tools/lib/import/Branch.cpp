// Branch.cpp - imports the branch of an ONNX If whose condition is known.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters leave an If where a model's code asked for a shape, or for a flag
// that is constant by now. The branch taken is imported as if its nodes stood
// in place of the If; the other one is not looked at.

#include "tools/lib/import/Graph.h"
#include "tools/lib/import/Model.h"

using namespace mlir;

namespace heed::import {

bool GraphImporter::isIf(const onnx::NodeProto &node) {
  return node.op_type() == "If" &&
         (node.domain().empty() || node.domain() == "ai.onnx");
}

Tensor GraphImporter::find(const Body &body, StringRef name) {
  for (const Body *at = &body; at; at = at->outer)
    if (auto it = at->scope.find(name); it != at->scope.end())
      return it->second;
  return nullptr;
}

/// The graph of the attribute; one that a function takes as an argument is not
/// a graph of this body and could not see its names.
static const onnx::GraphProto &branchOf(const onnx::NodeProto &node,
                                        StringRef name) {
  for (const auto &attribute : node.attribute())
    if (StringRef(attribute.name()) == name) {
      if (!attribute.has_g())
        fail("attribute " + quoted(name) + " is no graph");
      return attribute.g();
    }
  fail("attribute " + quoted(name) + " is missing");
}

void GraphImporter::importIf(const Body &body, const onnx::NodeProto &proto,
                             ArrayRef<Tensor> inputs) {
  if (inputs.size() != 1 || !inputs[0])
    fail("it has " + Twine(inputs.size()) + " inputs, 1 expected");
  if (inputs[0]->type != DType::Bool)
    fail("its condition is " + name(inputs[0]->type) + ", bool expected");
  auto known = emitter->knownElements(inputs[0]);
  auto condition = known && known->size() == 1 ? known->front().constant()
                                               : std::optional<int64_t>();
  if (!condition)
    fail("unsupported: If whose condition is only known at run time");
  StringRef attribute = *condition ? "then_branch" : "else_branch";
  const onnx::GraphProto &branch = branchOf(proto, attribute);
  if (branch.input_size())
    fail(attribute + " has inputs");
  if (branch.sparse_initializer_size())
    fail("sparse initializers are not supported");
  if (branch.output_size() != proto.output_size())
    fail(attribute + " has " + Twine(branch.output_size()) +
         " outputs, the node has " + Twine(proto.output_size()));

  Scope scope;
  for (onnx::TensorProto tensor : branch.initializer()) {
    // A copy: a function's body may be imported again.
    std::string name = tensor.name();
    try {
      if (name.empty())
        fail("it has no name");
      define(scope, name, emitter->constant(takeTensor(tensor, path), name));
    } catch (ImportError &error) {
      fail("initializer " + quoted(name) + ": " + error.reason);
    }
  }
  Body inner{branch.node(), body.opsets,    scope,
             body.attrs,    body.depth + 1, &body};
  importBody(inner);
  for (int i = 0; i < proto.output_size(); ++i) {
    if (proto.output(i).empty())
      continue;
    Tensor result = find(inner, branch.output(i).name());
    if (!result)
      fail(attribute + " does not define its output " +
           quoted(branch.output(i).name()));
    define(body.scope, proto.output(i), result);
  }
}

} // namespace heed::import
