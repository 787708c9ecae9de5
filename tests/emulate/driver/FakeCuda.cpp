// FakeCuda.cpp - a CUDA driver without a GPU: runs kernels in the emulator
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// HEED_CUDA_DRIVER names it. Its images are the text of a gpu.module before LLVM
// (--format mlir). It is stricter than the device:
//   - device memory is filled with 0xff, so that what was not copied shows;
//   - copies must stay in one allocation, with the host's side outside of all;
//   - what the emulator finds ends a launch with CUDA_ERROR_ILLEGAL_ADDRESS, and
//     a line on standard error;
//   - memory that is left when the primary context is released, or an id that is
//     freed twice, ends the program with code 9.
//
// Environment: HEED_FAKE_CUDA_MEMORY  bytes of the device (default 1 GiB)
//              HEED_FAKE_CUDA_CHIP    compute capability (default 90)
//              HEED_FAKE_CUDA_FAIL    cuLaunchKernel=719: this call fails so
//              HEED_FAKE_CUDA_TRACE   a line on standard error for each call
//                                     that copies, allocates or launches
#include "tests/emulate/driver/FakeCuda.h"
#include "dialect/hopper/HopperOps.h"
#include "tests/emulate/Emulator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

using namespace mlir;
using namespace heed::cuda;

static const std::pair<Result, std::pair<const char *, const char *>>
    kErrors[] = {
        {kSuccess, {"CUDA_SUCCESS", "no error"}},
        {kInvalidValue, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
        {kOutOfMemory, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
        {kNoDevice,
         {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
        {kInvalidImage,
         {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"}},
        {kInvalidHandle,
         {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
        {kNotFound, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
        {kIllegalAddress,
         {"CUDA_ERROR_ILLEGAL_ADDRESS",
          "an illegal memory access was encountered"}},
        {kLaunchOutOfResources,
         {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
          "too many resources requested for launch"}},
        {kLaunchFailed,
         {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}}};

constexpr unsigned kDefaultChip = 90;

namespace heed::cuda {

int64_t number(const char *name, int64_t standard) {
  const char *text = std::getenv(name);
  return text ? std::atoll(text) : standard;
}

State::State() {
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, gpu::GPUDialect,
                  heed::hopper::HopperDialect, LLVM::LLVMDialect,
                  math::MathDialect, NVVM::NVVMDialect, scf::SCFDialect>();
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

/// Lives to the end: there is no order among what exits.
State &state() {
  static auto *made = new State();
  return *made;
}

[[noreturn]] void die(const llvm::Twine &why) {
  llvm::errs() << "fake CUDA: " << why << "\n";
  llvm::errs().flush();
  std::_Exit(9);
}

Result enter(llvm::StringRef call, const llvm::Twine &what) {
  if (!what.isTriviallyEmpty() && std::getenv("HEED_FAKE_CUDA_TRACE"))
    llvm::errs() << "fake CUDA: " << call << " " << what << "\n";
  const char *text = std::getenv("HEED_FAKE_CUDA_FAIL");
  auto [name, code] = llvm::StringRef(text ? text : "").split('=');
  Result result = kSuccess;
  if (name == call && code.getAsInteger(10, result))
    die("HEED_FAKE_CUDA_FAIL: expected CALL=NUMBER");
  return name == call ? result : kSuccess;
}

} // namespace heed::cuda

namespace {
/// A CUtensorMap as it is here; dims from the outermost.
struct Map {
  uint64_t address;
  int64_t sizes[5], strides[5];
  int16_t rank, box[5];
};
static_assert(sizeof(Map) <= 128, "CUtensorMap");

Result launch(CUfunc_st *function, const unsigned *grid, const unsigned *block,
              unsigned sharedBytes, CUstream_st *stream, void **parameters) {
  State &s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  std::string name = function->kernel.getSymName().str();
  if (std::getenv("HEED_FAKE_CUDA_TRACE"))
    llvm::errs() << "fake CUDA: cuLaunchKernel " << name << " grid " << grid[0]
                 << "x" << grid[1] << "x" << grid[2] << " threads " << block[0]
                 << " shared " << sharedBytes << "\n";
  if (Result result = enter("cuLaunchKernel"))
    return result;
  if (!s.streams.count(stream))
    return kInvalidHandle;
  if (grid[0] * grid[1] * grid[2] == 0 || block[0] == 0 || block[1] != 1 ||
      block[2] != 1)
    return kInvalidValue;
  if (int(sharedBytes) > function->sharedBytes)
    return kInvalidValue;
  auto sizes = function->kernel->getAttrOfType<DenseI32ArrayAttr>(
      NVVM::NVVMDialect::getReqntidAttrName());
  if (sizes && unsigned(sizes[0]) != block[0])
    return kInvalidValue;
  heed::emulate::Launch launch{
      {grid[0], grid[1], grid[2]}, block[0], sharedBytes, {}};
  for (auto [index, type] :
       llvm::enumerate(function->kernel.getArgumentTypes())) {
    if (function->kernel.getArgAttr(index,
                                    LLVM::LLVMDialect::getByValAttrName())) {
      Map map;
      std::memcpy(&map, *parameters++, sizeof map);
      heed::emulate::TensorMap &tensor = launch.maps[index];
      tensor.address = map.address;
      tensor.sizes.assign(map.sizes, map.sizes + map.rank);
      tensor.strides.assign(map.strides, map.strides + map.rank);
      tensor.box.assign(map.box, map.box + map.rank);
      launch.arguments.push_back(0);
      continue;
    }
    unsigned bytes = isa<LLVM::LLVMPointerType>(type)
                         ? 8
                         : (type.getIntOrFloatBitWidth() + 7) / 8;
    uint64_t bits = 0;
    std::memcpy(&bits, *parameters++, bytes);
    launch.arguments.push_back(bits);
  }
  start(stream, [=, &s](CUstream_st *stream) {
    std::vector<heed::emulate::Buffer> buffers;
    for (auto [address, bytes] : s.memory)
      buffers.push_back(
          {reinterpret_cast<void *>(address), {int64_t(bytes)}, 1});
    heed::emulate::Report report =
        heed::emulate::launch(*function->module->module, name, launch, buffers);
    ++s.launches;
    for (const std::string &error : report.errors)
      llvm::errs() << "fake CUDA: " << name << ": " << error << "\n";
    // As on a device, what goes wrong shows when it is waited for.
    if (!report.errors.empty())
      stream->failed = kIllegalAddress;
  });
  return kSuccess;
}
} // namespace

FAKE_CUDA_CALL cuInit(unsigned) { return enter("cuInit"); }

FAKE_CUDA_CALL cuGetErrorName(Result result, const char **text) {
  for (auto &[code, words] : kErrors)
    if (code == result)
      return *text = words.first, kSuccess;
  return kInvalidValue;
}

FAKE_CUDA_CALL cuGetErrorString(Result result, const char **text) {
  for (auto &[code, words] : kErrors)
    if (code == result)
      return *text = words.second, kSuccess;
  return kInvalidValue;
}

FAKE_CUDA_CALL cuDeviceGetCount(int *count) {
  *count = 1;
  return enter("cuDeviceGetCount");
}

FAKE_CUDA_CALL cuDeviceGet(DeviceNumber *device, int) {
  *device = 0;
  return kSuccess;
}

FAKE_CUDA_CALL cuDeviceGetName(char *name, int bytes, DeviceNumber) {
  std::snprintf(name, bytes, "emulated GPU");
  return kSuccess;
}

FAKE_CUDA_CALL cuDeviceGetAttribute(int *value, int attribute, DeviceNumber) {
  int64_t chip = number("HEED_FAKE_CUDA_CHIP", kDefaultChip);
  if (attribute == kComputeCapabilityMajor)
    *value = int(chip / 10);
  else if (attribute == kComputeCapabilityMinor)
    *value = int(chip % 10);
  else
    *value = 1; // clocks and multiprocessors, for who asks
  return kSuccess;
}

FAKE_CUDA_CALL cuDeviceTotalMem_v2(size_t *bytes, DeviceNumber) {
  *bytes = number("HEED_FAKE_CUDA_MEMORY", 1 << 30);
  return kSuccess;
}

FAKE_CUDA_CALL cuDevicePrimaryCtxRetain(ContextHandle *context, DeviceNumber) {
  ++state().retained;
  *context = &state().primary;
  return enter("cuDevicePrimaryCtxRetain");
}

FAKE_CUDA_CALL cuDevicePrimaryCtxRelease_v2(DeviceNumber) {
  State &s = state();
  if (--s.retained > 0)
    return kSuccess;
  if (!s.memory.empty())
    die(llvm::Twine(s.memory.size()) + " allocations were not freed");
  if (!s.modules.empty() || !s.streams.empty())
    die("modules or streams were not given back");
  return kSuccess;
}

FAKE_CUDA_CALL cuCtxSetCurrent(ContextHandle) {
  return enter("cuCtxSetCurrent");
}

FAKE_CUDA_CALL cuStreamCreate(StreamHandle *stream, unsigned) {
  *stream = new CUstream_st();
  std::lock_guard<std::mutex> lock(state().mutex);
  state().streams[*stream] = true;
  return enter("cuStreamCreate");
}

FAKE_CUDA_CALL cuStreamDestroy_v2(StreamHandle stream) {
  std::lock_guard<std::mutex> lock(state().mutex);
  if (!state().streams.erase(stream))
    die("cuStreamDestroy: no such stream");
  delete stream;
  return kSuccess;
}

FAKE_CUDA_CALL cuStreamSynchronize(StreamHandle stream) {
  if (Result result = enter("cuStreamSynchronize"))
    return result;
  return stream ? stream->failed : kSuccess;
}

FAKE_CUDA_CALL cuModuleLoadDataEx(ModuleHandle *module, const void *image,
                                  unsigned count, int *options, void **values) {
  State &s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  llvm::StringRef text(static_cast<const char *>(image));
  if (Result result =
          enter("cuModuleLoadDataEx", llvm::Twine(text.size()) + " bytes"))
    return result;
  std::string errors;
  auto loaded = std::make_unique<CUmod_st>();
  {
    ScopedDiagnosticHandler handler(&s.context, [&](Diagnostic &diagnostic) {
      llvm::raw_string_ostream(errors) << diagnostic;
    });
    loaded->module = parseSourceString<ModuleOp>(text, &s.context);
  }
  if (!loaded->module) {
    for (unsigned i = 0; i + 1 < count; ++i)
      if (options[i] == kJitErrorLog && options[i + 1] == kJitErrorLogBytes)
        std::snprintf(static_cast<char *>(values[i]),
                      reinterpret_cast<size_t>(values[i + 1]), "%s",
                      errors.c_str());
    return kInvalidImage;
  }
  *module = loaded.release();
  s.modules[*module];
  return kSuccess;
}

FAKE_CUDA_CALL cuModuleUnload(ModuleHandle module) {
  std::lock_guard<std::mutex> lock(state().mutex);
  if (!state().modules.erase(module))
    die("cuModuleUnload: no such module");
  delete module;
  return kSuccess;
}

FAKE_CUDA_CALL cuModuleGetFunction(FunctionHandle *function,
                                   ModuleHandle module, const char *name) {
  std::lock_guard<std::mutex> lock(state().mutex);
  auto made = std::make_unique<CUfunc_st>();
  made->module = module;
  module->module->walk([&](LLVM::LLVMFuncOp op) {
    if (op.getSymName() == name)
      made->kernel = op;
  });
  if (!made->kernel)
    return kNotFound;
  *function = made.get();
  state().modules[module].push_back(std::move(made));
  return kSuccess;
}

FAKE_CUDA_CALL cuFuncSetAttribute(FunctionHandle function, int attribute,
                                  int value) {
  if (attribute == kMaxDynamicSharedBytes) {
    if (value > 227 * 1024)
      return kInvalidValue;
    function->sharedBytes = value;
  }
  return enter("cuFuncSetAttribute");
}

FAKE_CUDA_CALL cuTensorMapEncodeTiled(void *result, int type, unsigned rank,
                                      void *address, const uint64_t *sizes,
                                      const uint64_t *strides,
                                      const unsigned *box,
                                      const unsigned *steps, int interleave,
                                      int swizzle, int, int fill) {
  auto device = reinterpret_cast<DevicePointer>(address);
  // What cuda.h asks for, and the one kind that the emulator copies by.
  if ((type != kMapFloat16 && type != kMapBFloat16) || rank < 1 || rank > 5 ||
      device % 16 || reinterpret_cast<uintptr_t>(result) % 64 ||
      interleave != kMapNoInterleave || swizzle != kMapSwizzle128 ||
      fill != kMapFillZeros || box[0] * 2 != 128)
    return kInvalidValue;
  Map map{device, {}, {}, int16_t(rank), {}};
  uint64_t last = 0;
  for (unsigned dim = 0; dim < rank; ++dim) {
    unsigned to = rank - 1 - dim;
    if (sizes[dim] < 1 || box[dim] < 1 || box[dim] > 256 || steps[dim] != 1 ||
        (dim > 0 && strides[dim - 1] % 16))
      return kInvalidValue;
    map.sizes[to] = int64_t(sizes[dim]);
    map.strides[to] = dim == 0 ? 1 : int64_t(strides[dim - 1] / 2);
    map.box[to] = int16_t(box[dim]);
    last += (sizes[dim] - 1) * (dim == 0 ? 2 : strides[dim - 1]);
  }
  if (!state().holds(device, last + 2))
    return kInvalidValue;
  std::memset(result, 0, 128);
  std::memcpy(result, &map, sizeof map);
  return enter("cuTensorMapEncodeTiled");
}

FAKE_CUDA_CALL cuLaunchKernel(FunctionHandle function, unsigned gridX,
                              unsigned gridY, unsigned gridZ, unsigned blockX,
                              unsigned blockY, unsigned blockZ,
                              unsigned sharedBytes, StreamHandle stream,
                              void **parameters, void **) {
  unsigned grid[] = {gridX, gridY, gridZ}, block[] = {blockX, blockY, blockZ};
  return launch(function, grid, block, sharedBytes, stream, parameters);
}
