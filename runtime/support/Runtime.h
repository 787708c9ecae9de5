// Runtime.h - the C interface between compiled code and Heed's runtime
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled program is one function, `int32_t main(HeedContext *)`. It gets
// everything from the context: inputs, outputs, weights, scratch memory and the
// number of threads. Nothing here throws, allocates behind the caller's back
// without reporting it, or keeps a global; so one program runs concurrently
// under any number of contexts.
//
// Failure: a function that fails calls heed_fail, and those that return a
// pointer return null. Compiled code returns at once where an output or the
// arena is null or a check of the model's own fails. A library call that fails
// leaves its result undefined; the library calls after it do nothing, and the
// status is what main returns.

#ifndef HEED_RUNTIME_SUPPORT_RUNTIME_H
#define HEED_RUNTIME_SUPPORT_RUNTIME_H

#include <stdint.h>

#ifndef HEED_EXPORT
#if defined(__GNUC__)
#define HEED_EXPORT __attribute__((visibility("default")))
#else
#define HEED_EXPORT
#endif
#endif

#ifndef HEED_NOEXCEPT
#ifdef __cplusplus
#define HEED_NOEXCEPT noexcept
#else
#define HEED_NOEXCEPT
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// One for each concurrent caller; see Host.h for how a caller makes one.
typedef struct HeedContext HeedContext;

/// The memory of input `index`, row-major.
HEED_EXPORT void *heed_input(HeedContext *context, int64_t index) HEED_NOEXCEPT;

/// Size of dimension `dim` of input `index`.
HEED_EXPORT int64_t heed_input_dim(HeedContext *context, int64_t index,
                                   int64_t dim) HEED_NOEXCEPT;

/// Declares the shape of result `index` and returns its row-major memory: the
/// caller's buffer if it gave one (an error if that is too small), else one
/// that the context owns.
HEED_EXPORT void *heed_output(HeedContext *context, int64_t index, int64_t rank,
                              const int64_t *dims) HEED_NOEXCEPT;

/// The memory of constant `index` of the program.
HEED_EXPORT const void *heed_weight(HeedContext *context,
                                    int64_t index) HEED_NOEXCEPT;

/// Scratch memory of at least `bytes`, 64-byte aligned. It is the same memory
/// at each call, grown on demand, with undefined contents.
HEED_EXPORT void *heed_arena(HeedContext *context, int64_t bytes) HEED_NOEXCEPT;

/// The same for part `part` of the arena; part 0 is heed_arena's. Parts do not
/// share memory, and asking for one moves no other: for scratch memory whose
/// size the program itself computes. Parts are numbered one after the other.
HEED_EXPORT void *heed_arena_part(HeedContext *context, int64_t part,
                                  int64_t bytes) HEED_NOEXCEPT;

/// In place of a run: counts what heed_arena_part would be asked for.
HEED_EXPORT void heed_count_arena(HeedContext *context, int64_t part,
                                  int64_t bytes) HEED_NOEXCEPT;

/// New memory of at least `bytes`, 64-byte aligned, which lasts until the
/// context's next run: for values of loops and branches whose sizes are only
/// known there.
HEED_EXPORT void *heed_block(HeedContext *context, int64_t bytes) HEED_NOEXCEPT;

/// How many workers heed_parallel_for uses at most; at least 1.
HEED_EXPORT int64_t heed_num_threads(HeedContext *context) HEED_NOEXCEPT;

/// 0 as long as nothing has failed since the context's last reset.
HEED_EXPORT int32_t heed_status(HeedContext *context) HEED_NOEXCEPT;

/// Records a failure. The first message is kept.
HEED_EXPORT void heed_fail(HeedContext *context,
                           const char *message) HEED_NOEXCEPT;

/// Part [begin, end) of a loop, run by worker `worker` < heed_num_threads.
typedef void (*HeedLoopBody)(int64_t begin, int64_t end, int64_t worker,
                             void *captures);

/// Runs iterations [0, n). They are cut into equal contiguous parts, one for
/// each worker, so which worker does what depends on n and on the number of
/// threads only. The calling thread does it all if n * costPerIteration (in
/// scalar operations) is too small for a fork to pay, or if it already is a
/// worker of another loop.
HEED_EXPORT void heed_parallel_for(HeedContext *context, int64_t n,
                                   int64_t costPerIteration, HeedLoopBody body,
                                   void *captures) HEED_NOEXCEPT;

/// One of several loops of a region: iterations [0, n), as heed_parallel_for's.
typedef struct HeedLoop {
  int64_t n, costPerIteration;
  HeedLoopBody body;
  void *captures;
} HeedLoop;

/// Runs the loops one after the other, each as heed_parallel_for would, but with
/// one fork for all: a worker waits after each loop for the others. The calling
/// thread does it all if all the loops' costs and the waits between them are too
/// little for a fork to pay.
HEED_EXPORT void heed_parallel_region(HeedContext *context, int64_t count,
                                      const HeedLoop *loops) HEED_NOEXCEPT;

/// Marks of code that was compiled with a profile (Profile.h): the calling
/// thread enters kernel `kernel`, and leaves it with so many float operations
/// done and bytes moved. They do nothing where the host did not ask for a
/// profile. Kernels do not nest.
HEED_EXPORT void heed_profile_begin(HeedContext *context,
                                    int64_t kernel) HEED_NOEXCEPT;
HEED_EXPORT void heed_profile_end(HeedContext *context, int64_t kernel,
                                  double flops, double bytes) HEED_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // HEED_RUNTIME_SUPPORT_RUNTIME_H
