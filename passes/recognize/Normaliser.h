// Normaliser.h - tells a normalisation's factor from a gate.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_NORMALISER_H
#define HEED_PASSES_RECOGNIZE_NORMALISER_H

#include "mlir/IR/Value.h"

namespace heed::recognize {

/// gate = c / p, c · rsqrt(p), … with p a polynomial (with roots and maxima) of
/// reductions: a scale-invariant normalisation and no gate.
bool isReciprocalOfReduction(mlir::Value gate);

/// The factor comes from a root that RecognizeNorm has a remark on: it says why
/// this is no norm, and nobody else need say it again.
bool isMissedNorm(mlir::Value factor);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_NORMALISER_H
