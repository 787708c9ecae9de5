// Product.h - a matrix product as libraries get it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_SUPPORT_PRODUCT_H
#define HEED_RUNTIME_SUPPORT_PRODUCT_H

#include "runtime/support/Site.h"

namespace heed::runtime {

/// Views b… m k, b… k n and b… m n of the operands, normalised, and those of
/// post-ops, which have the dims of the destination.
struct Product {
  const Site &site;
  std::vector<View> views;
  size_t source, weights, destination;
  int64_t bias; // −1: none

  size_t rank() const { return views[destination].sizes.size(); }
  /// The operands whose dims are those of the destination, or 1.
  std::vector<View *> shapedLikeDestination();
  bool hasBinaryPostOp() const;
};

/// The product of a site of kind matmul.
Product makeProduct(const Site &site, std::vector<View> views);

/// Outer dims have the larger strides.
bool isRowMajor(const View &view);

} // namespace heed::runtime

#endif // HEED_RUNTIME_SUPPORT_PRODUCT_H
