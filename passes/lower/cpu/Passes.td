// Passes.td - linalg and attn on the CPU: from tensors to calls and LLVM.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_PASSES_TD
#define HEED_PASSES_LOWER_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"


#endif // HEED_PASSES_LOWER_CPU_PASSES_TD
