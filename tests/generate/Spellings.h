// Spellings.h - parts of an attention, each in one of its spellings.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_GENERATE_SPELLINGS_H
#define HEED_TESTS_GENERATE_SPELLINGS_H

#include "tests/generate/Trace.h"
#include <optional>

namespace heed::generate {

/// Which keys a query sees. Labels: b, i, j.
struct Mask {
  enum Kind { Causal, CausalLast, Window, Padding, Blocks, Prefix, Any };
  Kind kind = Causal;
  int64_t left = 0, right = 0; // of the window; length of blocks and prefix
  std::string dims;            // "ij", "bj", …
  Trace::Fill open;            // by the indices of dims
  std::string str() const;
  /// A band of (i, j).
  bool isBand() const { return kind <= Window; }
};

Mask drawMask(Trace &t, bool hasBatch);
bool eachRowIsOpen(const Trace &t, const Mask &mask);

/// The mask as an i1 tensor: a constant, an argument, computed from constants
/// (segments, running sums), comparisons of indices in one body or of iota
/// tensors, chains of and/or/not. `known`: not an argument.
struct Condition {
  Traced open;
  bool known;
};
Condition spellCondition(Trace &t, const Mask &mask);

/// The scores with the mask on: by select, or added as 0 and `sentinel`.
Traced applyMask(Trace &t, Traced scores, const Condition &condition,
                 double sentinel, bool bySelect);

/// Weights before and after the division by their sum.
struct Weights {
  Traced e;                    // normalised, unless there is a sum
  std::optional<Traced> total; // to divide the output by
};
Weights spellSoftmax(Trace &t, Traced scores, char keys, bool mayOmitMax,
                     bool masked, bool mayBeLate);

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_SPELLINGS_H
