// Part.h - one model file of a decoder, made ready for its part and compiled.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A decoder comes in up to three parts:
//   encoder   tokens (or what else a source is) -> states
//   first     the first tokens, states -> logits, keys and values of both
//   step      one token, keys and values so far -> logits, keys and values
// One file may be the last two, by a boolean input `use_cache_branch`; a step
// that computes the encoder's keys and values itself needs no first: what
// follows from the states alone is taken out of it.
#ifndef HEED_TOOLS_LIB_DECODE_PART_H
#define HEED_TOOLS_LIB_DECODE_PART_H

#include "tools/lib/decode/CacheNames.h"
#include "tools/lib/import/Import.h"
#include "tools/lib/jit/Program.h"

namespace heed {

/// What the caller gives an input of a part.
enum class Role {
  Tokens,     // ids of the new rows
  Positions,  // their numbers, from 0
  OwnMask,    // ones, one for each row of the target so far
  SourceMask, // ones, one for each row of the source
  Source,     // an output of the encoder
  Cache,      // grows in place, one of its part's results
  Held,       // a result of the first part, the same in every step
  Invariant,  // a result of what was taken out of the step (Invariant.h)
  Length      // the number of rows in the caches
};

struct Part {
  std::string file;
  std::unique_ptr<CompiledProgram> program;
  std::vector<Role> roles;      // by input
  std::vector<int64_t> results; // by input: of a cache this part's result; of
                                // what is held or a source its part's; or −1
  // By input, of a cache: the first part's result that begins it, and the dim
  // that it grows along; else −1.
  std::vector<int64_t> firstResults, rowDims;
  int64_t logits = -1; // number of the result, float32 [1, rows, V]

  const Signature &signature() const { return program->signature(); }
  bool has(Role role) const { return llvm::is_contained(roles, role); }
  std::string input(int64_t index) const; // "file: input 'name'"
  void addInput(Role role, int64_t result = -1, int64_t firstResult = -1,
                int64_t rowDim = -1);
};

/// A step, and what is computed once before the steps.
struct StepParts {
  Part step;
  std::optional<Part> invariants;
};

/// What loading the parts of one decoder has in common.
struct PartLoader {
  mlir::MLIRContext &context;
  const CompileOptions &compilation;
  CacheNames names;

  llvm::Expected<Part> loadEncoder(const std::string &file);
  /// `rows`: how many tokens it is called with.
  llvm::Expected<Part> loadFirst(const std::string &file, int64_t rows,
                                 const Part *encoder);
  llvm::Expected<StepParts> loadStep(const std::string &file,
                                     const Part *encoder, const Part *first);
  /// Whether the file has a first step and a later one in it.
  static constexpr const char *kBranchFlag = "use_cache_branch";
  llvm::Expected<bool> isMerged(const std::string &file);

private:
  llvm::Expected<Part> load(const std::string &file,
                            import::NarrowInput narrow);
  llvm::Expected<std::optional<Part>> loadInvariants(mlir::ModuleOp step,
                                                     Part &part);
};

} // namespace heed

#endif // HEED_TOOLS_LIB_DECODE_PART_H
