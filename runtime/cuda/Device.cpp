// Device.cpp - the device of a program: its context, modules and kernels
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Device.h"

#include <cstdio>

namespace heed::cuda {

Device::Device() {
  std::string error;
  driver = Driver::open(error);
  if (!driver)
    throw Error{error};
  int count = 0;
  check(driver->deviceGetCount(&count), "cuDeviceGetCount");
  if (count == 0)
    throw Error{"expected a CUDA device, got none"};
  check(driver->deviceGet(&number, 0), "cuDeviceGet");
  check(driver->primaryContextRetain(&context, number),
        "cuDevicePrimaryCtxRetain");
}

Device::~Device() {
  if (!context || driver->contextSetCurrent(context))
    return;
  blas.reset();
  for (auto &[memory, constant] : constants)
    if (constant.memory)
      driver->memFree(constant.memory);
  for (auto [image, module] : modules)
    driver->moduleUnload(module);
  driver->primaryContextRelease(number);
}

const Cublas &Device::cublas() {
  std::lock_guard<std::mutex> lock(cublasMutex);
  if (!blas)
    blas = std::make_unique<Cublas>();
  return *blas;
}

void Device::makeCurrent() {
  check(driver->contextSetCurrent(context), "cuCtxSetCurrent");
}

void Device::check(Result result, const std::string &what) const {
  if (result != kSuccess)
    throw Error{driver->describe(what, result)};
}

FunctionHandle Device::find(const void *image, const char *name,
                            int64_t sharedBytes, bool isCluster) {
  std::lock_guard<std::mutex> lock(modulesMutex);
  ModuleHandle &module = modules[image];
  if (!module) {
    // What the driver's compiler of PTX has to say.
    char log[2048] = "";
    int options[] = {kJitErrorLog, kJitErrorLogBytes};
    void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
    if (Result result =
            driver->moduleLoad(&module, image, 2, options, values)) {
      modules.erase(image);
      log[sizeof log - 1] = 0;
      std::string text =
          driver->describe("loading the program's kernels", result);
      throw Error{*log ? text + ": " + log : text};
    }
  }
  Kernel &kernel = kernels[{image, name}];
  if (!kernel.function)
    check(driver->moduleGetFunction(&kernel.function, module, name),
          "looking for the kernel " + std::string(name));
  // Each kernel may have 48 KB; more is asked for, as are clusters of more than
  // eight blocks.
  if (sharedBytes > kernel.sharedBytes) {
    check(driver->functionSetAttribute(kernel.function, kMaxDynamicSharedBytes,
                                       static_cast<int>(sharedBytes)),
          std::string(name) + ": asking for " + std::to_string(sharedBytes) +
              " bytes of shared memory");
    kernel.sharedBytes = sharedBytes;
  }
  if (isCluster && !kernel.isCluster) {
    check(driver->functionSetAttribute(kernel.function,
                                       kNonPortableClusterSizeAllowed, 1),
          std::string(name) + ": asking for large clusters");
    kernel.isCluster = true;
  }
  return kernel.function;
}

} // namespace heed::cuda

int32_t heed_cuda_device(HeedCudaDevice *device, char *error,
                         int64_t errorBytes) noexcept {
  auto fail = [&](const char *why) {
    std::snprintf(error, static_cast<size_t>(errorBytes), "%s", why);
    return 1;
  };
  try {
    *device = HeedCudaDevice{};
    std::string why;
    auto driver = heed::cuda::Driver::open(why);
    if (!driver)
      return fail(why.c_str());
    auto check = [&](int result, const char *what) {
      if (result)
        throw heed::cuda::Error{driver->describe(what, result)};
    };
    int count = 0, number = 0, major = 0, minor = 0;
    size_t memory = 0;
    check(driver->deviceGetCount(&count), "cuDeviceGetCount");
    if (count == 0)
      return fail("expected a CUDA device, got none");
    check(driver->deviceGet(&number, 0), "cuDeviceGet");
    check(driver->deviceGetName(device->name, sizeof device->name, number),
          "cuDeviceGetName");
    check(driver->deviceGetAttribute(
              &major, heed::cuda::kComputeCapabilityMajor, number),
          "cuDeviceGetAttribute");
    check(driver->deviceGetAttribute(
              &minor, heed::cuda::kComputeCapabilityMinor, number),
          "cuDeviceGetAttribute");
    check(driver->deviceTotalMem(&memory, number), "cuDeviceTotalMem");
    device->major = major;
    device->minor = minor;
    device->memoryBytes = static_cast<int64_t>(memory);
    return 0;
  } catch (const heed::cuda::Error &failure) {
    return fail(failure.message.c_str());
  } catch (...) {
    return fail("out of memory");
  }
}
