// Weights.h - constants of any storage as bytes, and their concatenation.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_FUSE_WEIGHTS_H
#define HEED_PASSES_FUSE_WEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>

namespace heed::fuse {

/// One tensor of the same element type and of the same sizes but along `axis`.
struct WeightPart {
  mlir::ElementsAttr values; // null: zeros
  mlir::RankedTensorType type;
};

/// The bytes of the parts can be read.
bool isReadable(mlir::ElementsAttr values);

/// The parts side by side along `axis`, as a resource when large. Upstream's
/// folders do not read resources, so this is done here.
mlir::ElementsAttr concatenate(llvm::ArrayRef<WeightPart> parts, int64_t axis);

} // namespace heed::fuse

#endif // HEED_PASSES_FUSE_WEIGHTS_H
