// Constants.cpp - reads and makes constant tensors of floats.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/onednn/Constants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace heed::lower {

static constexpr size_t kLargestLiteral = 256;

std::optional<SmallVector<float>> readFloats(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!constant || !type || !type.getElementType().isF32())
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue())) {
    if (dense.isSplat())
      return SmallVector<float>{dense.getSplatValue<float>()};
    return llvm::to_vector(dense.getValues<float>());
  }
  if (auto resource =
          dyn_cast<DenseF32ResourceElementsAttr>(constant.getValue()))
    if (std::optional<ArrayRef<float>> data = resource.tryGetAsArrayRef())
      if (static_cast<int64_t>(data->size()) == type.getNumElements())
        return llvm::to_vector(*data);
  return std::nullopt;
}

Value createFloats(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape,
                   ArrayRef<float> elements) {
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  if (elements.size() <= kLargestLiteral)
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(type, elements));
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      ArrayRef<char>(reinterpret_cast<const char *>(elements.data()),
                     elements.size() * sizeof(float)),
      /*align=*/64, /*dataIsMutable=*/false);
  auto attribute =
      DenseF32ResourceElementsAttr::get(type, "folded", std::move(blob));
  return arith::ConstantOp::create(builder, loc, cast<TypedAttr>(attribute));
}

} // namespace heed::lower
