// FuseLayers.cpp - identical layers become one function.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y0 = f(x, W0…)  ;  y1 = f(y0, W1…)  ;  …       f: the ops of one layer
// becomes
//   func @layer(x, W…) { f }
//   y0 = call @layer(x, W0…)  ;  y1 = call @layer(y0, W1…)  ;  …
//
// What all instances share and what is small (scalars, empty tensors) moves
// into the function; all else that a layer reads is an argument, one for each
// combination of values over the instances.
#include "passes/fuse/Passes.h"

#include "dialect/AttnConstant.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "passes/fuse/Layers.h"
#include <map>
#include <set>

using namespace mlir;

namespace heed::fuse {
#define GEN_PASS_DEF_FUSELAYERS
#include "passes/fuse/Passes.h.inc"

namespace {

/// One value that a layer reads from outside, in each instance.
using Parameter = SmallVector<Value>;

/// Identifies a parameter; its order has no meaning.
using ParameterKey = SmallVector<const void *>;

ParameterKey keyOf(const Parameter &parameter) {
  return llvm::map_to_vector(parameter, [](Value v) -> const void * {
    return v.getAsOpaquePointer();
  });
}

/// What the function of the layers takes and gives.
struct Interface {
  std::vector<Parameter> arguments;
  /// Leaves that all instances share.
  std::vector<Parameter> leaves;
  llvm::SetVector<std::pair<size_t, size_t>> results;
};

/// Where the results of an instance's ops stand in it.
llvm::DenseMap<Value, std::pair<size_t, size_t>> positions(LayerOps instance) {
  llvm::DenseMap<Value, std::pair<size_t, size_t>> where;
  for (auto [position, op] : llvm::enumerate(instance))
    for (OpResult result : op->getResults())
      where[result] = {position, result.getResultNumber()};
  return where;
}

/// True if both are the same ops on corresponding values.
bool areEqual(LayerOps a, LayerOps b) {
  auto inA = positions(a), inB = positions(b);
  auto correspond = [&](Value left, Value right) {
    auto i = inA.find(left), j = inB.find(right);
    if (i == inA.end() || j == inB.end())
      return success(i == inA.end() && j == inB.end() &&
                     left.getType() == right.getType());
    return success(i->second == j->second);
  };
  // Arguments of regions correspond by place, which the callback cannot see.
  llvm::DenseMap<Value, Value> marked;
  auto check = [&](Value left, Value right) {
    auto it = marked.find(left);
    return it != marked.end() ? success(it->second == right)
                              : correspond(left, right);
  };
  return llvm::all_of(llvm::zip_equal(a, b), [&](auto pair) {
    auto [left, right] = pair;
    return OperationEquivalence::isEquivalentTo(
        left, right, check,
        [&](Value l, Value r) {
          if (!inA.contains(l))
            marked[l] = r;
        },
        OperationEquivalence::IgnoreLocations);
  });
}

/// True for a parameter that the layer makes itself: a small constant, an empty
/// or filled tensor, the same in all instances.
bool isSharedLeaf(const Parameter &parameter) {
  Operation *first = parameter.front().getDefiningOp();
  if (!first ||
      !isa_and_present<RankedTensorType, FloatType, IntegerType, IndexType>(
          first->getResult(0).getType()))
    return false;
  if (first->hasTrait<OpTrait::ConstantLike>()) {
    if (isa<ShapedType>(first->getResult(0).getType()) &&
        !matchPattern(first, m_Constant<SplatElementsAttr>(nullptr)))
      return false;
  } else if (!isa<tensor::EmptyOp, linalg::FillOp>(first)) {
    return false;
  }
  return llvm::all_of(parameter, [&](Value value) {
    Operation *op = value.getDefiningOp();
    return op == first ||
           (op && OperationEquivalence::isEquivalentTo(
                      first, op, OperationEquivalence::IgnoreLocations));
  });
}

Interface findInterface(const Layers &layers) {
  SmallVector<SmallVector<Value>> read(layers.count());
  Interface interface;
  for (size_t i = 0; i < layers.count(); ++i) {
    LayerOps instance = layers.instance(i);
    llvm::SmallPtrSet<Operation *, 32> inside(instance.begin(), instance.end());
    for (Operation *op : instance)
      for (Value value : readValues(op))
        if (!inside.contains(value.getDefiningOp()))
          read[i].push_back(value);
    auto escaping = escapingResults(instance);
    interface.results.insert_range(escaping);
  }
  std::set<ParameterKey> seen;
  auto add = [&](const Parameter &parameter, auto &add) -> void {
    if (!seen.insert(keyOf(parameter)).second)
      return;
    if (!isSharedLeaf(parameter)) {
      interface.arguments.push_back(parameter);
      return;
    }
    // What the leaf is made of comes first.
    for (unsigned k = 0;
         k < parameter.front().getDefiningOp()->getNumOperands(); ++k)
      add(llvm::map_to_vector(
              parameter,
              [&](Value v) { return v.getDefiningOp()->getOperand(k); }),
          add);
    interface.leaves.push_back(parameter);
  };
  for (size_t use = 0; use < read.front().size(); ++use)
    add(llvm::map_to_vector(read, [&](auto &values) { return values[use]; }),
        add);
  return interface;
}

/// The place as one of layer `i`: with the number of its call, the place of an
/// op that all layers share is again that of one layer.
Location numbered(OpBuilder &b, Location loc, size_t i) {
  return FusedLoc::get({loc}, b.getI64IntegerAttr(i), b.getContext());
}

/// A copy of instance 0 whose operands are looked up by what they are in all
/// instances: one value of instance 0 may be two arguments.
struct LayerCloner {
  const Layers &layers;
  std::map<ParameterKey, Value> arguments;

  Value cloneLeaf(OpBuilder &b, const Parameter &leaf) {
    Operation *copy = b.clone(*leaf.front().getDefiningOp());
    for (OpOperand &operand : copy->getOpOperands())
      operand.set(
          arguments.at(keyOf(llvm::map_to_vector(leaf, [&](Value value) {
            return value.getDefiningOp()->getOperand(
                operand.getOperandNumber());
          }))));
    return copy->getResult(0);
  }

  /// Clones the op at `position`; values of the layer itself are in `mapping`.
  Operation *clone(OpBuilder &b, size_t position, IRMapping &mapping) {
    SmallVector<SmallVector<Location>> places; // of the op, and within it
    SmallVector<SmallVector<Value>> reads;
    for (size_t i = 0; i < layers.count(); ++i) {
      Operation *op = layers.instance(i)[position];
      op->walk<WalkOrder::PreOrder>(
          [&, at = size_t(0)](Operation *inner) mutable {
            places.resize(std::max(places.size(), ++at));
            places[at - 1].push_back(numbered(b, inner->getLoc(), i));
          });
      reads.push_back(readValues(op));
    }
    Operation *copy = layers.instance(0)[position]->clone();
    // Every instance of the layer is at this place, each with its number.
    copy->walk<WalkOrder::PreOrder>(
        [&, at = size_t(0)](Operation *inner) mutable {
          inner->setLoc(b.getFusedLoc(places[at++]));
        });
    size_t read = 0;
    copy->walk<WalkOrder::PreOrder>([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands()) {
        if (inner != copy &&
            copy->isAncestor(operand.get().getParentBlock()->getParentOp()))
          continue;
        Parameter parameter;
        for (auto &values : reads)
          parameter.push_back(values[read]);
        ++read;
        auto argument = arguments.find(keyOf(parameter));
        operand.set(argument != arguments.end()
                        ? argument->second
                        : mapping.lookup(operand.get()));
      }
    });
    b.insert(copy);
    mapping.map(layers.instance(0)[position]->getResults(), copy->getResults());
    return copy;
  }
};

func::FuncOp buildFunction(const Layers &layers, const Interface &interface,
                           SymbolTable &symbols) {
  Operation *last = layers.instance(0).back();
  OpBuilder b(last->getContext());
  SmallVector<Type> argumentTypes, resultTypes;
  for (const Parameter &argument : interface.arguments)
    argumentTypes.push_back(argument.front().getType());
  for (auto [position, number] : interface.results)
    resultTypes.push_back(
        layers.instance(0)[position]->getResult(number).getType());
  auto function =
      func::FuncOp::create(b, last->getLoc(), "layer",
                           b.getFunctionType(argumentTypes, resultTypes));
  function.setPrivate();
  symbols.insert(function);

  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  LayerCloner cloner{layers, {}};
  for (auto [argument, value] :
       llvm::zip_equal(interface.arguments, body->getArguments())) {
    cloner.arguments[keyOf(argument)] = value;
    if (llvm::all_of(argument, attn::isConstant))
      function.setArgAttr(value.getArgNumber(), attn::kConstantAttr,
                          b.getUnitAttr());
  }
  for (const Parameter &leaf : interface.leaves)
    cloner.arguments[keyOf(leaf)] = cloner.cloneLeaf(b, leaf);
  IRMapping mapping;
  SmallVector<Operation *> copies;
  for (size_t position = 0; position < layers.period; ++position)
    copies.push_back(cloner.clone(b, position, mapping));
  SmallVector<Value> results;
  for (auto [position, number] : interface.results)
    results.push_back(copies[position]->getResult(number));
  func::ReturnOp::create(b, last->getLoc(), results);
  return function;
}

void replaceByCalls(const Layers &layers, const Interface &interface,
                    func::FuncOp function) {
  // Backwards: what a later layer reads of an earlier one is then replaced in
  // the operands of its call.
  for (size_t i = layers.count(); i-- > 0;) {
    LayerOps instance = layers.instance(i);
    OpBuilder b(lastInBlock(instance));
    SmallVector<Value> operands;
    for (const Parameter &argument : interface.arguments)
      operands.push_back(argument[i]);
    auto call = func::CallOp::create(
        b, numbered(b, b.getInsertionPoint()->getLoc(), i), function, operands);
    for (auto [result, value] :
         llvm::zip_equal(interface.results, call.getResults()))
      instance[result.first]
          ->getResult(result.second)
          .replaceUsesWithIf(
              value, [&](OpOperand &use) { return use.getOwner() != call; });
    for (Operation *op : llvm::reverse(instance))
      op->erase();
  }
}

struct FuseLayers : impl::FuseLayersBase<FuseLayers> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (function.getBody().hasOneBlock())
        fuse(findLayers(function.getBody().front()), symbols);
  }

  static void fuse(SmallVector<Layers> found, SymbolTable &symbols) {
    // No op belongs to two layers.
    llvm::DenseSet<Operation *> taken;
    for (const Layers &layers : found)
      taken.insert_range(layers.ops);
    for (Layers &layers : found)
      fuse(layers, taken, symbols);
  }

  static void fuse(Layers &layers, llvm::DenseSet<Operation *> &taken,
                   SymbolTable &symbols) {
    Location loc = layers.instance(0).front()->getLoc();
    auto options = remark::RemarkOpts::name("layers").category("heed-fuse");
    size_t equal = 1;
    while (equal < layers.count() &&
           areEqual(layers.instance(0), layers.instance(equal)))
      ++equal;
    if (equal < 2) {
      remark::missed(loc, options)
          << remark::reason("expected each layer to read its values as the "
                            "first one does, got another wiring in layer 1")
          << remark::suggest("connect the layers in the same way");
      return;
    }
    layers.ops.resize(equal * layers.period);
    while (true) {
      SmallVector<Operation *> previous =
          findPrevious(layers.instance(0), layers.instance(1));
      if (previous.empty() || !areEqual(previous, layers.instance(0)) ||
          llvm::any_of(previous,
                       [&](Operation *op) { return taken.contains(op); }))
        break;
      taken.insert_range(previous);
      layers.ops.insert(layers.ops.begin(), previous.begin(), previous.end());
    }
    Interface interface = findInterface(layers);
    func::FuncOp function = buildFunction(layers, interface, symbols);
    replaceByCalls(layers, interface, function);
    remark::passed(loc, options)
        << remark::metric("layers", layers.count())
        << remark::metric("ops", layers.period)
        << remark::metric("function", function.getName());
  }
};
} // namespace
} // namespace heed::fuse
