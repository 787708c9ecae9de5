// Session.cpp - buffers between host and device, and launches, of one context
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Device.h"

#include <algorithm>
#include <vector>

namespace heed::cuda {

/// What the driver gives is aligned to this, too.
static constexpr int64_t kAlignment = 512;

Buffers::iterator findBuffer(Buffers &buffers, const char *address) {
  auto it = buffers.upper_bound(address);
  if (it == buffers.begin())
    return buffers.end();
  --it;
  return address < it->first + it->second.bytes ? it : buffers.end();
}

/// The first buffer that shares a byte with [begin, begin + bytes), or the end.
static Buffers::iterator findOverlap(Buffers &buffers, const char *begin,
                                     int64_t bytes) {
  auto it = findBuffer(buffers, begin);
  if (it != buffers.end())
    return it;
  it = buffers.lower_bound(begin);
  return it != buffers.end() && it->first < begin + bytes ? it : buffers.end();
}

Session::Session(Device &device) : device(device) {
  device.check(device.driver->streamCreate(&stream, kStreamNonBlocking),
               "cuStreamCreate");
}

Session::~Session() {
  try {
    device.makeCurrent();
    device.driver->streamSynchronize(stream);
    primitives.clear();
    dnn.reset();
    reset();
    trim();
    device.driver->streamDestroy(stream);
  } catch (const Error &) {
    // The device is lost, and its memory with it.
  }
}

void Session::wait() {
  device.check(device.driver->streamSynchronize(stream),
               last.empty() ? "cuStreamSynchronize"
                            : "after the kernel " + last);
}

void Session::reset() {
  for (auto &[memory, buffer] : buffers)
    free(buffer);
  buffers.clear();
  empties.clear();
  counts = {};
  whyOnHost.clear();
  last.clear();
}

void Session::trim() {
  for (auto [capacity, memory] : pool)
    device.driver->memFree(memory);
  pool.clear();
}

void Session::free(Buffer &buffer) {
  if (buffer.memory)
    pool.emplace(buffer.capacity, buffer.memory);
  buffer.memory = 0;
  buffer.onDevice = false;
}

DevicePointer Session::allocate(int64_t bytes, int64_t &capacity) {
  capacity = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  // Kernels run in order: who has used the memory before is done with it. Twice
  // what is needed is taken too, not more.
  auto free = pool.lower_bound(capacity);
  if (free != pool.end() && free->first <= 2 * capacity) {
    DevicePointer memory = free->second;
    capacity = free->first;
    pool.erase(free);
    return memory;
  }
  DevicePointer memory = 0;
  Result result =
      device.driver->memAlloc(&memory, static_cast<size_t>(capacity));
  if (result == kOutOfMemory && !pool.empty()) {
    wait();
    trim();
    result = device.driver->memAlloc(&memory, static_cast<size_t>(capacity));
  }
  device.check(result, "allocating " + std::to_string(capacity) +
                           " bytes on the device");
  return memory;
}

DeviceScratch::DeviceScratch(Session &session, int64_t bytes)
    : session(session) {
  if (bytes > 0)
    address = session.allocate(bytes, capacity);
}

DeviceScratch::~DeviceScratch() {
  if (address)
    session.pool.emplace(capacity, address);
}

void Session::add(const char *memory, int64_t bytes, int32_t kind) {
  if (!memory)
    return;
  if (bytes <= 0) {
    empties.insert(memory);
    return;
  }
  bool isConstant = kind == HEED_CUDA_CONSTANT;
  std::unique_lock<std::mutex> lock(device.mutex, std::defer_lock);
  if (isConstant)
    lock.lock();
  Buffers &list = isConstant ? device.constants : buffers;
  auto known = list.find(memory);
  if (isConstant && known != list.end() && known->second.bytes >= bytes)
    return;
  Buffer added;
  added.kind = kind;
  added.onHost = kind == HEED_CUDA_INPUT || isConstant;
  const char *end = memory + bytes;
  for (auto it = findOverlap(list, memory, bytes); it != list.end();
       it = findOverlap(list, memory, end - memory)) {
    Buffer &old = it->second;
    // The same memory given twice is one buffer. Scratch memory is used again.
    if (isConstant ||
        (kind != HEED_CUDA_SCRATCH && old.kind == HEED_CUDA_INPUT)) {
      if (!old.onHost)
        toHost(it->first, false);
      added.onHost = true;
      added.kind = old.kind;
      memory = std::min(memory, it->first);
      end = std::max(end, it->first + old.bytes);
    }
    if (isConstant && old.memory) {
      wait();
      device.driver->memFree(old.memory);
      old.memory = 0;
    }
    free(old);
    list.erase(it);
  }
  added.bytes = end - memory;
  list[memory] = added;
}

Buffers::value_type *Session::find(const char *address,
                                   std::unique_lock<std::mutex> &lock) {
  auto it = findBuffer(buffers, address);
  if (it != buffers.end())
    return &*it;
  lock = std::unique_lock<std::mutex>(device.mutex);
  it = findBuffer(device.constants, address);
  if (it != device.constants.end())
    return &*it;
  lock.unlock();
  // A view may begin behind its buffer, if that has no elements.
  if (empties.empty() || address < *empties.begin())
    throw Error{"expected an address of a buffer"};
  return nullptr;
}

int64_t Session::offsetOf(const char *address) {
  std::unique_lock<std::mutex> lock;
  const Buffers::value_type *found = find(address, lock);
  return found ? address - found->first : 0;
}

DevicePointer Session::toDevice(const char *address, bool writes) {
  if (!address)
    return 0;
  std::unique_lock<std::mutex> lock;
  Buffers::value_type *found = find(address, lock);
  if (!found)
    return 0;
  auto &[memory, buffer] = *found;
  bool isConstant = buffer.kind == HEED_CUDA_CONSTANT;
  if (isConstant && writes)
    throw Error{"expected a kernel that does not write to a constant"};
  if (!buffer.memory)
    buffer.memory = allocate(buffer.bytes, buffer.capacity);
  if (!buffer.onDevice && buffer.onHost) {
    device.check(
        device.driver->copyToDevice(buffer.memory, memory,
                                    static_cast<size_t>(buffer.bytes), stream),
        "copying " + std::to_string(buffer.bytes) + " bytes to the device");
    // The host may write there next; other contexts read a constant.
    wait();
    ++counts.copiesToDevice;
    counts.bytesToDevice += buffer.bytes;
  }
  buffer.onDevice = true;
  if (writes)
    buffer.onHost = false;
  return buffer.memory + static_cast<DevicePointer>(address - memory);
}

void Session::toHost(const char *address, bool writes) {
  if (!address)
    return;
  std::unique_lock<std::mutex> lock;
  Buffers::value_type *found = find(address, lock);
  if (!found)
    return;
  auto &[memory, buffer] = *found;
  if (buffer.kind == HEED_CUDA_CONSTANT)
    return;
  if (!buffer.onHost && buffer.onDevice) {
    device.check(
        device.driver->copyToHost(const_cast<char *>(memory), buffer.memory,
                                  static_cast<size_t>(buffer.bytes), stream),
        "copying " + std::to_string(buffer.bytes) + " bytes from the device" +
            (last.empty() ? "" : " after the kernel " + last));
    wait();
    ++counts.copiesToHost;
    counts.bytesToHost += buffer.bytes;
  }
  buffer.onHost = true;
  if (writes)
    buffer.onDevice = false;
}

void Session::encodeMap(void *map, const char *address, bool isBf16,
                        int64_t rank, const int64_t *frame) {
  // Of nothing there is no map, and nobody copies from it.
  if (std::find(frame, frame + rank, 0) != frame + rank) {
    std::fill_n(static_cast<char *>(map), HEED_CUDA_MAP_BYTES, char(0));
    return;
  }
  if (!device.driver->tensorMapEncodeTiled)
    throw Error{"expected a driver of CUDA 12 or later, which has tensor maps"};
  // The driver wants the innermost first, and no stride of it.
  uint64_t sizes[HEED_CUDA_MAP_DIMS], strides[HEED_CUDA_MAP_DIMS];
  unsigned box[HEED_CUDA_MAP_DIMS], steps[HEED_CUDA_MAP_DIMS];
  constexpr uint64_t kElementBytes = 2;
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t from = rank - 1 - dim;
    sizes[dim] = static_cast<uint64_t>(frame[from]);
    box[dim] = static_cast<unsigned>(frame[2 * rank + from]);
    steps[dim] = 1;
    if (dim > 0)
      strides[dim - 1] =
          static_cast<uint64_t>(frame[rank + from]) * kElementBytes;
  }
  device.check(device.driver->tensorMapEncodeTiled(
                   map, isBf16 ? kMapBFloat16 : kMapFloat16,
                   static_cast<unsigned>(rank),
                   reinterpret_cast<void *>(toDevice(address, false)), sizes,
                   strides, box, steps, kMapNoInterleave, kMapSwizzle128,
                   kMapPromote256, kMapFillZeros),
               "cuTensorMapEncodeTiled");
}

void Session::launch(const void *image, const char *name, const int64_t *frame,
                     int64_t words) {
  for (int64_t dim = 0; dim < 3; ++dim)
    if (frame[dim] == 0)
      return;
  auto word = [&](int64_t index) {
    return static_cast<unsigned>(frame[index]);
  };
  bool isCluster = frame[6] > 0;
  unsigned blocks = word(6) * word(7) * word(8);
  FunctionHandle function =
      device.find(image, name, frame[9], isCluster && blocks > 8);
  std::vector<void *> arguments;
  for (int64_t index = 0; index < words - HEED_CUDA_LAUNCH_WORDS; ++index) {
    const int64_t *word = frame + HEED_CUDA_LAUNCH_WORDS + index;
    bool isAddress = index < 64 && frame[10] >> index & 1;
    arguments.push_back(isAddress ? reinterpret_cast<void *>(*word)
                                  : const_cast<int64_t *>(word));
  }
  std::string what =
      "launching " + std::string(name) + " (grid " + std::to_string(frame[0]) +
      "x" + std::to_string(frame[1]) + "x" + std::to_string(frame[2]) + ", " +
      std::to_string(frame[3] * frame[4] * frame[5]) + " threads, " +
      std::to_string(frame[9]) + " bytes of shared memory)";
  for (int64_t dim = 0; dim < 3; ++dim)
    if (frame[dim] > (dim == 0 ? 0x7fffffff : 0xffff))
      throw Error{what + ": expected at most 2147483647x65535x65535 blocks"};
  if (!isCluster) {
    device.check(device.driver->launchKernel(
                     function, word(0), word(1), word(2), word(3), word(4),
                     word(5), word(9), stream, arguments.data(), nullptr),
                 what);
  } else {
    if (!device.driver->launchKernelEx)
      throw Error{what + ": expected a driver of CUDA 11.8 or later, which has "
                         "clusters"};
    LaunchAttribute cluster;
    cluster.x = word(6), cluster.y = word(7), cluster.z = word(8);
    LaunchConfig config{{word(0), word(1), word(2)},
                        {word(3), word(4), word(5)},
                        word(9),
                        stream,
                        &cluster,
                        1};
    device.check(device.driver->launchKernelEx(&config, function,
                                               arguments.data(), nullptr),
                 what);
  }
  ++counts.launches;
  last = name;
}

} // namespace heed::cuda
