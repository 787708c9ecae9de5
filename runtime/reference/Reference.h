// Reference.h - naive double-precision oracle for what Heed's kernels compute
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Written for being right at a glance: one loop per index, no blocking, no
// reuse. Tests compare kernels with it; its own tests are in
// tests/unit/runtime/reference-test.cpp.

#ifndef HEED_RUNTIME_REFERENCE_REFERENCE_H
#define HEED_RUNTIME_REFERENCE_REFERENCE_H

#include "runtime/reference/Tensor.h"

#include <functional>
#include <optional>

namespace heed::reference {

/// y = e^(x − m) / Σ e^(x − m) along `axis`, m the maximum along it. A line of
/// −∞ alone gives NaN.
Tensor softmax(const Tensor &x, int64_t axis);

/// c[.., m, n] = Σ_k a[.., m, k] · b[.., k, n]; leading dims broadcast as in
/// numpy.
Tensor matmul(const Tensor &a, const Tensor &b);

struct ConvParams {
  Shape strides, dilations, padLow, padHigh; // one entry a spatial dim
  int64_t groups = 1;
};

/// x (n, c, d…), w (o, c / groups, k…), bias (o) or none:
/// y[n, o, p…] = bias[o] + Σ_{i, k…} x[n, g·I + i, p·s + k·dil − low] · w[o, i,
/// k…]
Tensor convolution(const Tensor &x, const Tensor &w,
                   const std::optional<Tensor> &bias, const ConvParams &params);

/// The transpose of the above: w (c, o / groups, k…);
/// y[n, o, p·s + k·dil − low] += x[n, c, p…] · w[c, o', k…]
Tensor deconvolution(const Tensor &x, const Tensor &w,
                     const std::optional<Tensor> &bias,
                     const ConvParams &params);

enum class Pool { Avg, AvgIncludePad, Max, Sum };

/// Windows of size `kernel` over the spatial dims of x (n, c, d…).
Tensor pool(const Tensor &x, Pool kind, const Shape &kernel,
            const ConvParams &params);

/// x reduced over `dims`, which disappear.
Tensor reduce(const Tensor &x, Pool kind, const std::vector<int64_t> &dims);

/// attn.gate: y = epilogue(x, excite(pools of x over dims), extras…).
Tensor gate(
    const Tensor &x, const std::vector<int64_t> &dims,
    const std::vector<Pool> &pools,
    const std::function<Tensor(const std::vector<Tensor> &)> &excite,
    const std::vector<Tensor> &extras = {},
    const std::function<double(double x, double g,
                               const std::vector<double> &extras)> &epilogue =
        [](double x, double g, const std::vector<double> &) { return x * g; });

enum class Causal { None, TopLeft, BottomRight };
enum class MaskedRows { NaN, Zero, Uniform };

/// attn.sdpa with q (b, h, i, d), k (b, h / G, j, d), v (b, h / G, j, e).
/// Absent bias and mask are empty; their dims of size 1 broadcast.
struct SdpaParams {
  double scale = 1.0;
  Causal causal = Causal::None;
  int64_t windowLeft = -1, windowRight = -1; // −1: no limit
  double softcap = 0.0;                      // 0: none
  MaskedRows maskedRows = MaskedRows::NaN;
  std::optional<Tensor> bias;     // added to the score, (b, h, i, j)
  std::optional<Tensor> mask;     // 0: not attended to, (b, h, i, j)
  std::optional<Tensor> kvLength; // keys of each batch, (b)
  std::function<double(double s, int64_t b, int64_t h, int64_t i, int64_t j)>
      score;
};

struct SdpaResult {
  Tensor o;   // (b, h, i, e)
  Tensor lse; // (b, h, i): log Σ_j e^s
};

SdpaResult sdpa(const Tensor &q, const Tensor &k, const Tensor &v,
                const SdpaParams &params);

} // namespace heed::reference

#endif // HEED_RUNTIME_REFERENCE_REFERENCE_H
