// Graph.cpp - walks the functions of a StableHLO module and converts op by op.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Graph.h"
#include "tools/lib/stablehlo/Dialect.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace mlir;

namespace heed::stablehlo {

namespace {
constexpr int64_t maxOps = 1 << 18;

const llvm::StringMap<Convert> &table() {
  static const llvm::StringMap<Convert> all = [] {
    llvm::StringMap<Convert> t;
    for (auto list :
         {elementwiseOps(), movementOps(), contractionOps(), reductionOps(),
          gatherOps(), scatterOps(), sortOps(), bitOps()})
      for (const Entry &entry : list)
        t[entry.name] = entry.convert;
    return t;
  }();
  return all;
}

/// What the list of unsupported ops calls it: a custom call by its target.
std::string titleOf(Operation *op) {
  std::string title = op->getName().getStringRef().str();
  if (auto target = op->getAttrOfType<StringAttr>("call_target_name"))
    title += " @" + target.getValue().take_front(80).str();
  return title;
}

Convert converterOf(Operation *op) {
  std::string title = titleOf(op);
  return table().lookup(isScalarOp(title) ? "" : title);
}

bool isCustomCall(Operation *op, StringRef target) {
  return titleOf(op) == ("stablehlo.custom_call @" + target).str();
}

bool isCall(Operation *op) {
  StringRef name = op->getName().getStringRef();
  return name == "func.call" || name == "stablehlo.composite";
}

bool isReturn(Operation *op) {
  return isa<func::ReturnOp>(op) ||
         op->getName().getStringRef() == "stablehlo.return";
}

bool isControlFlow(Operation *op) {
  return llvm::is_contained(
      {"stablehlo.while", "stablehlo.if", "stablehlo.case"},
      op->getName().getStringRef());
}

/// What says where data lies, on several machines or in memory, is a copy here.
bool isAnnotation(Operation *op) {
  auto target = op->getAttrOfType<StringAttr>("call_target_name");
  return target &&
         llvm::is_contained(
             {"Sharding", "LayoutConstraint", "annotate_device_placement"},
             target.getValue()) &&
         op->getOperandTypes() == op->getResultTypes();
}

/// "line 12: stablehlo.add"
std::string describe(Operation *op) {
  std::string where;
  if (auto line = op->getAttrOfType<IntegerAttr>(lineAttr)) {
    where = "line " + std::to_string(line.getInt());
  } else if (auto at = op->getLoc()->findInstanceOf<FileLineColLoc>()) {
    where = "line " + std::to_string(at.getLine());
  } else {
    llvm::raw_string_ostream(where) << op->getLoc();
  }
  return where + ": " + op->getName().getStringRef().str();
}

StringAttr nameOf(BlockArgument arg) {
  auto named = arg.getLoc()->findInstanceOf<NameLoc>();
  return named && !named.getName().empty() ? named.getName() : StringAttr();
}
} // namespace

func::FuncOp GraphImporter::entry() {
  func::FuncOp found;
  for (auto f : source.getOps<func::FuncOp>()) {
    if (f.isPrivate() || f.isExternal())
      continue;
    if (f.getName() == "main")
      return f;
    if (found)
      fail("several public functions, and none is 'main'");
    found = f;
  }
  if (!found)
    fail("no public function");
  return found;
}

func::FuncOp GraphImporter::calleeOf(Operation *op) {
  bool isComposite = op->getName().getStringRef() == "stablehlo.composite";
  auto callee = dyn_cast_or_null<FlatSymbolRefAttr>(
      op->getAttr(isComposite ? "decomposition" : "callee"));
  auto f =
      callee ? symbols.lookup<func::FuncOp>(callee.getAttr()) : func::FuncOp();
  if (!f || f.isExternal())
    fail("its callee is not in the file");
  return f;
}

void GraphImporter::listUnsupported(func::FuncOp from) {
  std::map<std::string, unsigned> counts;
  llvm::StringSet<> seen;
  SmallVector<Region *> open = {&from.getBody()};
  seen.insert(from.getName());
  while (!open.empty()) {
    for (Operation &op : open.pop_back_val()->getOps()) {
      if (isReturn(&op) || isAnnotation(&op) ||
          isCustomCall(&op, "shape_assertion"))
        continue;
      if (isControlFlow(&op)) {
        for (Region &region : op.getRegions())
          open.push_back(&region);
        continue;
      }
      if (!isCall(&op)) {
        if (!converterOf(&op))
          ++counts[titleOf(&op)];
        continue;
      }
      try {
        func::FuncOp callee = calleeOf(&op);
        if (seen.insert(callee.getName()).second)
          open.push_back(&callee.getBody());
      } catch (import::ImportError &) {
        // Named with its line where it is converted.
      }
    }
  }
  if (counts.empty())
    return;
  std::string list;
  for (auto &[title, count] : counts)
    list +=
        (list.empty() ? "" : ", ") + title + " (" + std::to_string(count) + ")";
  fail("unsupported ops: " + list);
}

void GraphImporter::declare(func::FuncOp from) {
  OpBuilder b = OpBuilder::atBlockEnd(target.getBody());
  function = func::FuncOp::create(b, from.getLoc(), from.getName(),
                                  b.getFunctionType({}, {}));
  function.addEntryBlock();
  emitter.emplace(function);
}

/// The name of an argument in Python, which the function has that `main` hands
/// it to where sizes are symbolic.
StringAttr GraphImporter::argumentName(BlockArgument arg) {
  if (StringAttr name = nameOf(arg))
    return name;
  for (OpOperand &use : arg.getUses()) {
    auto call = dyn_cast<func::CallOp>(use.getOwner());
    auto callee =
        call ? symbols.lookup<func::FuncOp>(call.getCallee()) : func::FuncOp();
    if (!callee || callee.isExternal() ||
        use.getOperandNumber() >= callee.getNumArguments())
      continue;
    if (StringAttr name = nameOf(callee.getArgument(use.getOperandNumber())))
      return name;
  }
  return StringAttr::get(arg.getContext(),
                         "arg" + std::to_string(arg.getArgNumber()));
}

void GraphImporter::run() {
  func::FuncOp from = entry();
  listUnsupported(from);
  declare(from);
  Emitter &e = *emitter;
  OpBuilder &b = e.b;
  SmallVector<Type> types;
  SmallVector<Tensor> arguments;
  for (BlockArgument arg : from.getArguments()) {
    try {
      DType type = dtypeOf(getElementTypeOrSelf(arg.getType()));
      Shape shape;
      for (int64_t size : declaredSizes(arg.getType()))
        shape.push_back(ShapedType::isDynamic(size) ? e.syms.dimension()
                                                    : Sym(size));
      types.push_back(e.typeOf(type, shape));
      Value value =
          function.getBody().front().addArgument(types.back(), arg.getLoc());
      arguments.push_back(e.computed(value, type, shape));
      for (auto [dim, size] : llvm::enumerate(shape))
        if (!size.isConstant())
          e.bindDimension(size, value, dim);
    } catch (import::ImportError &error) {
      fail("argument " + Twine(arg.getArgNumber()) + ": " + error.reason);
    }
  }
  function.setType(b.getFunctionType(types, {}));
  for (BlockArgument arg : from.getArguments()) {
    unsigned i = arg.getArgNumber();
    function.setArgAttr(i, "attn.name", argumentName(arg));
    if (import::isInteger(arguments[i]->type) &&
        import::isUnsigned(arguments[i]->type))
      function.setArgAttr(i, "attn.unsigned", b.getUnitAttr());
  }

  SmallVector<Tensor> results = convertFunction(from, arguments, 0);
  if (results.empty())
    fail("the function returns nothing");
  SmallVector<Value> values;
  e.loc = from.getLoc();
  for (const Tensor &t : results)
    values.push_back(e.ir(t));
  func::ReturnOp::create(b, e.loc, values);
  function.setType(b.getFunctionType(types, TypeRange(ValueRange(values))));
  llvm::StringSet<> names;
  for (auto [i, t] : llvm::enumerate(results)) {
    std::string name;
    if (auto info = from.getResultAttrOfType<StringAttr>(i, "jax.result_info"))
      name = info.getValue();
    if (name.empty() || !names.insert(name).second)
      name = "result" + std::to_string(i);
    function.setResultAttr(i, "attn.name", b.getStringAttr(name));
    if (import::isInteger(t->type) && import::isUnsigned(t->type))
      function.setResultAttr(i, "attn.unsigned", b.getUnitAttr());
  }
}

SmallVector<Tensor> GraphImporter::convertFunction(func::FuncOp f,
                                                   ArrayRef<Tensor> arguments,
                                                   unsigned depth) {
  if (depth > maxDepth)
    fail("functions call each other more than " + Twine(maxDepth) +
         " deep, or in a cycle");
  if (!f.getBody().hasOneBlock())
    fail("function @" + f.getName() + " has several blocks");
  Values values;
  for (auto [arg, t] : llvm::zip(f.getArguments(), arguments))
    values[arg] = t;
  return convertBlock(f.getBody().front(), values, depth);
}

SmallVector<Tensor> GraphImporter::convertBlock(Block &block, Values &values,
                                                unsigned depth) {
  for (Operation &op : block) {
    if (isReturn(&op)) {
      SmallVector<Tensor> results;
      for (Value v : op.getOperands())
        results.push_back(values.lookup(v));
      return results;
    }
    std::string reason;
    try {
      if (++done > maxOps)
        fail("the functions inline to more than " + Twine(maxOps) + " ops");
      convertOp(&op, values, depth);
      continue;
    } catch (import::ImportError &error) {
      // The op inside of a called function or a region names itself.
      if ((isCall(&op) || isControlFlow(&op)) &&
          StringRef(error.reason).starts_with("line "))
        throw;
      reason = error.reason;
    }
    fail(describe(&op) + ": " + reason);
  }
  fail("a function does not return");
}

void GraphImporter::convertOp(Operation *op, Values &values, unsigned depth) {
  Op o{*emitter, op, {}, {}};
  for (Value v : op->getOperands()) {
    o.in.push_back(values.lookup(v));
    if (!o.in.back())
      fail("an operand is not defined before it");
  }
  Location outer = emitter->loc;
  if (depth == 0)
    emitter->loc = op->getLoc();
  if (isCall(op)) {
    func::FuncOp callee = calleeOf(op);
    if (callee.getNumArguments() != o.in.size())
      fail("it passes " + Twine(o.in.size()) + " operands to a function of " +
           Twine(callee.getNumArguments()));
    for (auto [arg, v] : llvm::zip(callee.getArguments(), op->getOperands()))
      if (arg.getType() != v.getType())
        fail("an operand has another type than its callee's argument");
    o.out = convertFunction(callee, o.in, depth + 1);
  } else if (isAnnotation(op)) {
    o.out = o.in;
  } else if (isCustomCall(op, "shape_assertion")) {
    convertShapeAssertion(o, values);
  } else if (op->getName().getStringRef() == "stablehlo.while") {
    convertWhile(o, values, depth);
  } else if (isControlFlow(op)) {
    convertCase(o, values, depth);
  } else {
    for (Value v : op->getResults())
      declaredSizes(v.getType());
    converterOf(op)(o);
  }
  emitter->loc = outer;
  if (o.out.size() != op->getNumResults())
    fail("it has " + Twine(op->getNumResults()) + " results, expected " +
         Twine(o.out.size()));
  for (auto [result, t] : llvm::zip(op->getResults(), o.out)) {
    checkResult(result, t);
    values[result] = t;
  }
}

void GraphImporter::checkResult(Value result, const Tensor &t) {
  Ints declared = declaredSizes(result.getType());
  bool fits = dtypeOf(getElementTypeOrSelf(result.getType())) == t->type &&
              declared.size() == t->rank();
  for (size_t d = 0; fits && d < declared.size(); ++d) {
    if (ShapedType::isDynamic(declared[d]))
      continue;
    Sym size = emitter->canonical(t->shape[d]);
    if (size.isConstant())
      fits = size == Sym(declared[d]);
    else
      emitter->require(size, declared[d], "a declared size");
  }
  if (fits)
    return;
  std::string type;
  llvm::raw_string_ostream(type) << result.getType();
  fail("its result is declared as " + type + ", which does not follow");
}

} // namespace heed::stablehlo
