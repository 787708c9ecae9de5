// FakeMemory.cpp - memory of the emulated device, copies and events
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/emulate/driver/FakeCuda.h"

#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>

using namespace heed::cuda;

FAKE_CUDA_CALL cuMemAlloc_v2(DevicePointer *pointer, size_t bytes) {
  State &s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  if (Result result = enter("cuMemAlloc", llvm::Twine(bytes)))
    return result;
  if (bytes == 0)
    return kInvalidValue;
  if (s.allocated + int64_t(bytes) > number("HEED_FAKE_CUDA_MEMORY", 1 << 30))
    return kOutOfMemory;
  void *memory = std::aligned_alloc(512, (bytes + 511) / 512 * 512);
  if (!memory)
    return kOutOfMemory;
  std::memset(memory, 0xff, bytes);
  *pointer = reinterpret_cast<DevicePointer>(memory);
  s.memory[*pointer] = bytes;
  s.allocated += int64_t(bytes);
  return kSuccess;
}

FAKE_CUDA_CALL cuMemFree_v2(DevicePointer pointer) {
  State &s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  auto it = s.memory.find(pointer);
  if (it == s.memory.end())
    die("cuMemFree: no such allocation");
  if (std::getenv("HEED_FAKE_CUDA_TRACE"))
    llvm::errs() << "fake CUDA: cuMemFree " << it->second << "\n";
  s.allocated -= int64_t(it->second);
  s.memory.erase(it);
  std::free(reinterpret_cast<void *>(pointer));
  return kSuccess;
}

/// A copy between host and device: its bounds, then the bytes.
static Result copy(const char *call, DevicePointer device, const void *host,
                   size_t bytes, StreamHandle stream, bool toDevice) {
  State &s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  if (Result result = enter(call, llvm::Twine(bytes)))
    return result;
  if (!s.streams.count(stream))
    return kInvalidHandle;
  if (stream->failed)
    return stream->failed;
  if (!s.holds(device, bytes) || s.touches(host, bytes))
    return kInvalidValue;
  auto *memory = reinterpret_cast<void *>(device);
  if (toDevice)
    std::memcpy(memory, host, bytes);
  else
    std::memcpy(const_cast<void *>(host), memory, bytes);
  return kSuccess;
}

FAKE_CUDA_CALL cuMemcpyHtoDAsync_v2(DevicePointer to, const void *from,
                                    size_t bytes, StreamHandle stream) {
  return copy("cuMemcpyHtoDAsync", to, from, bytes, stream, true);
}

FAKE_CUDA_CALL cuMemcpyDtoHAsync_v2(void *to, DevicePointer from, size_t bytes,
                                    StreamHandle stream) {
  return copy("cuMemcpyDtoHAsync", from, to, bytes, stream, false);
}

FAKE_CUDA_CALL cuMemsetD8Async(DevicePointer to, unsigned char value,
                               size_t bytes, StreamHandle stream) {
  State &s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  if (Result result = enter("cuMemsetD8Async", llvm::Twine(bytes)))
    return result;
  if (!s.streams.count(stream))
    return kInvalidHandle;
  if (!s.holds(to, bytes))
    return kInvalidValue;
  std::memset(reinterpret_cast<void *>(to), value, bytes);
  return kSuccess;
}

FAKE_CUDA_CALL cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from,
                                    size_t bytes, StreamHandle stream) {
  State &s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  if (Result result = enter("cuMemcpyDtoDAsync", llvm::Twine(bytes)))
    return result;
  if (!s.streams.count(stream))
    return kInvalidHandle;
  if (!s.holds(to, bytes) || !s.holds(from, bytes))
    return kInvalidValue;
  start(stream, [=, &s](CUstream_st *) {
    std::memmove(reinterpret_cast<void *>(to),
                 reinterpret_cast<const void *>(from), bytes);
    ++s.launches;
  });
  return kSuccess;
}

// Events, for who measures. What the emulator takes says nothing of a device: a
// launch counts as one millisecond, and so does a copy on the device.
struct CUevent_st {
  int64_t launches = 0; // before it
};
FAKE_CUDA_CALL cuEventCreate(CUevent_st **event, unsigned) {
  *event = new CUevent_st();
  return kSuccess;
}
FAKE_CUDA_CALL cuEventDestroy_v2(CUevent_st *event) {
  delete event;
  return kSuccess;
}
FAKE_CUDA_CALL cuEventRecord(CUevent_st *event, StreamHandle) {
  State &s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  event->launches = s.launches;
  return kSuccess;
}
FAKE_CUDA_CALL cuEventElapsedTime(float *milliseconds, CUevent_st *begin,
                                  CUevent_st *end) {
  *milliseconds = static_cast<float>(end->launches - begin->launches);
  return kSuccess;
}
