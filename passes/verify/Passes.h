// Passes.h - the passes of this stage.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_VERIFY_PASSES_H
#define HEED_PASSES_VERIFY_PASSES_H

#include "mlir/Pass/Pass.h"

namespace heed::verify {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/verify/Passes.h.inc"
} // namespace heed::verify

#endif // HEED_PASSES_VERIFY_PASSES_H
