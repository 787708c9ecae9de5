// Choice.h - which of oneDNN's implementations a primitive uses
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_ONEDNN_CHOICE_H
#define HEED_RUNTIME_ONEDNN_CHOICE_H

#include <cstdint>

namespace heed::runtime {

/// The name of an implementation that is faster than the one of this name,
/// wherever oneDNN has both; null: none is known.
const char *fasterThan(const char *implementation);

/// The families of primitives that compute m rows times constant weights.
enum class ProductFamily { Matmul, InnerProduct, Convolution };

/// The fastest family on so many threads for m rows, k products a sum and n
/// columns, where oneDNN's matmul is one over a general GEMM.
ProductFamily chooseProductFamily(int64_t m, int64_t k, int64_t n,
                                  int64_t threads);

} // namespace heed::runtime

#endif // HEED_RUNTIME_ONEDNN_CHOICE_H
