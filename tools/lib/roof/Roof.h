// Roof.h - what this machine can do, measured: arithmetic and bandwidth.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_ROOF_ROOF_H
#define HEED_TOOLS_LIB_ROOF_ROOF_H

#include "runtime/support/Runtime.h"
#include <cstddef>

namespace heed {

/// Gives each thread of the context a processor of its own, if there are as
/// many: on a busy machine the scheduler may leave two on one.
void pinThreads(HeedContext *context);

/// Multiply-adds on vectors of `vectorBytes` (64: AVX-512, 32: AVX2, else what
/// the compiler makes of a loop) by all threads of the context, in FLOP a
/// second: the best of many short runs.
double fmaPeak(HeedContext *context, unsigned vectorBytes);

/// The same for dot products of pairs of bf16 (VDPBF16PS); 0 where the CPU has
/// none.
double dotBf16Peak(HeedContext *context);

/// Exponentials of f32 a second, in the polynomial of the kernels, of values
/// that lie in the first cache; their sum is what comes out.
double expPeak(HeedContext *context, unsigned vectorBytes);

/// Reads memory once, in equal parts on all threads.
void readOnce(HeedContext *context, const char *memory, size_t bytes);

/// Reads each image and then copies it: the least that a gate has to do. Each
/// thread copies the part of an image that it has just read, and nobody waits.
void readAndCopy(HeedContext *context, const char *from, char *to, size_t bytes,
                 int64_t images);

/// Bytes a second that all threads touch in `bytes` bytes of memory: the faster
/// of reading them and of copying one half to the other.
double bandwidth(HeedContext *context, char *memory, int64_t bytes);

} // namespace heed

#endif // HEED_TOOLS_LIB_ROOF_ROOF_H
