// Driver.cpp - opens CUDA's driver
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Driver.h"

#include <cstdlib>
#include <dlfcn.h>

namespace heed::cuda {

std::unique_ptr<Driver> Driver::open(std::string &error) {
  const char *named = std::getenv("HEED_CUDA_DRIVER");
  std::string path = named && *named ? named : "libcuda.so.1";
  std::unique_ptr<Driver> driver(new Driver());
  // It has threads of its own and is opened again: it stays.
  driver->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!driver->library) {
    const char *why = dlerror();
    error = "no CUDA driver: " + std::string(why ? why : path) +
            " (HEED_CUDA_DRIVER names another library)";
    return nullptr;
  }
  const char *missing = nullptr;
#define HEED_CUDA_FIND(name, symbol, parameters)                               \
  driver->name =                                                               \
      reinterpret_cast<Result(*) parameters>(dlsym(driver->library, symbol));
#define HEED_CUDA_REQUIRE(name, symbol, parameters)                            \
  HEED_CUDA_FIND(name, symbol, parameters)                                     \
  if (!driver->name)                                                           \
    missing = missing ? missing : symbol;
  HEED_CUDA_FUNCTIONS(HEED_CUDA_REQUIRE)
  HEED_CUDA_OPTIONAL_FUNCTIONS(HEED_CUDA_FIND)
#undef HEED_CUDA_REQUIRE
#undef HEED_CUDA_FIND
  if (missing) {
    error = path + ": expected a CUDA driver, got a library without " +
            std::string(missing);
    return nullptr;
  }
  if (Result result = driver->init(0)) {
    error = driver->describe("cuInit", result);
    return nullptr;
  }
  return driver;
}

Driver::~Driver() {
  if (library)
    dlclose(library);
}

std::string Driver::describe(const std::string &what, Result result) const {
  const char *name = nullptr, *meaning = nullptr;
  if (getErrorName(result, &name) || !name)
    return what + ": CUDA error " + std::to_string(result);
  std::string text = what + ": " + name;
  if (!getErrorString(result, &meaning) && meaning)
    text += " (" + std::string(meaning) + ")";
  return text;
}

} // namespace heed::cuda
