// external-data-test.cpp - external data: beneath the model's folder, through
// no link, within the file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/import/Error.h"
#include "tools/lib/import/Model.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace heed::import;
namespace fs = std::filesystem;

namespace {

struct ExternalData : testing::Test {
  fs::path outside, folder;

  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "heed-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    outside = name;
    folder = outside / "model";
    fs::create_directories(folder / "sub");
    write(outside / "secret", "secret");
    write(folder / "data", "0123456789");
    write(folder / "sub" / "data", "abc");
  }
  void TearDown() override { fs::remove_all(outside); }

  static void write(const fs::path &path, const std::string &text) {
    std::ofstream(path) << text;
  }
  std::string read(const std::string &location, int64_t offset = 0,
                   int64_t length = -1) {
    try {
      return readExternal(folder.string(), location, offset, length);
    } catch (ImportError &e) {
      return "error: " + e.reason;
    }
  }
  bool refused(const std::string &location) {
    return read(location).rfind("error: ", 0) == 0;
  }
};

TEST_F(ExternalData, ReadsBeneathTheFolder) {
  EXPECT_EQ(read("data"), "0123456789");
  EXPECT_EQ(read("data", 3, 4), "3456");
  EXPECT_EQ(read("sub/data"), "abc");
}

TEST_F(ExternalData, LeavesTheFolderByNoPath) {
  EXPECT_TRUE(refused("../secret"));
  EXPECT_TRUE(refused("sub/../../secret"));
  EXPECT_TRUE(refused((outside / "secret").string()));
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("."));
  EXPECT_TRUE(refused(std::string("data\0x", 6)));
}

TEST_F(ExternalData, FollowsNoLink) {
  fs::create_symlink(outside / "secret", folder / "link");
  fs::create_directory_symlink(outside, folder / "up");
  fs::create_symlink("data", folder / "inner");
  fs::create_hard_link(outside / "secret", folder / "hard");
  EXPECT_TRUE(refused("link"));
  EXPECT_TRUE(refused("up/secret"));
  EXPECT_TRUE(refused("inner"));
  EXPECT_TRUE(refused("hard"));
}

TEST_F(ExternalData, StaysWithinTheFile) {
  EXPECT_NE(read("data", 8, 4).find("reach beyond the file's 10 bytes"),
            std::string::npos);
  EXPECT_NE(read("data", 11, 0).find("offset 11 is outside"),
            std::string::npos);
  EXPECT_NE(read("data", -1, 4).find("offset -1 is outside"),
            std::string::npos);
  // offset + length wraps
  EXPECT_TRUE(read("data", 4, INT64_MAX).rfind("error: ", 0) == 0);
  EXPECT_TRUE(refused("absent"));
}

TEST_F(ExternalData, SharedBytesAreBounded) {
  ExternalUse use;
  readExternal(folder.string(), "data", 0, 10, &use);
  readExternal(folder.string(), "data", 0, 10, &use); // tied weights
  EXPECT_THROW(readExternal(folder.string(), "data", 0, 10, &use), ImportError);
}

TEST_F(ExternalData, RegularFilesOnly) { EXPECT_TRUE(refused("sub")); }

TEST_F(ExternalData, EntriesOfTheTensorAreChecked) {
  heed::onnx::TensorProto t;
  t.set_data_type(static_cast<int>(DType::U8));
  t.add_dims(4);
  t.set_data_location(1);
  auto entry = [&](std::string key, std::string value) {
    auto *e = t.add_external_data();
    e->set_key(key);
    e->set_value(value);
  };
  auto take = [&]() -> std::string {
    try {
      return takeTensor(t, (folder / "m.onnx").string()).bytes().str();
    } catch (ImportError &e) {
      return "error: " + e.reason;
    }
  };
  entry("location", "data");
  entry("offset", "2");
  EXPECT_EQ(take(), "2345");
  entry("length", "5");
  EXPECT_EQ(take(),
            "error: external_data: length is 5, its shape needs 4 bytes");
  entry("weird", "1");
  EXPECT_EQ(take(), "error: external_data: unknown or damaged entry 'weird'");
}

} // namespace
