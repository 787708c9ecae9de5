// cache-names-test.cpp - which output continues which input.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/decode/CacheNames.h"
#include <gtest/gtest.h>

using heed::CacheNames;
using Names = std::vector<std::string>;

namespace {

CacheNames parse(const Names &patterns) {
  auto names = CacheNames::parse(patterns);
  EXPECT_TRUE(bool(names));
  return *names;
}

std::string errorOf(const Names &patterns) {
  auto names = CacheNames::parse(patterns);
  return names ? "" : toString(names.takeError());
}

TEST(CacheNames, ThoseOfExporters) {
  CacheNames names = parse({});
  EXPECT_EQ(names.presentOf("past_key_values.0.decoder.key").front(),
            "present.0.decoder.key");
  EXPECT_EQ(names.presentOf("past_key_values.0.key")[1],
            "present_key_values.0.key");
  EXPECT_EQ(names.presentOf("past_0"), Names{"present_0"});
  EXPECT_TRUE(names.isPast("past"));
  EXPECT_FALSE(names.isPast("input_ids"));
  EXPECT_FALSE(names.isPast("not_past"));
}

TEST(CacheNames, OnesOwn) {
  CacheNames names = parse({"new_*_out=old_*_in", "state=previous"});
  EXPECT_EQ(names.presentOf("old_k3_in"), Names{"new_k3_out"});
  EXPECT_EQ(names.presentOf("old__in"), Names{"new__out"});
  EXPECT_EQ(names.presentOf("previous"), Names{"state"});
  EXPECT_FALSE(names.isPast("old_in")); // one underscore cannot be both
  EXPECT_FALSE(names.isPast("previous2"));
  EXPECT_FALSE(names.isPast("past_0")); // instead of the exporters'
}

TEST(CacheNames, PatternsThatAreNone) {
  std::string expected =
      "expected output=input with at most one * on each side";
  for (const char *text :
       {"present", "=past", "present=", "a*=b", "a=b*", "a**=b**", "a=b=c"})
    EXPECT_EQ(errorOf({text}), expected + ", got '" + text + "'");
}

} // namespace
