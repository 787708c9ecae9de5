// GateLayout.h - the dims of a gate's x in runs of pooled and kept dims.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_GATELAYOUT_H
#define HEED_PASSES_LOWER_CPU_GATELAYOUT_H

#include "dialect/gate/GateOps.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace heed::lower {

/// Neighbouring dims that are all pooled or all kept are one dim where every
/// buffer is contiguous over them: NCHW over H, W is (NC)(HW).
struct GateLayout {
  mlir::SmallVector<mlir::ReassociationIndices> full; // dims of x
  mlir::SmallVector<mlir::ReassociationIndices> kept; // dims of a pooled tensor
  mlir::SmallVector<bool> pooled;                     // one a group of `full`
};

/// `fullBuffers` have x's shape, `keptBuffers` that of the pools.
GateLayout getGateLayout(attn::GateOp gate, mlir::ValueRange fullBuffers,
                         mlir::ValueRange keptBuffers);

/// A view of `buffer` with one dim a group.
mlir::Value collapse(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer,
                     llvm::ArrayRef<mlir::ReassociationIndices> groups);

/// The pools of a gate into new buffers, one a pool, of x's shape without D.
mlir::SmallVector<mlir::Value>
lowerGatePools(mlir::OpBuilder &b, attn::GateOp gate, unsigned vectorBytes);

/// y = epilogue(x, gate, extras) into the gate's init.
void lowerGateScale(mlir::OpBuilder &b, attn::GateOp gate,
                    mlir::Value gateValue, unsigned vectorBytes);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_GATELAYOUT_H
