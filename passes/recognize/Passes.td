// Passes.td - many ops -> one attn op, where it is proven.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_PASSES_TD
#define HEED_PASSES_RECOGNIZE_PASSES_TD

include "mlir/Pass/PassBase.td"


#endif // HEED_PASSES_RECOGNIZE_PASSES_TD
