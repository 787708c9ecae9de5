// Gather.h - reading at computed indices, for the ops that do.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_GATHER_H
#define HEED_TOOLS_LIB_IMPORT_OPS_GATHER_H

#include "tools/lib/import/Node.h"

namespace heed::import {

/// Fails, or checks at run time, unless −size ≤ every index < size.
void checkIndices(Emitter &e, const Tensor &indices, const Sym &size);

/// Makes an index value of a scalar in [−size, size), clamped into [0, size) so
/// that nothing reads out of bounds whatever it is.
struct IndexClamp {
  IndexClamp(Emitter &e, const Tensor &indices, const Sym &extent);
  mlir::Value operator()(mlir::OpBuilder &b, mlir::Location l,
                         mlir::Value v) const;

  mlir::Value size, zero, last;
  bool plain = true; // known to lie in [0, size)
};

/// x[..., indices, ...] along an axis, as ONNX Gather.
Tensor gather(Emitter &e, const Tensor &x, const Tensor &indices, int64_t axis);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_GATHER_H
