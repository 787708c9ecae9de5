// Compare.h - results against expected arrays, within tolerances.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_CHECK_COMPARE_H
#define HEED_TOOLS_LIB_CHECK_COMPARE_H

#include "tools/lib/npy/Npy.h"

namespace heed {

struct Comparison {
  double maxAbsError = 0; // over all elements
  bool within = true;
  std::string message; // the worst element, where not within
};

/// |got − want| ≤ atol + rtol·|want| for floats, equality for integers and
/// booleans; NaN equals NaN, infinities equal their like. An error where type
/// or shape differ.
llvm::Expected<Comparison> compareArrays(const Array &got, const Array &want,
                                         double atol, double rtol);

} // namespace heed

#endif // HEED_TOOLS_LIB_CHECK_COMPARE_H
