// Tensor.cpp - element types and constant tensors on the importer's side.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Tensor.h"
#include "tools/lib/import/Error.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemAlloc.h"

#include <cmath>
#include <sys/mman.h>

namespace heed::import {

std::string quoted(llvm::StringRef name) {
  constexpr size_t longest = 80;
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '\'';
  llvm::printEscapedString(name.take_front(longest), os);
  os << (name.size() > longest ? "...'" : "'");
  return text;
}

DType checkedDType(int64_t onnxType) {
  switch (onnxType) {
  case 1:
  case 2:
  case 3:
  case 4:
  case 5:
  case 6:
  case 7:
  case 9:
  case 10:
  case 11:
  case 12:
  case 13:
  case 16:
    return static_cast<DType>(onnxType);
  }
  fail("element type " + llvm::Twine(onnxType) + " is not supported");
}

llvm::StringRef name(DType type) {
  switch (type) {
  case DType::F32:
    return "float32";
  case DType::U8:
    return "uint8";
  case DType::I8:
    return "int8";
  case DType::U16:
    return "uint16";
  case DType::I16:
    return "int16";
  case DType::I32:
    return "int32";
  case DType::I64:
    return "int64";
  case DType::Bool:
    return "bool";
  case DType::F16:
    return "float16";
  case DType::F64:
    return "float64";
  case DType::U32:
    return "uint32";
  case DType::U64:
    return "uint64";
  case DType::BF16:
    return "bfloat16";
  }
  return "?";
}

size_t byteSize(DType type) {
  switch (type) {
  case DType::U8:
  case DType::I8:
  case DType::Bool:
    return 1;
  case DType::U16:
  case DType::I16:
  case DType::F16:
  case DType::BF16:
    return 2;
  case DType::F32:
  case DType::I32:
  case DType::U32:
    return 4;
  case DType::I64:
  case DType::F64:
  case DType::U64:
    return 8;
  }
  return 8;
}

bool isFloat(DType type) {
  return type == DType::F32 || type == DType::F16 || type == DType::F64 ||
         type == DType::BF16;
}

bool isUnsigned(DType type) {
  return type == DType::U8 || type == DType::U16 || type == DType::U32 ||
         type == DType::U64 || type == DType::Bool;
}

mlir::Type irType(DType type, mlir::MLIRContext *context) {
  switch (type) {
  case DType::F32:
    return mlir::Float32Type::get(context);
  case DType::F16:
    return mlir::Float16Type::get(context);
  case DType::F64:
    return mlir::Float64Type::get(context);
  case DType::BF16:
    return mlir::BFloat16Type::get(context);
  case DType::Bool:
    return mlir::IntegerType::get(context, 1);
  default:
    return mlir::IntegerType::get(context, 8 * byteSize(type));
  }
}

int64_t checkedCount(llvm::ArrayRef<int64_t> dims, size_t elementBytes) {
  constexpr size_t maxRank = 32;
  if (dims.size() > maxRank)
    fail("rank " + llvm::Twine(dims.size()) + " is larger than " +
         llvm::Twine(maxRank));
  int64_t count = 1, limit = (int64_t(1) << 62) / elementBytes;
  bool isEmpty = false;
  for (int64_t d : dims) {
    if (d < 0)
      fail("a dimension is " + llvm::Twine(d));
    isEmpty |= d == 0;
    if (d > limit || (d && count > limit / d))
      fail("the product of the dimensions overflows");
    count *= d ? d : 1;
  }
  return isEmpty ? 0 : count;
}

Bytes Bytes::make(size_t size) {
  // Large weights lie in huge pages: products with one row read them from one
  // end to the other, a fifth faster.
  constexpr size_t hugePage = size_t(2) << 20;
  bool huge = size >= 2 * hugePage;
  size_t align = huge ? hugePage : alignment;
  size_t bytes = llvm::alignTo(std::max<size_t>(size, 1), align);
  auto *memory = static_cast<char *>(llvm::allocate_buffer(bytes, align));
  if (huge)
    madvise(memory, bytes, MADV_HUGEPAGE);
  std::shared_ptr<void> owner(memory, [bytes, align](void *p) {
    llvm::deallocate_buffer(p, bytes, align);
  });
  return {std::move(owner), llvm::StringRef(memory, size)};
}

Bytes Bytes::copy(llvm::StringRef bytes) {
  Bytes r = make(bytes.size());
  std::memcpy(r.writable(), bytes.data(), bytes.size());
  return r;
}

Bytes Bytes::take(std::string bytes) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  llvm::StringRef view = *owner;
  return {std::move(owner), view};
}

HostTensor::HostTensor(DType type, llvm::ArrayRef<int64_t> dims, Bytes bytes,
                       bool splat)
    : elementType(type), shape(dims), elements(checkedCount(dims)),
      data(std::move(bytes)), splat(splat) {
  int64_t stored = splat ? 1 : elements;
  if (data.view.size() != stored * byteSize(type))
    fail("its data has " + llvm::Twine(data.view.size()) + " bytes, expected " +
         llvm::Twine(stored * byteSize(type)));
}

template <typename T> static void put(std::string &bytes, T value) {
  bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
}
template <typename T> static T get(const char *at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void appendInt(std::string &bytes, DType type, int64_t value) {
  if (isFloat(type))
    return appendDouble(bytes, type, static_cast<double>(value));
  if (type == DType::Bool)
    value = value != 0;
  bytes.append(reinterpret_cast<const char *>(&value), byteSize(type));
}

static const llvm::fltSemantics &semantics(DType type) {
  return type == DType::F16 ? llvm::APFloat::IEEEhalf()
                            : llvm::APFloat::BFloat();
}

void appendDouble(std::string &bytes, DType type, double value) {
  switch (type) {
  case DType::F32:
    return put(bytes, static_cast<float>(value));
  case DType::F64:
    return put(bytes, value);
  case DType::F16:
  case DType::BF16: {
    llvm::APFloat f(value);
    bool lost;
    f.convert(semantics(type), llvm::APFloat::rmNearestTiesToEven, &lost);
    return put(bytes, static_cast<uint16_t>(f.bitcastToAPInt().getZExtValue()));
  }
  case DType::Bool:
    return appendInt(bytes, type, value != 0);
  default:
    break;
  }
  // Out of range is undefined in ONNX and in C++: saturate, NaN to 0.
  double low = isUnsigned(type) ? 0 : -std::ldexp(1.0, 8 * byteSize(type) - 1);
  double high =
      std::ldexp(1.0, 8 * byteSize(type) - (isUnsigned(type) ? 0 : 1));
  if (std::isnan(value))
    value = 0;
  if (value >= high)
    return appendInt(
        bytes, type,
        type == DType::U64
            ? -1
            : static_cast<int64_t>(static_cast<uint64_t>(high - 1.0) -
                                   (type == DType::I64 ? 1 : 0)));
  if (value < low)
    value = low;
  appendInt(bytes, type,
            type == DType::U64
                ? static_cast<int64_t>(static_cast<uint64_t>(value))
                : static_cast<int64_t>(value));
}

static float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Exact; by bits, since weights have many of them.
static float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, rest = half & 0x7fff;
  if (rest >= 0x7c00) // infinite or not a number
    return fromBits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  if (rest < 0x400) { // rest·2⁻²⁴
    float small = std::ldexp(static_cast<float>(rest), -24);
    return sign ? -small : small;
  }
  return fromBits(sign | ((rest << 13) + (112u << 23)));
}

double HostTensor::asDouble(int64_t index) const {
  const char *p = at(index);
  switch (elementType) {
  case DType::F32:
    return get<float>(p);
  case DType::F64:
    return get<double>(p);
  case DType::F16:
    return halfToFloat(get<uint16_t>(p));
  case DType::BF16:
    return fromBits(uint32_t(get<uint16_t>(p)) << 16);
  case DType::U64:
    return static_cast<double>(get<uint64_t>(p));
  default:
    return static_cast<double>(asInt(index));
  }
}

int64_t HostTensor::asInt(int64_t index) const {
  const char *p = at(index);
  switch (elementType) {
  case DType::Bool:
    return get<uint8_t>(p) != 0;
  case DType::U8:
    return get<uint8_t>(p);
  case DType::I8:
    return get<int8_t>(p);
  case DType::U16:
    return get<uint16_t>(p);
  case DType::I16:
    return get<int16_t>(p);
  case DType::I32:
    return get<int32_t>(p);
  case DType::U32:
    return get<uint32_t>(p);
  case DType::I64:
  case DType::U64:
    return get<int64_t>(p);
  default: {
    double value = asDouble(index);
    return std::abs(value) < 9.2e18 ? static_cast<int64_t>(value) : 0;
  }
  }
}

HostTensor HostTensor::ofInts(DType type, llvm::ArrayRef<int64_t> dims,
                              llvm::ArrayRef<int64_t> values) {
  std::string bytes;
  bytes.reserve(values.size() * byteSize(type));
  for (int64_t v : values)
    appendInt(bytes, type, v);
  return HostTensor(type, dims, std::move(bytes));
}

HostTensor HostTensor::ofDoubles(DType type, llvm::ArrayRef<int64_t> dims,
                                 llvm::ArrayRef<double> values) {
  std::string bytes;
  bytes.reserve(values.size() * byteSize(type));
  for (double v : values)
    appendDouble(bytes, type, v);
  return HostTensor(type, dims, std::move(bytes));
}

HostTensor HostTensor::pick(
    llvm::ArrayRef<int64_t> dims,
    llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> index) const {
  int64_t count = checkedCount(dims);
  if (splat && count)
    return HostTensor(elementType, dims, data, true);
  size_t size = byteSize(elementType);
  Bytes bytes = Bytes::make(count * size);
  char *to = bytes.writable();
  llvm::SmallVector<int64_t> position(dims.size(), 0);
  for (int64_t i = 0; i < count; ++i, to += size) {
    int64_t from = index(position);
    if (from < 0 || from >= elements)
      fail("index " + llvm::Twine(from) + " is outside of a constant");
    std::memcpy(to, at(from), size);
    for (size_t d = dims.size(); d-- > 0 && ++position[d] == dims[d];)
      position[d] = 0;
  }
  return HostTensor(elementType, dims, std::move(bytes));
}

HostTensor HostTensor::reshaped(llvm::ArrayRef<int64_t> dims) const {
  return HostTensor(elementType, dims, data, splat);
}

HostTensor HostTensor::cast(DType to) const {
  if (to == elementType)
    return *this;
  int64_t stored = splat ? 1 : elements;
  if (to == DType::F32) { // weights: straight into aligned memory
    Bytes bytes = Bytes::make(stored * sizeof(float));
    char *out = bytes.writable();
    for (int64_t i = 0; i < stored; ++i, out += sizeof(float)) {
      float value = static_cast<float>(asDouble(i));
      std::memcpy(out, &value, sizeof value);
    }
    return HostTensor(to, shape, std::move(bytes), splat);
  }
  std::string bytes;
  bytes.reserve(stored * byteSize(to));
  for (int64_t i = 0; i < stored; ++i)
    if (isFloat(elementType) || elementType == DType::U64)
      appendDouble(bytes, to, asDouble(i));
    else
      appendInt(bytes, to, asInt(i));
  return HostTensor(to, shape, Bytes::take(std::move(bytes)), splat);
}

} // namespace heed::import
