// CostedLoops.h - parallel loops that know what they cost
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_COSTEDLOOPS_H
#define HEED_PASSES_LOWER_CPU_COSTEDLOOPS_H

#include "mlir/IR/Builders.h"

namespace heed::lower {

/// Scalar operations of one iteration of an scf.parallel, for the runtime's
/// choice whether to fork; without it heed-lower-parallel counts the ops.
constexpr llvm::StringLiteral kCostAttr = "attn.cost";

/// One scf.parallel over `sizes`, as buildParallel, that does little but move
/// `elements` elements in vectors; 0: it is not known.
void buildStreaming(
    mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes,
    int64_t elements,
    llvm::function_ref<void(mlir::OpBuilder &, mlir::ValueRange)> body);

/// The same of a loop of `multiplyAdds` in vectors, operands in the cache;
/// serial where a fork cannot be worth it.
void buildComputing(
    mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes,
    int64_t multiplyAdds,
    llvm::function_ref<void(mlir::OpBuilder &, mlir::ValueRange)> body);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_COSTEDLOOPS_H
