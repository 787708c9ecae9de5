// PackedProduct.h - products of constant weights as other families of primitives
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_ONEDNN_PACKEDPRODUCT_H
#define HEED_RUNTIME_ONEDNN_PACKEDPRODUCT_H

#include "runtime/onednn/Plan.h"
#include "runtime/support/Product.h"

namespace heed::runtime {

/// The product of two dims with constant weights as an inner product or as a
/// convolution of 1x1 pixels, whichever is faster than a general GEMM; none if
/// that is, or if oneDNN has no code for it that is made for the machine.
std::optional<Attempt> planPackedProduct(const dnnl::engine &engine,
                                         const Product &product);

} // namespace heed::runtime

#endif // HEED_RUNTIME_ONEDNN_PACKEDPRODUCT_H
