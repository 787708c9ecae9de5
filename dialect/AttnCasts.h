// AttnCasts.h - ops read through casts that forget sizes
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_ATTNCASTS_H
#define HEED_DIALECT_ATTNCASTS_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace heed::attn {

/// Takes what is in front of each `tensor.cast` that an operand comes from, if
/// more sizes are known there; the result is cast to the type it had. False if
/// there is nothing to do. Upstream's pattern for ops with a destination clones
/// the op, and crashes where it has a region: the ops with regions have this one
/// with a higher benefit.
bool foldCastOperands(mlir::PatternRewriter &rewriter,
                      mlir::DestinationStyleOpInterface op);

} // namespace heed::attn

#endif // HEED_DIALECT_ATTNCASTS_H
