// Case.h - one generated program, its numbers, and what Heed must make of it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_GENERATE_CASE_H
#define HEED_TESTS_GENERATE_CASE_H

#include "tests/generate/Trace.h"
#include <optional>

namespace heed::generate {

enum class Expect {
  Fused,   // exactly one op of the kind
  Refused, // none, and a reason where there is an anchor
  Either,  // numbers only: fusing it is right, and not asked for
};

struct Case {
  std::string name;   // "attention seed 17: causal, scale on q"
  std::string family; // what is drawn: "attention", "channel gate", …
  Expect expect = Expect::Fused;
  std::string op = "sdpa"; // or "gate", "norm"
  std::string kind;        // of the gate, where it is certain
  /// The pairs (i, j) that attributes alone must say.
  std::optional<std::vector<bool>> band;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<Tensor> inputs, outputs;
  std::vector<bool> inputIsBool;
  int64_t summed = 0;

  Case() = default;
  /// Takes the program and its numbers.
  Case(std::string family, std::string name, Trace &trace);
};

Case makeAttention(mlir::MLIRContext &context, uint64_t seed);
Case makeAttentionMiss(mlir::MLIRContext &context, uint64_t seed);
Case makeGate(mlir::MLIRContext &context, uint64_t seed);
Case makeGateMiss(mlir::MLIRContext &context, uint64_t seed);
Case makeNorm(mlir::MLIRContext &context, uint64_t seed);
Case makeNormMiss(mlir::MLIRContext &context, uint64_t seed);

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_CASE_H
