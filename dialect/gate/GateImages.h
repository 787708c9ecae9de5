// GateImages.h - which of a gate's excitation is computed image by image.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_GATE_GATEIMAGES_H
#define HEED_DIALECT_GATE_GATEIMAGES_H

#include "dialect/gate/GateOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace heed::attn {

/// The first dim of a gate on buffers as that of images: the buffers of its
/// region that have one, and whether image n follows from image n alone.
class GateImages {
public:
  explicit GateImages(GateOp gate);

  /// Whether each op keeps images apart. The gate's dims are not asked.
  bool areSeparate() const { return separate; }
  /// Whether the first dim of the buffer is that of the images.
  bool isBatched(mlir::Value value) const { return batched.contains(value); }
  /// The loop over images of a linalg op that keeps them apart.
  std::optional<unsigned> findLoop(mlir::linalg::LinalgOp op) const;

private:
  bool classify(mlir::Operation *op);
  bool hasImages(mlir::Value buffer);
  bool keepsImages(mlir::Operation *view);

  GateOp gate;
  int64_t images; // size of the first dim, 0 if not constant
  bool separate = true;
  llvm::DenseSet<mlir::Value> batched;
};

} // namespace heed::attn

#endif // HEED_DIALECT_GATE_GATEIMAGES_H
