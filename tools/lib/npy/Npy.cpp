// Npy.cpp - strict reader and atomic writer of NumPy's .npy files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Format: "\x93NUMPY", major, minor, header length (2 bytes little-endian in
// version 1, 4 in 2 and 3), then a Python dictionary literal
// {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }, then the data
// (numpy.lib.format, NEP 1).
#include "tools/lib/npy/Npy.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace llvm;

namespace heed {
namespace {

struct TypeRow {
  DType type;
  StringRef code, name;
  int64_t bytes;
};
constexpr TypeRow kTypes[] = {
    {DType::Bool, "b1", "bool", 1},     {DType::I8, "i1", "int8", 1},
    {DType::U8, "u1", "uint8", 1},      {DType::I16, "i2", "int16", 2},
    {DType::U16, "u2", "uint16", 2},    {DType::I32, "i4", "int32", 4},
    {DType::U32, "u4", "uint32", 4},    {DType::I64, "i8", "int64", 8},
    {DType::U64, "u8", "uint64", 8},    {DType::F16, "f2", "float16", 2},
    {DType::BF16, "V2", "bfloat16", 2}, {DType::F32, "f4", "float32", 4},
    {DType::F64, "f8", "float64", 8}};

const TypeRow &row(DType type) {
  return *find_if(kTypes, [&](const TypeRow &r) { return r.type == type; });
}

constexpr size_t kMaxHeaderBytes = 10000;
constexpr int64_t kMaxRank = 32;

Error refuse(StringRef path, const Twine &reason) {
  return createStringError(inconvertibleErrorCode(), "%s: %s",
                           path.str().c_str(), reason.str().c_str());
}

/// A cursor over the header's dictionary literal.
struct HeaderParser {
  StringRef rest;

  void skipSpace() { rest = rest.ltrim(" \t\n"); }
  bool take(StringRef token) {
    skipSpace();
    return rest.consume_front(token);
  }
  bool takeString(StringRef &value) {
    skipSpace();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      return false;
    size_t end = rest.find(rest[0], 1);
    if (end == StringRef::npos)
      return false;
    value = rest.slice(1, end);
    rest = rest.drop_front(end + 1);
    return true;
  }
  bool takeShape(std::vector<int64_t> &shape) {
    if (!take("("))
      return false;
    while (!take(")")) {
      skipSpace();
      uint64_t size;
      if (rest.consumeInteger(10, size) || size > INT64_MAX)
        return false;
      rest.consume_front("L"); // Python 2 wrote 3L
      shape.push_back(static_cast<int64_t>(size));
      if (!take(",")) {
        if (!take(")"))
          return false;
        break;
      }
    }
    return true;
  }
};

Error parseHeader(StringRef path, StringRef header, Array &array,
                  bool &fortran) {
  HeaderParser parser{header};
  bool haveType = false, haveOrder = false, haveShape = false;
  if (!parser.take("{"))
    return refuse(path, "header: expected a dictionary");
  while (!parser.take("}")) {
    StringRef key;
    if (!parser.takeString(key) || !parser.take(":"))
      return refuse(path, "header: expected 'key': value");
    if (key == "descr" && !haveType) {
      StringRef descr;
      if (!parser.takeString(descr))
        return refuse(path, "dtype: structured types are not supported");
      StringRef code = descr;
      if (code.consume_front(">"))
        return refuse(path, "dtype: big-endian data are not supported ('" +
                                descr + "')");
      if (!code.consume_front("<") && !code.consume_front("|"))
        code.consume_front("=");
      const auto *it =
          find_if(kTypes, [&](const TypeRow &r) { return r.code == code; });
      if (it == std::end(kTypes))
        return refuse(path, "dtype: '" + descr + "' is not supported");
      array.type = it->type;
      haveType = true;
    } else if (key == "fortran_order" && !haveOrder) {
      fortran = parser.take("True");
      if (!fortran && !parser.take("False"))
        return refuse(path, "header: fortran_order: expected True or False");
      haveOrder = true;
    } else if (key == "shape" && !haveShape) {
      if (!parser.takeShape(array.shape))
        return refuse(path, "header: shape: expected a tuple of sizes");
      haveShape = true;
    } else {
      return refuse(path, "header: unexpected key '" + key + "'");
    }
    parser.take(",");
  }
  if (!parser.rest.trim(" \n\0").empty())
    return refuse(path, "header: text after the dictionary");
  if (!haveType || !haveOrder || !haveShape)
    return refuse(path, "header: expected descr, fortran_order and shape");
  if (static_cast<int64_t>(array.shape.size()) > kMaxRank)
    return refuse(path, formatv("rank: expected at most {0}, got {1}", kMaxRank,
                                array.shape.size()));
  return Error::success();
}

} // namespace

int64_t dtypeBytes(DType type) { return row(type).bytes; }
StringRef dtypeName(DType type) { return row(type).name; }

int64_t Array::numElements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

double Array::at(int64_t i) const {
  const char *p = data.data() + i * dtypeBytes(type);
  auto as = [&](auto zero) {
    decltype(zero) value;
    std::memcpy(&value, p, sizeof(value));
    return static_cast<double>(value);
  };
  switch (type) {
  case DType::Bool:
  case DType::U8:
    return as(uint8_t{});
  case DType::I8:
    return as(int8_t{});
  case DType::I16:
    return as(int16_t{});
  case DType::U16:
    return as(uint16_t{});
  case DType::I32:
    return as(int32_t{});
  case DType::U32:
    return as(uint32_t{});
  case DType::I64:
    return as(int64_t{});
  case DType::U64:
    return as(uint64_t{});
  case DType::F32:
    return as(float{});
  case DType::F64:
    return as(double{});
  case DType::F16:
  case DType::BF16: {
    uint16_t bits;
    std::memcpy(&bits, p, sizeof(bits));
    APFloat value(type == DType::F16 ? APFloat::IEEEhalf() : APFloat::BFloat(),
                  APInt(16, bits));
    bool lossy;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
    return value.convertToDouble();
  }
  }
  return 0;
}

Expected<Array> readNpy(StringRef path) {
  // Read, never map: a mapped file that shrinks kills the process.
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false,
                                    /*RequiresNullTerminator=*/false,
                                    /*IsVolatile=*/true);
  if (!file)
    return refuse(path, file.getError().message());
  StringRef bytes = (*file)->getBuffer();
  if (!bytes.consume_front("\x93NUMPY") || bytes.size() < 4)
    return refuse(path, "not a .npy file");
  uint8_t major = bytes[0];
  if (major < 1 || major > 3)
    return refuse(path, formatv("format version {0} is not supported", major));
  bytes = bytes.drop_front(2);
  size_t lengthBytes = major == 1 ? 2 : 4;
  if (bytes.size() < lengthBytes)
    return refuse(path, "truncated header");
  size_t length = major == 1 ? support::endian::read16le(bytes.data())
                             : support::endian::read32le(bytes.data());
  bytes = bytes.drop_front(lengthBytes);
  if (length > kMaxHeaderBytes)
    return refuse(path, formatv("header: expected at most {0} bytes, got {1}",
                                kMaxHeaderBytes, length));
  if (length > bytes.size())
    return refuse(path, "truncated header");

  Array array;
  bool fortran = false;
  if (Error error = parseHeader(path, bytes.take_front(length), array, fortran))
    return std::move(error);
  bytes = bytes.drop_front(length);
  if (fortran && array.shape.size() > 1)
    return refuse(path, "Fortran order is not supported; save a C-ordered "
                        "copy (numpy.ascontiguousarray)");
  uint64_t expected = dtypeBytes(array.type);
  for (int64_t size : array.shape) {
    bool overflow = false;
    expected = SaturatingMultiply<uint64_t>(expected, size, &overflow);
    if (overflow)
      return refuse(path, "shape: the product of the sizes overflows");
  }
  if (expected != bytes.size())
    return refuse(path, formatv("data: expected {0} bytes for the shape, got "
                                "{1}",
                                expected, bytes.size()));
  array.data.assign(bytes.begin(), bytes.end());
  return array;
}

Expected<std::vector<Array>> readAllNpy(ArrayRef<std::string> paths) {
  std::vector<Array> arrays;
  for (const std::string &path : paths) {
    auto array = readNpy(path);
    if (!array)
      return array.takeError();
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

Error writeNpy(StringRef path, const Array &array) {
  std::string header = "{'descr': '";
  bool hasByteOrder = dtypeBytes(array.type) > 1 && array.type != DType::BF16;
  header += hasByteOrder ? "<" : "|";
  header += row(array.type).code;
  header += "', 'fortran_order': False, 'shape': (";
  for (int64_t size : array.shape)
    header += formatv("{0}, ", size).str();
  header += "), }";
  // Magic, version, length and header together are a multiple of 64 bytes.
  size_t total = alignTo(10 + header.size() + 1, 64);
  header.append(total - 10 - header.size() - 1, ' ');
  header += '\n';
  return writeToOutput(path, [&](raw_ostream &os) -> Error {
    os << StringRef("\x93NUMPY\x01\x00", 8);
    char length[2];
    support::endian::write16le(length, header.size());
    os << StringRef(length, 2) << header;
    os.write(array.data.data(), array.data.size());
    return Error::success();
  });
}

} // namespace heed
