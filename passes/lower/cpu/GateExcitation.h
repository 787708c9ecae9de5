// GateExcitation.h - from the pools of a gate to its values, on buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_GATEEXCITATION_H
#define HEED_PASSES_LOWER_CPU_GATEEXCITATION_H

#include "dialect/gate/GateImages.h"
#include "mlir/IR/IRMapping.h"
#include "passes/lower/cpu/SmallLinalg.h"

namespace heed::lower {

/// Whether the products and convolutions of the gate on tensors are small
/// enough for vector code of Heed's own; a library then leaves them alone.
bool keepsExcitationNative(attn::GateOp gate);

/// The region `excite` of a gate on buffers. Small linalg ops become vector
/// code; all others are cloned, for later passes.
class GateExcitation {
public:
  explicit GateExcitation(attn::GateOp gate);

  /// Whether one image after another is possible: each op is vector code, and
  /// computes image n from image n alone, the first dim of all buffers.
  bool isPerImage() const { return perImage; }

  /// What does not depend on pools: buffers, their views, constants. `pools`
  /// are the buffers of all images. Gives g, null if it is made by a later op.
  Value buildPrologue(OpBuilder &b, ValueRange pools);
  /// The rest, of all images where `image` is null. Gives g of all images.
  Value build(OpBuilder &b, unsigned length, Value image = {});

private:
  struct Step {
    mlir::Operation *op;
    std::optional<unsigned> imageDim; // of the loops of a linalg op
  };
  bool classify(mlir::Operation *op);

  attn::GateOp gate;
  attn::GateImages images;
  bool perImage = true;
  llvm::SmallVector<mlir::Operation *> prologue;
  llvm::SmallVector<Step> steps;
  mlir::IRMapping mapping;
};

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_GATEEXCITATION_H
