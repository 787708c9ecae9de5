// Weights.cpp - constants of any storage as bytes, and their concatenation.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/fuse/Weights.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace mlir;

namespace heed::fuse {
namespace {
/// Larger constants are resources, as the importer makes them.
constexpr size_t kResourceBytes = 1024;

struct Bytes {
  ArrayRef<char> data;
  bool splat;
};

std::optional<Bytes> bytesOf(ElementsAttr values) {
  if (auto dense = dyn_cast<DenseElementsAttr>(values))
    return Bytes{dense.getRawData(), dense.isSplat()};
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(values))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return Bytes{blob->getData(), false};
  return std::nullopt;
}

/// Row by row, the bytes of each part; `unit` bytes for one step along `axis`.
void fill(char *to, ArrayRef<WeightPart> parts, int64_t axis, int64_t rows,
          size_t unit, size_t width) {
  for (int64_t row = 0; row < rows; ++row)
    for (const WeightPart &part : parts) {
      size_t count = part.type.getDimSize(axis) * unit;
      if (!part.values) {
        std::memset(to, 0, count);
      } else {
        Bytes bytes = *bytesOf(part.values);
        if (bytes.splat)
          for (size_t i = 0; i < count; i += width)
            std::memcpy(to + i, bytes.data.data(), width);
        else
          std::memcpy(to, bytes.data.data() + row * count, count);
      }
      to += count;
    }
}

size_t widthOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }
} // namespace

bool isReadable(ElementsAttr values) {
  Type element = values.getElementType();
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0)
    return false;
  std::optional<Bytes> bytes = bytesOf(values);
  size_t width = widthOf(element);
  return bytes && bytes->data.size() >=
                      (bytes->splat ? width : width * values.getNumElements());
}

ElementsAttr concatenate(ArrayRef<WeightPart> parts, int64_t axis) {
  RankedTensorType first = parts.front().type;
  size_t width = widthOf(first.getElementType());
  SmallVector<int64_t> shape(first.getShape());
  shape[axis] = 0;
  for (const WeightPart &part : parts)
    shape[axis] += part.type.getDimSize(axis);
  int64_t outer = 1, inner = 1;
  for (int64_t i = 0; i < axis; ++i)
    outer *= shape[i];
  for (int64_t i = axis + 1, e = shape.size(); i < e; ++i)
    inner *= shape[i];
  auto type = RankedTensorType::get(shape, first.getElementType());
  size_t total = width * type.getNumElements();
  if (total <= kResourceBytes) {
    SmallVector<char> bytes(total);
    fill(bytes.data(), parts, axis, outer, inner * width, width);
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(total, /*align=*/64);
  fill(blob.getMutableData().data(), parts, axis, outer, inner * width, width);
  return DenseResourceElementsAttr::get(type, "heed_fused", std::move(blob));
}

} // namespace heed::fuse
