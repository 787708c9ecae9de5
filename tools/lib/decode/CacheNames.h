// CacheNames.h - which output of a decoder's step continues which input.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_DECODE_CACHENAMES_H
#define HEED_TOOLS_LIB_DECODE_CACHENAMES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace heed {

/// Pairs of names, "present.*=past.*": one `*` on each side stands for the same
/// text. Without patterns of the caller's, those of exporters:
///   present*=past_key_values*   present_key_values*=past_key_values*
///   present*=past*
class CacheNames {
public:
  /// An error where a pattern is not `out=in` with at most one `*` a side.
  static llvm::Expected<CacheNames>
  parse(const std::vector<std::string> &patterns);

  /// Whether an input of this name is one of a cache.
  bool isPast(llvm::StringRef input) const;
  /// The names that the output which continues it may have, likeliest first.
  std::vector<std::string> presentOf(llvm::StringRef input) const;

private:
  struct Pattern {
    std::string present, past;
  };
  std::vector<Pattern> patterns;
};

} // namespace heed

#endif // HEED_TOOLS_LIB_DECODE_CACHENAMES_H
