// ExpPolynomial.h - 2^t in vector code, for the softmax.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_EXPPOLYNOMIAL_H
#define HEED_PASSES_LOWER_CPU_EXPPOLYNOMIAL_H

#include "mlir/IR/Builders.h"

namespace heed::lower {

/// 2^t for t ≤ 0 (and up to 127) of f32 or a vector of f32, relative error
/// below 2e-7; exactly 0 for t ≤ −127, also for −inf; NaN for NaN.
mlir::Value buildExp2(mlir::OpBuilder &b, mlir::Location loc, mlir::Value t,
                      bool hasFma);

/// x·y + z, fused where the CPU has it (else LLVM would call libm).
mlir::Value buildMulAdd(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                        mlir::Value y, mlir::Value z, bool hasFma);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CPU_EXPPOLYNOMIAL_H
