// FakeCuda.h - what the emulated driver and its libraries know of the device
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_EMULATE_DRIVER_FAKECUDA_H
#define HEED_TESTS_EMULATE_DRIVER_FAKECUDA_H

#include "runtime/cuda/Driver.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/Twine.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#define FAKE_CUDA_CALL extern "C" __attribute__((visibility("default"))) int

struct CUctx_st {};
/// Launches and copies, in order.
struct CUgraph_st {
  std::vector<std::function<void(CUstream_st *)>> steps;
};
struct CUstream_st {
  heed::cuda::Result failed = 0;       // what cuStreamSynchronize gives
  std::unique_ptr<CUgraph_st> capture; // where what is started goes
};
struct CUmod_st {
  mlir::OwningOpRef<mlir::ModuleOp> module;
};
struct CUfunc_st {
  CUmod_st *module;
  mlir::LLVM::LLVMFuncOp kernel;
  int sharedBytes = 48 * 1024;
};

namespace heed::cuda {

// CUresult, as cuda.h numbers them.
enum : Result {
  kInvalidValue = 1,
  kNoDevice = 100,
  kInvalidImage = 200,
  kInvalidHandle = 400,
  kNotFound = 500,
  kIllegalAddress = 700,
  kLaunchOutOfResources = 701,
  kLaunchFailed = 719,
};

struct State {
  std::mutex mutex;
  mlir::MLIRContext context;
  CUctx_st primary;
  int64_t retained = 0;
  int64_t allocated = 0;
  int64_t launches = 0;
  std::map<DevicePointer, size_t> memory;
  std::map<CUmod_st *, std::vector<std::unique_ptr<CUfunc_st>>> modules;
  std::map<CUstream_st *, bool> streams;

  State();

  /// Whether one allocation holds all of it.
  bool holds(DevicePointer address, size_t bytes) const {
    auto it = memory.upper_bound(address);
    return it != memory.begin() &&
           address + bytes <= (--it)->first + it->second;
  }
  bool touches(const void *host, size_t bytes) const {
    auto address = reinterpret_cast<DevicePointer>(host);
    for (auto [begin, size] : memory)
      if (address < begin + size && begin < address + bytes)
        return true;
    return false;
  }
};

State &state();

/// The value of an environment variable.
int64_t number(const char *name, int64_t standard);

[[noreturn]] void die(const llvm::Twine &why);

/// The line of a call; the error that it is told to end with.
Result enter(llvm::StringRef call, const llvm::Twine &what = "");

/// Does a step now, or keeps it where the stream is captured.
void start(CUstream_st *stream, std::function<void(CUstream_st *)> step);

} // namespace heed::cuda

#endif // HEED_TESTS_EMULATE_DRIVER_FAKECUDA_H
