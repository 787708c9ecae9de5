// Recurrent.h - the activations that a recurrent node names.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_RECURRENT_H
#define HEED_TOOLS_LIB_IMPORT_OPS_RECURRENT_H

#include "dialect/recurrent/RecurrentOps.h"
#include "tools/lib/import/Node.h"

namespace heed::import {

/// The activations of all directions as the node's attributes say, `perCell`
/// for each; empty where it names none. Parameters are taken in order by the
/// functions that have them.
llvm::SmallVector<attn::Activation> readActivations(Node &n, size_t perCell,
                                                    size_t directions);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_RECURRENT_H
