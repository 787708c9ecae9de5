// trace-test.cpp - a profile in Chrome's trace format.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/profile/Trace.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>

using namespace heed;

namespace {
const std::vector<ProfiledKernel> kernels{
    {"copy", {}}, {"attn.sdpa", {"/a \"quoted\"\n\xff"}}};

Profile made() {
  Profile profile;
  profile.threads = 2;
  profile.runs.push_back({5e-6, {}});
  profile.events = {{1, 1000, 3000, 4000, 100}, {0, 3500, 3500, 0, 8}};
  profile.lostEvents = 1;
  return profile;
}
} // namespace

TEST(TraceTest, EventsLieWithinTheRun) {
  llvm::json::Value trace = traceOf(kernels, made(), "model.onnx");
  const llvm::json::Object &top = *trace.getAsObject();
  EXPECT_EQ(top.getObject("otherData")->getInteger("threads"), 2);
  EXPECT_EQ(top.getObject("otherData")->getInteger("lost_events"), 1);
  const llvm::json::Array &events = *top.getArray("traceEvents");
  ASSERT_EQ(events.size(), 4u);
  auto at = [&](size_t i) -> const llvm::json::Object & {
    return *events[i].getAsObject();
  };
  EXPECT_EQ(at(0).getString("ph"), "M");
  EXPECT_EQ(at(1).getString("name"), "run");
  EXPECT_EQ(at(1).getNumber("dur"), 5);
  EXPECT_EQ(at(2).getString("cat"), "attn.sdpa");
  EXPECT_EQ(at(2).getString("ph"), "X");
  EXPECT_EQ(at(2).getNumber("ts"), 1);
  EXPECT_EQ(at(2).getNumber("dur"), 2);
  EXPECT_EQ(at(2).getObject("args")->getNumber("GFLOP/s"), 2);
  EXPECT_EQ(at(3).getString("name"), "copy"); // it has no node
  EXPECT_FALSE(at(3).getObject("args")->getNumber("GB/s"));
}

TEST(TraceTest, NamesAreAnyBytes) {
  llvm::SmallString<64> path;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("trace", "json", path));
  ASSERT_FALSE(bool(writeTrace(path, kernels, made(), "model\xff.onnx")));
  auto file = llvm::MemoryBuffer::getFile(path);
  ASSERT_TRUE(bool(file));
  auto parsed = llvm::json::parse((*file)->getBuffer());
  EXPECT_TRUE(bool(parsed)) << llvm::toString(parsed.takeError());
  llvm::sys::fs::remove(path);
}

TEST(TraceTest, APlaceThatIsNoneIsAnError) {
  auto message = [](llvm::StringRef path) {
    return llvm::toString(checkWritable(path));
  };
  EXPECT_NE(message("no/such/dir/p.json").find("No such file"),
            std::string::npos);
  llvm::SmallString<64> directory;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("trace", directory));
  EXPECT_EQ(message(directory), (directory + ": is a directory").str());
  llvm::SmallString<64> path(directory);
  path += "/p.json";
  EXPECT_EQ(message(path), "");
  EXPECT_FALSE(llvm::sys::fs::exists(path)); // nothing is left by the question
  llvm::sys::fs::remove(directory);
}
