// Outputs.cpp - what an ONNX graph gives.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace heed::import {

/// Whether a node squeezes whatever sizes are 1.
static bool squeezesAnything(const onnx::GraphProto &graph) {
  return llvm::any_of(graph.node(), [](const onnx::NodeProto &node) {
    bool namesAxes = node.input_size() > 1 ||
                     llvm::any_of(node.attribute(),
                                  [](auto &a) { return a.name() == "axes"; });
    return node.op_type() == "Squeeze" && !namesAxes;
  });
}

/// A tensor of the program has one rank, but a Squeeze without axes has that of
/// its sizes: one that is not known stays. Where the model says that an output
/// is a scalar, all that stayed is 1, which the run checks.
static Tensor squeezedAsDeclared(Emitter &e, const onnx::GraphProto &graph,
                                 const onnx::ValueInfoProto &output,
                                 const Tensor &value) {
  const auto &type = output.type();
  bool isScalar = type.has_tensor_type() && type.tensor_type().has_shape() &&
                  type.tensor_type().shape().dim_size() == 0;
  auto isOpen = [&](const Sym &s) { return !e.canonical(s).constant(); };
  if (!isScalar || value->rank() == 0 || !llvm::all_of(value->shape, isOpen) ||
      !squeezesAnything(graph))
    return value;
  for (const Sym &s : value->shape)
    e.require(s, 1, "output '" + output.name() + "' is a scalar");
  return e.reshape(value, {});
}

void GraphImporter::returnOutputs() {
  Emitter &e = *emitter;
  SmallVector<Value> values;
  SmallVector<Attribute> names;
  SmallVector<bool> isUnsignedOutput;
  e.loc = function.getLoc();
  for (const auto &output : model.graph().output()) {
    auto it = scope.find(output.name());
    if (it == scope.end())
      fail("output " + quoted(output.name()) + " is not defined");
    it->second = squeezedAsDeclared(e, model.graph(), output, it->second);
    values.push_back(e.ir(it->second));
    names.push_back(e.b.getStringAttr(output.name()));
    isUnsignedOutput.push_back(isInteger(it->second->type) &&
                               isUnsigned(it->second->type));
  }
  if (values.empty())
    fail("the graph has no outputs");
  func::ReturnOp::create(e.b, e.loc, values);
  function.setType(e.b.getFunctionType(function.getArgumentTypes(),
                                       TypeRange(ValueRange(values))));
  for (auto [i, name] : llvm::enumerate(names)) {
    function.setResultAttr(i, "attn.name", name);
    if (isUnsignedOutput[i])
      function.setResultAttr(i, "attn.unsigned", e.b.getUnitAttr());
  }
}

} // namespace heed::import
