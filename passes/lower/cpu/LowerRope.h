// LowerRope.h - which rotary embeddings the kernel of LowerRope.cpp holds.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_LOWERROPE_H
#define HEED_PASSES_LOWER_CPU_LOWERROPE_H

#include "dialect/rope/RopeOps.h"
#include <string>

namespace heed::lower {

/// Why the kernel does not hold the op; empty where it does.
std::string whyNotLowerable(attn::RopeOp op);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_LOWERROPE_H
