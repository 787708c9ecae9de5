// Product.cpp - matrix products in as few dims as their memory allows
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Views hold b… m k, b… k n, b… m n. Before a library sees them, batch dims are
// folded into m where the memory allows it and the weights have none (a linear
// layer on a tensor of any rank is one 2-D product), and a product whose result
// is stored column by column is turned into that of the transposed operands.

#include "runtime/support/Product.h"

#include <algorithm>

namespace heed::runtime {

std::vector<View *> Product::shapedLikeDestination() {
  std::vector<View *> list = {&views[source], &views[destination]};
  for (const PostOp &postOp : site.postOps)
    if (postOp.operand >= 0)
      list.push_back(&views[static_cast<size_t>(postOp.operand)]);
  return list;
}

static void eraseDim(View &view, size_t dim) {
  view.sizes.erase(view.sizes.begin() + static_cast<std::ptrdiff_t>(dim));
  view.strides.erase(view.strides.begin() + static_cast<std::ptrdiff_t>(dim));
}

/// Whether dims `outer` and `inner` of a view can be one dim: then stepping
/// through `inner` and on to the next of `outer` is one regular stride. A view
/// of size 1 in both stays so; one of size 1 in one of them only, while the
/// destination is larger, would not broadcast evenly any more.
static bool canFold(const View &view, const View &destination, size_t outer,
                    size_t inner) {
  if (view.sizes[outer] == 1 && view.sizes[inner] == 1)
    return true;
  if (view.sizes[outer] != destination.sizes[outer] ||
      view.sizes[inner] != destination.sizes[inner])
    return false;
  return view.sizes[outer] == 1 || view.sizes[inner] == 1 ||
         view.strides[outer] == view.strides[inner] * view.sizes[inner];
}

static void fold(View &view, size_t outer, size_t inner) {
  if (view.sizes[inner] == 1)
    view.strides[inner] = view.strides[outer];
  view.sizes[inner] *= view.sizes[outer];
  eraseDim(view, outer);
}

bool Product::hasBinaryPostOp() const {
  for (const PostOp &postOp : site.postOps)
    if (postOp.operand >= 0)
      return true;
  return false;
}

/// Outer dims have the larger strides. oneDNN finds the other operand of a
/// binary post-op by dividing offsets in the destination, which goes astray
/// (out of bounds) in any other order.
bool isRowMajor(const View &view) {
  int64_t inner = 0;
  for (size_t i = view.sizes.size(); i-- > 0;) {
    if (view.sizes[i] == 1)
      continue;
    if (view.strides[i] < inner)
      return false;
    inner = view.strides[i];
  }
  return true;
}

/// Where the weights have no batch, which of the innermost batch dim and m is
/// which does not matter: the larger one is m. Rows that are transposed between
/// source and destination are then few products of many rows.
static void chooseRows(Product &p) {
  if (p.rank() < 3)
    return;
  size_t m = p.rank() - 2, batch = m - 1;
  const View &destination = p.views[p.destination];
  if (p.views[p.weights].sizes[batch] != 1)
    return;
  bool exchange = destination.sizes[batch] > destination.sizes[m];
  if (p.hasBinaryPostOp()) {
    View exchanged = destination;
    std::swap(exchanged.sizes[m], exchanged.sizes[batch]);
    std::swap(exchanged.strides[m], exchanged.strides[batch]);
    if (isRowMajor(destination) != isRowMajor(exchanged))
      exchange = isRowMajor(exchanged);
  }
  if (!exchange)
    return;
  for (View *view : p.shapedLikeDestination()) {
    std::swap(view->sizes[m], view->sizes[batch]);
    std::swap(view->strides[m], view->strides[batch]);
  }
}

/// Folds the innermost batch dim into m as long as that is possible.
static void foldBatchIntoRows(Product &p) {
  while (p.rank() > 2) {
    size_t m = p.rank() - 2, batch = m - 1;
    if (p.views[p.weights].sizes[batch] != 1)
      return;
    std::vector<View *> list = p.shapedLikeDestination();
    View destination = p.views[p.destination];
    // The source has k in place of n, but batch and m are the same dims.
    for (View *view : list)
      if (!canFold(*view, destination, batch, m))
        return;
    for (View *view : list)
      fold(*view, batch, m);
    eraseDim(p.views[p.weights], batch);
  }
}

static void dropUnitBatch(Product &p) {
  while (p.rank() > 2 && p.views[p.destination].sizes[0] == 1) {
    for (View *view : p.shapedLikeDestination())
      eraseDim(*view, 0);
    eraseDim(p.views[p.weights], 0);
  }
}

/// Size-1 dims take the stride that they would have in a dense matrix; oneDNN
/// tells row from column order by strides, also for one row.
static void tidyUnitStrides(View &view) {
  size_t row = view.sizes.size() - 2, column = row + 1;
  if (view.sizes[column] == 1 && view.strides[row] != 1)
    view.strides[column] = 1;
  if (view.sizes[row] == 1)
    view.strides[row] = view.strides[column] == 1 ? view.sizes[column] : 1;
  for (size_t i = row; i-- > 0;)
    if (view.sizes[i] == 1)
      view.strides[i] = view.sizes[i + 1] * view.strides[i + 1];
}

/// c = a · b as cᵀ = bᵀ · aᵀ, when c is stored by columns.
static void transposeColumnResult(Product &p) {
  View &c = p.views[p.destination];
  size_t row = p.rank() - 2, column = row + 1;
  if (c.strides[column] == 1 || c.strides[row] != 1 || c.sizes[row] == 1)
    return;
  // A bias along the columns would become one along the rows, which oneDNN has
  // only in slow code.
  if (p.bias >= 0)
    return;
  std::vector<View *> list = p.shapedLikeDestination();
  list.push_back(&p.views[p.weights]);
  for (View *view : list) {
    std::swap(view->sizes[row], view->sizes[column]);
    std::swap(view->strides[row], view->strides[column]);
  }
  std::swap(p.source, p.weights);
}

Product makeProduct(const Site &site, std::vector<View> views) {
  auto index = [&](OperandRole role) {
    return static_cast<size_t>(site.find(role));
  };
  Product p{site,
            std::move(views),
            index(OperandRole::Source),
            index(OperandRole::Weights),
            index(OperandRole::Destination),
            site.find(OperandRole::Bias)};
  foldBatchIntoRows(p);
  chooseRows(p);
  dropUnitBatch(p);
  for (size_t operand : {p.source, p.weights, p.destination})
    tidyUnitStrides(p.views[operand]);
  transposeColumnResult(p);
  // The transposed result of one column is one row.
  tidyUnitStrides(p.views[p.destination]);
  return p;
}

} // namespace heed::runtime
