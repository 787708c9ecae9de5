// Device.h - what a program has on its device, and what each context has
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef HEED_RUNTIME_CUDA_DEVICE_H
#define HEED_RUNTIME_CUDA_DEVICE_H

#include "runtime/cuda/Cuda.h"
#include "runtime/cuda/Driver.h"
#include "runtime/cuda/Library.h"
#include "runtime/support/Context.h"
#include "runtime/support/Site.h"

#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <string>

namespace heed::cuda {

/// A failed call of the driver, on its way to the context that it failed in.
struct Error {
  std::string message;
};

/// A buffer of the program; the key beside it is its address on the host.
struct Buffer {
  int64_t bytes = 0;
  DevicePointer memory = 0; // on the device; 0: none yet
  int64_t capacity = 0;     // bytes there
  bool onHost = false, onDevice = false;
  int32_t kind = HEED_CUDA_SCRATCH;
};
using Buffers = std::map<const char *, Buffer>;

/// The buffer around `address`, or the end.
Buffers::iterator findBuffer(Buffers &buffers, const char *address);

/// The device of a program: its modules, and constants on it.
class Device : public runtime::LibraryState {
public:
  /// Opens the driver and the first device; throws Error.
  Device();
  ~Device() override;

  /// The thread's calls of the driver are for this device.
  void makeCurrent();
  /// Throws Error unless `result` is success.
  void check(Result result, const std::string &what) const;
  /// Kernel `name` of an image, loaded at the first call, that may have so many
  /// bytes of dynamic shared memory.
  FunctionHandle find(const void *image, const char *name, int64_t sharedBytes,
                      bool isCluster);

  /// The record of the same primitive with no operand constant.
  const int64_t *withoutConstants(const int64_t *record);
  /// cuBLAS, opened at the first call.
  const Cublas &cublas();

  std::unique_ptr<Driver> driver;
  DeviceNumber number = 0;
  std::mutex mutex; // guards the constants
  Buffers constants;

private:
  struct Kernel {
    FunctionHandle function = nullptr;
    int64_t sharedBytes = 0; // that it may have
    bool isCluster = false;
  };
  ContextHandle context = nullptr;
  std::mutex recordsMutex;
  std::map<const int64_t *, std::vector<int64_t>> records;
  std::mutex cublasMutex;
  std::unique_ptr<Cublas> blas;
  std::mutex modulesMutex;
  std::map<const void *, ModuleHandle> modules; // by image
  std::map<std::pair<const void *, std::string>, Kernel> kernels;
};

/// A primitive of a library, made for one call site and one set of shapes.
struct LibraryCall {
  virtual ~LibraryCall() = default;
  /// Starts it on the operands of the site.
  virtual void run(const std::vector<DevicePointer> &operands) = 0;
};

/// Where a primitive runs: on the device, or why it does not.
struct Placed {
  std::unique_ptr<LibraryCall> call; // null: on the CPU
  std::string why;
};

/// What one context has on the device: kernels in order, memory.
class Session : public runtime::LibraryState {
public:
  explicit Session(Device &device);
  ~Session() override;

  /// All buffers of a run go.
  void reset();
  void add(const char *memory, int64_t bytes, int32_t kind);
  DevicePointer toDevice(const char *address, bool writes);
  void toHost(const char *address, bool writes);
  /// How far an address is behind the beginning of its buffer, which is aligned
  /// to 512 bytes on the device.
  int64_t offsetOf(const char *address);
  void encodeMap(void *map, const char *address, bool isBf16, int64_t rank,
                 const int64_t *frame);
  void launch(const void *image, const char *name, const int64_t *frame,
              int64_t words);
  /// What the record describes, decoded once.
  const runtime::Site &siteOf(const int64_t *record);
  /// Runs the primitive on the device, or tells why that is not possible.
  std::string runPrimitive(const int64_t *record, const int64_t *call);
  /// Waits for all that was started.
  void wait();
  /// cuDNN, opened at the first call.
  const Cudnn &cudnn();

  Device &device;
  StreamHandle stream = nullptr;
  HeedCudaCounts counts{};
  std::string whyOnHost; // the first primitive that ran there

private:
  DevicePointer allocate(int64_t bytes, int64_t &capacity);
  void free(Buffer &buffer);
  /// Gives memory that is no buffer's back to the driver.
  void trim();
  /// The buffer of `address`, null for one behind an empty buffer's; its device
  /// is locked if it is a constant.
  Buffers::value_type *find(const char *address,
                            std::unique_lock<std::mutex> &lock);

  friend class DeviceScratch;
  Buffers buffers;
  std::set<const char *> empties;             // addresses of empty buffers
  std::multimap<int64_t, DevicePointer> pool; // by capacity
  std::string last;                           // kernel or primitive started
  std::unique_ptr<Cudnn> dnn;
  std::map<const int64_t *, runtime::Site> sites;    // by record
  std::map<std::vector<int64_t>, Placed> primitives; // by site and shapes
};

/// Memory on the device for what is started next: later work in the stream may
/// have it again.
class DeviceScratch {
public:
  DeviceScratch(Session &session, int64_t bytes);
  ~DeviceScratch();
  DeviceScratch(const DeviceScratch &) = delete;
  DeviceScratch &operator=(const DeviceScratch &) = delete;
  DevicePointer address = 0; // 0 for no bytes

private:
  Session &session;
  int64_t capacity = 0;
};

/// Runs `body` on the context's session, unless something has failed before.
/// Returns the status.
template <typename Body>
int32_t guarded(HeedContext *context, Body body) noexcept {
  if (context->status != 0)
    return context->status;
  try {
    auto *session = static_cast<Session *>(context->cuda.get());
    if (!session)
      throw Error{"expected heed_cuda_start first"};
    body(*session);
  } catch (const Error &error) {
    heed_fail(context, error.message.c_str());
  } catch (const std::bad_alloc &) {
    heed_fail(context, "out of memory");
  } catch (const std::exception &error) {
    heed_fail(context, error.what());
  }
  return context->status;
}

} // namespace heed::cuda

#endif // HEED_RUNTIME_CUDA_DEVICE_H
