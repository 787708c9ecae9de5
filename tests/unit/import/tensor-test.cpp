// tensor-test.cpp - constants in every storage form of ONNX, and damaged ones.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/import/Error.h"
#include "tools/lib/import/Model.h"

#include "llvm/ADT/APFloat.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace heed::import;

namespace {

heed::onnx::TensorProto proto(DType type, std::vector<int64_t> dims) {
  heed::onnx::TensorProto t;
  t.set_data_type(static_cast<int>(type));
  for (int64_t d : dims)
    t.add_dims(d);
  return t;
}

std::string errorOf(heed::onnx::TensorProto t) {
  try {
    takeTensor(t, "model.onnx");
  } catch (ImportError &e) {
    return e.reason;
  }
  return "";
}

TEST(Tensor, TypedFields) {
  auto f = proto(DType::F32, {2});
  f.add_float_data(1.5f);
  f.add_float_data(-2);
  EXPECT_EQ(takeTensor(f, "").asDouble(1), -2);
  auto d = proto(DType::F64, {1});
  d.add_double_data(0.1);
  EXPECT_EQ(takeTensor(d, "").asDouble(0), 0.1);
  auto i = proto(DType::I64, {});
  i.add_int64_data(-7);
  EXPECT_EQ(takeTensor(i, "").asInt(0), -7);
  auto u = proto(DType::U64, {1});
  u.add_uint64_data(~0ull);
  EXPECT_EQ(takeTensor(u, "").asDouble(0), std::ldexp(1, 64));
  auto b = proto(DType::I8, {2});
  b.add_int32_data(-1);
  b.add_int32_data(127);
  EXPECT_EQ(takeTensor(b, "").asInt(0), -1);
}

TEST(Tensor, HalvesLieInInt32Data) {
  auto h = proto(DType::F16, {1});
  h.add_int32_data(0x3E00);
  EXPECT_EQ(takeTensor(h, "").asDouble(0), 1.5);
  auto b = proto(DType::BF16, {1});
  b.add_int32_data(0xC000);
  EXPECT_EQ(takeTensor(b, "").asDouble(0), -2);
}

TEST(Tensor, RawData) {
  auto t = proto(DType::I32, {1, 2});
  t.set_raw_data(std::string("\x01\0\0\0\xff\xff\xff\xff", 8));
  HostTensor host = takeTensor(t, "");
  EXPECT_EQ(host.asInt(0), 1);
  EXPECT_EQ(host.asInt(1), -1);
  auto b = proto(DType::Bool, {2}); // any byte but 0 is true
  b.set_raw_data(std::string("\x02\0", 2));
  EXPECT_EQ(takeTensor(b, "").asInt(0), 1);
}

TEST(Tensor, SizesMustFit) {
  auto raw = proto(DType::F32, {3});
  raw.set_raw_data("12345678");
  EXPECT_EQ(errorOf(raw), "its data has 8 bytes, expected 12");
  auto few = proto(DType::F32, {3});
  few.add_float_data(1);
  EXPECT_EQ(errorOf(few), "it has 1 elements, its shape needs 3");
  auto none = proto(DType::I64, {2});
  EXPECT_EQ(errorOf(none), "it has 0 elements, its shape needs 2");
  auto wrongField = proto(DType::F32, {1});
  wrongField.add_int64_data(1);
  EXPECT_EQ(errorOf(wrongField), "it has 0 elements, its shape needs 1");
}

TEST(Tensor, HostileShapes) {
  EXPECT_EQ(errorOf(proto(DType::F32, {-1})), "a dimension is -1");
  EXPECT_EQ(errorOf(proto(DType::F32, {INT64_MAX})),
            "the product of the dimensions overflows");
  // 2^32 · 2^32 wraps to 0.
  EXPECT_EQ(errorOf(proto(DType::F32, {1ll << 32, 1ll << 32})),
            "the product of the dimensions overflows");
  // A 0 among the dims does not hide an overflow.
  EXPECT_EQ(errorOf(proto(DType::F32, {0, 1ll << 62, 1ll << 62})),
            "the product of the dimensions overflows");
  EXPECT_EQ(errorOf(proto(DType::F32, std::vector<int64_t>(40, 1))),
            "rank 40 is larger than 32");
}

TEST(Tensor, OneFieldOnly) {
  auto t = proto(DType::F32, {1});
  t.set_raw_data("1234");
  t.add_float_data(1);
  EXPECT_EQ(errorOf(t), "it stores its data in more than one field");
}

TEST(Tensor, UnknownTypes) {
  heed::onnx::TensorProto t;
  EXPECT_EQ(errorOf(t), "element type 0 is not supported");
  t.set_data_type(8);
  EXPECT_EQ(errorOf(t), "element type 8 is not supported");
}

TEST(Tensor, CastsSaturate) {
  HostTensor t = HostTensor::ofDoubles(DType::F32, {3}, {300, -5, NAN});
  HostTensor u8 = t.cast(DType::U8), i8 = t.cast(DType::I8);
  EXPECT_EQ(u8.asInt(0), 255);
  EXPECT_EQ(u8.asInt(1), 0);
  EXPECT_EQ(u8.asInt(2), 0);
  EXPECT_EQ(i8.asInt(0), 127);
  EXPECT_EQ(
      HostTensor::ofDoubles(DType::F64, {1}, {1e30}).cast(DType::I64).asInt(0),
      INT64_MAX);
  EXPECT_EQ(t.cast(DType::Bool).asInt(1), 1);
}

TEST(Tensor, NamesAreQuotedForMessages) {
  EXPECT_EQ(heed::import::quoted(llvm::StringRef("a\0b\n\"", 5)),
            "'a\\00b\\0A\\22'");
  EXPECT_EQ(heed::import::quoted(std::string(1000, 'x')).size(), 85u);
}

TEST(Tensor, EveryHalfIsExact) {
  std::string bytes;
  for (unsigned h = 0; h < 1 << 16; ++h)
    bytes.append({static_cast<char>(h), static_cast<char>(h >> 8)});
  for (DType type : {DType::F16, DType::BF16}) {
    HostTensor halves(type, {1 << 16}, bytes);
    HostTensor floats = halves.cast(DType::F32);
    EXPECT_TRUE(floats.shared().isAligned());
    const llvm::fltSemantics &kind = type == DType::F16
                                         ? llvm::APFloat::IEEEhalf()
                                         : llvm::APFloat::BFloat();
    for (unsigned h = 0; h < 1 << 16; ++h) {
      llvm::APFloat want(kind, llvm::APInt(16, h));
      if (want.isNaN()) {
        ASSERT_TRUE(std::isnan(floats.asDouble(h))) << h;
        continue;
      }
      bool lost;
      want.convert(llvm::APFloat::IEEEdouble(),
                   llvm::APFloat::rmNearestTiesToEven, &lost);
      ASSERT_EQ(floats.asDouble(h), want.convertToDouble()) << h;
    }
  }
}

} // namespace
