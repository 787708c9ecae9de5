// SdpaOperands.cpp - which factors are batch, heads, queries, ..., and how each
// tensor shows them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   d: contracted by q·k          j: keys          e: of v alone
//   i: of q, of neither k nor v   b, h: all others, in the order of the scores
#include "passes/recognize/SdpaMatch.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::recognize {
namespace {

bool has(const Factors &list, Factor factor) {
  return llvm::is_contained(list, factor);
}

/// Copies that a division of the batch factors into b and h costs; none where
/// the op cannot hold it.
std::optional<unsigned> costOf(const Attention &attention, const Groups &groups,
                               FactorTable &table, MLIRContext *context) {
  struct Tensor {
    const Access &access;
    std::array<unsigned, 4> present;
  };
  Tensor tensors[] = {
      {attention.score.q.dims, {SdpaOp::B, SdpaOp::H, SdpaOp::I, SdpaOp::D}},
      {attention.score.k.dims, {SdpaOp::B, SdpaOp::H, SdpaOp::J, SdpaOp::D}},
      {attention.v.dims, {SdpaOp::B, SdpaOp::H, SdpaOp::J, SdpaOp::E}},
      {attention.out.dims, {SdpaOp::B, SdpaOp::H, SdpaOp::I, SdpaOp::E}}};
  unsigned cost = 0;
  for (const Tensor &tensor : tensors) {
    std::optional<Fit> fit =
        fitTensor(tensor.access, groups, tensor.present, {}, table, context);
    if (!fit)
      return std::nullopt;
    cost += 4 * fit->copies;
  }
  for (const Term &term : attention.score.bias)
    if (std::optional<TensorView> view = asTensor(term.value, table))
      cost += !fitTensor(view->dims, groups,
                         {SdpaOp::B, SdpaOp::H, SdpaOp::I, SdpaOp::J}, {},
                         table, context);
  return cost;
}
/// The masks and biases over keys that vary along the factor.
int64_t masksAlong(const Attention &attention, Factor factor,
                   FactorTable &table) {
  int64_t count = 0;
  auto add = [&](const Element &element) {
    count += dependsOn(element, {factor}, table) &&
             dependsOn(element, attention.keys, table);
  };
  for (const Term &term : attention.score.bias)
    add(term.value);
  for (const MaskTerm &mask : attention.score.masks)
    add(mask.condition);
  return count;
}
} // namespace

Groups groupFactors(const Attention &attention, FactorTable &table) {
  Factors q = table.flatten(attention.score.q.dims);
  Factors k = table.flatten(attention.score.k.dims);
  Factors v = table.flatten(attention.v.dims);
  Groups groups;
  groups.of[SdpaOp::J] = table.leaves(attention.keys);
  groups.of[SdpaOp::D] = table.leaves(attention.score.contracted);
  Access scores = table.leaves(attention.weights.dims);
  Factors all = table.flatten(scores);
  // Of several dimensions that only queries have, i is the one that masks and
  // biases tell apart, else the last; the others are heads that share their
  // keys.
  int64_t queryDim = -1, queryUses = -1;
  for (auto [dim, list] : llvm::enumerate(scores))
    for (Factor factor : list) {
      if (has(groups.of[SdpaOp::J], factor) || !has(q, factor) ||
          has(k, factor) || has(v, factor))
        continue;
      int64_t uses = masksAlong(attention, factor, table);
      if (uses >= queryUses) {
        queryDim = dim;
        queryUses = uses;
      }
    }
  Factors batch;
  for (auto [dim, list] : llvm::enumerate(scores))
    for (Factor factor : list) {
      if (has(groups.of[SdpaOp::J], factor))
        continue;
      bool query = int64_t(dim) == queryDim && has(q, factor) &&
                   !has(k, factor) && !has(v, factor);
      (query ? groups.of[SdpaOp::I] : batch).push_back(factor);
    }
  for (Factor factor : v)
    if (!has(all, factor))
      groups.of[SdpaOp::E].push_back(factor);
  // Heads that share their keys must be the last: h floordiv G.
  Factors shared = batch;
  llvm::stable_sort(shared, [&](Factor a, Factor b) {
    auto isShared = [&](Factor factor) {
      return !has(k, factor) || !has(v, factor);
    };
    return !isShared(a) && isShared(b);
  });
  SmallVector<Factors, 2> orders{batch};
  if (shared != batch)
    orders.push_back(shared);
  // b is the first factor, h the rest, unless another division copies less.
  MLIRContext *context = attention.softmax->getContext();
  SmallVector<size_t> splits;
  for (size_t split = 1; split <= batch.size(); ++split)
    splits.push_back(split);
  splits.push_back(0);
  auto divide = [&](const Factors &order, size_t split) {
    groups.of[SdpaOp::B].assign(order.begin(), order.begin() + split);
    groups.of[SdpaOp::H].assign(order.begin() + split, order.end());
  };
  std::optional<unsigned> best;
  std::pair<Factors, size_t> division{batch, batch.size()};
  for (const Factors &order : orders)
    for (size_t split : splits) {
      divide(order, split);
      std::optional<unsigned> cost = costOf(attention, groups, table, context);
      if (cost && (!best || *cost < *best)) {
        best = cost;
        division = {order, split};
      }
    }
  divide(division.first, division.second);
  return groups;
}

std::optional<Fit> fitTensor(const Access &access, const Groups &groups,
                             ArrayRef<unsigned> present,
                             ArrayRef<unsigned> required, FactorTable &table,
                             MLIRContext *context) {
  Factors order = table.flatten(access);
  size_t known = 0;
  struct Run {
    unsigned dim;
    Factors factors;
    AffineExpr expr;
  };
  SmallVector<Run> runs;
  Fit fit;
  for (unsigned dim : present) {
    Factors group = table.leaves(groups.of[dim]);
    Factors mine;
    for (Factor factor : group)
      if (has(order, factor))
        mine.push_back(factor);
    known += mine.size();
    if (mine.empty())
      continue;
    AffineExpr expr = getAffineDimExpr(dim, context);
    if (mine.size() < group.size()) {
      // Heads that share a key: a prefix of h, the rest of known size.
      if (dim != SdpaOp::H ||
          ArrayRef(group).take_front(mine.size()) != ArrayRef(mine))
        return std::nullopt;
      int64_t shared = 1;
      for (Factor factor : ArrayRef(group).drop_front(mine.size())) {
        Size size = table.getSize(factor);
        if (!size.isStatic())
          return std::nullopt;
        shared *= size.number;
      }
      expr = expr.floorDiv(shared);
    }
    runs.push_back({dim, mine, expr});
  }
  if (known != order.size())
    return std::nullopt; // an index that the op does not have
  // Dimensions in the order in which the tensor has them.
  llvm::stable_sort(runs, [&](const Run &a, const Run &b) {
    return llvm::find(order, a.factors.front()) <
           llvm::find(order, b.factors.front());
  });
  Factors wanted;
  for (const Run &run : runs)
    llvm::append_range(wanted, run.factors);
  fit.copies = wanted != order;
  // Dimensions of size 1 for those that must be there, in canonical places.
  for (unsigned dim : required) {
    if (!groups.of[dim].empty())
      continue;
    auto place =
        llvm::find_if(runs, [&](const Run &run) { return run.dim > dim; });
    runs.insert(place, {dim, {}, getAffineDimExpr(dim, context)});
  }
  SmallVector<AffineExpr> exprs;
  for (const Run &run : runs) {
    fit.dims.push_back(run.factors);
    exprs.push_back(run.expr);
  }
  fit.map = AffineMap::get(SdpaOp::NumDims, 0, exprs, context);
  return fit;
}

} // namespace heed::recognize
