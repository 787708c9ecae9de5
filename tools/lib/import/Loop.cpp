// Loop.cpp - imports ONNX Loop and Scan.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ControlFlow.h"
#include "tools/lib/import/Graph.h"
#include "tools/lib/import/Model.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

/// Trip counts from here on mean "until the condition says so".
constexpr int64_t kUnbounded = int64_t(1) << 40;

/// Loop: (trip count?, condition?, carried…) → (carried…, stacks…); its body:
/// (i, condition, carried…) → (condition, carried…, rows…).
void GraphImporter::importLoop(const Body &body, const onnx::NodeProto &proto,
                               ArrayRef<Tensor> inputs) {
  Emitter &e = *emitter;
  const onnx::GraphProto &graph = graphOf(proto, "body");
  if (inputs.size() < 2)
    fail("it has " + Twine(inputs.size()) + " inputs, at least 2 expected");
  size_t carried = inputs.size() - 2;
  if (size_t(graph.input_size()) != carried + 2 ||
      size_t(graph.output_size()) < carried + 1 ||
      graph.output_size() != proto.output_size() + 1)
    fail("its body has " + Twine(graph.input_size()) + " inputs and " +
         Twine(graph.output_size()) + " outputs, the node " +
         Twine(inputs.size()) + " and " + Twine(proto.output_size()));
  Repetition r;
  r.numOps = countNodes(graph.node());
  r.numRows = graph.output_size() - 1 - carried;
  if (const Tensor &trips = inputs[0]) {
    if (trips->type != DType::I64)
      fail("its trip count is " + name(trips->type) + ", int64 expected");
    for (const Sym &s : trips->shape)
      e.require(s, 1, "its trip count");
    Sym count = e.someElements(trips)[0];
    if (auto c = count.constant(); !c || *c < kUnbounded)
      r.count = e.syms.max(count, 0);
  }
  if (inputs[1] && inputs[1]->type != DType::Bool)
    fail("its condition is " + name(inputs[1]->type) + ", bool expected");
  r.condition = inputs[1];
  for (auto [i, t] : llvm::enumerate(inputs.drop_front(2))) {
    if (!t)
      fail("input " + Twine(i + 2) + " is missing");
    r.carried.push_back(t);
  }
  // The body only runs where the condition holds.
  Tensor yes = e.integers(DType::Bool, {}, {Sym(1)});
  auto results =
      emitRepetition(e, r, [&](const Tensor &i, ArrayRef<Tensor> values) {
        SmallVector<Tensor> ins = {i, yes};
        ins.append(values.begin(), values.end());
        auto outs = importGraph(body, "body", graph, ins);
        if (outs[0]->type != DType::Bool)
          fail("its condition becomes " + name(outs[0]->type) +
               ", bool expected");
        ArrayRef<Tensor> rest = ArrayRef(outs).drop_front();
        return Repetition::Step{outs[0],
                                SmallVector<Tensor>(rest.take_front(carried)),
                                SmallVector<Tensor>(rest.drop_front(carried))};
      });
  defineOutputs(body, proto, results);
}

namespace {
/// Attributes of a Scan: by input or output an axis, and whether backwards.
struct ScanAxes {
  SmallVector<int64_t> axes;
  SmallVector<bool> backwards;
};
} // namespace

static ScanAxes readAxes(const onnx::NodeProto &proto, StringRef which,
                         size_t count) {
  ScanAxes r{SmallVector<int64_t>(count, 0), SmallVector<bool>(count, false)};
  for (const auto &attribute : proto.attribute()) {
    StringRef key = attribute.name();
    if (!key.consume_front(which))
      continue;
    if (size_t(attribute.ints_size()) != count)
      fail("attribute " + quoted(attribute.name()) + " has " +
           Twine(attribute.ints_size()) + " entries, expected " + Twine(count));
    for (auto [i, v] : llvm::enumerate(attribute.ints())) {
      if (key == "_axes")
        r.axes[i] = v;
      else if (key == "_directions" && (v == 0 || v == 1))
        r.backwards[i] = v;
      else
        fail("attribute " + quoted(attribute.name()) + " holds " + Twine(v));
    }
  }
  return r;
}

/// `axis` moved to the front, or from there to `axis`.
static Tensor moveAxis(Emitter &e, const Tensor &t, int64_t axis,
                       bool toFront) {
  axis = Node::normalisedAxis(axis, t->rank());
  SmallVector<int64_t> perm;
  for (int64_t d = 0; d < int64_t(t->rank()); ++d)
    if (d != (toFront ? axis : 0))
      perm.push_back(d);
  perm.insert(perm.begin() + (toFront ? 0 : axis), toFront ? axis : 0);
  return axis == 0 ? t : e.transpose(t, perm);
}

/// Rows in the opposite order.
static Tensor backwards(Emitter &e, const Tensor &t) {
  Value last = e.size(t->shape[0] - Sym(1));
  return e.generate(
      t->type, t->shape,
      [&, source = e.ir(t)](OpBuilder &b, Location l, ValueRange at) -> Value {
        SmallVector<Value> from(at);
        from[0] = arith::SubIOp::create(b, l, last, from[0]);
        return tensor::ExtractOp::create(b, l, source, from);
      });
}

/// Scan: (carried…, sequences…) → (carried…, stacks…); its body:
/// (carried…, elements…) → (carried…, rows…).
void GraphImporter::importScan(const Body &body, const onnx::NodeProto &proto,
                               ArrayRef<Tensor> inputs) {
  Emitter &e = *emitter;
  const onnx::GraphProto &graph = graphOf(proto, "body");
  if (body.opsets.lookup("") < 9)
    fail("unsupported: Scan before opset 9");
  int64_t sequences = 0;
  for (const auto &attribute : proto.attribute())
    if (attribute.name() == "num_scan_inputs")
      sequences = attribute.i();
  if (sequences < 1 || sequences > int64_t(inputs.size()))
    fail("attribute 'num_scan_inputs' is " + Twine(sequences));
  size_t carried = inputs.size() - sequences;
  if (size_t(graph.input_size()) != inputs.size() ||
      graph.output_size() != proto.output_size() ||
      size_t(graph.output_size()) < carried)
    fail("its body has " + Twine(graph.input_size()) + " inputs and " +
         Twine(graph.output_size()) + " outputs, the node " +
         Twine(inputs.size()) + " and " + Twine(proto.output_size()));
  for (auto [i, t] : llvm::enumerate(inputs))
    if (!t)
      fail("input " + Twine(i) + " is missing");
  Repetition r;
  r.numOps = countNodes(graph.node());
  r.numRows = graph.output_size() - carried;
  r.carried.assign(inputs.begin(), inputs.begin() + carried);
  ScanAxes ins = readAxes(proto, "scan_input", sequences),
           outs = readAxes(proto, "scan_output", r.numRows);
  SmallVector<Tensor> moved;
  for (auto [i, t] : llvm::enumerate(inputs.drop_front(carried))) {
    if (t->rank() == 0)
      fail("input " + Twine(carried + i) + " has no axis to scan");
    moved.push_back(moveAxis(e, t, ins.axes[i], /*toFront=*/true));
    if (ins.backwards[i])
      moved.back() = backwards(e, moved.back());
    if (r.count)
      e.require(*r.count, moved.back()->shape[0], "its sequences");
    else
      r.count = moved.back()->shape[0];
  }
  auto results =
      emitRepetition(e, r, [&](const Tensor &i, ArrayRef<Tensor> values) {
        SmallVector<Tensor> all(values);
        for (const Tensor &t : moved) {
          SmallVector<Sym> offsets(t->rank(), Sym(0));
          offsets[0] = e.someElements(i)[0];
          Shape sizes = t->shape;
          sizes[0] = 1;
          Tensor row =
              e.slice(t, offsets, sizes, SmallVector<int64_t>(t->rank(), 1));
          all.push_back(e.reshape(row, Shape(sizes.begin() + 1, sizes.end())));
        }
        auto outs = importGraph(body, "body", graph, all);
        ArrayRef<Tensor> rest = outs;
        return Repetition::Step{nullptr,
                                SmallVector<Tensor>(rest.take_front(carried)),
                                SmallVector<Tensor>(rest.drop_front(carried))};
      });
  for (auto [i, stack] :
       llvm::enumerate(MutableArrayRef(results).drop_front(carried))) {
    if (outs.backwards[i])
      stack = backwards(e, stack);
    stack = moveAxis(e, stack, outs.axes[i], /*toFront=*/false);
  }
  defineOutputs(body, proto, results);
}

void GraphImporter::importControlFlow(const Body &body,
                                      const onnx::NodeProto &proto,
                                      ArrayRef<Tensor> inputs) {
  StringRef op = proto.op_type();
  if (op == "If")
    importIf(body, proto, inputs);
  else if (op == "Loop")
    importLoop(body, proto, inputs);
  else
    importScan(body, proto, inputs);
}

} // namespace heed::import
