// Npy.h - strict reader and atomic writer of NumPy's .npy files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_NPY_NPY_H
#define HEED_TOOLS_LIB_NPY_NPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace heed {

/// Element types that cross the boundary of a program.
enum class DType {
  Bool,
  I8,
  U8,
  I16,
  U16,
  I32,
  U32,
  I64,
  U64,
  F16,
  BF16, // in a file: V2, as ml_dtypes writes it
  F32,
  F64
};

/// Bytes of one element.
int64_t dtypeBytes(DType type);
/// NumPy's name, e.g. "float32".
llvm::StringRef dtypeName(DType type);

/// A row-major array.
struct Array {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<char> data;

  int64_t numElements() const;
  /// Element i as a double (exact for all but 64-bit integers).
  double at(int64_t i) const;
};

/// Reads format versions 1.0, 2.0 and 3.0. Refused with a message that names the file:
/// pickled objects, structured and other void types, other byte orders, Fortran order
/// of rank 2 or more, headers above 10,000 bytes, and data that are shorter or
/// longer than the shape says.
llvm::Expected<Array> readNpy(llvm::StringRef path);
/// All of them, or the first error.
llvm::Expected<std::vector<Array>>
readAllNpy(llvm::ArrayRef<std::string> paths);

/// Writes format version 1.0 under a temporary name, then renames.
llvm::Error writeNpy(llvm::StringRef path, const Array &array);

} // namespace heed

#endif // HEED_TOOLS_LIB_NPY_NPY_H
