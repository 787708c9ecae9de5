// CollapseDims.cpp - neighbouring dims of a buffer as one, where it is
// contiguous.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/CollapseDims.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace heed::lower {

bool isContiguous(Value buffer, int64_t first, int64_t last) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (dim > first && dim <= last)
      groups.back().push_back(dim);
    else
      groups.push_back({dim});
  }
  return memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups);
}

Value collapseTo(OpBuilder &b, Location loc, Value buffer,
                 ArrayRef<ReassociationIndices> groups) {
  auto type = cast<MemRefType>(buffer.getType());
  if (static_cast<int64_t>(groups.size()) == type.getRank())
    return buffer;
  return memref::CollapseShapeOp::create(b, loc, buffer, groups);
}

} // namespace heed::lower
