// CollapseDims.h - neighbouring dims of a buffer as one, where it is contiguous.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_COLLAPSEDIMS_H
#define HEED_PASSES_LOWER_CPU_COLLAPSEDIMS_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Builders.h"

namespace heed::lower {

/// Whether a memref is contiguous over its dims first … last.
bool isContiguous(mlir::Value buffer, int64_t first, int64_t last);

/// The memref with each group of dims, contiguous, as one.
mlir::Value collapseTo(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value buffer,
                       llvm::ArrayRef<mlir::ReassociationIndices> groups);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_COLLAPSEDIMS_H
