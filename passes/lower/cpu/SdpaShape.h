// SdpaShape.h - an attention as the cost model sees it
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_SDPASHAPE_H
#define HEED_PASSES_LOWER_CPU_SDPASHAPE_H

#include "dialect/sdpa/SdpaOps.h"
#include "runtime/cost/CostModel.h"

namespace heed::lower {

/// The sizes of `op`, those that its mask's attributes leave, and what its
/// query heads share.
cost::Attention getShape(attn::SdpaOp op);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_SDPASHAPE_H
