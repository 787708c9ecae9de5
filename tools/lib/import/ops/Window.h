// Window.h - the sliding window that convolutions and pooling share: kernel,
// strides, pads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_WINDOW_H
#define HEED_TOOLS_LIB_IMPORT_OPS_WINDOW_H

#include "tools/lib/import/Node.h"

namespace heed::import {

struct Window {
  llvm::SmallVector<int64_t> kernel, strides, dilations;
  llvm::SmallVector<Sym> low, high; // pads of the spatial dims
  Shape outputs;                    // sizes of the spatial dims
  bool ceilMode = false;
};

/// Reads strides, dilations, pads, auto_pad and ceil_mode, and finds the output
/// sizes. With ceil_mode the high pads grow so that every window lies inside.
Window readWindow(Node &n, llvm::ArrayRef<int64_t> kernel,
                  llvm::ArrayRef<Sym> sizes);

/// x with the window's pads on its spatial dims (2 and up).
Tensor padded(Emitter &e, const Tensor &x, const Window &window,
              mlir::Value value);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_WINDOW_H
