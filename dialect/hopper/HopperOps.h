// HopperOps.h - declarations of the hopper dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_HOPPER_HOPPEROPS_H
#define HEED_DIALECT_HOPPER_HOPPEROPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"

#include "dialect/hopper/HopperDialect.h.inc"

#define GET_OP_CLASSES
#include "dialect/hopper/HopperOps.h.inc"

#endif // HEED_DIALECT_HOPPER_HOPPEROPS_H
