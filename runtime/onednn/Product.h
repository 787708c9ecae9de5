// Product.h - a matrix product as oneDNN gets it, in any family of primitives
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_ONEDNN_PRODUCT_H
#define HEED_RUNTIME_ONEDNN_PRODUCT_H

#include "runtime/onednn/Plan.h"

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
};

/// The product of two dims with constant weights as an inner product or as a
/// convolution of 1x1 pixels, whichever is faster than a general GEMM; none if
/// that is, or if oneDNN has no code for it that is made for the machine.
std::optional<Attempt> planPackedProduct(const dnnl::engine &engine,
                                         const Product &product);

} // namespace heed::runtime

#endif // HEED_RUNTIME_ONEDNN_PRODUCT_H
