// AttnDialect.h - the attn dialect: its attributes, enums and attn.yield.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_ATTNDIALECT_H
#define HEED_DIALECT_ATTNDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/AttnDialect.h.inc"
#include "dialect/AttnEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/AttnAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialect/AttnOps.h.inc"

namespace heed::attn {
/// Registers the dialect and everything attached to it: bufferisation of its
/// ops.
void registerAttnDialect(mlir::DialectRegistry &registry);
} // namespace heed::attn

#endif // HEED_DIALECT_ATTNDIALECT_H
