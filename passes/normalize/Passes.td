// Passes.td - linalg on tensors in one spelling: no tosa, merged data movement.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_NORMALIZE_PASSES_TD
#define HEED_PASSES_NORMALIZE_PASSES_TD

include "mlir/Pass/PassBase.td"


#endif // HEED_PASSES_NORMALIZE_PASSES_TD
