// RopeOps.h - declarations of attn.rope.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_ROPE_ROPEOPS_H
#define HEED_DIALECT_ROPE_ROPEOPS_H

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

// Upstream's AggregatedOpInterface declares its method with unqualified names.
namespace heed::attn {
using llvm::SmallVector;
using mlir::FailureOr;
using mlir::OpBuilder;
using mlir::Value;
} // namespace heed::attn

#define GET_OP_CLASSES
#include "dialect/rope/RopeOps.h.inc"

#endif // HEED_DIALECT_ROPE_ROPEOPS_H
