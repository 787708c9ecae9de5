// GatePools.h - the pools of a tensor: mean, maximum, sum over whole
// dimensions, in every spelling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_GATEPOOLS_H
#define HEED_PASSES_RECOGNIZE_GATEPOOLS_H

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/recognize/Movement.h"

namespace heed::recognize {

/// A sum or maximum of `input` over some of the loops of `op`, from a neutral
/// initial value. Loops that a window walks over count where it covers all.
struct Reduction {
  mlir::linalg::LinalgOp op;
  mlir::OpOperand *input;
  attn::Pool kind; // sum or max
  /// For each dimension of the result: the dimension of the input that it is,
  /// or -1 where it has size 1.
  llvm::SmallVector<int64_t> kept;
  /// Dimensions of the input that are gone.
  llvm::SmallVector<int64_t> reduced;
  /// Dimensions of the input that windows divide exactly, and their sizes there.
  llvm::SmallVector<std::pair<int64_t, int64_t>> tiles = {};
};
/// The result `value` as such a reduction; with `minima` a minimum counts as a
/// maximum, with `tiles` a window may divide a dimension.
std::optional<Reduction> matchReduction(mlir::Value value, bool minima = false,
                                        bool tiles = false);

/// Σ w·x over whole dimensions of x in one op, where x is the root moved.
struct WeightedSum {
  Reduction reduction; // of x
  mlir::OpOperand *weights;
};
std::optional<WeightedSum> matchWeightedSum(mlir::Value value,
                                            mlir::Value root);

/// Whether `op` sums or maximises at all, also over windows or with weights.
bool isReduction(mlir::Operation *op);
/// A sum or maximum over windows that do not cover a whole dimension.
bool isWindowPool(mlir::Operation *op);

/// value = pool of the root, moved: `axes` are the root's digits left in it.
struct GatePool {
  mlir::Value value;
  attn::Pool kind;
  Layout axes;
  llvm::SmallVector<Atom> reduced;
  /// Dimensions of size 1 that the root loses, where nothing moves it.
  llvm::SmallVector<int64_t> units;
  /// One reduction of the root itself: it names its dimensions, also those of
  /// size 1.
  bool namesUnits = false;
  /// Computed by the excitation from the root: no pool of the op.
  bool isCaptured = false;
  /// value = factor · pool: of a pool of c · root.
  double factor = 1;
};
/// `value` as a pool (mean, max, sum) of `root`, which is behind no movement.
std::optional<GatePool> matchPool(mlir::Value value, mlir::Value root);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_GATEPOOLS_H
