// HopperOps.cpp - verifiers of the hopper dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/hopper/HopperOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "dialect/hopper/HopperDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialect/hopper/HopperOps.cpp.inc"

namespace heed::hopper {

/// Sizes that the hardware takes of a box, and of a row of it: 128 bytes.
static constexpr int64_t kMaxBox = 256, kRowElements = 64, kMaxRank = 5;
/// Columns of a product.
static constexpr int64_t kMaxColumns = 256;
/// Groups that may be under way, as the immediate of wgmma.wait_group.
static constexpr uint64_t kMaxPending = 7;

void HopperDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/hopper/HopperOps.cpp.inc"
      >();
}

LogicalResult TensorMapOp::verify() {
  auto type = cast<MemRefType>(getSource().getType());
  int64_t rank = type.getRank();
  if (rank < 1 || rank > kMaxRank)
    return emitOpError("source: expected 1 to 5 dims, got ") << rank;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) || strides.back() != 1)
    return emitOpError("source: expected a contiguous last dim, got ") << type;
  Type element = type.getElementType();
  if (!element.isF16() && !element.isBF16())
    return emitOpError("source: expected elements f16 or bf16, got ")
           << element;
  if (static_cast<int64_t>(getBox().size()) != rank)
    return emitOpError("box: expected ")
           << rank << " sizes, got " << getBox().size();
  for (int64_t size : getBox())
    if (size < 1 || size > kMaxBox)
      return emitOpError("box: expected sizes of 1 to 256, got ") << size;
  if (getBox().back() != kRowElements)
    return emitOpError("box: expected rows of 64 elements, got ")
           << getBox().back();
  return success();
}

LogicalResult WgmmaOp::verify() {
  if (!getElement().isF16() && !getElement().isBF16())
    return emitOpError("element: expected f16 or bf16, got ") << getElement();
  if (getB().empty())
    return emitOpError("b: expected one descriptor at least");
  size_t steps = getB().size();
  bool wide = llvm::all_of(getA().getTypes(),
                           [](Type type) { return type.isInteger(64); });
  bool narrow = llvm::all_of(getA().getTypes(),
                             [](Type type) { return type.isInteger(32); });
  if (!(wide && getA().size() == steps) &&
      !(narrow && getA().size() == 4 * steps))
    return emitOpError("a: expected one i64 or four i32 for each of ")
           << steps << " steps, got " << getA().size() << " operands";
  int64_t n = getColumnCount();
  if (n == 0 || n % 8 != 0 || n > kMaxColumns)
    return emitOpError(
               "d: expected the half of a multiple of 8 up to 256, got ")
           << getNumResults() << " elements";
  if (!getC().empty() && getC().size() != getNumResults())
    return emitOpError("c: expected none or ")
           << getNumResults() << " elements, got " << getC().size();
  return success();
}

LogicalResult WaitOp::verify() {
  if (getNumResults() != getFragment().size())
    return emitOpError("expected ")
           << getFragment().size() << " results, got " << getNumResults();
  if (getPending() > kMaxPending)
    return emitOpError("pending: expected 0 to 7, got ") << getPending();
  return success();
}

} // namespace heed::hopper
