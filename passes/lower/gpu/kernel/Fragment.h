// Fragment.h - a warp's registers as matrices: what mma.sync multiplies.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// D = A·B + C of 16×8 = 16×16 · 16×8 (mma.sync.m16n8k16, PTX ISA 9.7.14.5.8).
// Lane 4·g + t holds, in registers of 32 bits:
//   A  rows g, g + 8 × columns 2t…2t+1, 2t+8…2t+9, in the order (g, low),
//      (g + 8, low), (g, high), (g + 8, high): pairs of 16-bit elements
//   B  rows 2t…2t+1 and 2t+8…2t+9 of column g: pairs
//   C  (g, 2t), (g, 2t+1), (g + 8, 2t), (g + 8, 2t+1): f32
// So two neighbouring tiles C, rounded to pairs, are one A: the product of a
// product needs no exchange between lanes.
//
// f32 is multiplied as tf32, of 11 bits, in two parts: x = big + small, where
// big is x rounded and small, the exact rest, is cut off by the product:
//   a·b ≈ a_small·b_big + a_big·b_small + a_big·b_big
// Left out are a_small·b_small, of 2^-22·|a·b|, and what is cut off, twice as
// much at most; the sum is f32. A step of mma.sync is 16×8 · 8×8 (9.7.14.5.7),
// of the same bytes and registers:
//   A  (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4)
//   B  rows t and t + 4 of column g
// Rows of B may stand in any order that columns of A stand in. A tile C is an A
// whose columns t and t + 4 are its 2t and 2t + 1, if B takes rows 2t and
// 2t + 1. An infinite element makes NaN: inf − inf is its small part.
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_FRAGMENT_H
#define HEED_PASSES_LOWER_GPU_KERNEL_FRAGMENT_H

#include "passes/lower/gpu/kernel/KernelBuilder.h"

namespace heed::cuda {

using FragmentA = std::array<Value, 4>; // i32
using FragmentB = std::array<Value, 2>; // i32
using FragmentC = std::array<Value, 4>; // f32

/// The rows that a lane holds of C: g and g + 8.
constexpr unsigned kRowsOfLane = 2;
/// Which of them element `i` of C is in.
constexpr unsigned rowOf(unsigned i) { return i / 2; }

/// Where a thread is in its block.
struct Lane {
  Value thread, warp, lane; // i32; lane < 32
  Value group, quad;        // g and t above
};
Lane buildLane(KernelBuilder &k);

/// Bytes of a row that one step multiplies: 16 halves or 8 floats.
constexpr int64_t kStepBytes = 32;
/// Tiles of C that are one A.
inline unsigned tilesOfA(mlir::FloatType element) {
  return element.isF32() ? 1 : 2;
}

/// Four 8×8 matrices of 16-bit elements from shared memory (ldmatrix.x4); lane
/// 8·n + r gives the address of row r of matrix n. Transposed: lane 4·g + t
/// gets rows 2t, 2t+1 of column g, else columns 2t, 2t+1 of row g. Four floats
/// are a row as well: lane 4·g + t gets the t-th.
std::array<Value, 4> loadMatrices(KernelBuilder &k, Value address,
                                  bool transposed);

/// a·b + c; elements of a and b are f16, bf16 or f32.
FragmentC multiply(KernelBuilder &k, mlir::FloatType element,
                   const FragmentA &a, const FragmentB &b, const FragmentC &c);

/// Two f32 rounded to `element`, the first in the low half of an i32.
Value packPair(KernelBuilder &k, mlir::FloatType element, Value low,
               Value high);
/// `tilesOfA` tiles of C beside each other as the A of the next product.
FragmentA packA(KernelBuilder &k, mlir::FloatType element,
                llvm::ArrayRef<FragmentC> tiles);

/// The value of lane (this xor distance).
Value exchange(KernelBuilder &k, Value value, unsigned distance);
/// The maximum or sum over the four lanes that share a row.
Value maxOfQuad(KernelBuilder &k, Value value);
Value sumOfQuad(KernelBuilder &k, Value value);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_FRAGMENT_H
