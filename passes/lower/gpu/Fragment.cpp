// Fragment.cpp - loads, products and reductions of a warp's fragments.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/Fragment.h"

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

FragmentC multiply(KernelBuilder &k, FloatType element, const FragmentA &a,
                   const FragmentB &b, const FragmentC &c) {
  // NVVM takes pairs of bf16 as i32, pairs of f16 as vectors.
  Type pair = VectorType::get({2}, element);
  auto asOperand = [&](Value value) -> Value {
    if (element.isBF16())
      return value;
    return LLVM::BitcastOp::create(k.b, k.loc, pair, value);
  };
  Values left = llvm::map_to_vector(a, asOperand);
  Values right = llvm::map_to_vector(b, asOperand);
  NVVM::MMATypes kind =
      element.isBF16() ? NVVM::MMATypes::bf16 : NVVM::MMATypes::f16;
  auto type = LLVM::LLVMStructType::getLiteral(
      k.b.getContext(), SmallVector<Type>(4, k.b.getF32Type()));
  Value product = NVVM::MmaOp::create(
      k.b, k.loc, type, left, right, ValueRange(Values(c.begin(), c.end())),
      ArrayRef<int64_t>{16, 8, 16}, std::nullopt, std::nullopt,
      std::array{kind, kind},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  return extract<4>(k, product);
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

FragmentA packA(KernelBuilder &k, FloatType element, const FragmentC &left,
                const FragmentC &right) {
  return {packPair(k, element, left[0], left[1]),
          packPair(k, element, left[2], left[3]),
          packPair(k, element, right[0], right[1]),
          packPair(k, element, right[2], right[3])};
}

/// The value of lane (this xor distance).
static Value exchange(KernelBuilder &k, Value value, unsigned distance) {
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
