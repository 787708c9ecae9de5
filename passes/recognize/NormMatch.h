// NormMatch.h - one anchor of a norm: what was matched, or why not, and its
// rewrite.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_RECOGNIZE_NORMMATCH_H
#define HEED_PASSES_RECOGNIZE_NORMMATCH_H

#include "dialect/norm/NormOps.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/recognize/Element.h"
#include "passes/recognize/GateExcitation.h"

#include <memory>

namespace heed::recognize {

/// A square root, its reciprocal, or a power ±1/2, in the body of `op`.
struct NormRoot {
  mlir::linalg::LinalgOp op;
  mlir::Operation *scalar;
};

/// For factors of one access: those that stand for them in another.
using Binding = llvm::DenseMap<Factor, Factors>;

/// Both elements are the same computation, where factors of `free` stand for
/// any factors, always for the same; `bound` says which, and is only extended
/// on success.
bool unify(const Element &a, const Element &b, llvm::ArrayRef<Factor> free,
           Binding &bound, FactorTable &table);

/// The statistics of x: kind, epsilon, x as the variance's reduction reads it,
/// and the factors that it reduces.
struct NormStatistics {
  attn::NormKind kind;
  Element x;
  Factors reduced;
  double epsilon;
  /// The root is r = 1/√(v + ε), or else √(v + ε).
  bool inverse;
};

/// The statistics under the root, or why they are none. Nothing where no
/// reduction is under it.
struct StatisticsMatch {
  std::optional<NormStatistics> statistics;
  std::optional<Refusal> refusal;
};
std::optional<StatisticsMatch> matchStatistics(const Element &root,
                                               FactorTable &table);

/// `element` is the mean of `x`, over the factors of x that `reduced` lists.
bool isMeanOf(const Element &element, const Element &x,
              llvm::ArrayRef<Factor> reduced, FactorTable &table);

/// An expression in what does not depend on x: a weight or a bias. Null is 0.
struct NormTerm {
  enum Kind { Constant, Leaf, Add, Multiply, Divide, Negate } kind;
  double constant = 0;
  std::optional<Element> leaf;
  std::shared_ptr<const NormTerm> a, b;
};
using NormTermPtr = std::shared_ptr<const NormTerm>;

/// y = (x − m)·r·weight + bias, or x·r·weight + bias. A null weight is 1.
struct NormMatch {
  Element y, x; // both addressed by y's factors
  attn::NormKind kind;
  double epsilon;
  Factors reduced; // of y
  NormTermPtr weight, bias;
};

/// The value `y` as a norm whose root is `root`; else why it is none.
struct NormAttempt {
  std::optional<NormMatch> match;
  std::optional<Refusal> refusal;
};
NormAttempt matchNormAt(mlir::Value y, const NormRoot &root,
                        FactorTable &table);

/// All factors that the term reads.
Factors factorsOf(const NormTermPtr &term, FactorTable &table);

/// The norm as an op, in y's shape; null if it has no such form.
mlir::Value buildNorm(mlir::OpBuilder &b, const NormMatch &match,
                      FactorTable &table);

} // namespace heed::recognize

#endif // HEED_PASSES_RECOGNIZE_NORMMATCH_H
