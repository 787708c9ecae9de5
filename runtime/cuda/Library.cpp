// Library.cpp - opens cuBLASLt and cuDNN
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/cuda/Library.h"

#include "runtime/cuda/Device.h"

#include <cstdlib>
#include <dlfcn.h>
#include <initializer_list>

namespace heed::cuda {

/// The library that `variable` names, or the first of `names` that there is.
/// Null with the reason.
static void *open(const char *title, const char *variable,
                  std::initializer_list<const char *> names, std::string &why) {
  auto load = [](const char *name) {
    // They have threads of their own: they stay.
    return dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  };
  void *library = nullptr;
  if (const char *named = std::getenv(variable); named && *named)
    library = load(named);
  else
    for (const char *name : names)
      if ((library = load(name)))
        break;
  if (!library) {
    const char *error = dlerror();
    why = std::string("no ") + title + ": " + (error ? error : "not found") +
          " (" + variable + " names another library)";
  }
  return library;
}

static std::string describe(const char *(*nameOf)(Status), Status status,
                            const std::string &what) {
  const char *name = nameOf ? nameOf(status) : nullptr;
  return what + ": " + (name ? name : "status " + std::to_string(status));
}

#define HEED_CUDA_REQUIRE(name, symbol, parameters)                            \
  name = reinterpret_cast<Status(*) parameters>(dlsym(library, symbol));       \
  if (!name && why.empty())                                                    \
    why = std::string("expected a library with ") + symbol;

Cublas::Cublas() {
  void *library = open("cuBLAS", "HEED_CUBLASLT",
                       {"libcublasLt.so.13", "libcublasLt.so.12",
                        "libcublasLt.so.11", "libcublasLt.so"},
                       why);
  if (!library)
    return;
  HEED_CUBLAS_FUNCTIONS(HEED_CUDA_REQUIRE)
  statusName = reinterpret_cast<const char *(*)(Status)>(
      dlsym(library, "cublasLtGetStatusName"));
  if (!why.empty())
    return;
  if (Status status = create(&handle)) {
    handle = nullptr;
    why = describe(statusName, status, "no cuBLAS: cublasLtCreate");
  }
}

Cublas::~Cublas() {
  if (handle)
    destroy(handle);
}

Cudnn::Cudnn(StreamHandle stream) {
  void *library = open("cuDNN", "HEED_CUDNN",
                       {"libcudnn.so.9", "libcudnn.so.8", "libcudnn.so"}, why);
  if (!library)
    return;
  HEED_CUDNN_FUNCTIONS(HEED_CUDA_REQUIRE)
  statusName = reinterpret_cast<const char *(*)(Status)>(
      dlsym(library, "cudnnGetErrorString"));
  if (!why.empty())
    return;
  if (Status status = create(&handle)) {
    handle = nullptr;
    why = describe(statusName, status, "no cuDNN: cudnnCreate");
  } else if (Status status = setStream(handle, stream)) {
    destroy(handle);
    handle = nullptr;
    why = describe(statusName, status, "no cuDNN: cudnnSetStream");
  }
}

Cudnn::~Cudnn() {
  if (handle)
    destroy(handle);
}
#undef HEED_CUDA_REQUIRE

void Cublas::check(Status status, const char *what) const {
  if (status != 0)
    throw Error{describe(statusName, status, what)};
}

void Cudnn::check(Status status, const char *what) const {
  if (status != 0)
    throw Error{describe(statusName, status, what)};
}

} // namespace heed::cuda
