// Layers.h - finds the layers of a network: one sequence of ops, repeated.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_FUSE_LAYERS_H
#define HEED_PASSES_FUSE_LAYERS_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/SetVector.h"

namespace heed::fuse {

/// One instance of a layer: its ops in order.
using LayerOps = llvm::ArrayRef<mlir::Operation *>;

/// A stretch of a block that repeats: `count` times `period` ops, each time
/// the same ops with the same attributes and types.
struct Layers {
  llvm::SmallVector<mlir::Operation *> ops;
  size_t period;

  size_t count() const { return ops.size() / period; }
  LayerOps instance(size_t i) const {
    return LayerOps(ops).slice(i * period, period);
  }
};

/// All repeated stretches of the block that hold an attention block; none
/// overlap. The operands are not compared yet.
///
/// Only what depends on a product or an attention counts: sizes, masks and
/// positions are computed once, where the first layer wants them, and would
/// make it differ from the others. So would the first layer's own norm; where
/// it is cut off, the first layer is found again by `findPrevious`.
llvm::SmallVector<Layers> findLayers(mlir::Block &block);

/// True for ops that every function has its own of: constants, empty tensors.
bool isLeaf(mlir::Operation *op);

/// The values that `op` and its regions read from outside of it, in the order
/// in which they are read, repeated where they are read again.
llvm::SmallVector<mlir::Value> readValues(mlir::Operation *op);

/// The results of an instance that are used outside of it, as (position of the
/// op, number of its result).
llvm::SetVector<std::pair<size_t, size_t>> escapingResults(LayerOps instance);

/// The op of the instance after which a call can take its place.
mlir::Operation *lastInBlock(LayerOps instance);

/// The instance before `first`, found from what it gives to it: `second` reads
/// from `first` what `first` reads from that instance. Empty if there is none.
llvm::SmallVector<mlir::Operation *> findPrevious(LayerOps first,
                                                  LayerOps second);

} // namespace heed::fuse

#endif // HEED_PASSES_FUSE_LAYERS_H
