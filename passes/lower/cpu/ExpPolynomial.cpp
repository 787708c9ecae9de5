// ExpPolynomial.cpp - 2^t in vector code, for the softmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   t ← max(t, −127)
//   n = round(t), r = t − n ∈ [−½, ½]
//   2^r = c0 + r·(c1 + r·(c2 + … r·c5))      minimax, error 7.5e-8, and
//                                            2.1e-7 with the rounding of f32;
//                                            degree 3 for bf16, 7.5e-5
//   2^t = 2^r · 2^n
//
// Adding 1.5·2^23 + 127 to t leaves round(t) + 127 in the low bits of the sum;
// shifted into the exponent that is 2^n, and 0 for n = −127. The libm calls
// that LLVM would emit cost a softmax 3.3 times its time.
#include "passes/lower/cpu/ExpPolynomial.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using heed::attn::buildFloat;

namespace heed::lower {

Value buildMulAdd(OpBuilder &b, Location loc, Value x, Value y, Value z,
                  bool hasFma) {
  if (hasFma)
    return math::FmaOp::create(b, loc, x, y, z);
  return arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, x, y), z);
}

Value buildExp2(OpBuilder &b, Location loc, Value t, bool hasFma,
                ExpGrade grade) {
  Type type = t.getType();
  Type intType = b.getI32Type();
  if (auto vector = dyn_cast<VectorType>(type))
    intType = vector.clone(intType);
  auto constant = [&](double value) { return buildFloat(b, loc, type, value); };

  // Written as a comparison: one instruction on x86, and a NaN stays.
  Value least = constant(-127.0);
  Value below =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, least, t);
  t = arith::SelectOp::create(b, loc, below, least, t);

  Value magic = constant(12582912.0 + 127.0);
  Value shifted = arith::AddFOp::create(b, loc, t, magic);
  Value n = arith::SubFOp::create(b, loc, shifted, magic);
  Value r = arith::SubFOp::create(b, loc, t, n);

  static constexpr double kDegree5[] = {1.327647245e-3, 9.675540961e-3,
                                        5.550713092e-2, 2.402212024e-1,
                                        6.931469440e-1, 1.000000119};
  static constexpr double kDegree3[] = {5.517166954e-2, 2.426111254e-1,
                                        6.932609857e-1, 9.999280733e-1};
  ArrayRef<double> c = grade == ExpGrade::f32 ? ArrayRef<double>(kDegree5)
                                              : ArrayRef<double>(kDegree3);
  Value p = constant(c.front());
  for (double next : c.drop_front())
    p = buildMulAdd(b, loc, p, r, constant(next), hasFma);

  TypedAttr twentyThree = b.getI32IntegerAttr(23);
  if (auto vector = dyn_cast<VectorType>(intType))
    twentyThree = DenseElementsAttr::get(vector, Attribute(twentyThree));
  Value bits = arith::BitcastOp::create(b, loc, intType, shifted);
  bits = arith::ShLIOp::create(b, loc, bits,
                               arith::ConstantOp::create(b, loc, twentyThree));
  Value scale = arith::BitcastOp::create(b, loc, type, bits);
  return arith::MulFOp::create(b, loc, p, scale);
}

} // namespace heed::lower
