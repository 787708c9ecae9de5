// Graph.cpp - walks an ONNX graph, its functions inlined, and imports node by
// node.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Graph.h"
#include "tools/lib/import/Model.h"
#include "tools/lib/import/Registry.h"

#include "llvm/ADT/StringExtras.h"
#include <numeric>
#include <queue>

using namespace mlir;

namespace heed::import {

namespace {
constexpr int64_t minOpset = 7, maxOpset = 25;
/// Calls of functions within functions; exporters nest three or four.
constexpr unsigned maxDepth = 32;
constexpr int maxNodes = 1 << 18;
constexpr size_t longestName = 1 << 16;

Opsets readOpsets(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &list) {
  Opsets r;
  for (const auto &entry : list)
    r[entry.domain() == "ai.onnx" ? "" : entry.domain()] = entry.version();
  if (auto it = r.find("");
      it != r.end() && (it->second < minOpset || it->second > maxOpset))
    fail("opset " + Twine(it->second) + " is not supported, only " +
         Twine(minOpset) + " to " + Twine(maxOpset));
  return r;
}

std::string keyOf(StringRef domain, StringRef name, StringRef overload) {
  return (Twine(domain == "ai.onnx" ? "" : domain) + Twine('\0') + name +
          Twine('\0') + overload)
      .str();
}

std::string describe(const onnx::NodeProto &node) {
  std::string shown = node.name().empty() && node.output_size()
                          ? "with output " + quoted(node.output(0))
                          : quoted(node.name());
  return "node " + shown + " (" +
         StringRef(node.op_type()).take_front(40).str() + ")";
}

/// Some exporters write "?" for sizes that have nothing to do with each other.
bool isName(StringRef dim) {
  return !dim.empty() && (llvm::isAlpha(dim[0]) || dim[0] == '_');
}

/// The dotted module path that the torch exporter notes on a node: the last but
/// one entry of "['', 'encoder', 'encoder.attn', 'softmax']".
StringRef moduleScope(const onnx::NodeProto &node) {
  for (const auto &entry : node.metadata_props()) {
    if (entry.key() != "pkg.torch.onnx.name_scopes")
      continue;
    SmallVector<StringRef> parts;
    StringRef(entry.value()).split(parts, '\'');
    // Quoted strings are the odd parts.
    return parts.size() >= 5 ? parts[parts.size() - 4] : StringRef();
  }
  return {};
}

/// The names that the node needs: its inputs, and what its branches take from
/// around it. (Names of the branches' own may be among them.)
void forEachName(const onnx::NodeProto &node,
                 llvm::function_ref<void(const std::string &)> visit) {
  for (const std::string &name : node.input())
    visit(name);
  for (const auto &attribute : node.attribute()) {
    for (const auto &inner : attribute.g().node())
      forEachName(inner, visit);
    for (const auto &output : attribute.g().output())
      visit(output.name());
  }
}

/// Producers before users: the order of the file where it is so, as ONNX asks
/// for, else the nearest to it (half-precision converters append their casts).
/// Nodes of a cycle come last.
std::vector<int>
inOrder(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes) {
  llvm::StringMap<int> producers;
  for (const auto &[index, node] : llvm::enumerate(nodes))
    for (const std::string &name : node.output())
      if (!name.empty())
        producers.try_emplace(name, index);
  std::vector<int> order(nodes.size()), waits(nodes.size(), 0);
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::vector<int>> users(nodes.size());
  bool sorted = true;
  for (int index : order)
    forEachName(nodes[index], [&](const std::string &name) {
      auto it = producers.find(name);
      if (it == producers.end() ||
          (it->second == index &&
           !llvm::is_contained(nodes[index].input(), name)))
        return; // a branch may call its result as the node calls its own
      sorted &= it->second < index;
      users[it->second].push_back(index);
      ++waits[index];
    });
  if (sorted)
    return order;
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
  for (int index : order)
    if (waits[index] == 0)
      ready.push(index);
  order.clear();
  while (!ready.empty()) {
    int index = ready.top();
    ready.pop();
    order.push_back(index);
    for (int user : users[index])
      if (--waits[user] == 0)
        ready.push(user);
  }
  for (int index = 0; index < nodes.size(); ++index)
    if (waits[index] > 0)
      order.push_back(index);
  return order;
}
} // namespace

/// Nodes in the list and in all branches below it.
int64_t GraphImporter::countNodes(const Nodes &nodes) {
  int64_t count = nodes.size();
  for (const auto &node : nodes)
    for (const auto &attribute : node.attribute())
      count += countNodes(attribute.g().node());
  return count;
}

GraphImporter::GraphImporter(onnx::ModelProto &model, const std::string &path,
                             ModuleOp module, const ImportOptions &options)
    : model(model), path(path), module(module), options(options) {}

void GraphImporter::run() {
  opsets = readOpsets(model.opset_import());
  readFunctions();
  checkSupported();
  describeModule();
  int64_t nodes = countNodes(model.graph().node());
  if (nodes > maxNodes)
    fail("the graph has " + Twine(nodes) + " nodes, more than " +
         Twine(maxNodes));
  // A function that calls another twice, and so on, grows exponentially.
  budget = 4096 + 16 * nodes;
  for (const auto &f : model.functions())
    budget += countNodes(f.node());

  readInitializers();
  createArguments();
  importBody({model.graph().node(), opsets, scope, nullptr, 0, nullptr});
  returnOutputs();
}

void GraphImporter::readFunctions() {
  for (const auto &f : model.functions()) {
    std::string key = keyOf(f.domain(), f.name(), f.overload());
    if (!functions.try_emplace(key, &f).second)
      fail("function " + quoted(f.name()) + " is defined twice");
    functionOpsets[key] = readOpsets(f.opset_import());
  }
}

const onnx::FunctionProto *
GraphImporter::functionOf(const onnx::NodeProto &node) const {
  return functions.lookup(
      keyOf(node.domain(), node.op_type(), node.overload()));
}

void GraphImporter::checkSupported() {
  struct Use {
    size_t count = 0;
    std::string first;
  };
  std::vector<std::pair<std::string, Use>> unsupported; // in order of use
  llvm::StringMap<size_t> position;
  llvm::StringMap<bool> seen;
  std::vector<std::pair<const Nodes *, const Opsets *>> work = {
      {&model.graph().node(), &opsets}};
  for (size_t i = 0; i < work.size(); ++i) {
    auto [nodes, sets] = work[i];
    for (const auto &node : *nodes) {
      if (const auto *f = functionOf(node)) {
        std::string key = keyOf(f->domain(), f->name(), f->overload());
        if (seen.try_emplace(key, true).second)
          work.push_back({&f->node(), &functionOpsets[key]});
        continue;
      }
      StringRef domain = node.domain();
      if (domain == "ai.onnx")
        domain = "";
      auto version = sets->find(domain);
      if (domain.empty() && version == sets->end())
        fail(describe(node) + ": the model names no opset of the domain ''");
      if (version != sets->end() &&
          (findOp(domain, node.op_type(), version->second) ||
           isControlFlow(node)))
        continue; // its graphs are looked at when it is imported
      std::string op = domain.empty() ? "" : domain.str() + ".";
      op += node.op_type();
      auto [it, isNew] = position.try_emplace(op, unsupported.size());
      if (isNew)
        unsupported.push_back({op, {0, node.name()}});
      ++unsupported[it->second].second.count;
    }
  }
  if (unsupported.empty())
    return;
  std::string list;
  for (auto &[op, use] : unsupported) {
    if (list.size() > 4000) {
      list += ", ...";
      break;
    }
    std::string shown = quoted(op);
    list += (list.empty() ? "" : ", ") + shown.substr(1, shown.size() - 2) +
            " (" + std::to_string(use.count) + ", first node " +
            quoted(use.first) + ")";
  }
  fail("unsupported: " + list);
}

void GraphImporter::describeModule() {
  Builder b(module.getContext());
  if (auto it = opsets.find(""); it != opsets.end())
    module->setAttr("attn.opset", b.getI64IntegerAttr(it->second));
  module->setAttr("attn.producer",
                  b.getStringAttr(model.producer_name().substr(0, 1024)));
  constexpr size_t longest = 1 << 17;
  NamedAttrList metadata;
  for (const auto &entry : model.metadata_props())
    if (!entry.key().empty() && entry.key().size() < 256 &&
        entry.value().size() < longest && metadata.getAttrs().size() < 256)
      metadata.set(entry.key(), b.getStringAttr(entry.value()));
  if (!metadata.empty())
    module->setAttr("attn.metadata", metadata.getDictionary(b.getContext()));
}

void GraphImporter::readInitializers() {
  if (model.graph().sparse_initializer_size())
    fail("sparse initializers are not supported");
  ExternalUse use;
  for (auto &tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.name().empty())
      fail("an initializer has no name");
    auto t = std::make_shared<TensorData>();
    try {
      HostTensor host = takeTensor(tensor, path, &use);
      constantBytes += host.bytes().size();
      t->type = host.type();
      t->shape = shapeOf(host.dims());
      t->constant = std::move(host);
      t->name = tensor.name();
      define(scope, tensor.name(), t);
    } catch (ImportError &error) {
      fail("initializer " + quoted(tensor.name()) + ": " + error.reason);
    }
  }
  model.mutable_graph()->clear_initializer();
}

void GraphImporter::createArguments() {
  MLIRContext *context = module.getContext();
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  Location loc = FileLineColLoc::get(context, path, 0, 0);
  function = func::FuncOp::create(b, loc, "main", b.getFunctionType({}, {}));
  function.addEntryBlock();
  emitter.emplace(function);
  emitter->growFoldBudget(2 * 8 * constantBytes);
  Emitter &e = *emitter;

  llvm::StringMap<Sym> named;
  struct Dynamic {
    Sym atom;
    unsigned argument;
    int64_t dim;
  };
  std::vector<Dynamic> dynamic;
  SmallVector<Type> types;
  SmallVector<Tensor> arguments;
  SmallVector<Attribute> names;
  for (const auto &input : model.graph().input()) {
    if (scope.count(input.name()))
      continue; // the default of an input of IR version 3: a constant for us
    try {
      if (!input.type().has_tensor_type())
        fail("it is no tensor, or has no type");
      const auto &type = input.type().tensor_type();
      if (!type.has_shape())
        fail("it has no shape");
      Shape shape;
      for (const auto &dim : type.shape().dim()) {
        if (dim.has_dim_value() && dim.dim_value() != -1) {
          if (dim.dim_value() < 0)
            fail("a dimension is " + Twine(dim.dim_value()));
          shape.push_back(dim.dim_value());
          continue;
        }
        Sym atom;
        if (!isName(dim.dim_param()))
          atom = e.syms.dimension();
        else if (auto it = named.find(dim.dim_param()); it != named.end())
          atom = it->second;
        else
          named[dim.dim_param()] = atom = e.syms.dimension();
        dynamic.push_back(
            {atom, unsigned(types.size()), int64_t(shape.size())});
        shape.push_back(atom);
      }
      auto t = std::make_shared<TensorData>();
      t->type = checkedDType(type.elem_type());
      t->shape = shape;
      Type ir = e.typeOf(t->type, shape);
      t->value = function.getBody().front().addArgument(ir, loc);
      types.push_back(ir);
      names.push_back(b.getStringAttr(input.name()));
      define(scope, input.name(), t);
      arguments.push_back(t);
    } catch (ImportError &error) {
      fail("input " + quoted(input.name()) + ": " + error.reason);
    }
  }
  function.setType(b.getFunctionType(types, {}));
  for (auto [i, name] : llvm::enumerate(names)) {
    function.setArgAttr(i, "attn.name", name);
    if (isInteger(arguments[i]->type) && isUnsigned(arguments[i]->type))
      function.setArgAttr(i, "attn.unsigned", b.getUnitAttr());
  }
  for (const Dynamic &d : dynamic)
    e.bindDimension(d.atom, arguments[d.argument]->value, d.dim);
}

void GraphImporter::define(Scope &scope, const std::string &name,
                           Tensor tensor) {
  if (name.size() > longestName)
    fail("value " + quoted(name) + " has a name of " + Twine(name.size()) +
         " bytes");
  if (!scope.try_emplace(name, std::move(tensor)).second)
    fail("value " + quoted(name) + " is defined twice");
}

Location GraphImporter::locationOf(const onnx::NodeProto &node, size_t index) {
  MLIRContext *context = module.getContext();
  StringRef name = node.name();
  if (name.empty() && node.output_size())
    name = node.output(0);
  if (name.empty())
    name = node.op_type();
  Location loc =
      NameLoc::get(StringAttr::get(context, name.take_front(longestName)),
                   FileLineColLoc::get(context, path, index, 0));
  StringRef scope = moduleScope(node);
  if (!scope.empty())
    loc = FusedLoc::get(context, {loc}, StringAttr::get(context, scope));
  return loc;
}

void GraphImporter::importBody(const Body &body) {
  if (body.depth > maxDepth)
    fail("functions and branches nest more than " + Twine(maxDepth) +
         " deep, or in a cycle");
  for (const auto &[position, index] : llvm::enumerate(inOrder(body.nodes))) {
    const onnx::NodeProto &node = body.nodes[index];
    try {
      if (++done > budget)
        fail("the functions inline to more than " + Twine(budget) + " nodes");
      if (options.progress && body.depth == 0)
        options.progress(position, body.nodes.size());
      if (body.depth == 0)
        emitter->loc = locationOf(node, index);
      importNode(body, node, index);
    } catch (ImportError &error) {
      fail(describe(node) + ": " + error.reason);
    }
  }
}

void GraphImporter::importNode(const Body &body, const onnx::NodeProto &proto,
                               size_t index) {
  SmallVector<Tensor> inputs;
  for (const std::string &name : proto.input()) {
    if (name.empty()) {
      inputs.push_back(nullptr);
      continue;
    }
    inputs.push_back(find(body, name));
    if (!inputs.back())
      fail("input " + quoted(name) +
           " is not defined, or only by nodes that need this one");
  }
  if (const auto *f = functionOf(proto))
    return importCall(body, proto, *f, inputs);
  if (isControlFlow(proto))
    return importControlFlow(body, proto, inputs);

  StringRef domain = proto.domain();
  if (domain == "ai.onnx")
    domain = "";
  int64_t opset = body.opsets.lookup(domain);
  const OpEntry *op = findOp(domain, proto.op_type(), opset);
  if (!op)
    fail("unsupported");
  if (inputs.size() > op->maxInputs)
    fail("it has " + Twine(inputs.size()) + " inputs, at most " +
         Twine(op->maxInputs) + " expected");
  for (unsigned i = 0; i < op->minInputs; ++i)
    if (i >= inputs.size() || !inputs[i])
      fail("input " + Twine(i) + " is missing");
  Node node(*emitter, proto, opset, path);
  node.inputs = std::move(inputs);
  node.functionAttrs = body.attrs;
  op->import(node);
  for (int i = 0; i < proto.output_size(); ++i) {
    if (proto.output(i).empty())
      continue;
    if (size_t(i) >= node.outputs.size() || !node.outputs[i])
      fail("output " + Twine(i) + " is not supported");
    define(body.scope, proto.output(i), node.outputs[i]);
  }
}

void GraphImporter::importCall(const Body &body, const onnx::NodeProto &proto,
                               const onnx::FunctionProto &f,
                               SmallVector<Tensor> inputs) {
  Scope inner;
  for (int i = 0; i < f.input_size(); ++i)
    if (size_t(i) < inputs.size() && inputs[i])
      define(inner, f.input(i), inputs[i]);
  if (inputs.size() > size_t(f.input_size()))
    fail("it has " + Twine(inputs.size()) + " inputs, the function takes " +
         Twine(f.input_size()));
  FunctionAttrs attrs;
  for (const auto &a : f.attribute_proto())
    attrs[a.name()] = &a;
  for (const auto &a : proto.attribute()) {
    if (a.ref_attr_name().empty())
      attrs[a.name()] = &a;
    else if (body.attrs && body.attrs->count(a.ref_attr_name()))
      attrs[a.name()] = body.attrs->lookup(a.ref_attr_name());
  }
  std::string key = keyOf(f.domain(), f.name(), f.overload());
  importBody(
      {f.node(), functionOpsets[key], inner, &attrs, body.depth + 1, nullptr});
  for (int i = 0; i < proto.output_size(); ++i) {
    if (proto.output(i).empty())
      continue;
    if (i >= f.output_size() || !inner.count(f.output(i)))
      fail("the function does not define output " + Twine(i));
    define(body.scope, proto.output(i), inner[f.output(i)]);
  }
}

} // namespace heed::import
