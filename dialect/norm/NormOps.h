// NormOps.h - declarations of attn.norm.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_NORM_NORMOPS_H
#define HEED_DIALECT_NORM_NORMOPS_H

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
#include "dialect/norm/NormOps.h.inc"

#endif // HEED_DIALECT_NORM_NORMOPS_H
