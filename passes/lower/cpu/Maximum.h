// Maximum.h - the greater of floats in one instruction.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_MAXIMUM_H
#define HEED_PASSES_LOWER_CPU_MAXIMUM_H

#include "mlir/IR/Builders.h"

namespace heed::lower {

/// The greater one, of floats or of vectors, in one instruction on x86: s if it
/// is NaN.
mlir::Value buildMaximum(mlir::OpBuilder &b, mlir::Location loc, mlir::Value a,
                         mlir::Value s);
/// Of the lanes of a vector.
mlir::Value buildMaximumOfLanes(mlir::OpBuilder &b, mlir::Location loc,
                                mlir::Value vector);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_MAXIMUM_H
