// PrimitiveOps.h - declarations of attn.primitive.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_DIALECT_PRIMITIVE_PRIMITIVEOPS_H
#define HEED_DIALECT_PRIMITIVE_PRIMITIVEOPS_H

#include "dialect/AttnDialect.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

#define GET_OP_CLASSES
#include "dialect/primitive/PrimitiveOps.h.inc"

#endif // HEED_DIALECT_PRIMITIVE_PRIMITIVEOPS_H
