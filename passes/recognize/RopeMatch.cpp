// RopeMatch.cpp - decides whether an anchor is a rotary embedding.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y[a] = x[a]·cos[a] − x[b]·sin[a]
//   y[b] = x[b]·cos[b] + x[a]·sin[b]
//
// Both lines are read as sums of two products, whatever they are spelled by:
// the anchor puts y together from them, or it exchanges the halves of x,
// concat(−x[b], x[a]), and y = x·cos + exchanged·sin comes after it.
#include "passes/recognize/RopeMatch.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/recognize/Elementwise.h"
#include "passes/recognize/Movement.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace heed::recognize {

using Sum = SmallVector<Summand, 2>;

//===----------------------------------------------------------------------===//
// Four products
//===----------------------------------------------------------------------===//

/// The products of x with a table: `straight` with the pair's own element,
/// `cross` with the other one; for y[a] and y[b].
namespace {
struct TableProduct {
  int sign;
  const Leaf &x, &table;
  TableProduct(const Summand &summand, bool swapped)
      : sign(summand.sign), x(swapped ? summand.right : summand.left),
        table(swapped ? summand.left : summand.right) {}
};
} // namespace

static bool sameLeaf(const Leaf &a, const Leaf &b) {
  return a.root == b.root && a.dims == b.dims;
}

/// x has each index of the result.
static bool spans(const Leaf &x, const Access &dims, Factor half,
                  FactorTable &table) {
  size_t count = 1; // the half
  for (const Digits &digits : x.dims)
    count += llvm::count_if(digits, [](Digit d) { return !d.isKnown(); });
  Factors all = table.flatten(dims);
  return count == all.size() && llvm::is_contained(all, half);
}

/// The pair's index beside the digit: the rest of the dimension after it, or
/// the factor before it.
static bool findPairs(RopeMatch &match) {
  ArrayRef<Digit> digits = match.x.dims[match.digit.dim];
  ArrayRef<Digit> after = digits.drop_front(match.digit.place + 1);
  if (llvm::any_of(after, [](Digit d) { return d.isKnown(); }))
    return false;
  for (Digit digit : after)
    match.pairs.push_back(digit.factor);
  match.interleaved = after.empty() && match.digit.place > 0;
  if (match.interleaved)
    match.pairs.push_back(digits[match.digit.place - 1].factor);
  return true;
}

/// The two lines as an embedding of `dims`.
static RopeAttempt matchSums(const Access &dims, Factor half, const Sum &first,
                             const Sum &second, FactorTable &table) {
  RopeAttempt attempt;
  auto tryRoles = [&](unsigned roles) -> bool {
    auto bit = [&](unsigned i) { return (roles >> i) & 1; };
    TableProduct cosA(first[bit(0)], bit(2)), sinA(first[1 - bit(0)], bit(3)),
        cosB(second[bit(1)], bit(4)), sinB(second[1 - bit(1)], bit(5));
    std::optional<PairDifference> difference = differ(cosA.x, cosB.x);
    if (!difference || !difference->digit || !sameLeaf(sinA.x, cosB.x) ||
        !sameLeaf(sinB.x, cosA.x) || !spans(cosA.x, dims, half, table))
      return false;
    std::optional<PairDifference> cos = differ(cosA.table, cosB.table),
                                  sin = differ(sinA.table, sinB.table);
    if (!cos || !sin) {
      attempt.refusal = Refusal{
          "expected one cosine and one sine table for both elements of a "
          "pair, got different ones",
          "read the angles of both halves from the same tensors"};
      return false;
    }
    if (cosA.sign < 0 || cosB.sign < 0 || sinA.sign > 0 || sinB.sign < 0) {
      attempt.refusal = Refusal{
          "expected pairs turned as x1*cos - x2*sin and x2*cos + x1*sin, got "
          "other signs",
          "put the sign of a negative angle into the sine table"};
      return false;
    }
    RopeMatch match;
    match.dims = dims;
    match.half = half;
    match.x = cosA.x;
    match.digit = *difference->digit;
    match.cos = {cosA.table, cos->digit};
    match.sin = {sinA.table, sin->digit};
    if (!findPairs(match))
      return false;
    attempt.match = std::move(match);
    return true;
  };
  for (unsigned roles = 0; roles < 64 && !attempt.match; ++roles)
    tryRoles(roles);
  if (attempt.match)
    attempt.refusal = std::nullopt;
  return attempt;
}

//===----------------------------------------------------------------------===//
// Anchors
//===----------------------------------------------------------------------===//

/// The anchor by factors of its own. Sizes are those of a part: nothing before
/// the anchor may ask for the anchor's.
static TensorView viewOfParts(const Parts &anchor, FactorTable &table) {
  TensorView view = makeView(anchor.values[0], table);
  auto type = cast<RankedTensorType>(anchor.whole.getType());
  view.value = anchor.whole;
  view.dims[anchor.dim] = table.create(Size::of(type.getDimSize(anchor.dim)));
  return view;
}

/// The anchor is y, put together from the two lines.
static RopeAttempt matchTogether(const Parts &anchor, FactorTable &table) {
  PairReader reader(anchor, table);
  if (!reader.meet(viewOfParts(anchor, table)))
    return {};
  Sum sums[2];
  for (int second : {0, 1, 0, 1}) { // once to divide factors, then to read them
    sums[second].clear();
    if (!reader.expand(reader.partOf(second), second, 1, sums[second]) ||
        sums[second].size() != 2)
      return {};
  }
  RopeAttempt attempt =
      matchSums(reader.dims(), reader.half(), sums[0], sums[1], table);
  if (!attempt.match)
    return attempt;
  attempt.match->result = anchor.whole;
  extendRope(*attempt.match, reader, anchor, table);
  if (anchor.values.size() == 3 && !attempt.match->whole)
    return {
        std::nullopt,
        Refusal{"expected elements of x beside its rotated ones, got others",
                "concatenate the rest of x to what is rotated of it"}};
  return attempt;
}

/// The anchor exchanges the halves of one tensor, one of them negated.
static bool isExchange(const Parts &anchor) {
  FactorTable table;
  PairReader reader(anchor, table);
  if (anchor.values.size() != 2 || !reader.meet(viewOfParts(anchor, table)))
    return false;
  std::optional<Leaf> parts[2];
  for (int second : {0, 1, 0, 1})
    if (!(parts[second] = reader.leafOf(reader.partOf(second), second)))
      return false;
  std::optional<PairDifference> difference = differ(*parts[1], *parts[0]);
  return difference && difference->digit && parts[0]->sign != parts[1]->sign;
}

/// The elementwise ops and the movement that follow, in program order.
static SmallVector<Operation *> findFollowers(Operation *anchor) {
  constexpr size_t limit = 12;
  llvm::SetVector<Operation *> found;
  found.insert(anchor);
  for (size_t i = 0; i < found.size() && found.size() < limit; ++i)
    for (Operation *user : found[i]->getResult(0).getUsers())
      if (user->getBlock() == anchor->getBlock() &&
          user->getNumResults() == 1 &&
          (asElementwise(user) || movementSource(user->getResult(0))))
        found.insert(user);
  SmallVector<Operation *> ops(found.begin() + 1, found.end());
  llvm::sort(ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ops;
}

/// What is between the anchor and y is used by something else: it would have to
/// be computed twice.
static bool escapes(Operation *anchor, ArrayRef<Operation *> followers,
                    Operation *y) {
  llvm::SetVector<Operation *> between;
  between.insert(y);
  for (size_t i = 0; i < between.size(); ++i)
    for (Value operand : between[i]->getOperands())
      if (Operation *def = operand.getDefiningOp())
        if (def == anchor || llvm::is_contained(followers, def))
          between.insert(def);
  return llvm::any_of(between, [&](Operation *op) {
    return op != y && llvm::any_of(op->getUsers(), [&](Operation *user) {
             return !between.contains(user) && !isa<tensor::DimOp>(user);
           });
  });
}

/// y = x·cos + exchanged·sin comes after the anchor.
static RopeAttempt matchAfter(const Parts &anchor, FactorTable &table) {
  Operation *op = anchor.whole.getDefiningOp();
  SmallVector<Operation *> followers = findFollowers(op);
  for (Operation *y : followers) {
    if (movementSource(y->getResult(0)))
      continue;
    table = FactorTable();
    PairReader reader(anchor, table);
    TensorView view = makeView(y->getResult(0), table);
    Sum sums[2];
    bool isSum = true;
    for (int second : {0, 1, 0, 1}) {
      sums[second].clear();
      isSum = isSum && reader.expand(Element(view), second, 1, sums[second]) &&
              sums[second].size() == 2 && !reader.dims().empty();
    }
    if (!isSum)
      continue;
    if (escapes(op, followers, y))
      return {std::nullopt,
              Refusal{"expected the exchanged halves of x for the embedding "
                      "alone, got another use of them",
                      "compute them apart for what else needs them"}};
    RopeAttempt attempt = matchSums(table.leaves(view.dims), reader.half(),
                                    sums[0], sums[1], table);
    if (attempt.match) {
      attempt.match->result = y->getResult(0);
      extendRope(*attempt.match, reader, anchor, table);
    } else if (!attempt.refusal) {
      attempt.refusal = Refusal{
          "expected the cosine's factor to be the tensor whose halves are "
          "exchanged, got another one",
          "rotate and scale the same tensor"};
    }
    return attempt;
  }
  return {std::nullopt,
          Refusal{"expected x*cos + exchanged*sin, got another use of the "
                  "exchanged halves of x",
                  "add the product with the sine table to that of x with the "
                  "cosine table"}};
}

RopeAttempt matchRope(const Parts &anchor, FactorTable &table) {
  ArrayRef<Value> parts = anchor.values;
  if (parts.size() < 2 || parts.size() > 3 ||
      parts[0].getType() != parts[1].getType() ||
      !isa<FloatType>(getElementTypeOrSelf(parts[0].getType())))
    return {};
  RopeAttempt attempt = matchTogether(anchor, table);
  if (attempt.match || attempt.refusal)
    return attempt;
  if (isExchange(anchor))
    return matchAfter(anchor, table);
  return {};
}

} // namespace heed::recognize
