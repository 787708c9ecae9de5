// RecurrentOps.h - declarations of attn.recurrent.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_RECURRENT_RECURRENTOPS_H
#define HEED_DIALECT_RECURRENT_RECURRENTOPS_H

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

#include "dialect/recurrent/RecurrentEnums.h.inc"

namespace heed::attn {
/// A function of a cell, with its constants.
struct Activation {
  ActivationKind kind;
  double alpha = 0, beta = 0;
  bool operator==(const Activation &other) const {
    return kind == other.kind && alpha == other.alpha && beta == other.beta;
  }
};
} // namespace heed::attn

#define GET_OP_CLASSES
#include "dialect/recurrent/RecurrentOps.h.inc"

#endif // HEED_DIALECT_RECURRENT_RECURRENTOPS_H
