// Maximum.cpp - the greater of floats in one instruction.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/Maximum.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace heed::lower {

Value buildMaximum(OpBuilder &b, Location loc, Value a, Value s) {
  Value greater =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, a, s);
  return arith::SelectOp::create(b, loc, greater, a, s);
}

/// By halves: LLVM would take the lanes apart, to treat NaN its own way.
Value buildMaximumOfLanes(OpBuilder &b, Location loc, Value vector) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  for (int64_t shift = lanes / 2; shift > 0; shift /= 2) {
    SmallVector<int64_t> rotated;
    for (int64_t lane = 0; lane < lanes; ++lane)
      rotated.push_back((lane + shift) % lanes);
    vector = buildMaximum(
        b, loc, vector,
        vector::ShuffleOp::create(b, loc, vector, vector, rotated));
  }
  return vector::ExtractOp::create(b, loc, vector, 0);
}

} // namespace heed::lower
