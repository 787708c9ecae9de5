// Fragment.cpp - loads, products and reductions of a warp's fragments.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/Fragment.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace heed::cuda {

Lane buildLane(KernelBuilder &k) {
  Lane lane;
  lane.thread = NVVM::ThreadIdXOp::create(k.b, k.loc, Type(k.b.getI32Type()));
  lane.warp = k.div(lane.thread, 32);
  lane.lane = k.rem(lane.thread, 32);
  lane.group = k.div(lane.lane, 4);
  lane.quad = k.rem(lane.lane, 4);
  return lane;
}

/// The members of a struct of N equal ones.
template <size_t N>
static std::array<Value, N> extract(KernelBuilder &k, Value aggregate) {
  std::array<Value, N> members;
  for (size_t i = 0; i < N; ++i)
    members[i] = LLVM::ExtractValueOp::create(k.b, k.loc, aggregate, i);
  return members;
}

std::array<Value, 4> loadMatrices(KernelBuilder &k, Value address,
                                  bool transposed) {
  MLIRContext *context = k.b.getContext();
  auto type = LLVM::LLVMStructType::getLiteral(
      context, SmallVector<Type>(4, k.b.getI32Type()));
  auto shape = NVVM::LdStMatrixShapeAttr::get(context, 8, 8);
  Value loaded = NVVM::LdMatrixOp::create(k.b, k.loc, type, address, 4,
                                          transposed ? NVVM::MMALayout::col
                                                     : NVVM::MMALayout::row,
                                          shape, NVVM::LdStMatrixEltType::B16);
  return extract<4>(k, loaded);
}

/// One mma.sync.
static FragmentC multiplyOnce(KernelBuilder &k, NVVM::MMATypes kind,
                              int64_t depth, ValueRange a, ValueRange b,
                              const FragmentC &c) {
  auto type = LLVM::LLVMStructType::getLiteral(
      k.b.getContext(), SmallVector<Type>(4, k.b.getF32Type()));
  Value product = NVVM::MmaOp::create(
      k.b, k.loc, type, a, b, ValueRange(Values(c.begin(), c.end())),
      ArrayRef<int64_t>{16, 8, depth}, std::nullopt, std::nullopt,
      std::array{kind, kind},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  return extract<4>(k, product);
}

namespace {
/// Floats as the sum of two tf32, in i32.
struct Parts {
  Values big, small;
};
} // namespace

static Parts split(KernelBuilder &k, ArrayRef<Value> floats) {
  // tf32 is the upper 19 bits; the product does not look at the others.
  constexpr int32_t kUpper = ~0x1fff, kHalfUnit = 0x1000;
  Type f32 = k.b.getF32Type(), i32 = k.b.getI32Type();
  Parts parts;
  for (Value bits : floats) {
    Value big = arith::AndIOp::create(k.b, k.loc, k.add(bits, k.i32(kHalfUnit)),
                                      k.i32(kUpper));
    Value rest = arith::SubFOp::create(
        k.b, k.loc, LLVM::BitcastOp::create(k.b, k.loc, f32, bits),
        LLVM::BitcastOp::create(k.b, k.loc, f32, big));
    Value small = LLVM::BitcastOp::create(k.b, k.loc, i32, rest);
    parts.big.push_back(big);
    parts.small.push_back(small);
  }
  return parts;
}

FragmentC multiply(KernelBuilder &k, FloatType element, const FragmentA &a,
                   const FragmentB &b, const FragmentC &c) {
  if (element.isF32()) {
    // Small products first: they would be lost beside the sum of the big.
    Parts left = split(k, a), right = split(k, b);
    auto once = [&](ValueRange x, ValueRange y, const FragmentC &sum) {
      return multiplyOnce(k, NVVM::MMATypes::tf32, 8, x, y, sum);
    };
    return once(left.big, right.big,
                once(left.big, right.small, once(left.small, right.big, c)));
  }
  if (element.isBF16()) // NVVM takes pairs of bf16 as i32
    return multiplyOnce(k, NVVM::MMATypes::bf16, 16, Values(a.begin(), a.end()),
                        Values(b.begin(), b.end()), c);
  auto asPair = [&](Value value) -> Value {
    return LLVM::BitcastOp::create(k.b, k.loc, VectorType::get({2}, element),
                                   value);
  };
  return multiplyOnce(k, NVVM::MMATypes::f16, 16,
                      llvm::map_to_vector(a, asPair),
                      llvm::map_to_vector(b, asPair), c);
}

Value packPair(KernelBuilder &k, FloatType element, Value low, Value high) {
  Type floats = VectorType::get({2}, k.b.getF32Type());
  Value pair = LLVM::PoisonOp::create(k.b, k.loc, floats);
  pair = LLVM::InsertElementOp::create(k.b, k.loc, pair, low, k.i32(0));
  pair = LLVM::InsertElementOp::create(k.b, k.loc, pair, high, k.i32(1));
  Value rounded =
      arith::TruncFOp::create(k.b, k.loc, VectorType::get({2}, element), pair);
  return LLVM::BitcastOp::create(k.b, k.loc, k.b.getI32Type(), rounded);
}

FragmentA packA(KernelBuilder &k, FloatType element,
                ArrayRef<FragmentC> tiles) {
  const FragmentC &left = tiles.front(), &right = tiles.back();
  if (element.isF32()) {
    auto bits = [&](Value value) -> Value {
      return LLVM::BitcastOp::create(k.b, k.loc, k.b.getI32Type(), value);
    };
    return {bits(left[0]), bits(left[2]), bits(left[1]), bits(left[3])};
  }
  return {packPair(k, element, left[0], left[1]),
          packPair(k, element, left[2], left[3]),
          packPair(k, element, right[0], right[1]),
          packPair(k, element, right[2], right[3])};
}

Value exchange(KernelBuilder &k, Value value, unsigned distance) {
  return NVVM::ShflOp::create(k.b, k.loc, value.getType(),
                              /*thread_mask=*/k.i32(-1), value, k.i32(distance),
                              /*mask_and_clamp=*/k.i32(31),
                              NVVM::ShflKind::bfly, UnitAttr());
}

Value maxOfQuad(KernelBuilder &k, Value value) {
  for (unsigned distance : {1, 2})
    value = arith::MaxNumFOp::create(k.b, k.loc, value,
                                     exchange(k, value, distance));
  return value;
}

Value sumOfQuad(KernelBuilder &k, Value value) {
  for (unsigned distance : {1, 2})
    value =
        arith::AddFOp::create(k.b, k.loc, value, exchange(k, value, distance));
  return value;
}

} // namespace heed::cuda
