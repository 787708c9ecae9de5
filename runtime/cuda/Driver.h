// Driver.h - the functions of CUDA's driver that are used, found at run time
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types, numbers and prototypes are those of cuda.h (CUDA driver API, version 11
// and later), written down here so that no toolkit is needed.

#ifndef HEED_RUNTIME_CUDA_DRIVER_H
#define HEED_RUNTIME_CUDA_DRIVER_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

struct CUctx_st;
struct CUmod_st;
struct CUfunc_st;
struct CUstream_st;

namespace heed::cuda {

using Result = int; // CUresult
constexpr Result kSuccess = 0;
constexpr Result kOutOfMemory = 2;

using DeviceNumber = int;                 // CUdevice
using DevicePointer = unsigned long long; // CUdeviceptr
using ContextHandle = CUctx_st *;
using ModuleHandle = CUmod_st *;
using FunctionHandle = CUfunc_st *;
using StreamHandle = CUstream_st *;

/// CUdevice_attribute
constexpr int kComputeCapabilityMajor = 75;
constexpr int kComputeCapabilityMinor = 76;
/// CUtensorMapDataType, …Interleave, …Swizzle, …L2promotion, …FloatOOBfill
constexpr int kMapFloat16 = 6, kMapBFloat16 = 9;
constexpr int kMapNoInterleave = 0, kMapSwizzle128 = 3, kMapPromote256 = 3;
constexpr int kMapFillZeros = 0;
/// CUfunction_attribute
constexpr int kMaxDynamicSharedBytes = 8;
constexpr int kNonPortableClusterSizeAllowed = 14;
/// CUjit_option
constexpr int kJitErrorLog = 5;
constexpr int kJitErrorLogBytes = 6;
/// CUstream_flags
constexpr unsigned kStreamNonBlocking = 1;

/// CUlaunchAttribute, as a cluster's size.
struct LaunchAttribute {
  int id = 4; // CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION
  char pad[8 - sizeof(int)] = {};
  unsigned x = 1, y = 1, z = 1;
  char rest[64 - 3 * sizeof(unsigned)] = {};
};
static_assert(sizeof(LaunchAttribute) == 72, "as in cuda.h");

/// CUlaunchConfig
struct LaunchConfig {
  unsigned grid[3], block[3];
  unsigned sharedBytes;
  StreamHandle stream;
  LaunchAttribute *attributes;
  unsigned numAttributes;
};
static_assert(sizeof(LaunchConfig) == 56, "as in cuda.h");

// name, symbol, parameters
#define HEED_CUDA_FUNCTIONS(X)                                                 \
  X(init, "cuInit", (unsigned))                                                \
  X(getErrorName, "cuGetErrorName", (Result, const char **))                   \
  X(getErrorString, "cuGetErrorString", (Result, const char **))               \
  X(deviceGetCount, "cuDeviceGetCount", (int *))                               \
  X(deviceGet, "cuDeviceGet", (DeviceNumber *, int))                           \
  X(deviceGetName, "cuDeviceGetName", (char *, int, DeviceNumber))             \
  X(deviceGetAttribute, "cuDeviceGetAttribute", (int *, int, DeviceNumber))    \
  X(deviceTotalMem, "cuDeviceTotalMem_v2", (size_t *, DeviceNumber))           \
  X(primaryContextRetain, "cuDevicePrimaryCtxRetain",                          \
    (ContextHandle *, DeviceNumber))                                           \
  X(primaryContextRelease, "cuDevicePrimaryCtxRelease_v2", (DeviceNumber))     \
  X(contextSetCurrent, "cuCtxSetCurrent", (ContextHandle))                     \
  X(streamCreate, "cuStreamCreate", (StreamHandle *, unsigned))                \
  X(streamDestroy, "cuStreamDestroy_v2", (StreamHandle))                       \
  X(streamSynchronize, "cuStreamSynchronize", (StreamHandle))                  \
  X(memAlloc, "cuMemAlloc_v2", (DevicePointer *, size_t))                      \
  X(memFree, "cuMemFree_v2", (DevicePointer))                                  \
  X(copyToDevice, "cuMemcpyHtoDAsync_v2",                                      \
    (DevicePointer, const void *, size_t, StreamHandle))                       \
  X(copyToHost, "cuMemcpyDtoHAsync_v2",                                        \
    (void *, DevicePointer, size_t, StreamHandle))                             \
  X(fillBytes, "cuMemsetD8Async",                                              \
    (DevicePointer, unsigned char, size_t, StreamHandle))                      \
  X(moduleLoad, "cuModuleLoadDataEx",                                          \
    (ModuleHandle *, const void *, unsigned, int *, void **))                  \
  X(moduleUnload, "cuModuleUnload", (ModuleHandle))                            \
  X(moduleGetFunction, "cuModuleGetFunction",                                  \
    (FunctionHandle *, ModuleHandle, const char *))                            \
  X(functionSetAttribute, "cuFuncSetAttribute", (FunctionHandle, int, int))    \
  X(launchKernel, "cuLaunchKernel",                                            \
    (FunctionHandle, unsigned, unsigned, unsigned, unsigned, unsigned,         \
     unsigned, unsigned, StreamHandle, void **, void **))

/// What older drivers lack; null there.
#define HEED_CUDA_OPTIONAL_FUNCTIONS(X)                                        \
  X(launchKernelEx, "cuLaunchKernelEx",                                        \
    (const LaunchConfig *, FunctionHandle, void **, void **))                  \
  X(tensorMapEncodeTiled, "cuTensorMapEncodeTiled",                            \
    (void *, int, unsigned, void *, const uint64_t *, const uint64_t *,        \
     const unsigned *, const unsigned *, int, int, int, int))

class Driver {
public:
  /// Opens libcuda.so.1, or what HEED_CUDA_DRIVER names, and initialises it.
  /// Null with the reason.
  static std::unique_ptr<Driver> open(std::string &error);
  ~Driver();
  Driver(const Driver &) = delete;
  Driver &operator=(const Driver &) = delete;

  /// "what: CUDA_ERROR_OUT_OF_MEMORY (out of memory)".
  std::string describe(const std::string &what, Result result) const;

#define HEED_CUDA_MEMBER(name, symbol, parameters)                             \
  Result(*name) parameters = nullptr;
  HEED_CUDA_FUNCTIONS(HEED_CUDA_MEMBER)
  HEED_CUDA_OPTIONAL_FUNCTIONS(HEED_CUDA_MEMBER)
#undef HEED_CUDA_MEMBER

private:
  Driver() = default;
  void *library = nullptr;
};

} // namespace heed::cuda

#endif // HEED_RUNTIME_CUDA_DRIVER_H
