// Branch.cpp - imports the branches of an ONNX If.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters leave an If where a model's code asked for a shape, or for a flag
// that is constant by now: the branch taken is imported as if its nodes stood in
// place of the If, and the other one is not looked at. A condition that only
// the run knows makes an scf.if of both.
//
// A tensor of the program has one rank. `x.squeeze(d)` in PyTorch, where the
// size is not known, is an If of which one branch squeezes and the other does
// not: what follows was written for what the squeeze gives, so it is taken, and
// the run checks that it is.

#include "tools/lib/import/ControlFlow.h"
#include "tools/lib/import/Graph.h"
#include "tools/lib/import/Model.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

bool GraphImporter::isControlFlow(const onnx::NodeProto &node) {
  return llvm::is_contained({"If", "Loop", "Scan"},
                            StringRef(node.op_type())) &&
         (node.domain().empty() || node.domain() == "ai.onnx");
}

Tensor GraphImporter::find(const Body &body, StringRef name) {
  for (const Body *at = &body; at; at = at->outer)
    if (auto it = at->scope.find(name); it != at->scope.end())
      return it->second;
  return nullptr;
}

const onnx::GraphProto &GraphImporter::graphOf(const onnx::NodeProto &node,
                                               StringRef name) {
  // One that a function takes as an argument is not a graph of this body and
  // could not see its names.
  for (const auto &attribute : node.attribute())
    if (StringRef(attribute.name()) == name) {
      if (!attribute.has_g())
        fail("attribute " + quoted(name) + " is no graph");
      if (attribute.g().sparse_initializer_size())
        fail("sparse initializers are not supported");
      return attribute.g();
    }
  fail("attribute " + quoted(name) + " is missing");
}

SmallVector<Tensor> GraphImporter::importGraph(const Body &body, StringRef what,
                                               const onnx::GraphProto &graph,
                                               ArrayRef<Tensor> inputs) {
  Scope scope;
  for (auto [input, tensor] : llvm::zip(graph.input(), inputs))
    define(scope, input.name(), tensor);
  for (onnx::TensorProto tensor : graph.initializer()) {
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
  Body inner{graph.node(), body.opsets,    scope,
             body.attrs,   body.depth + 1, &body};
  importBody(inner);
  SmallVector<Tensor> results;
  for (const auto &output : graph.output()) {
    results.push_back(find(inner, output.name()));
    if (!results.back())
      fail(what + " does not define its output " + quoted(output.name()));
  }
  return results;
}

/// The node that makes the output of a graph of nothing else but constants.
static const onnx::NodeProto *onlyNode(const onnx::GraphProto &graph) {
  const onnx::NodeProto *found = nullptr;
  for (const onnx::NodeProto &node : graph.node()) {
    if (node.op_type() == "Constant")
      continue;
    if (found || node.input_size() == 0 || node.output_size() != 1)
      return nullptr;
    found = &node;
  }
  bool isResult = found && graph.output_size() == 1 &&
                  graph.output(0).name() == found->output(0);
  return isResult ? found : nullptr;
}

/// Whether a size is squeezed in one case and stays in the other.
static bool isSqueezeOrNot(const onnx::GraphProto &taken,
                           const onnx::GraphProto &other) {
  const onnx::NodeProto *squeeze = onlyNode(taken), *same = onlyNode(other);
  return squeeze && same && squeeze->op_type() == "Squeeze" &&
         same->op_type() == "Identity" && squeeze->input(0) == same->input(0);
}

void GraphImporter::importIf(const Body &body, const onnx::NodeProto &proto,
                             ArrayRef<Tensor> inputs) {
  if (inputs.size() != 1 || !inputs[0])
    fail("it has " + Twine(inputs.size()) + " inputs, 1 expected");
  if (inputs[0]->type != DType::Bool)
    fail("its condition is " + name(inputs[0]->type) + ", bool expected");
  for (const Sym &s : inputs[0]->shape)
    emitter->require(s, 1, "its condition");
  auto known = emitter->knownElements(inputs[0]);
  auto condition = known && known->size() == 1 ? known->front().constant()
                                               : std::optional<int64_t>();
  SmallVector<const onnx::GraphProto *> graphs;
  for (auto [name, skips] :
       {std::pair("then_branch", condition == 0),
        std::pair("else_branch", condition && *condition)}) {
    if (skips)
      continue;
    graphs.push_back(&graphOf(proto, name));
    if (graphs.back()->input_size())
      fail(Twine(name) + " has inputs");
    if (graphs.back()->output_size() != proto.output_size())
      fail(Twine(name) + " has " + Twine(graphs.back()->output_size()) +
           " outputs, the node has " + Twine(proto.output_size()));
  }
  if (!condition && isSqueezeOrNot(*graphs[0], *graphs[1])) {
    Emitter &e = *emitter;
    Value zero = e.scalarInt(e.b.getIndexType(), 0);
    e.assertThat(
        tensor::ExtractOp::create(e.b, e.loc, e.ir(inputs[0]),
                                  SmallVector<Value>(inputs[0]->rank(), zero)),
        "If: expected the size that is squeezed where it is 1 to be 1");
    condition = 1;
  }
  auto results =
      condition
          ? importGraph(body, *condition ? "then_branch" : "else_branch",
                        *graphs[0], {})
          : emitBranch(*emitter, inputs[0], [&](bool isTrue) {
              return importGraph(body, isTrue ? "then_branch" : "else_branch",
                                 *graphs[isTrue ? 0 : 1], {});
            });
  defineOutputs(body, proto, results);
}

void GraphImporter::defineOutputs(const Body &body,
                                  const onnx::NodeProto &proto,
                                  ArrayRef<Tensor> results) {
  for (auto [name, result] : llvm::zip(proto.output(), results))
    if (!name.empty())
      define(body.scope, name, result);
}

} // namespace heed::import
