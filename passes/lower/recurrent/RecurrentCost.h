// RecurrentCost.h - which of its lowerings a recurrent layer takes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_RECURRENT_RECURRENTCOST_H
#define HEED_PASSES_LOWER_RECURRENT_RECURRENTCOST_H

#include "dialect/recurrent/RecurrentOps.h"

namespace heed::lower {

/// Scalar operations of a layer's steps for the rows that a thread takes.
int64_t costOfRecurrentTask(attn::RecurrentOp op);

/// Whether oneDNN holds the layer whole: the usual functions on constant
/// weights.
bool isHeldByLibrary(attn::RecurrentOp op);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_RECURRENT_RECURRENTCOST_H
