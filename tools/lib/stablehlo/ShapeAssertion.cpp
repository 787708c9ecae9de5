// ShapeAssertion.cpp - what a file with dynamic sizes requires of its inputs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JAX writes what its symbolic sizes mean as checks in front of the program:
//
//   %p = compare EQ, %size_of_k, %size_of_q
//   custom_call @shape_assertion(%p, …) {error_message = "…"}
//
// A comparison of sizes is a run-time check, after which they count as equal.

#include "tools/lib/stablehlo/Graph.h"

using namespace mlir;

namespace heed::stablehlo {

/// The message without the places that a run would fill in, and without the
/// sentences that say where to read on.
static std::string messageOf(Operation *op) {
  auto text = op->getAttrOfType<StringAttr>("error_message");
  if (!text)
    return "a shape assertion";
  StringRef message = text.getValue();
  message = message.take_front(message.find(" Using the following"));
  std::string kept;
  while (!message.empty() && kept.size() < 300) {
    auto [before, after] = message.split(" (= {");
    kept += before;
    message = after.substr(after.find(')')).drop_front(!after.empty());
  }
  return StringRef(kept).rtrim(". ").str();
}

/// x - y of a comparison of sizes.
static std::optional<std::pair<Sym, Sym>>
sidesOf(Emitter &e, Operation *compare, const DenseMap<Value, Tensor> &values) {
  SmallVector<Sym> sides;
  for (Value v : compare->getOperands()) {
    Tensor t = values.lookup(v);
    auto known = t ? e.knownElements(t) : std::nullopt;
    if (!known || known->size() != 1)
      return std::nullopt;
    sides.push_back((*known)[0]);
  }
  if (sides.size() != 2)
    return std::nullopt;
  return std::pair(sides[0], sides[1]);
}

void GraphImporter::convertShapeAssertion(Op &o, const Values &values) {
  Emitter &e = *emitter;
  if (o.in.empty() || o.in[0]->type != DType::Bool || o.in[0]->rank() != 0)
    fail("its first operand is no truth value");
  std::string message = messageOf(o.op);
  if (auto known = e.knownElements(o.in[0]))
    if (auto value = (*known)[0].constant()) {
      if (*value == 0)
        fail("never holds: " + message);
      return;
    }
  Operation *compare = o.op->getOperand(0).getDefiningOp();
  auto direction =
      compare && compare->getName().getStringRef() == "stablehlo.compare"
          ? compare->getAttrOfType<StringAttr>("comparison_direction")
          : StringAttr();
  if (auto sides = direction ? sidesOf(e, compare, values) : std::nullopt) {
    auto [x, y] = *sides;
    if (direction.getValue() == "EQ")
      return e.require(x, y, message);
    if (direction.getValue() == "GE" && y.isConstant())
      return e.requireAtLeast(x, *y.constant(), message);
  }
  e.assertThat(scalarOf(e, o.in[0]), message);
}

} // namespace heed::stablehlo
