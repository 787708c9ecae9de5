// Site.h - a primitive as its call site describes it, decoded
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_SUPPORT_SITE_H
#define HEED_RUNTIME_SUPPORT_SITE_H

#include "runtime/support/SiteRecord.h"

#include <cstddef>
#include <vector>

namespace heed::runtime {

using Dims = std::vector<int64_t>;

struct Operand {
  OperandRole role;
  bool constant; // what is at an address never changes
  int64_t rank;
  Dims layout;
};

struct PostOp {
  PostOpKind kind;
  float alpha, beta;
  int64_t operand; // −1: none
};

struct Site {
  PrimitiveKind kind;
  ElementKind element;
  Dims strides, dilations, padLow, padHigh, kernel;
  std::vector<Operand> operands;
  std::vector<PostOp> postOps;
  size_t shapeWords = 0; // sizes and strides of all operands in the call words

  /// The index of the operand with this role, or −1.
  int64_t find(OperandRole role) const;
};

/// Throws std::runtime_error for a record of another version.
Site decodeSite(const int64_t *record);

/// An operand in the primitive's logical dims.
struct View {
  Dims sizes, strides;
  int64_t elements() const;
};

/// One view an operand, from the sizes and strides of the call words.
std::vector<View> makeViews(const Site &site, const int64_t *shapes);

} // namespace heed::runtime

#endif // HEED_RUNTIME_SUPPORT_SITE_H
