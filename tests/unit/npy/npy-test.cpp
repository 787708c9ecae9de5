// npy-test.cpp - what the reader of .npy files takes, and what it refuses.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/npy/Npy.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>

using namespace heed;

namespace {

/// A file that goes with the test.
class Npy : public testing::Test {
protected:
  void SetUp() override {
    llvm::SmallString<128> name;
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("heed", "npy", name));
    path = name.str().str();
  }
  void TearDown() override { llvm::sys::fs::remove(path); }

  void writeBytes(const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  /// The reader's message, or "" where it takes the file.
  std::string refusal() {
    llvm::Expected<Array> array = readNpy(path);
    if (!array)
      return llvm::toString(array.takeError());
    return "";
  }

  std::string path;
};

/// Format version 1.0, or another `major`.
std::string file(const std::string &header, const std::string &data,
                 char major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += major;
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  if (major > 1)
    bytes += std::string(2, '\0');
  return bytes + header + data;
}

std::string headerOf(const std::string &descr, const std::string &shape,
                     const std::string &order = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}

#define EXPECT_REFUSED(part)                                                   \
  EXPECT_PRED2(                                                                \
      [](const std::string &message, const std::string &text) {                \
        return message.find(text) != std::string::npos;                        \
      },                                                                       \
      refusal(), part)

TEST_F(Npy, EveryTypeComesBack) {
  for (DType type : {DType::Bool, DType::I8, DType::U8, DType::I16, DType::U16,
                     DType::I32, DType::U32, DType::I64, DType::U64, DType::F16,
                     DType::BF16, DType::F32, DType::F64}) {
    SCOPED_TRACE(dtypeName(type).str());
    Array written;
    written.type = type;
    written.shape = {2, 3};
    for (int64_t i = 0; i < 6 * dtypeBytes(type); ++i)
      written.data.push_back(
          static_cast<char>(type == DType::Bool ? i % 2 : i));
    ASSERT_FALSE(writeNpy(path, written));
    llvm::Expected<Array> read = readNpy(path);
    ASSERT_TRUE(static_cast<bool>(read));
    EXPECT_EQ(read->type, type);
    EXPECT_EQ(read->shape, written.shape);
    EXPECT_EQ(read->data, written.data);
  }
}

TEST_F(Npy, RankZeroHasOneElement) {
  writeBytes(file(headerOf("'<f4'", "()"), std::string("\0\0\x80\x3f", 4)));
  llvm::Expected<Array> read = readNpy(path);
  ASSERT_TRUE(static_cast<bool>(read));
  EXPECT_TRUE(read->shape.empty());
  EXPECT_EQ(read->numElements(), 1);
  EXPECT_EQ(read->at(0), 1.0);
  ASSERT_FALSE(writeNpy(path, *read));
  EXPECT_EQ(refusal(), "");
}

TEST_F(Npy, SizeZeroHasNoElements) {
  writeBytes(file(headerOf("'<f4'", "(3, 0)"), ""));
  EXPECT_EQ(refusal(), "");
}

TEST_F(Npy, HalfBecomesDouble) {
  Array array;
  array.type = DType::F16;
  array.shape = {3};
  for (uint16_t bits : {0x3c00, 0xc000, 0x7c00})
    array.data.insert(array.data.end(), reinterpret_cast<char *>(&bits),
                      reinterpret_cast<char *>(&bits) + 2);
  EXPECT_EQ(array.at(0), 1.0);
  EXPECT_EQ(array.at(1), -2.0);
  EXPECT_EQ(array.at(2), std::numeric_limits<double>::infinity());
}

TEST_F(Npy, Bf16IsTwoBytesOfNoNumPyType) {
  writeBytes(file(headerOf("'<V2'", "(2,)"), std::string("\x80\x3f\0\xc0", 4)));
  llvm::Expected<Array> read = readNpy(path);
  ASSERT_TRUE(static_cast<bool>(read));
  EXPECT_EQ(read->type, DType::BF16);
  EXPECT_EQ(read->at(0), 1.0);
  EXPECT_EQ(read->at(1), -2.0);
}

TEST_F(Npy, HeaderIsAlignedForMapping) {
  Array array;
  array.shape = {0};
  ASSERT_FALSE(writeNpy(path, array));
  uint64_t size;
  ASSERT_FALSE(llvm::sys::fs::file_size(path, size));
  EXPECT_EQ(size % 64, 0u);
}

TEST_F(Npy, NewerVersionsHaveALongerLength) {
  for (char major : {2, 3}) {
    writeBytes(file(headerOf("'<f4'", "(1,)"), "abcd", major));
    EXPECT_EQ(refusal(), "");
  }
}

TEST_F(Npy, TheMessageNamesTheFile) {
  writeBytes("");
  EXPECT_REFUSED(path);
}

TEST_F(Npy, MissingFile) {
  llvm::sys::fs::remove(path);
  EXPECT_REFUSED("No such file");
}

TEST_F(Npy, AnotherFormat) {
  for (const char *bytes :
       {"", "\x93NUMP", "\x93NUMPY\x01", "PK\x03\x04 zip"}) {
    writeBytes(bytes);
    EXPECT_REFUSED("not a .npy file");
  }
}

TEST_F(Npy, UnknownVersion) {
  for (char major : {0, 4}) {
    writeBytes(file(headerOf("'<f4'", "(1,)"), "abcd", major));
    EXPECT_REFUSED("is not supported");
  }
}

TEST_F(Npy, TruncatedAnywhere) {
  std::string whole = file(headerOf("'<f4'", "(2,)"), "abcdefgh");
  for (size_t size = 0; size < whole.size(); ++size) {
    writeBytes(whole.substr(0, size));
    EXPECT_NE(refusal(), "") << size << " bytes";
  }
}

TEST_F(Npy, TooManyData) {
  writeBytes(file(headerOf("'<f4'", "(2,)"), "abcdefghi"));
  EXPECT_REFUSED("data: expected 8 bytes for the shape, got 9");
}

TEST_F(Npy, HeaderTooLong) {
  writeBytes(file(headerOf("'<f4'", "(1,)") + std::string(20000, ' '), "abcd"));
  EXPECT_REFUSED("header: expected at most 10000 bytes");
}

TEST_F(Npy, TypesThatAreNoNumbers) {
  for (const char *descr :
       {"'|O'", "'<U4'", "'|S3'", "'|V8'", "'<c8'", "'<M8'", "'<f16'", "''"}) {
    writeBytes(file(headerOf(descr, "(1,)"), "abcd"));
    EXPECT_REFUSED("is not supported");
  }
}

TEST_F(Npy, StructuredTypes) {
  writeBytes(file(headerOf("[('a', '<f4')]", "(1,)"), "abcd"));
  EXPECT_REFUSED("structured types are not supported");
}

TEST_F(Npy, BigEndian) {
  writeBytes(file(headerOf("'>f4'", "(1,)"), "abcd"));
  EXPECT_REFUSED("big-endian data are not supported");
}

TEST_F(Npy, FortranOrder) {
  writeBytes(file(headerOf("'<f4'", "(1, 2)", "True"), "abcdefgh"));
  EXPECT_REFUSED("Fortran order is not supported");
  // With one dim the orders are the same.
  writeBytes(file(headerOf("'<f4'", "(2,)", "True"), "abcdefgh"));
  EXPECT_EQ(refusal(), "");
}

TEST_F(Npy, ShapeOverflows) {
  writeBytes(
      file(headerOf("'<f4'", "(4294967296, 4294967296, 4294967296)"), "abcd"));
  EXPECT_REFUSED("the product of the sizes overflows");
  // 2^62 floats are 2^64 bytes, which is 0 where nobody looks.
  writeBytes(file(headerOf("'<f4'", "(4611686018427387904,)"), ""));
  EXPECT_REFUSED("the product of the sizes overflows");
}

// A zero makes the bytes right, and products that are taken later wrong.
TEST_F(Npy, ShapeOverflowsBesideZero) {
  writeBytes(file(
      headerOf("'<f4'", "(9223372036854775807, 9223372036854775807, 0)"), ""));
  EXPECT_NE(refusal(), "");
}

TEST_F(Npy, ShapesThatAreNone) {
  for (const char *shape :
       {"(-1,)", "(1.5,)", "2", "[2]", "(2", "(99999999999999999999,)",
        "('2',)", "(18446744073709551615,)"}) {
    writeBytes(file(headerOf("'<f4'", shape), "abcdefgh"));
    EXPECT_NE(refusal(), "") << shape;
  }
}

TEST_F(Npy, RankTooHigh) {
  std::string shape = "(";
  for (int i = 0; i < 33; ++i)
    shape += "1, ";
  writeBytes(file(headerOf("'<f4'", shape + ")"), "abcd"));
  EXPECT_REFUSED("rank: expected at most 32, got 33");
}

TEST_F(Npy, HeadersThatAreNone) {
  for (const char *header :
       {"", "{", "}", "{}", "{'descr': '<f4'}", "{'descr' '<f4'}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + {}",
        "{'descr: <f4, fortran_order: False"}) {
    writeBytes(file(header, "abcd"));
    EXPECT_NE(refusal(), "") << header;
  }
}

} // namespace
