// Tensor.h - element types and constant tensors on the importer's side.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_TENSOR_H
#define HEED_TOOLS_LIB_IMPORT_TENSOR_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace heed::import {

/// ONNX's numbers for the element types that the importer takes.
enum class DType : int32_t {
  F32 = 1,
  U8 = 2,
  I8 = 3,
  U16 = 4,
  I16 = 5,
  I32 = 6,
  I64 = 7,
  Bool = 9,
  F16 = 10,
  F64 = 11,
  U32 = 12,
  U64 = 13,
  BF16 = 16
};

/// The type of number `onnxType`; fails for any other (strings, complex, 8-bit
/// floats).
DType checkedDType(int64_t onnxType);
llvm::StringRef name(DType type);
size_t byteSize(DType type);
bool isFloat(DType type);
bool isUnsigned(DType type); // true for Bool as well
inline bool isInteger(DType t) { return !isFloat(t) && t != DType::Bool; }
mlir::Type irType(DType type, mlir::MLIRContext *context); // signless

/// Product of `dims`, each checked to be at least 0, and the product times
/// `elementBytes` to fit 62 bits.
int64_t checkedCount(llvm::ArrayRef<int64_t> dims, size_t elementBytes = 8);

/// Memory that constants share: never changed once it is part of one.
struct Bytes {
  std::shared_ptr<void> owner;
  llvm::StringRef view;

  /// Aligned for the compiled function, which reads weights in place.
  static constexpr size_t alignment = 64;
  static Bytes make(size_t size); // not initialised
  static Bytes copy(llvm::StringRef bytes);
  static Bytes take(std::string bytes); // not aligned
  char *writable() const { return static_cast<char *>(owner.get()); }
  bool isAligned() const {
    return reinterpret_cast<uintptr_t>(view.data()) % alignment == 0;
  }
};

/// A constant tensor in row-major order; bool has one byte an element. The
/// bytes are shared, never changed after construction. A splat stores one
/// element.
class HostTensor {
public:
  HostTensor() = default;
  HostTensor(DType type, llvm::ArrayRef<int64_t> dims, Bytes bytes,
             bool splat = false);
  HostTensor(DType type, llvm::ArrayRef<int64_t> dims, std::string bytes)
      : HostTensor(type, dims, Bytes::take(std::move(bytes))) {}
  static HostTensor ofInts(DType type, llvm::ArrayRef<int64_t> dims,
                           llvm::ArrayRef<int64_t> values);
  static HostTensor ofDoubles(DType type, llvm::ArrayRef<int64_t> dims,
                              llvm::ArrayRef<double> values);

  DType type() const { return elementType; }
  llvm::ArrayRef<int64_t> dims() const { return shape; }
  int64_t count() const { return elements; }
  bool isSplat() const { return splat; }
  llvm::StringRef bytes() const { return data.view; }
  const Bytes &shared() const { return data; }

  double asDouble(int64_t index) const;
  int64_t asInt(int64_t index) const;

  /// Element i of the result is element index(i) of this.
  HostTensor
  pick(llvm::ArrayRef<int64_t> dims,
       llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> index) const;
  HostTensor reshaped(llvm::ArrayRef<int64_t> dims) const;
  HostTensor cast(DType type) const;

private:
  const char *at(int64_t index) const {
    return data.view.data() + (splat ? 0 : index) * byteSize(elementType);
  }
  DType elementType = DType::F32;
  llvm::SmallVector<int64_t> shape;
  int64_t elements = 0;
  Bytes data;
  bool splat = false;
};

/// Appends `value`, converted to `type`, to `bytes`.
void appendDouble(std::string &bytes, DType type, double value);
void appendInt(std::string &bytes, DType type, int64_t value);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_TENSOR_H
