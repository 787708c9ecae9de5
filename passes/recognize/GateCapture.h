// GateCapture.h - pools that attn.gate has no name for: its excitation reads
// the tensor itself.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_GATECAPTURE_H
#define HEED_PASSES_RECOGNIZE_GATECAPTURE_H

#include "passes/recognize/GatePools.h"

namespace heed::recognize {

/// A reduction of the root over whole dimensions by something else than a
/// mean, a maximum or a sum.
struct CapturedPool {
  Layout axes; // the root's digits left in the value
  llvm::SmallVector<Atom> reduced;
  llvm::SmallVector<mlir::Operation *, 2> readers; // of the root
  bool isPower = false;
};

/// `value` as Σ x², Σ |x|^p, Σ (x − m)², Σ e^(x − m), min x, max |x| or Σ w·x
/// with constant w, where m does not vary along what is reduced. What m is made
/// of is not looked at.
std::optional<CapturedPool> matchCapturedPool(mlir::Value value,
                                              mlir::Value root);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_GATECAPTURE_H
