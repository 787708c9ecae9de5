// GateExcitation.h - everything between a gate's value and the pools of the
// tensor it scales.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_GATEEXCITATION_H
#define HEED_PASSES_RECOGNIZE_GATEEXCITATION_H

#include "passes/recognize/GatePools.h"
#include <string>

namespace heed::recognize {

/// Why an anchor is not fused, and what to change in the source model.
struct Refusal {
  std::string reason;
  std::string suggestion;
  bool isNorm = false;
};

/// gate = excite(pools of root): `ops` in program order, each of which depends
/// on a pool; what they use from outside does not depend on the root.
struct Excitation {
  llvm::SmallVector<mlir::Operation *> ops;
  llvm::SmallVector<GatePool, 2> pools;
  std::optional<Refusal> refusal;
  /// The root was reached, through a pool or not.
  bool readsRoot = false;
  /// Something learns or saturates between the pools and the gate: a product
  /// with weights, an exponential, a bound.
  bool hasActivation = false;
};
/// The excitation of `gate` by pools of `root`, for an anchor in `block`. Pools
/// over more than the digits `over` are made of smaller pools where they can
/// be; over none, there is no limit.
Excitation findExcitation(mlir::Value gate, mlir::Value root,
                          mlir::Block *block, llvm::ArrayRef<Atom> over);

/// What the user knows `op` by: its name and the source's node, if any.
std::string describe(mlir::Operation *op);

/// The nearest reduction that `gate` depends on, or null.
mlir::Operation *nearestReduction(mlir::Value gate);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_GATEEXCITATION_H
