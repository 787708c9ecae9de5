// Slice.h - the ops of the source program that one block is made of, and any
// ops as a function to read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_REPORT_SLICE_H
#define HEED_TOOLS_LIB_REPORT_SLICE_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include <map>
#include <string>

namespace heed {

/// Locations of ops that a fused op took in.
using Places = llvm::DenseSet<mlir::Location>;

/// The ops of an attention around its softmax: back to the product of queries
/// and keys, forward to the product with the values.
llvm::SmallVector<mlir::Operation *> sliceOfAttention(mlir::Operation *softmax);

/// The ops of a gate (or of what looks like one) at its multiplication: back
/// to the tensor that is scaled or, where that is not the pooled one, to the
/// nearest reduction; forward over what the fused op took in.
llvm::SmallVector<mlir::Operation *> sliceOfGate(mlir::Operation *product,
                                                 const Places &absorbed);

/// The ops on the ways from the value to `bottom`.
llvm::SmallVector<mlir::Operation *> sliceBetween(mlir::Value top,
                                                  mlir::Operation *bottom);

/// The value before data movement.
mlir::Value peelMovement(mlir::Value value);

/// The ops as a function of its own that heed-opt reads: what they use from
/// outside as arguments, but small constants; large constants elided.
std::string printAsFunction(llvm::ArrayRef<mlir::Operation *> ops);

/// How many ops of each name, except constants, destinations and terminators.
using OpCounts = std::map<std::string, int64_t>;
OpCounts countOps(llvm::ArrayRef<mlir::Operation *> ops);
/// All of a module, loop bodies included, without what linalg and attn ops
/// hold.
OpCounts countOps(mlir::Operation *module);

} // namespace heed

#endif // HEED_TOOLS_LIB_REPORT_SLICE_H
