// Passes.td - attn ops and their surroundings -> bigger ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_FUSE_PASSES_TD
#define HEED_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"


#endif // HEED_PASSES_FUSE_PASSES_TD
