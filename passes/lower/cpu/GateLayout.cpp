// GateLayout.cpp - the dims of a gate's x in runs of pooled and kept dims.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/GateLayout.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace heed::lower {

/// Whether `buffer` is contiguous over the dims of `group`; other dims stay.
static bool isCollapsible(Value buffer, ArrayRef<int64_t> group) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (llvm::is_contained(group.drop_front(), dim))
      groups.back().push_back(dim);
    else
      groups.push_back({dim});
  }
  return memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups);
}

GateLayout getGateLayout(attn::GateOp gate, ValueRange fullBuffers,
                         ValueRange keptBuffers) {
  GateLayout layout;
  int64_t rank = cast<MemRefType>(gate.getX().getType()).getRank();
  int64_t keptDim = 0;
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool pooled = llvm::is_contained(gate.getDimensions(), dim);
    bool joined = false;
    if (dim > 0 && pooled == layout.pooled.back()) {
      ReassociationIndices group = layout.full.back();
      group.push_back(dim);
      joined = llvm::all_of(fullBuffers, [&](Value buffer) {
        return isCollapsible(buffer, group);
      });
      if (joined && !pooled) {
        ReassociationIndices keptGroup = layout.kept.back();
        keptGroup.push_back(keptDim);
        joined = llvm::all_of(keptBuffers, [&](Value buffer) {
          return isCollapsible(buffer, keptGroup);
        });
      }
    }
    if (!joined) {
      layout.full.emplace_back();
      layout.pooled.push_back(pooled);
      if (!pooled)
        layout.kept.emplace_back();
    }
    layout.full.back().push_back(dim);
    if (!pooled)
      layout.kept.back().push_back(keptDim++);
  }
  return layout;
}

Value collapse(OpBuilder &b, Location loc, Value buffer,
               ArrayRef<ReassociationIndices> groups) {
  auto type = cast<MemRefType>(buffer.getType());
  if (static_cast<int64_t>(groups.size()) == type.getRank())
    return buffer;
  return memref::CollapseShapeOp::create(b, loc, buffer, groups);
}

} // namespace heed::lower
