// page-test.cpp - what a model says stays text in the page.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/report/Page.h"
#include "llvm/Support/FileSystem.h"
#include <gtest/gtest.h>

using namespace heed;

TEST(PageTest, EscapesHtml) {
  EXPECT_EQ(escapeHtml("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(escapeHtml("\xff"), "\xef\xbf\xbd"); // not UTF-8
}

TEST(PageTest, EscapesJsonWithinAScript) {
  EXPECT_EQ(escapeJsonForHtml("\"</script><!--&\""),
            "\"\\u003c/script\\u003e\\u003c!--\\u0026\"");
}

namespace {
Report hostile() {
  const char *name = "</script><img src=x onerror=alert(1)>{{data}}\"'\xff";
  Report report;
  report.model = name;
  Anchor anchor;
  anchor.kind = anchor.op = anchor.node = anchor.scope = anchor.file = name;
  anchor.reason = anchor.suggest = anchor.facts = anchor.schedule = name;
  report.anchors = {anchor, anchor};
  for (size_t i : {0, 1}) {
    Block block;
    block.anchor = i;
    block.shape = {{name, Count::symbol(name)}};
    block.cost.flops = Count::symbol(name);
    block.before[name] = 1;
    block.sourceIr = name;
    report.blocks.push_back(block);
  }
  report.complete = true;
  return report;
}

std::string print(const Report &report) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printReport(os, report);
  return text;
}

size_t countOf(llvm::StringRef text, llvm::StringRef part) {
  return text.count(part);
}
} // namespace

TEST(PageTest, HostileNamesStayText) {
  std::string page = print(hostile());
  EXPECT_EQ(countOf(page, "<img"), 0u);
  EXPECT_EQ(countOf(page, "</script>"), 2u); // of the data, of the page's own
  EXPECT_EQ(countOf(page, "<script"), 2u);
  // A name that is a placeholder is no placeholder.
  EXPECT_EQ(countOf(page, "<p class=\"path\">&lt;/script&gt;&lt;img src=x "
                          "onerror=alert(1)&gt;{{data}}"),
            1u);
}

TEST(PageTest, DataIsJsonAndEqualTextsAreShared) {
  std::string page = print(hostile());
  llvm::StringRef data(page);
  data = data.split("id=\"data\">").second.split("</script>").first;
  auto json = llvm::json::parse(data);
  ASSERT_TRUE(static_cast<bool>(json)) << llvm::toString(json.takeError());
  const llvm::json::Object *root = json->getAsObject();
  EXPECT_EQ(root->getArray("blocks")->size(), 2u);
  EXPECT_EQ(root->getArray("ir")->size(), 1u);
  const llvm::json::Object *block =
      (*root->getArray("blocks"))[0].getAsObject();
  EXPECT_TRUE(block->getString("node")->starts_with("</script><img"));
  EXPECT_EQ(*block->getString("status"), "missed");
}

TEST(PageTest, LoadsNothing) {
  std::string page = print(Report());
  for (const char *part :
       {"http:", "https:", "src=", "@import", "url(", "<link"})
    EXPECT_EQ(countOf(page, part), 0u) << part;
}

TEST(PageTest, WithoutRecognitionNothingIsWritten) {
  llvm::SmallString<128> path;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("heed-report", path));
  std::string directory(path.str());
  path += "/report.html";
  llvm::Error error = writeReport(path, Report());
  EXPECT_TRUE(llvm::StringRef(llvm::toString(std::move(error)))
                  .contains("no recognition"));
  EXPECT_FALSE(llvm::sys::fs::exists(path));
  llvm::sys::fs::remove_directories(directory);
}
