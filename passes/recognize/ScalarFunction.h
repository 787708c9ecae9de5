// ScalarFunction.h - a scalar op of arith or math as a function of numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_SCALARFUNCTION_H
#define HEED_PASSES_RECOGNIZE_SCALARFUNCTION_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/ArrayRef.h"
#include <functional>

namespace heed::recognize {

/// An operand for each result of a line; one number is that of all of them.
struct Operand {
  llvm::ArrayRef<double> values;
  double operator[](size_t i) const {
    return values[values.size() == 1 ? 0 : i];
  }
};

/// A line of results from lines of operands; false where the op has no defined
/// result for one of them. A call for a line, not for a number: tables of
/// masks have millions of them.
using ScalarFunction =
    std::function<bool(llvm::ArrayRef<Operand>, llvm::MutableArrayRef<double>)>;

/// What the op computes, rounded as its type rounds; null where that is not the
/// same in any order of computation, or a float is neither f32 nor f64.
ScalarFunction scalarFunctionOf(mlir::Operation *op);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_SCALARFUNCTION_H
