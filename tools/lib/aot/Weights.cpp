// Weights.cpp - the weights of a compiled model as one aligned piece of memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/Weights.h"

#include "runtime/support/ModelCode.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"
#include <cstring>

using namespace llvm;

namespace heed {

static ArrayRef<uint8_t> bytesOf(const void *data, size_t bytes) {
  return {static_cast<const uint8_t *>(data), bytes};
}

WeightsLayout::WeightsLayout(ArrayRef<ArrayRef<char>> weights) {
  std::vector<uint64_t> hashes;
  for (ArrayRef<char> weight : weights) {
    offsets.push_back(bytes);
    bytes += alignTo(weight.size(), kAlignment);
    hashes.push_back(weight.size());
    hashes.push_back(xxh3_64bits(bytesOf(weight.data(), weight.size())));
  }
  id = xxh3_64bits(bytesOf(hashes.data(), hashes.size() * sizeof(uint64_t)));
}

/// Bytes between the end of a weight and the next.
static size_t padding(ArrayRef<char> weight) {
  return offsetToAlignment(weight.size(), Align(WeightsLayout::kAlignment));
}

void writeWeights(raw_ostream &os, const WeightsLayout &layout,
                  ArrayRef<ArrayRef<char>> weights) {
  HeedWeightsHeader header{};
  std::memcpy(header.magic, kHeedWeightsMagic, sizeof header.magic);
  header.weightsId = layout.id;
  header.bytes = layout.bytes;
  os.write(reinterpret_cast<const char *>(&header), sizeof header);
  for (ArrayRef<char> weight : weights) {
    os.write(weight.data(), weight.size());
    os.write_zeros(padding(weight));
  }
}

// A struct of byte arrays: one copy of the weights, however many there are.

StructType *weightsType(LLVMContext &context, const WeightsLayout &layout,
                        ArrayRef<ArrayRef<char>> weights) {
  Type *byte = Type::getInt8Ty(context);
  SmallVector<Type *> fields;
  for (ArrayRef<char> weight : weights) {
    fields.push_back(ArrayType::get(byte, weight.size()));
    fields.push_back(ArrayType::get(byte, padding(weight)));
  }
  return StructType::get(context, fields, /*isPacked=*/true);
}

Constant *weightsConstant(LLVMContext &context, const WeightsLayout &layout,
                          ArrayRef<ArrayRef<char>> weights) {
  StructType *type = weightsType(context, layout, weights);
  SmallVector<Constant *> fields;
  for (auto [index, weight] : enumerate(weights)) {
    fields.push_back(
        ConstantDataArray::getRaw(StringRef(weight.data(), weight.size()),
                                  weight.size(), Type::getInt8Ty(context)));
    fields.push_back(
        ConstantAggregateZero::get(type->getElementType(2 * index + 1)));
  }
  return ConstantStruct::get(type, fields);
}

} // namespace heed
