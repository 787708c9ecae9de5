// AttnDialect.cpp - registers the attributes and ops of the attn dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/AttnDialect.h"

#include "dialect/AttnBufferize.h"
#include "dialect/gate/GateOps.h"
#include "dialect/norm/NormOps.h"
#include "dialect/primitive/PrimitiveOps.h"
#include "dialect/recurrent/RecurrentOps.h"
#include "dialect/rope/RopeOps.h"
#include "dialect/sdpa/SdpaOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialect/AttnDialect.cpp.inc"
#include "dialect/AttnEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/AttnAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/AttnOps.cpp.inc"

using namespace mlir;

namespace heed::attn {
namespace {
/// Every op of the dialect may move into a caller: the body of a layer's
/// function is what it was.
struct AttnInliner : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void AttnDialect::initialize() {
  addInterfaces<AttnInliner>();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/AttnAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/AttnOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/gate/GateOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/sdpa/SdpaOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/norm/NormOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/rope/RopeOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/primitive/PrimitiveOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/recurrent/RecurrentOps.cpp.inc"
      >();
}

void registerAttnDialect(DialectRegistry &registry) {
  registry.insert<AttnDialect>();
  registerAttnBufferization(registry);
}

} // namespace heed::attn
