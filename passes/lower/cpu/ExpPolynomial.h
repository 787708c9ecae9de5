// ExpPolynomial.h - 2^t in vector code, for the softmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_EXPPOLYNOMIAL_H
#define HEED_PASSES_LOWER_CPU_EXPPOLYNOMIAL_H

#include "mlir/IR/Builders.h"

namespace heed::lower {

/// Relative error: below 2.2e-7, or 7.5e-5 where the result is rounded to bf16
/// (2e-3).
enum class ExpGrade { f32, bf16 };

/// 2^t for t ≤ 0 (and up to 127) of f32 or a vector of f32; exactly 0 for
/// t ≤ −127, also for −inf; NaN for NaN.
mlir::Value buildExp2(mlir::OpBuilder &b, mlir::Location loc, mlir::Value t,
                      bool hasFma, ExpGrade grade = ExpGrade::f32);

/// x·y + z, fused where the CPU has it (else LLVM would call libm).
mlir::Value buildMulAdd(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                        mlir::Value y, mlir::Value z, bool hasFma);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_EXPPOLYNOMIAL_H
