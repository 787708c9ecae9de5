// ControlFlow.h - code of which only the run knows whether, and how often, it
// runs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_CONTROLFLOW_H
#define HEED_TOOLS_LIB_IMPORT_CONTROLFLOW_H

#include "tools/lib/import/Emitter.h"

namespace heed::import {

/// The results of one of two branches, chosen at run time by `condition`, which
/// has one element. They have the same types and ranks; sizes may differ.
/// (EmitBranch.cpp)
llvm::SmallVector<Tensor>
emitBranch(Emitter &e, const Tensor &condition,
           llvm::function_ref<llvm::SmallVector<Tensor>(bool isTrue)> branch);

/// What runs for i = 0, 1, … while i < count and the last condition held:
///
///   condition, carried…, row… = body(i, carried…)
///
/// The rows of all iterations are stacked along a new first dim.
struct Repetition {
  struct Step {
    Tensor condition; // null: true
    llvm::SmallVector<Tensor> carried, rows;
  };
  using Run =
      llvm::function_ref<Step(const Tensor &i, llvm::ArrayRef<Tensor> carried)>;

  std::optional<Sym> count; // none: as long as the condition holds
  Tensor condition;         // the first; null: true
  llvm::SmallVector<Tensor> carried;
  size_t numRows = 0;
  /// Ops of the body; small ones may be unrolled. 0: not to be unrolled.
  int64_t numOps = 0;
};

/// The last carried values, then the stacks. Few iterations of known number are
/// unrolled; a number that is known in front makes an scf.for, a condition an
/// scf.while. `body` may be called several times. (EmitRepetition.cpp)
llvm::SmallVector<Tensor> emitRepetition(Emitter &e, const Repetition &r,
                                         Repetition::Run body);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_CONTROLFLOW_H
