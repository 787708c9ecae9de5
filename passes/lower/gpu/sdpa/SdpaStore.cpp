// SdpaStore.cpp - the end of a row of the GPU's attention: o / l, lse.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/sdpa/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {

static constexpr double kLn2 = 0.6931471805599453;

Value invertSum(SdpaKernel &kernel, Value l) {
  KernelBuilder &k = kernel.k;
  auto fast = arith::FastMathFlags::afn | arith::FastMathFlags::arcp;
  Value inverse = arith::DivFOp::create(k.b, k.loc, k.f32(1), l, fast);
  if (kernel.op.getMaskedRows() != attn::MaskedRows::zero)
    return inverse;
  Value attendsNone =
      arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ, l, k.f32(0));
  return k.select(attendsNone, k.f32(0), inverse);
}

void storeElements(SdpaKernel &kernel, ArrayRef<Value> values, Value address) {
  KernelBuilder &k = kernel.k;
  FloatType element = kernel.elementType();
  if (element.isF32())
    k.storeVector(values, address);
  else if (values.size() == 2)
    k.storeVector(packPair(k, element, values[0], values[1]), address);
  else
    k.storeVector(attn::buildFloatCast(k.b, k.loc, values[0], element),
                  address);
}

void storeLogSum(SdpaKernel &kernel, Value b, Value h, Value row, Value m,
                 Value l) {
  KernelBuilder &k = kernel.k;
  double unit =
      kernel.scalesInStage() ? 1 : kernel.op.getScale().convertToDouble();
  Value log = math::Log2Op::create(k.b, k.loc, l);
  Value inUnits = arith::MulFOp::create(k.b, k.loc, m, k.f32(unit));
  Value lse = math::FmaOp::create(k.b, k.loc, log, k.f32(kLn2), inUnits);
  if (kernel.isUniform()) {
    Value attendsNone = arith::CmpFOp::create(
        k.b, k.loc, arith::CmpFPredicate::OLE, m, k.f32(kLeastScore));
    lse = k.select(attendsNone, k.f32(-std::numeric_limits<double>::infinity()),
                   lse);
  }
  Value offset = k.mul(k.mul(k.widen(row), kernel.lse.stride(SdpaOp::I)),
                       k.i64(kernel.lse.elementBytes()));
  Value rounded =
      attn::buildFloatCast(k.b, k.loc, lse, kernel.lse.tensor.element);
  LLVM::StoreOp::create(k.b, k.loc, rounded,
                        k.advance(kernel.lse.head(k, b, h), offset));
}

} // namespace heed::cuda
