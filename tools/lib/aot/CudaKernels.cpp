// CudaKernels.cpp - the GPU kernels of a model as a file, and an index of them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/CudaKernels.h"

#include "dialect/AttnDialect.h"
#include "dialect/hopper/HopperOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Matchers.h"
#include "passes/lower/gpu/gate/GateKernel.h"
#include "passes/lower/gpu/sdpa/SdpaKernel.h"
#include "passes/pipelines/Pipelines.h"
#include "tools/lib/aot/Outputs.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace heed {
namespace {

/// The ONNX node, or file:line.
std::string nodeOf(Location loc) {
  std::string node, place;
  loc->walk([&](Location inner) {
    if (auto name = dyn_cast<NameLoc>(inner)) {
      node = name.getName().str();
      return WalkResult::interrupt();
    }
    if (auto file = dyn_cast<FileLineColLoc>(inner); file && place.empty())
      place = llvm::sys::path::filename(file.getFilename()).str() + ":" +
              std::to_string(file.getLine());
    return WalkResult::advance();
  });
  return node.empty() ? place : node;
}

std::optional<int64_t> constantOf(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

CudaLaunch describe(gpu::LaunchFuncOp op) {
  CudaLaunch launch;
  launch.kernel = op.getKernelName().str();
  launch.node = nodeOf(op.getLoc());
  gpu::KernelDim3 grid = op.getGridSizeOperandValues();
  launch.grid = {constantOf(grid.x), constantOf(grid.y), constantOf(grid.z)};
  launch.threads = constantOf(op.getBlockSizeOperandValues().x).value_or(0);
  launch.sharedBytes = constantOf(op.getDynamicSharedMemorySize()).value_or(0);
  for (Value operand : op.getKernelOperands()) {
    std::string text = "pointer";
    if (operand.getType().isIntOrFloat()) {
      text.clear();
      llvm::raw_string_ostream(text) << operand.getType();
    } else if (auto map = operand.getDefiningOp<hopper::TensorMapOp>()) {
      text = "tensor map";
      for (auto [dim, size] : llvm::enumerate(map.getBox()))
        text += (dim == 0 ? " of boxes " : "x") + std::to_string(size);
    }
    launch.parameters.push_back(text);
  }
  return launch;
}

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
llvm::json::Value number(std::optional<int64_t> value) {
  return value ? llvm::json::Value(*value) : llvm::json::Value(nullptr);
}

llvm::json::Value toJson(const CudaKernels &kernels) {
  llvm::json::Array launches, kept;
  for (const CudaLaunch &launch : kernels.launches) {
    llvm::json::Array grid, parameters(launch.parameters);
    for (std::optional<int64_t> size : launch.grid)
      grid.push_back(number(size));
    launches.push_back(
        llvm::json::Object{{"kernel", launch.kernel},
                           {"node", llvm::json::fixUTF8(launch.node)},
                           {"grid", std::move(grid)},
                           {"threads", launch.threads},
                           {"shared_bytes", launch.sharedBytes},
                           {"parameters", std::move(parameters)}});
  }
  for (const CudaKept &block : kernels.kept)
    kept.push_back(llvm::json::Object{{"op", block.op},
                                      {"node", llvm::json::fixUTF8(block.node)},
                                      {"reason", block.reason}});
  return llvm::json::Object{{"chip", kernels.chip},
                            {"file", "kernels." + kernels.format},
                            {"launches", std::move(launches)},
                            {"kept", std::move(kept)}};
}

} // namespace

llvm::Expected<CudaKernels>
compileCudaKernels(ModuleOp module, StringRef chip, StringRef format,
                   llvm::function_ref<void(PassManager &)> configure) {
  std::optional<cuda::Chip> properties = cuda::getChip(chip);
  if (!properties)
    return llvm::createStringError(
        "--chip: expected sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, sm_100 or "
        "sm_120, got '" +
        chip + "'");
  if (!llvm::is_contained({"ptx", "cubin", "fatbin", "mlir"}, format))
    return llvm::createStringError(
        "--format: expected ptx, cubin, fatbin or mlir, got '" + format + "'");
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
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op)) {
      kernels.launches.push_back(describe(launch));
    } else if (auto binary = dyn_cast<gpu::BinaryOp>(op)) {
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
