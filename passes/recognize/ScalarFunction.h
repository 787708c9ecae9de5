// ScalarFunction.h - a scalar op of arith or math as a function of numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_SCALARFUNCTION_H
#define HEED_PASSES_RECOGNIZE_SCALARFUNCTION_H

#include "mlir/IR/Operation.h"
#include <functional>
#include <optional>

namespace heed::recognize {

/// None where the op has no defined result.
using ScalarFunction =
    std::function<std::optional<double>(llvm::ArrayRef<double>)>;

/// What the op computes, rounded as its type rounds; null where that is not the
/// same in any order of computation, or a float is neither f32 nor f64.
ScalarFunction scalarFunctionOf(mlir::Operation *op);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_SCALARFUNCTION_H
