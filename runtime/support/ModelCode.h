// ModelCode.h - the private half of a compiled model, and its weights' file
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Included by heed-compile, which writes both, and by the runtime, which reads
// them. A change of either, or of HeedModel, is a new HEED_MODEL_VERSION.
#ifndef HEED_RUNTIME_SUPPORT_MODELCODE_H
#define HEED_RUNTIME_SUPPORT_MODELCODE_H

#include "runtime/support/Host.h"

/// Instruction sets beyond baseline x86-64 that compilers know how to use, by
/// the names that LLVM and GCC have in common; bit k of cpuFeatures is the k-th.
#define HEED_CPU_FEATURES(X)                                                   \
  X("sse3")                                                                    \
  X("ssse3")                                                                   \
  X("sse4.1")                                                                  \
  X("sse4.2")                                                                  \
  X("popcnt")                                                                  \
  X("avx")                                                                     \
  X("avx2")                                                                    \
  X("fma")                                                                     \
  X("f16c")                                                                    \
  X("bmi")                                                                     \
  X("bmi2")                                                                    \
  X("lzcnt")                                                                   \
  X("movbe")                                                                   \
  X("adx")                                                                     \
  X("sse4a")                                                                   \
  X("fma4")                                                                    \
  X("xop")                                                                     \
  X("tbm")                                                                     \
  X("gfni")                                                                    \
  X("vaes")                                                                    \
  X("vpclmulqdq")                                                              \
  X("avxvnni")                                                                 \
  X("avx512f")                                                                 \
  X("avx512cd")                                                                \
  X("avx512bw")                                                                \
  X("avx512dq")                                                                \
  X("avx512vl")                                                                \
  X("avx512ifma")                                                              \
  X("avx512vbmi")                                                              \
  X("avx512vbmi2")                                                             \
  X("avx512vnni")                                                              \
  X("avx512bitalg")                                                            \
  X("avx512vpopcntdq")                                                         \
  X("avx512bf16")                                                              \
  X("avx512fp16")                                                              \
  X("avx512vp2intersect")

struct HeedModelCode {
  HeedEntry entry;
  HeedEntry workspace;  // counts the scratch memory of a run; null: data says
  uint64_t cpuFeatures; // that the CPU must have
  const void *weights;  // 64-byte aligned; null: in a file
  uint64_t weightsId;   // a hash of their contents: a file of the same model
  int64_t numWeights;
  const int64_t *weightOffsets; // from `weights`, multiples of 64
};

/// A weights' file is this and the bytes that `weights` would have pointed to.
struct HeedWeightsHeader {
  char magic[8]; // "HEEDWTS1"
  uint64_t weightsId;
  int64_t bytes; // that follow
  char zeros[40];
};
static_assert(sizeof(HeedWeightsHeader) == 64, "weights stay aligned");

constexpr char kHeedWeightsMagic[9] = "HEEDWTS1";

#endif // HEED_RUNTIME_SUPPORT_MODELCODE_H
