// TensorProto.cpp - decodes a TensorProto in every storage form.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Error.h"
#include "tools/lib/import/Model.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

namespace heed::import {

namespace {

/// Which repeated field of a TensorProto holds elements of this type.
enum class Field { Float, Int32, Int64, Double, UInt64 };

Field fieldOf(DType type) {
  switch (type) {
  case DType::F32:
    return Field::Float;
  case DType::F64:
    return Field::Double;
  case DType::I64:
    return Field::Int64;
  case DType::U32:
  case DType::U64:
    return Field::UInt64;
  default:
    return Field::Int32; // also the bits of float16 and bfloat16
  }
}

std::string externalBytes(const onnx::TensorProto &tensor, int64_t expected,
                          const std::string &modelPath, ExternalUse *use) {
  std::string location;
  int64_t offset = 0, length = expected;
  for (const auto &entry : tensor.external_data()) {
    llvm::StringRef key = entry.key(), value = entry.value();
    if (key == "location")
      location = value.str();
    else if (key == "offset"   ? value.getAsInteger(10, offset)
             : key == "length" ? value.getAsInteger(10, length)
                               : key != "checksum")
      fail("external_data: unknown or damaged entry " + quoted(key));
  }
  if (length != expected)
    fail("external_data: length is " + llvm::Twine(length) +
         ", its shape needs " + llvm::Twine(expected) + " bytes");
  return readExternal(llvm::sys::path::parent_path(modelPath).str(), location,
                      offset, length, use);
}

/// Appends the elements of a repeated field, each in `size` bytes.
template <typename Repeated>
std::string pack(const Repeated &values, size_t size) {
  std::string bytes;
  bytes.reserve(values.size() * size);
  for (auto v : values)
    bytes.append(reinterpret_cast<const char *>(&v), size);
  return bytes;
}

} // namespace

HostTensor takeTensor(onnx::TensorProto &tensor, const std::string &modelPath,
                      ExternalUse *use) {
  DType type = checkedDType(tensor.data_type());
  llvm::SmallVector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  int64_t count = checkedCount(dims);
  size_t size = byteSize(type);
  int forms =
      tensor.has_raw_data() + (tensor.float_data_size() != 0) +
      (tensor.int32_data_size() != 0) + (tensor.int64_data_size() != 0) +
      (tensor.double_data_size() != 0) + (tensor.uint64_data_size() != 0) +
      (tensor.string_data_size() != 0) + (tensor.data_location() == 1);
  if (forms > 1)
    fail("it stores its data in more than one field");

  std::string bytes;
  if (tensor.data_location() == 1) {
    bytes = externalBytes(tensor, count * size, modelPath, use);
  } else if (tensor.has_raw_data()) {
    std::unique_ptr<std::string> owned(tensor.release_raw_data());
    bytes = std::move(*owned);
  } else {
    auto check = [&](int64_t stored) {
      if (stored != count)
        fail("it has " + llvm::Twine(stored) + " elements, its shape needs " +
             llvm::Twine(count));
    };
    switch (fieldOf(type)) {
    case Field::Float:
      check(tensor.float_data_size());
      bytes = pack(tensor.float_data(), size);
      tensor.clear_float_data();
      break;
    case Field::Int32:
      check(tensor.int32_data_size());
      bytes = pack(tensor.int32_data(), size);
      tensor.clear_int32_data();
      break;
    case Field::Int64:
      check(tensor.int64_data_size());
      bytes = pack(tensor.int64_data(), size);
      tensor.clear_int64_data();
      break;
    case Field::Double:
      check(tensor.double_data_size());
      bytes = pack(tensor.double_data(), size);
      tensor.clear_double_data();
      break;
    case Field::UInt64:
      check(tensor.uint64_data_size());
      bytes = pack(tensor.uint64_data(), size);
      tensor.clear_uint64_data();
      break;
    }
  }
  if (type == DType::Bool) // any nonzero byte is true
    for (char &byte : bytes)
      byte = byte != 0;
  return HostTensor(type, dims, std::move(bytes));
}

} // namespace heed::import
