// AttnDecompose.cpp - what the definitions of several ops in linalg share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnDecompose.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace heed::attn {

Value createElementCount(OpBuilder &b, Location loc,
                         ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> dims,
                         FloatType type) {
  int64_t known = 1;
  Value unknown;
  for (int64_t dim : dims) {
    if (std::optional<int64_t> size = getConstantIntValue(sizes[dim])) {
      known *= *size;
      continue;
    }
    auto size = cast<Value>(sizes[dim]);
    unknown =
        unknown ? Value(arith::MulIOp::create(b, loc, unknown, size)) : size;
  }
  if (!unknown)
    return arith::ConstantOp::create(
        b, loc, b.getFloatAttr(type, static_cast<double>(known)));
  unknown = arith::MulIOp::create(
      b, loc, unknown, arith::ConstantIndexOp::create(b, loc, known));
  Value integer = arith::IndexCastOp::create(b, loc, b.getI64Type(), unknown);
  return arith::SIToFPOp::create(b, loc, type, integer);
}

} // namespace heed::attn
