// Gate.h - the parts that gates and their near-misses share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_GENERATE_GATE_H
#define HEED_TESTS_GENERATE_GATE_H

#include "tests/generate/Trace.h"

namespace heed::generate {

/// Labels: n batch, c channels, the others are places.
struct GateSizes {
  std::string dims;        // of x, in its layout
  std::string places;      // "hw", "l", "zhw"
  bool degenerate = false; // something pooled or kept has the size 1
};
GateSizes drawGateSizes(Trace &t, std::string &what);
Traced drawFeatures(Trace &t, const GateSizes &sizes);
/// A sigmoid, hard sigmoid, or another bounded function.
Traced activate(Trace &t, Traced a);
/// c → hidden → c, or c → c; the same weights for each call.
struct Mlp {
  Traced first, second, bias;
  char hidden = 0, mirror = 0;
  int64_t function = 0;
};
Mlp drawMlp(Trace &t);
Traced apply(Trace &t, const Mlp &mlp, Traced pooled);
/// Σ_k padded[.., c + k] · w[k], over each label of `along`.
Traced convolve(Trace &t, Traced a, char along);
/// x scaled by g, one for each channel or for each place, with what may stand
/// around it.
Traced scale(Trace &t, Traced x, Traced g, bool spatial, std::string &what);

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_GATE_H
