// Choice.cpp - which of oneDNN's implementations a primitive uses
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// oneDNN gives the first implementation of its list that can do the work. On
// AVX2 that is not the fastest one. The figures are times of oneDNN 3.2 on one
// core of a Zen 3, in turns in one process, on the shapes of PP-OCRv4, MiniLM
// and BERT; with AVX-512 the first implementations stay.

#include "runtime/onednn/Choice.h"

#include <cstring>

namespace heed::runtime {

const char *fasterThan(const char *implementation) {
  static constexpr struct {
    const char *slower, *faster;
  } kPairs[] = {
      // Depthwise, channels last, 16 to 480 channels, 3x3 and 5x5, strides 1
      // and 2: 0.60 to 0.90 of the time.
      {"brdgmm_dw:avx2", "jit_dw:avx2"},
      // 1x1, 8 to 480 channels in and out: 0.79 to 1.00 of the time; 1.1 where
      // there are fewer than 5 µs to save anything of.
      {"brgconv_1x1:avx2", "jit_1x1:avx2"},
  };
  for (const auto &pair : kPairs)
    if (std::strcmp(implementation, pair.slower) == 0)
      return pair.faster;
  return nullptr;
}

/// A general GEMM packs the weights at each call, n · k elements beside m · n ·
/// k products: the time of some eight rows. The other two families have them
/// packed: with 2 to 16 rows they take 0.4 to 0.8 of the time, with 32 to 128
/// rows 0.5 to 0.98, the less the larger k · n is.
ProductFamily chooseProductFamily(int64_t m, int64_t k, int64_t n,
                                  int64_t threads) {
  // One row is no product of matrices: oneDNN reads the weights as they lie.
  // From a mebibyte of them on, packed ones are read 1.04 to 1.14 times as fast.
  constexpr int64_t kFewWeights = 1 << 18;
  // The convolution cuts its work among threads by tiles of four pixels: with
  // fewer tiles than threads one of them has nothing to do.
  constexpr int64_t kTileRows = 4;
  // Its tiles have 8 channels: of fewer it computes 8, which shows from so many
  // rows on.
  constexpr int64_t kTileColumns = 8, kSomeRows = 8;
  // Where the result is much larger than the weights (120 to 6625), writing it
  // tile by tile costs more than packing saves: 1.07 to 1.25 of the time from
  // 48 rows on.
  constexpr int64_t kWide = 16, kManyRows = 48;
  if (m == 1 && k * n < kFewWeights)
    return ProductFamily::Matmul;
  if (m >= kManyRows && n > kWide * k)
    return ProductFamily::Matmul;
  if ((n < kTileColumns && m >= kSomeRows) || m <= kTileRows * (threads - 1))
    return ProductFamily::InnerProduct;
  return ProductFamily::Convolution;
}

} // namespace heed::runtime
