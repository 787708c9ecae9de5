// Passes.h - the passes of this stage.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_PASSES_H
#define HEED_PASSES_RECOGNIZE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace heed::recognize {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/recognize/Passes.h.inc"
} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_PASSES_H
