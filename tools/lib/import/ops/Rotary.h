// Rotary.h - rotary position embedding, for the ops that have it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_ROTARY_H
#define HEED_TOOLS_LIB_IMPORT_OPS_ROTARY_H

#include "tools/lib/import/Node.h"

namespace heed::import {

/// Pairs of the first `rotated` elements of each head of a 4-D x turned by the
/// angles of `cos` and `sin`, which are [b, s, rotated / 2].
Tensor rotate(Emitter &e, const Tensor &x, Tensor cos, Tensor sin,
              const Sym &rotated, int64_t headAxis, bool interleaved);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_ROTARY_H
