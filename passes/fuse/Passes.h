// Passes.h - the passes of this stage.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_FUSE_PASSES_H
#define HEED_PASSES_FUSE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace heed::fuse {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/fuse/Passes.h.inc"
} // namespace heed::fuse

#endif // HEED_PASSES_FUSE_PASSES_H
