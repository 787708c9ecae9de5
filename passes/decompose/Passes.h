// Passes.h - the passes of this stage.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_DECOMPOSE_PASSES_H
#define HEED_PASSES_DECOMPOSE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace heed::decompose {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/decompose/Passes.h.inc"
} // namespace heed::decompose

#endif // HEED_PASSES_DECOMPOSE_PASSES_H
