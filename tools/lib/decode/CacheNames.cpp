// CacheNames.cpp - which output of a decoder's step continues which input.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/decode/CacheNames.h"

#include <optional>

using namespace llvm;

namespace heed {

/// What the `*` of the pattern stands for in the name; "" where it has none.
static std::optional<StringRef> match(StringRef pattern, StringRef name) {
  if (!pattern.contains('*'))
    return pattern == name ? std::optional<StringRef>("") : std::nullopt;
  auto [before, after] = pattern.split('*');
  if (name.size() < before.size() + after.size() || !name.starts_with(before) ||
      !name.ends_with(after))
    return std::nullopt;
  return name.drop_front(before.size()).drop_back(after.size());
}

Expected<CacheNames>
CacheNames::parse(const std::vector<std::string> &patterns) {
  CacheNames names;
  for (StringRef text : patterns) {
    auto [present, past] = text.split('=');
    if (present.empty() || past.empty() || past.contains('=') ||
        present.count('*') > 1 || present.count('*') != past.count('*'))
      return createStringError(
          "expected output=input with at most one * on each side, got '" +
          text + "'");
    names.patterns.push_back({present.str(), past.str()});
  }
  if (names.patterns.empty())
    names.patterns = {{"present*", "past_key_values*"},
                      {"present_key_values*", "past_key_values*"},
                      {"present*", "past*"}};
  return names;
}

bool CacheNames::isPast(StringRef input) const {
  return any_of(patterns, [&](const Pattern &p) {
    return match(p.past, input).has_value();
  });
}

std::vector<std::string> CacheNames::presentOf(StringRef input) const {
  std::vector<std::string> result;
  for (const Pattern &p : patterns)
    if (std::optional<StringRef> text = match(p.past, input)) {
      auto [before, after] = StringRef(p.present).split('*');
      result.push_back((before + *text + after).str());
    }
  return result;
}

} // namespace heed
