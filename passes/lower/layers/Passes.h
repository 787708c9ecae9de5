// Passes.h - the passes of this stage.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_LAYERS_PASSES_H
#define HEED_PASSES_LOWER_LAYERS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace heed::lower {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/lower/layers/Passes.h.inc"
} // namespace heed::lower

#endif // HEED_PASSES_LOWER_LAYERS_PASSES_H
