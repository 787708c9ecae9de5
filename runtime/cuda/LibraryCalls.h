// LibraryCalls.h - primitives as calls of cuBLAS and cuDNN
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_CUDA_LIBRARYCALLS_H
#define HEED_RUNTIME_CUDA_LIBRARYCALLS_H

#include "runtime/cuda/Device.h"

namespace heed::cuda {

using runtime::Dims;
using runtime::Site;
using runtime::View;

/// A product by cuBLAS, of operands with these alignments in bytes.
Placed placeMatmul(Session &session, const Site &site, std::vector<View> views,
                   const std::vector<int64_t> &alignments);
/// A convolution or a transposed one by cuDNN.
Placed placeConvolution(Session &session, const Site &site,
                        const std::vector<View> &views);
/// A pooling by cuDNN.
Placed placePooling(Session &session, const Site &site,
                    const std::vector<View> &views);

/// Runs the primitive by oneDNN, on the host: f16 and bf16 in f32, with
/// operands converted around it, which few CPUs have products of.
void runOnHost(HeedContext *context, const Site &site, const int64_t *record,
               const int64_t *call);

/// The largest power of two up to 256 that divides the number of bytes; what
/// libraries choose their code by.
inline int64_t alignmentOf(int64_t bytes) {
  int64_t bit = bytes & -bytes;
  return bit == 0 || bit > 256 ? 256 : bit;
}

/// The index of an operand that there is.
inline size_t indexOf(const Site &site, runtime::OperandRole role) {
  return static_cast<size_t>(site.find(role));
}

} // namespace heed::cuda

#endif // HEED_RUNTIME_CUDA_LIBRARYCALLS_H
