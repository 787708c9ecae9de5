// Normalization.h - what the normalising ops share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_NORMALIZATION_H
#define HEED_TOOLS_LIB_IMPORT_OPS_NORMALIZATION_H

#include "tools/lib/import/Node.h"

namespace heed::import {

/// 1 / √(x + epsilon)
Tensor inverseRoot(Emitter &e, const Tensor &x, double epsilon);

struct Normalised {
  Tensor y, mean, inverseDeviation;
};
/// (x − mean) / √(var + ε) over `axes`.
Normalised normalise(Emitter &e, const Tensor &x, llvm::ArrayRef<int64_t> axes,
                     double epsilon);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_NORMALIZATION_H
