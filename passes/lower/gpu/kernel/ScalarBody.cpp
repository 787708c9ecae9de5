// ScalarBody.cpp - scalars of linalg bodies and epilogues in a kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/ScalarBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace heed::cuda {

static bool isNarrowFloat(Type type) { return type.isF16() || type.isBF16(); }

Type computeType(Type element) {
  return isNarrowFloat(element) ? Type(Float32Type::get(element.getContext()))
                                : element;
}

int64_t bytesOf(Type element) {
  return element.isIndex()
             ? 8
             : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

bool isComputable(Type element) {
  return isNarrowFloat(element) || element.isF32() || element.isInteger(1) ||
         element.isInteger(8) || element.isInteger(16) ||
         element.isInteger(32) || element.isInteger(64);
}

Value loadElement(KernelBuilder &k, Value pointer, Type element) {
  Type stored = element.isInteger(1) ? Type(k.b.getI8Type()) : element;
  Value value = LLVM::LoadOp::create(k.b, k.loc, stored, pointer);
  if (isNarrowFloat(element))
    return arith::ExtFOp::create(k.b, k.loc, k.b.getF32Type(), value);
  if (element.isInteger(1))
    return arith::TruncIOp::create(k.b, k.loc, element, value);
  return value;
}

void storeElement(KernelBuilder &k, Value value, Value pointer, Type element) {
  if (isNarrowFloat(element))
    value = arith::TruncFOp::create(k.b, k.loc, element, value);
  if (element.isInteger(1))
    value = arith::ExtUIOp::create(k.b, k.loc, k.b.getI8Type(), value);
  LLVM::StoreOp::create(k.b, k.loc, value, pointer);
}

Operation *findUnknownScalar(Block &body) {
  auto isScalar = [](Type type) {
    return type.isIndex() || isComputable(type);
  };
  for (Operation &op : body.without_terminator()) {
    // Others are calls of CUDA's library of device code.
    bool isFunction =
        isa<math::AbsFOp, math::CeilOp, math::ErfOp, math::ExpOp, math::Exp2Op,
            math::FloorOp, math::FmaOp, math::LogOp, math::Log2Op,
            math::RsqrtOp, math::SqrtOp, math::TanhOp>(op);
    bool isArith = isa<arith::ArithDialect>(op.getDialect()) &&
                   !isa<arith::RemFOp, arith::BitcastOp, arith::CeilDivSIOp,
                        arith::CeilDivUIOp, arith::FloorDivSIOp>(op);
    bool isKnown = isFunction || isArith || isa<linalg::IndexOp>(op);
    if (!isKnown || op.getNumResults() != 1 ||
        !llvm::all_of(op.getResultTypes(), isScalar) ||
        !llvm::all_of(op.getOperandTypes(), isScalar))
      return &op;
  }
  return nullptr;
}

Value buildScalarBody(KernelBuilder &k, Block &body, ValueRange args,
                      const ScalarScope &scope) {
  IRMapping mapping;
  for (auto [argument, value] : llvm::zip(body.getArguments(), args))
    mapping.map(argument, value);
  auto lookup = [&](Value value) {
    if (!mapping.contains(value))
      mapping.map(value, scope.outer(value));
    return mapping.lookup(value);
  };
  for (Operation &op : body.without_terminator()) {
    Value result = op.getResult(0);
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      mapping.map(result, scope.index(index.getDim()));
      continue;
    }
    APFloat constant(0.0f);
    if (isNarrowFloat(result.getType()) &&
        matchPattern(result, m_ConstantFloat(&constant))) {
      mapping.map(result, k.f32(constant.convertToDouble()));
      continue;
    }
    for (Value operand : op.getOperands())
      lookup(operand);
    if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
      mapping.map(result, lookup(op.getOperand(0)));
      continue;
    }
    Value value = k.b.clone(op, mapping)->getResult(0);
    value.setType(computeType(value.getType()));
  }
  return lookup(body.getTerminator()->getOperand(0));
}

} // namespace heed::cuda
