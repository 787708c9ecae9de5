// ResizeTable.h - resizing one dim by weights of each position.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_RESIZETABLE_H
#define HEED_TOOLS_LIB_IMPORT_OPS_RESIZETABLE_H

#include "tools/lib/import/Node.h"

namespace heed::import {

/// How positions and weights of a resized dim are found.
struct ResizeRule {
  std::string transform; // coordinate_transformation_mode
  bool cubic = false, antialias = false, excludeOutside = false;
  double cubicA = -0.75;
};

/// y[..., o, ...] = Σ_k weight[o, k]·x[..., index[o, k], ...], for a dim of
/// known size `in` resized to `out` with out / in ≈ `scale`.
Tensor resizeByTable(Emitter &e, const Tensor &x, int64_t axis, int64_t out,
                     double scale, const ResizeRule &rule);

/// The same for sizes that only the program knows; no antialiasing, whose
/// number of weights would be one of them. No scale is out / in.
Tensor resizeByFormula(Emitter &e, const Tensor &x, int64_t axis,
                       const Sym &out, std::optional<double> scale,
                       const ResizeRule &rule);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_RESIZETABLE_H
