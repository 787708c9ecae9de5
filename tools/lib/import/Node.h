// Node.h - one ONNX node under import: its checked inputs, attributes and
// outputs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_NODE_H
#define HEED_TOOLS_LIB_IMPORT_NODE_H

#include "tools/lib/import/Emitter.h"
#include "tools/lib/import/Error.h"
#include "tools/lib/import/onnx.pb.h"

#include "llvm/ADT/StringMap.h"

namespace heed::import {

/// Type codes of AttributeProto.
enum class AttrType {
  Float = 1,
  Int,
  String,
  Tensor,
  Graph,
  Floats,
  Ints,
  Strings
};

class Node {
public:
  Node(Emitter &emitter, const onnx::NodeProto &proto, int64_t opset,
       const std::string &modelPath)
      : e(emitter), proto(proto), opset(opset), modelPath(modelPath) {}

  Emitter &e;
  const onnx::NodeProto &proto;
  const int64_t opset; // of the node's domain
  llvm::StringRef op() const { return proto.op_type(); }

  // Inputs: checked against the op's arity before the importer runs, so that
  // input(i) below the minimum exists.
  size_t numInputs() const { return inputs.size(); }
  bool has(size_t i) const { return i < inputs.size() && inputs[i]; }
  const Tensor &input(size_t i) const;
  Tensor optional(size_t i) const { return has(i) ? inputs[i] : Tensor(); }
  /// The input, of a float type.
  const Tensor &floatInput(size_t i) const;
  /// The input's elements as int64 constants; fails where they are not known.
  llvm::SmallVector<int64_t> constantInts(size_t i) const;
  void requireSameTypes() const; // of all inputs
  void requireRank(size_t i, size_t low, size_t high = 32) const;

  // Attributes; each fails if it is there with another type.
  bool hasAttr(llvm::StringRef name) const { return find(name); }
  int64_t intAttr(llvm::StringRef name, int64_t fallback) const;
  int64_t intAttr(llvm::StringRef name) const; // required
  double floatAttr(llvm::StringRef name, double fallback) const;
  std::string stringAttr(llvm::StringRef name, llvm::StringRef fallback) const;
  std::optional<llvm::SmallVector<int64_t>>
  intsAttr(llvm::StringRef name) const;
  std::optional<std::vector<double>> floatsAttr(llvm::StringRef name) const;
  std::vector<std::string> stringsAttr(llvm::StringRef name) const;
  std::optional<HostTensor> tensorAttr(llvm::StringRef name) const;

  /// Attribute or, from opset `inputSince` on, input `i`, as the axes of ONNX.
  std::optional<llvm::SmallVector<int64_t>> axes(int64_t inputSince,
                                                 size_t i) const;
  /// Axis in [-rank, rank) as one in [0, rank).
  static int64_t normalisedAxis(int64_t axis, size_t rank);
  static llvm::SmallVector<int64_t>
  normalisedAxes(llvm::ArrayRef<int64_t> axes, size_t rank); // no duplicates

  void set(Tensor output) { set(0, std::move(output)); }
  void set(size_t i, Tensor output);
  size_t numOutputs() const { return proto.output_size(); }
  bool wants(size_t i) const {
    return i < numOutputs() && !proto.output(i).empty();
  }

  llvm::SmallVector<Tensor> inputs;  // null where absent
  llvm::SmallVector<Tensor> outputs; // filled by the op's importer
  const llvm::StringMap<const onnx::AttributeProto *> *functionAttrs = nullptr;

private:
  const onnx::AttributeProto *find(llvm::StringRef name) const;
  const onnx::AttributeProto *find(llvm::StringRef name, AttrType type) const;
  const std::string &modelPath;
};

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_NODE_H
