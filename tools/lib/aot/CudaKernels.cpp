// CudaKernels.cpp - the GPU kernels of a model as a file, and an index of them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/CudaKernels.h"

#include "dialect/AttnDialect.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/lower/gpu/gate/GateKernel.h"
#include "passes/lower/gpu/sdpa/SdpaKernel.h"
#include "passes/pipelines/Pipelines.h"
#include "tools/lib/aot/Outputs.h"
#include "tools/lib/compile/CudaTarget.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace heed {
namespace {

CudaKept describeKept(Operation *op, const cuda::Chip &chip) {
  CudaKept kept{op->getName().getStringRef().str(), nodeOf(op->getLoc()),
                "expected attn.sdpa or attn.gate, or a norm or rotation that "
                "lies in rows"};
  if (auto sdpa = dyn_cast<attn::SdpaOp>(op))
    kept.reason = cuda::whyNotLowerable(sdpa, chip);
  if (auto gate = dyn_cast<attn::GateOp>(op))
    kept.reason = cuda::makeChain(gate, chip).stages[0].plan.why;
  return kept;
}

/// A number, or null for one that is known at run time.
llvm::json::Value number(CudaSize value) {
  return value ? llvm::json::Value(*value) : llvm::json::Value(nullptr);
}

llvm::json::Array numbers(ArrayRef<CudaSize> values) {
  return llvm::json::Array(llvm::map_range(values, number));
}

llvm::json::Value toJson(const CudaArgument &argument) {
  llvm::json::Object object{{"type", argument.type}};
  if (argument.type == "pointer" || argument.type == "tensor map") {
    object["buffer"] = number(argument.buffer);
    object["offset"] = number(argument.offset);
  } else {
    object["value"] = number(argument.value);
  }
  if (argument.type == "tensor map") {
    object["element"] = argument.element;
    object["sizes"] = numbers(argument.sizes);
    object["strides"] = numbers(argument.strides);
    object["box"] = llvm::json::Array(argument.box);
  }
  return object;
}

llvm::json::Value toJson(const CudaLaunch &launch) {
  llvm::json::Array parameters;
  for (const CudaArgument &argument : launch.parameters)
    parameters.push_back(toJson(argument));
  return llvm::json::Object{{"kernel", launch.kernel},
                            {"node", llvm::json::fixUTF8(launch.node)},
                            {"grid", numbers(launch.grid)},
                            {"threads", launch.threads},
                            {"shared_bytes", launch.sharedBytes},
                            {"parameters", std::move(parameters)}};
}

llvm::json::Value toJson(const CudaKernels &kernels) {
  llvm::json::Array buffers, launches, kept;
  for (const CudaBuffer &buffer : kernels.buffers)
    buffers.push_back(llvm::json::Object{{"kind", buffer.kind},
                                         {"element", buffer.element},
                                         {"shape", numbers(buffer.shape)},
                                         {"bytes", number(buffer.bytes)}});
  for (const CudaLaunch &launch : kernels.launches)
    launches.push_back(toJson(launch));
  for (const CudaKept &block : kernels.kept)
    kept.push_back(llvm::json::Object{{"op", block.op},
                                      {"node", llvm::json::fixUTF8(block.node)},
                                      {"reason", block.reason}});
  return llvm::json::Object{{"chip", kernels.chip},
                            {"file", "kernels." + kernels.format},
                            {"buffers", std::move(buffers)},
                            {"outputs", numbers(kernels.outputs)},
                            {"launches", std::move(launches)},
                            {"kept", std::move(kept)},
                            {"host", llvm::json::Array(kernels.host)}};
}

} // namespace

llvm::Expected<CudaKernels>
compileCudaKernels(ModuleOp module, StringRef chip, StringRef format,
                   llvm::function_ref<void(PassManager &)> configure) {
  if (llvm::Error error = checkCudaTarget(chip, format))
    return std::move(error);
  std::optional<cuda::Chip> properties = cuda::getChip(chip);
  PassManager pm(module.getContext());
  pm.enableVerifier(false); // the pipeline verifies where its stages end
  LowerGpuOptions options;
  options.chip = chip.str();
  options.format = format.str();
  buildGpuPipeline(pm, options);
  if (configure)
    configure(pm);
  if (failed(pm.run(module)))
    return llvm::createStringError("compilation failed");

  CudaKernels kernels;
  kernels.chip = chip.str();
  kernels.format = format.str();
  module.walk([&](Operation *op) {
    if (auto binary = dyn_cast<gpu::BinaryOp>(op)) {
      auto object = cast<gpu::ObjectAttr>(binary.getObjects()[0]);
      kernels.image = object.getObject().getValue().str();
      // Text ends in a zero, for the driver.
      if (format == "ptx")
        kernels.image = StringRef(kernels.image).rtrim('\0').str();
    } else if (isa<gpu::GPUModuleOp>(op)) {
      llvm::raw_string_ostream(kernels.image) << *op << "\n";
    } else if (isa<attn::AttnDialect>(op->getDialect()) &&
               !op->hasTrait<OpTrait::IsTerminator>()) {
      kernels.kept.push_back(describeKept(op, *properties));
    }
  });
  describeLaunches(module, kernels);
  return kernels;
}

llvm::Error writeCudaKernels(StringRef folder, const CudaKernels &kernels) {
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return llvm::createStringError(code, "cannot make the folder '" + folder +
                                             "': " + code.message());
  SmallString<128> text(folder), index(folder);
  llvm::sys::path::append(text, "kernels." + kernels.format);
  llvm::sys::path::append(index, "kernels.json");
  Outputs outputs;
  if (llvm::Error error = outputs.add(
          text, [&](llvm::raw_ostream &os) { os << kernels.image; }))
    return error;
  // Last: who sees the index sees the kernels.
  if (llvm::Error error = outputs.add(index, [&](llvm::raw_ostream &os) {
        os << llvm::formatv("{0:2}", toJson(kernels)) << "\n";
      }))
    return error;
  return outputs.publish();
}

} // namespace heed
