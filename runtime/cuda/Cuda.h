// Cuda.h - the C interface between compiled code and NVIDIA GPUs
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver, libcuda.so.1, is opened when a program first asks for it; nothing
// of CUDA is needed to build. HEED_CUDA_DRIVER names another library.
//
// A buffer of the program has an address on the host, and memory on the device
// from its first use there on. Which of the two is up to date is known for each
// buffer at run time:
//
//   | call              | before              | after
//   |-------------------|---------------------|------------------------------
//   | to_device         | copied if it is not | device
//   | to_device, writes | the same            | device, the host no longer
//   | to_host           | copied if it is not | host
//   | to_host, writes   | the same            | host, the device no longer
//
// so the order of kernels, host code, branches and loops is free. Kernels of a
// context run in its order; to_host waits for them.
//
// Failures are those of Runtime.h: a message with what was done, CUDA's name of
// the error and its meaning; calls after it do nothing.

#ifndef HEED_RUNTIME_CUDA_CUDA_H
#define HEED_RUNTIME_CUDA_CUDA_H

#include "runtime/support/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

// Compiled code.

/// The beginning of a run: opens the device at the first, forgets the buffers of
/// the run before.
HEED_EXPORT int32_t heed_cuda_start(HeedContext *context) HEED_NOEXCEPT;

/// What a buffer is.
enum HeedCudaBufferKind {
  HEED_CUDA_SCRATCH = 0,  // nothing yet; the address may have been another's
  HEED_CUDA_OUTPUT = 1,   // nothing yet, or an input that is updated in place
  HEED_CUDA_INPUT = 2,    // on the host
  HEED_CUDA_CONSTANT = 3, // on the host; once on the device for all contexts
};

/// Announces `bytes` at `memory`, whose contents are new. Of no bytes: it may be
/// the address of another buffer, too.
HEED_EXPORT void heed_cuda_buffer(HeedContext *context, void *memory,
                                  int64_t bytes, int32_t kind) HEED_NOEXCEPT;

/// What a launch does with a buffer.
enum HeedCudaAccess {
  HEED_CUDA_READS = 0,
  HEED_CUDA_WRITES = 1,
  HEED_CUDA_NOTHING = 2, // it has no blocks: buffers may be empty
};

/// The address on the device of an address in a buffer, which is up to date
/// there. Null for null, for an empty buffer, for HEED_CUDA_NOTHING, and after a
/// failure.
HEED_EXPORT void *heed_cuda_to_device(HeedContext *context, void *address,
                                      int32_t access) HEED_NOEXCEPT;

/// Makes the buffer of `address` up to date on the host. Returns the status.
HEED_EXPORT int32_t heed_cuda_to_host(HeedContext *context, void *address,
                                      int32_t writes) HEED_NOEXCEPT;

/// The most dims of a tensor map, and its bytes.
#define HEED_CUDA_MAP_DIMS 5
#define HEED_CUDA_MAP_BYTES 128

/// Makes what a kernel copies boxes of a tensor by (TMA, sm_90a): of a tensor of
/// bf16 or f16 in a buffer, which the kernel only reads. `frame` has the size of
/// each of `rank` dims, then the stride of each in elements, the last of which
/// is 1, then the size of the box in each. Chunks of 16 bytes are permuted in
/// rows of 128 (CU_TENSOR_MAP_SWIZZLE_128B); outside of the tensor are zeros.
/// `map` has 128 bytes, at a multiple of 64. Returns the status.
HEED_EXPORT int32_t heed_cuda_tensor_map(HeedContext *context, void *map,
                                         void *address, int32_t isBf16,
                                         int64_t rank,
                                         const int64_t *frame) HEED_NOEXCEPT;

/// Words in front of a kernel's arguments: blocks, threads of a block and blocks
/// of a cluster (0: none), three each, bytes of dynamic shared memory, and a bit for
/// each argument that is the address of what the kernel takes by value.
#define HEED_CUDA_LAUNCH_WORDS 11

/// Launches kernel `name` of an image: PTX, a cubin or a fatbin, at an address
/// that stays the same. `frame` has `words` words: HEED_CUDA_LAUNCH_WORDS, then
/// one for each argument, which lies at its beginning. A grid with an empty dim
/// does nothing. Returns the status.
HEED_EXPORT int32_t heed_cuda_launch(HeedContext *context, const void *image,
                                     const char *name, const int64_t *frame,
                                     int64_t words) HEED_NOEXCEPT;

/// Runs the primitive of one call site, as heed_onednn_primitive does
/// (SiteRecord.h): matmul by cuBLAS, convolution, deconvolution and pooling by
/// cuDNN, in the order of the launches. Both libraries are optional; what they
/// do not hold, or without them everything, is oneDNN's, on the host. Returns
/// the status.
HEED_EXPORT int32_t heed_cuda_primitive(HeedContext *context,
                                        const int64_t *record,
                                        const int64_t *call) HEED_NOEXCEPT;

/// The end of a run: waits for the kernels. Returns the status.
HEED_EXPORT int32_t heed_cuda_finish(HeedContext *context) HEED_NOEXCEPT;

// Hosts.

typedef struct HeedCudaDevice {
  char name[256];
  int32_t major, minor; // compute capability: 9, 0 for sm_90
  int64_t memoryBytes;
} HeedCudaDevice;

/// The first device. 0, or 1 with the reason in `error`: no driver, no device.
HEED_EXPORT int32_t heed_cuda_device(HeedCudaDevice *device, char *error,
                                     int64_t errorBytes) HEED_NOEXCEPT;

/// What the last run of a context did.
typedef struct HeedCudaCounts {
  int64_t launches;
  int64_t libraryCalls; // of cuBLAS and cuDNN
  int64_t hostCalls;    // of oneDNN, for what these did not take
  int64_t copiesToDevice, bytesToDevice;
  int64_t copiesToHost, bytesToHost;
} HeedCudaCounts;
HEED_EXPORT void heed_cuda_counts(HeedContext *context,
                                  HeedCudaCounts *counts) HEED_NOEXCEPT;

/// Why the first of `hostCalls` ran on the host; empty if there was none. It
/// holds until the next run.
HEED_EXPORT const char *
heed_cuda_why_on_host(HeedContext *context) HEED_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // HEED_RUNTIME_CUDA_CUDA_H
