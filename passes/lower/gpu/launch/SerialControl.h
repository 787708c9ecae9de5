// SerialControl.h - what may stand around work of the device.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_LAUNCH_SERIALCONTROL_H
#define HEED_PASSES_LOWER_GPU_LAUNCH_SERIALCONTROL_H

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace heed::lower {

/// Loops and branches of the host, one after the other.
inline bool isSerialControl(mlir::Operation *op) {
  return mlir::isa<mlir::scf::ForOp, mlir::scf::IfOp, mlir::scf::WhileOp,
                   mlir::scf::IndexSwitchOp>(op);
}

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_GPU_LAUNCH_SERIALCONTROL_H
