// Mutants.h - miscompiles to plant in a recognised program: the tests must see
// each.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_GENERATE_MUTANTS_H
#define HEED_TESTS_GENERATE_MUTANTS_H

#include "tests/generate/Case.h"

namespace heed::generate {

/// A program with known parts. Sizes are such that a wrong dimension still
/// fits.
enum class Subject {
  Heads,       // all sizes equal, scale
  Causal,      // more keys than queries, from the first key
  CausalLast,  // the same, from the last key
  Window,      // 1 to the left, 2 to the right
  Groups,      // three heads a key
  Bias,        // a bias over (h, i, j), softcap 2
  Padding,     // a mask (b, j), -inf; batch 1 has no key
  PaddingLow,  // the same by a finite number
  Slopes,      // ALiBi, with a lower limit for each head
  Projections, // q, k and v from one tensor
  Excitation,  // one linear layer c -> c with bias, sigmoid
  Shared,      // mean and maximum through one MLP, unlike weights
  Epilogue,    // (x·g + r) · s, then a ReLU
  Channels,    // ECA
  Places,      // a spatial gate of the maximum
  Layer,       // a layer normalisation with weight and bias
};
Case makeSubject(mlir::MLIRContext &context, Subject subject);

struct Mutant {
  const char *name;
  Subject subject;
  /// Changes the module; false where there is nothing to change.
  std::function<bool(mlir::ModuleOp)> plant;
};

std::vector<Mutant> sdpaMutants();
std::vector<Mutant> gateMutants();
std::vector<Mutant> normMutants();

/// The elements of a dimension, each in the place of its neighbour.
mlir::Value rotated(mlir::OpBuilder &b, mlir::Value tensor, int64_t dim);
/// Two dimensions of one size exchanged.
mlir::Value transposed(mlir::OpBuilder &b, mlir::Value tensor, int64_t a,
                       int64_t c);

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_MUTANTS_H
