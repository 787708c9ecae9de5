// Host.h - what the program that runs compiled code needs: programs, contexts
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plain C interface (the shared library exports nothing but `heed_*`), with
// owning C++ handles at the end:
//
//   heed::Program program(weightPointers);
//   heed::Context context(program, /*inputs=*/1, /*outputs=*/1, /*threads=*/2);
//   context.setInput(0, data, {1, 3, 48, 320});
//   context.setOutput(0, sizeof(float));       // memory owned by the context
//   if (int32_t status = context.run(entry)) … context.error() …
//   float *y = context.output<float>(0); … context.outputShape(0) …

#ifndef HEED_RUNTIME_SUPPORT_HOST_H
#define HEED_RUNTIME_SUPPORT_HOST_H

#include "runtime/support/Runtime.h"

#ifdef __cplusplus
#include <new>
#include <vector>
extern "C" {
#endif

/// What all callers of one compiled program share: the table of its weights,
/// and the library primitives and packed weights made from them so far.
typedef struct HeedProgram HeedProgram;

/// The compiled entry.
typedef int32_t (*HeedEntry)(HeedContext *context);

/// The weights' memory stays the caller's and must outlive the program. Null
/// when out of memory.
HEED_EXPORT HeedProgram *
heed_program_create(int64_t numWeights,
                    const void *const *weights) HEED_NOEXCEPT;
HEED_EXPORT void heed_program_destroy(HeedProgram *program) HEED_NOEXCEPT;

/// `numThreads` 0 means all that OpenMP offers. The program must outlive the
/// context. Null when out of memory.
HEED_EXPORT HeedContext *heed_context_create(HeedProgram *program,
                                             int64_t numInputs,
                                             int64_t numOutputs,
                                             int64_t numThreads) HEED_NOEXCEPT;
HEED_EXPORT void heed_context_destroy(HeedContext *context) HEED_NOEXCEPT;

/// Row-major memory, which stays the caller's and is only read.
HEED_EXPORT int32_t heed_context_set_input(HeedContext *context, int64_t index,
                                           const void *data, int64_t rank,
                                           const int64_t *dims) HEED_NOEXCEPT;

/// Gives result `index` its element size and, if `buffer` is not null, the
/// caller's memory of `bytes` bytes to write to.
HEED_EXPORT int32_t heed_context_set_output(HeedContext *context, int64_t index,
                                            int64_t elementBytes, void *buffer,
                                            int64_t bytes) HEED_NOEXCEPT;

/// After a run: result `index`.
HEED_EXPORT void *heed_context_output(HeedContext *context, int64_t index,
                                      int64_t *rank,
                                      const int64_t **dims) HEED_NOEXCEPT;

/// Resets the status, runs the entry, returns the status.
HEED_EXPORT int32_t heed_context_run(HeedContext *context,
                                     HeedEntry entry) HEED_NOEXCEPT;

/// The first failure's message since the last reset; "" if there is none.
HEED_EXPORT const char *heed_context_error(HeedContext *context) HEED_NOEXCEPT;
HEED_EXPORT void heed_context_reset(HeedContext *context) HEED_NOEXCEPT;

/// Bytes of scratch memory that the context holds now.
HEED_EXPORT int64_t heed_context_scratch_bytes(HeedContext *context)
    HEED_NOEXCEPT;

/// The version of oneDNN, "3.2.0", or null if its primitives are not built in
/// or cannot be used in this process; then the reason is in *why.
HEED_EXPORT const char *heed_onednn_version(const char **why) HEED_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"

namespace heed {

class Program {
public:
  explicit Program(const std::vector<const void *> &weights = {})
      : handle(heed_program_create(static_cast<int64_t>(weights.size()),
                                   weights.data())) {
    if (!handle)
      throw std::bad_alloc();
  }
  ~Program() { heed_program_destroy(handle); }
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;
  HeedProgram *get() const { return handle; }

private:
  HeedProgram *handle;
};

class Context {
public:
  Context(const Program &program, int64_t numInputs, int64_t numOutputs,
          int64_t numThreads = 0)
      : handle(heed_context_create(program.get(), numInputs, numOutputs,
                                   numThreads)) {
    if (!handle)
      throw std::bad_alloc();
  }
  ~Context() { heed_context_destroy(handle); }
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;
  HeedContext *get() const { return handle; }

  bool setInput(int64_t index, const void *data,
                const std::vector<int64_t> &dims) {
    return heed_context_set_input(handle, index, data,
                                  static_cast<int64_t>(dims.size()),
                                  dims.data()) == 0;
  }
  bool setOutput(int64_t index, int64_t elementBytes, void *buffer = nullptr,
                 int64_t bytes = 0) {
    return heed_context_set_output(handle, index, elementBytes, buffer,
                                   bytes) == 0;
  }
  int32_t run(HeedEntry entry) { return heed_context_run(handle, entry); }
  const char *error() const { return heed_context_error(handle); }

  template <typename T = void> T *output(int64_t index) const {
    int64_t rank = 0;
    const int64_t *dims = nullptr;
    return static_cast<T *>(heed_context_output(handle, index, &rank, &dims));
  }
  std::vector<int64_t> outputShape(int64_t index) const {
    int64_t rank = 0;
    const int64_t *dims = nullptr;
    heed_context_output(handle, index, &rank, &dims);
    return std::vector<int64_t>(dims, dims + rank);
  }

private:
  HeedContext *handle;
};

} // namespace heed
#endif

#endif // HEED_RUNTIME_SUPPORT_HOST_H
