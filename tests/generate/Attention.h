// Attention.h - the parts that attentions and their near-misses share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_GENERATE_ATTENTION_H
#define HEED_TESTS_GENERATE_ATTENTION_H

#include "tests/generate/Spellings.h"

namespace heed::generate {

/// Labels: b batch, h heads (or g groups of r), i queries, j keys, d, e widths.
struct AttentionSizes {
  std::string batch, heads, keyHeads;
  bool self = false;
};
AttentionSizes drawSizes(Trace &t);
std::string describe(const Trace &t, const AttentionSizes &sizes);

struct AttentionOperands {
  Traced q, k, v;
};
Traced drawOperand(Trace &t, const std::string &dims);
AttentionOperands drawOperands(Trace &t, AttentionSizes &sizes);
Traced drawProduct(Trace &t, const AttentionSizes &sizes, Traced q, Traced k,
                   double scale, std::string &what);
Traced drawOutput(Trace &t, const AttentionSizes &sizes, const Weights &weights,
                  Traced v);

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_ATTENTION_H
