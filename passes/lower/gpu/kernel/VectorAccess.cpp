// VectorAccess.cpp - 16 bytes of a tensor at a time, as scalars.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/VectorAccess.h"
#include "passes/lower/gpu/kernel/Fragment.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace heed::cuda {

static constexpr int64_t kWords = kVectorBytes / 4;

int64_t vectorLength(Type element) {
  return isa<FloatType>(element) ? kVectorBytes / bytesOf(element) : 1;
}

static VectorType wordsType(KernelBuilder &k) {
  return VectorType::get({kWords}, k.b.getI32Type());
}

Values loadVector(KernelBuilder &k, Value pointer, Type element,
                  int64_t length) {
  if (length == 1)
    return {loadElement(k, pointer, element)};
  Value words = LLVM::LoadOp::create(k.b, k.loc, wordsType(k), pointer,
                                     /*alignment=*/kVectorBytes);
  Type f32 = k.b.getF32Type();
  Values values;
  for (int64_t word = 0; word < kWords; ++word) {
    Value bits = LLVM::ExtractElementOp::create(k.b, k.loc, words, k.i32(word));
    if (length == kWords) {
      values.push_back(LLVM::BitcastOp::create(k.b, k.loc, f32, bits));
      continue;
    }
    for (int64_t half : {0, 16}) {
      Value shifted =
          k.b.createOrFold<arith::ShRUIOp>(k.loc, bits, k.i32(half));
      Value narrow =
          arith::TruncIOp::create(k.b, k.loc, k.b.getI16Type(), shifted);
      Value number = LLVM::BitcastOp::create(k.b, k.loc, element, narrow);
      values.push_back(arith::ExtFOp::create(k.b, k.loc, f32, number));
    }
  }
  return values;
}

void storeVector(KernelBuilder &k, ValueRange values, Value pointer,
                 Type element) {
  if (values.size() == 1)
    return storeElement(k, values[0], pointer, element);
  int64_t perWord = values.size() / kWords;
  Value words = LLVM::PoisonOp::create(k.b, k.loc, wordsType(k));
  for (int64_t word = 0; word < kWords; ++word) {
    Value bits = perWord == 1
                     ? LLVM::BitcastOp::create(k.b, k.loc, k.b.getI32Type(),
                                               values[word])
                     : packPair(k, cast<FloatType>(element), values[2 * word],
                                values[2 * word + 1]);
    words = LLVM::InsertElementOp::create(k.b, k.loc, words, bits, k.i32(word));
  }
  LLVM::StoreOp::create(k.b, k.loc, words, pointer,
                        /*alignment=*/kVectorBytes);
}

bool startsAligned(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(type.getStridesAndOffset(strides, offset)) &&
         !ShapedType::isDynamic(offset) &&
         offset * bytesOf(type.getElementType()) % kVectorBytes == 0;
}

} // namespace heed::cuda
