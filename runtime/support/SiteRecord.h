// SiteRecord.h - how compiled code describes a primitive and its operands
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Included by the compiler (heed-lower-primitive writes records) and by the
// runtime (which reads them). A call site of a primitive has one constant
// record of 64-bit words; its address is the site's identity. What changes from
// call to call, pointers, sizes and strides, is passed in the call words.
//
//   record  = version kind element S N P
//             strides[S] dilations[S] padLow[S] padHigh[S] kernel[S]
//             operand[N] postOp[P]
//   operand = role constant rank L layout[L]
//   postOp  = kind alpha beta operand
//   call    = pointer[N] (sizes[rank] strides[rank])[N]
//
// `layout[i]` is the operand's dimension that holds the primitive's i-th
// logical dim, or −1 if that has size 1 and no dimension. alpha and beta are
// the bits of doubles. `operand` of a post-op is the index of its tensor, or
// −1. Strides count elements. The logical dims, with any number of batch and
// spatial dims:
//
//   matmul          src b… m k    weights b… k n      bias n   dst b… m n
//   convolution     src n c d…    weights g o i k…    bias o   dst n o d…
//   deconvolution   src n c d…    weights g o i k…    bias o   dst n o d…
//   pooling         src n c d…                                 dst n c d…
//   reorder         src d…                                     dst d…
//   lstm, gru, rnn  src t n c   weights, recurrent weights l d c g o   bias l d g o
//                   state, cell, last state, last cell l d n o   dst t n o
//
// A recurrent layer is one layer (l) in one direction (d): S is 1, and its
// stride is 1 forwards and −1 backwards through time. Gates are oneDNN's:
// i, f, c, o and u, r, o; a gru that resets behind its product has a fourth
// bias, that of the product.

#ifndef HEED_RUNTIME_SUPPORT_SITERECORD_H
#define HEED_RUNTIME_SUPPORT_SITERECORD_H

#include <cstdint>

namespace heed::runtime {

constexpr int64_t kSiteVersion = 2;

enum class PrimitiveKind : int64_t {
  Matmul,
  Convolution,
  Deconvolution,
  PoolAvg,           // divides by the taps inside the source
  PoolAvgIncludePad, // divides by the kernel's size
  PoolMax,
  Reorder,
  Lstm,
  Gru,           // r ⊙ h is multiplied
  GruResetAfter, // h is, and r ⊙ the product taken
  RnnTanh,
  RnnRelu,
};

/// Of all operands.
enum class ElementKind : int64_t { F32, F16, BF16 };

enum class OperandRole : int64_t {
  Source,
  Weights,
  Bias,
  PostOp,
  Destination,
  RecurrentWeights,
  State,     // h before the first step
  Cell,      // c, of an lstm
  LastState, // h after the last step
  LastCell,
};

/// Whether the primitive writes operands of this role.
constexpr bool isResult(OperandRole role) {
  return role == OperandRole::Destination || role == OperandRole::LastState ||
         role == OperandRole::LastCell;
}

/// In the order of attn.primitive's post-op attribute.
enum class PostOpKind : int64_t {
  Relu,        // max(x, 0), alpha · x below 0
  Clip,        // min(max(x, alpha), beta)
  Linear,      // alpha · x + beta
  Sigmoid,     // 1 / (1 + e^−x)
  Swish,       // x · sigmoid(alpha · x)
  HardSigmoid, // min(max(alpha · x + beta, 0), 1)
  HardSwish,   // x · hardsigmoid(x)
  GeluErf,     // x · (1 + erf(x / √2)) / 2
  GeluTanh,
  Tanh,
  Elu, // x above 0, alpha · (e^x − 1) below
  Exp,
  Abs,
  Square,
  Sqrt,
  Add, // x + tensor
  Sub, // x − tensor
  Mul, // x · tensor
  Div, // x / tensor
  Max, // max(x, tensor)
  Min, // min(x, tensor)
};

} // namespace heed::runtime

#endif // HEED_RUNTIME_SUPPORT_SITERECORD_H
