// ControlFlow.cpp - while, if and case.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JAX writes loops that count (fori_loop, scan) as
//
//   while(%i = %first, …) cond { compare LT, %i, %limit } do { … add %i, 1 }
//
// whose number of iterations is known: %i is then no carried value but the
// iteration's number, and slices at %i are slices at a known place.

#include "tools/lib/import/ControlFlow.h"
#include "tools/lib/stablehlo/Graph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {
/// The carried value that counts from `first` to below `limit`.
struct Counter {
  unsigned argument;
  Sym first, limit;
};

bool isNamed(Operation *op, StringRef name) {
  return op && op->getName().getStringRef() == name;
}

/// Position of the value among the block's arguments, or -1.
int64_t argumentOf(Value value, Block &block) {
  auto arg = dyn_cast<BlockArgument>(value);
  return arg && arg.getOwner() == &block ? int64_t(arg.getArgNumber()) : -1;
}

std::optional<Sym> integerOf(Emitter &e, const Tensor &t) {
  if (!t || t->rank() != 0 || !import::isInteger(t->type))
    return std::nullopt;
  auto known = e.knownElements(t);
  return known ? std::optional(known->front()) : std::nullopt;
}

/// The tensor that the value is in each iteration, if it is the same in all.
Tensor fixedTensor(Value value, Op &o, const DenseMap<Value, Tensor> &outer) {
  for (Region &region : o.op->getRegions())
    if (int64_t i = argumentOf(value, region.front()); i >= 0) {
      Block &body = o.op->getRegion(1).front();
      bool stays = argumentOf(body.back().getOperand(i), body) == i;
      return stays ? o.in[i] : nullptr;
    }
  return outer.lookup(value);
}

/// The integer that the value has in each iteration, if that is known.
std::optional<Sym> fixedInteger(Value value, Op &o,
                                const DenseMap<Value, Tensor> &outer) {
  if (Operation *op = value.getDefiningOp();
      isNamed(op, "stablehlo.constant")) {
    auto dense = dyn_cast_or_null<DenseIntElementsAttr>(op->getAttr("value"));
    auto number = dense && dense.isSplat()
                      ? dense.getSplatValue<APInt>().trySExtValue()
                      : std::optional<int64_t>();
    return number ? std::optional(Sym(*number)) : std::nullopt;
  }
  return integerOf(o.e, fixedTensor(value, o, outer));
}

/// Where a loop ends may be a number that only the run knows: read in front.
std::optional<Sym> limitOf(Value value, Op &o,
                           const DenseMap<Value, Tensor> &outer) {
  if (auto known = fixedInteger(value, o, outer))
    return known;
  Tensor t = fixedTensor(value, o, outer);
  if (!t || t->rank() != 0 || (t->type != DType::I32 && t->type != DType::I64))
    return std::nullopt;
  return o.e.someElements(t)[0];
}

std::optional<Counter> counterOf(Op &o, const DenseMap<Value, Tensor> &outer) {
  Block &condition = o.op->getRegion(0).front();
  Block &body = o.op->getRegion(1).front();
  Operation *compare = condition.back().getOperand(0).getDefiningOp();
  auto direction = isNamed(compare, "stablehlo.compare")
                       ? dyn_cast_or_null<StringAttr>(
                             compare->getAttr("comparison_direction"))
                       : StringAttr();
  if (!direction || direction.getValue() != "LT" ||
      compare->getNumOperands() != 2)
    return std::nullopt;
  int64_t i = argumentOf(compare->getOperand(0), condition);
  if (i < 0)
    return std::nullopt;
  auto first = integerOf(o.e, o.in[i]);
  Operation *next = body.back().getOperand(i).getDefiningOp();
  if (!first || !isNamed(next, "stablehlo.add") || next->getNumOperands() != 2)
    return std::nullopt;
  for (unsigned side : {0, 1})
    if (argumentOf(next->getOperand(side), body) == i &&
        fixedInteger(next->getOperand(1 - side), o, outer) == Sym(1))
      if (auto limit = limitOf(compare->getOperand(1), o, outer))
        return Counter{unsigned(i), *first, *limit};
  return std::nullopt;
}

/// Regions of these counts of arguments and results, with the operands' types.
void checkRegion(Op &o, unsigned index, TypeRange arguments,
                 TypeRange results) {
  Region &region = o.op->getRegion(index);
  if (!region.hasOneBlock() ||
      TypeRange(region.getArgumentTypes()) != arguments)
    fail("region " + Twine(index) + " does not take its operands");
  Block &block = region.front();
  if (block.empty() || !isNamed(&block.back(), "stablehlo.return") ||
      TypeRange(block.back().getOperandTypes()) != results)
    fail("region " + Twine(index) + " does not return its results");
}

Tensor without(SmallVector<Tensor> &list, unsigned i) {
  Tensor t = list[i];
  list.erase(list.begin() + i);
  return t;
}
} // namespace

SmallVector<Tensor> GraphImporter::convertRegion(Region &region,
                                                 ArrayRef<Tensor> arguments,
                                                 const Values &outer,
                                                 unsigned depth) {
  if (depth > maxDepth)
    fail("regions and calls nest more than " + Twine(maxDepth) + " deep");
  Values values = outer;
  for (auto [arg, t] : llvm::zip_equal(region.getArguments(), arguments))
    values[arg] = t;
  return convertBlock(region.front(), values, depth + 1);
}

void GraphImporter::convertWhile(Op &o, const Values &values, unsigned depth) {
  Emitter &e = *emitter;
  if (o.op->getNumRegions() != 2)
    fail("it has " + Twine(o.op->getNumRegions()) + " regions, expected 2");
  TypeRange types = o.op->getOperandTypes();
  checkRegion(o, 1, types, types);
  checkRegion(
      o, 0, types,
      RankedTensorType::get({}, IntegerType::get(o.op->getContext(), 1)));
  Region &condition = o.op->getRegion(0), &body = o.op->getRegion(1);
  import::Repetition r;
  r.carried = o.in;
  r.numOps = std::distance(body.front().begin(), body.front().end());
  std::optional<Counter> counter = counterOf(o, values);
  DType counterType = DType::I64;
  if (counter) {
    r.count = e.syms.max(counter->limit - counter->first, 0);
    counterType = without(r.carried, counter->argument)->type;
  } else {
    r.condition = convertRegion(condition, o.in, values, depth)[0];
  }
  o.out = import::emitRepetition(
      e, r, [&](const Tensor &i, ArrayRef<Tensor> carried) {
        SmallVector<Tensor> arguments(carried);
        if (counter)
          arguments.insert(arguments.begin() + counter->argument,
                           e.integers(counterType, {},
                                      {e.someElements(i)[0] + counter->first}));
        import::Repetition::Step step;
        step.carried = convertRegion(body, arguments, values, depth);
        if (counter)
          without(step.carried, counter->argument);
        else
          step.condition =
              convertRegion(condition, step.carried, values, depth)[0];
        return step;
      });
  if (counter)
    o.out.insert(o.out.begin() + counter->argument,
                 e.integers(counterType, {},
                            {e.syms.max(counter->first, counter->limit)}));
}

/// if: the first of two regions where the condition holds. case: the region of
/// that index, the last one where there is none.
void GraphImporter::convertCase(Op &o, const Values &values, unsigned depth) {
  Emitter &e = *emitter;
  o.requireOperands(1);
  unsigned count = o.op->getNumRegions();
  bool isIf = isNamed(o.op, "stablehlo.if");
  if (o.in[0]->rank() != 0 ||
      o.in[0]->type != (isIf ? DType::Bool : DType::I32))
    fail("its operand is no scalar of the right type");
  if (isIf ? count != 2 : count == 0)
    fail("it has " + Twine(count) + " regions");
  for (unsigned i = 0; i < count; ++i)
    checkRegion(o, i, {}, o.op->getResultTypes());
  auto region = [&](unsigned i) {
    return convertRegion(o.op->getRegion(i), {}, values, depth);
  };
  if (o.in[0]->constant) {
    int64_t i = o.in[0]->constant->asInt(0);
    bool isInside = i >= 0 && i < int64_t(count);
    o.out = region(isIf ? i == 0 : isInside ? i : count - 1);
    return;
  }
  if (isIf) {
    o.out = import::emitBranch(e, o.in[0],
                               [&](bool isTrue) { return region(!isTrue); });
    return;
  }
  std::function<SmallVector<Tensor>(unsigned)> from = [&](unsigned i) {
    if (i + 1 == count)
      return region(i);
    Tensor isIt = e.elementwise(
        {o.in[0]}, DType::Bool,
        [&](OpBuilder &b, Location l, ArrayRef<Value> v) -> Value {
          return arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, v[0],
                                       e.scalarInt(v[0].getType(), i));
        });
    return import::emitBranch(
        e, isIt, [&](bool isTrue) { return isTrue ? region(i) : from(i + 1); });
  };
  o.out = from(0);
}

} // namespace heed::stablehlo
