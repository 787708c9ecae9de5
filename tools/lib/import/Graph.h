// Graph.h - walks an ONNX graph, its functions inlined, and imports node by
// node.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_GRAPH_H
#define HEED_TOOLS_LIB_IMPORT_GRAPH_H

#include "tools/lib/import/Import.h"
#include "tools/lib/import/Node.h"

#include "llvm/ADT/StringMap.h"

namespace heed::import {

/// Opset by domain; "ai.onnx" is stored as "".
using Opsets = llvm::StringMap<int64_t>;
using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

class GraphImporter {
public:
  GraphImporter(onnx::ModelProto &model, const std::string &path,
                mlir::ModuleOp module, const ImportOptions &options);
  void run();

private:
  using Scope = llvm::StringMap<Tensor>;
  using FunctionAttrs = llvm::StringMap<const onnx::AttributeProto *>;

  /// One body: the main graph, one call of a function, or a branch, which sees
  /// the names of `outer` too.
  struct Body {
    const Nodes &nodes;
    const Opsets &opsets;
    Scope &scope;
    const FunctionAttrs *attrs;
    unsigned depth;
    const Body *outer;
  };

  void readFunctions();
  void checkSupported();
  void createArguments();
  void readInitializers();
  void importBody(const Body &body);
  void importNode(const Body &body, const onnx::NodeProto &proto, size_t index);
  void importCall(const Body &body, const onnx::NodeProto &proto,
                  const onnx::FunctionProto &function,
                  llvm::SmallVector<Tensor> inputs);
  // Nodes that hold graphs (Branch.cpp, Loop.cpp).
  void importControlFlow(const Body &body, const onnx::NodeProto &proto,
                         llvm::ArrayRef<Tensor> inputs);
  void importIf(const Body &body, const onnx::NodeProto &proto,
                llvm::ArrayRef<Tensor> inputs);
  void importLoop(const Body &body, const onnx::NodeProto &proto,
                  llvm::ArrayRef<Tensor> inputs);
  void importScan(const Body &body, const onnx::NodeProto &proto,
                  llvm::ArrayRef<Tensor> inputs);
  static const onnx::GraphProto &graphOf(const onnx::NodeProto &node,
                                         llvm::StringRef attribute);
  /// The graph's results, as if its nodes stood here.
  llvm::SmallVector<Tensor> importGraph(const Body &body, llvm::StringRef what,
                                        const onnx::GraphProto &graph,
                                        llvm::ArrayRef<Tensor> inputs);
  void defineOutputs(const Body &body, const onnx::NodeProto &proto,
                     llvm::ArrayRef<Tensor> results);
  /// The value of this name in the body or around it; null if there is none.
  static Tensor find(const Body &body, llvm::StringRef name);
  static int64_t countNodes(const Nodes &nodes);
  static bool isControlFlow(const onnx::NodeProto &node);
  void define(Scope &scope, const std::string &name, Tensor tensor);
  void returnOutputs();
  void describeModule();

  const onnx::FunctionProto *functionOf(const onnx::NodeProto &node) const;
  mlir::Location locationOf(const onnx::NodeProto &node, size_t index);

  onnx::ModelProto &model;
  const std::string &path;
  mlir::ModuleOp module;
  const ImportOptions &options;
  mlir::func::FuncOp function;
  std::optional<Emitter> emitter;
  Opsets opsets;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  llvm::StringMap<Opsets> functionOpsets;
  Scope scope;
  size_t done = 0, budget = 0;
  int64_t constantBytes = 0;
};

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_GRAPH_H
