// GpuPipeline.cpp - the stages to GPU kernels, from attn to PTX.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/pipelines/Pipelines.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/gpu/Passes.h"
#include "passes/normalize/Passes.h"
#include "passes/verify/Passes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace heed {

// in: arith, math, scf, llvm, nvvm in kernels
// out: llvm, nvvm
static void buildKernelsToLlvm(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

// in: linalg and attn on buffers
// out: launches, and kernels in arith, math, scf, llvm, nvvm; what has no kernel
static void addKernels(OpPassManager &pm, StringRef chip) {
  lower::LowerGpuSdpaOptions sdpa;
  sdpa.chip = chip.str();
  pm.addPass(lower::createLowerGpuSdpa(sdpa));
  lower::LowerGpuGateOptions gate;
  gate.chip = chip.str();
  pm.addPass(lower::createLowerGpuGate(gate));
  lower::LowerGpuRopeOptions rope;
  rope.chip = chip.str();
  pm.addPass(lower::createLowerGpuRope(rope));
  lower::LowerGpuRowOptions row;
  row.chip = chip.str();
  pm.addPass(lower::createLowerGpuRow(row));
  // Last: what the others leave, between them.
  lower::LowerGpuElementwiseOptions elementwise;
  elementwise.chip = chip.str();
  pm.addPass(lower::createLowerGpuElementwise(elementwise));
  // Of the host too: equal sizes and addresses are asked for once.
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<gpu::GPUModuleOp>(lower::createLowerGpuMath());
}

// in: kernels in arith, math, scf, llvm, nvvm
// out: gpu.binary; or their LLVM dialect, for the format llvm
static void addBinary(OpPassManager &pm, StringRef format) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(lower::createLowerGpuHopper());
  buildKernelsToLlvm(kernels);
  if (format == "llvm")
    return;
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = llvm::StringSwitch<std::string>(format)
                                 .Case("ptx", "isa")
                                 .Case("cubin", "bin")
                                 .Default(format.str());
  pm.addPass(createGpuModuleToBinaryPass(binary));
}

// in: linalg and attn on tensors
// out: launches of gpu.binary; linalg and attn on buffers
void buildLowerGpuPipeline(OpPassManager &pm, const LowerGpuOptions &options) {
  pm.addPass(normalize::createNormalizeCalls());
  pm.addPass(lower::createLowerBuffers());
  pm.addPass(lower::createLowerSizes());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  addKernels(pm, options.chip);
  if (options.format != "mlir")
    addBinary(pm, options.format);
}

// in: linalg and attn on buffers, @main(context)
// out: the same, with calls of heed_cuda_* in the place of what has a kernel
void buildLowerLaunchPipeline(OpPassManager &pm, StringRef chip,
                              StringRef format) {
  addKernels(pm, chip);
  pm.addPass(lower::createLowerGpuLibrary());
  pm.addPass(lower::createLowerGpuCopies());
  if (format != "mlir")
    addBinary(pm, format);
  pm.addPass(lower::createLowerGpuLaunch());
}

void buildGpuPipeline(OpPassManager &pm, const LowerGpuOptions &options) {
  buildNormalizePipeline(pm);
  buildRecognizePipeline(pm);
  buildFusePipeline(pm);
  pm.addPass(verify::createVerifyStage());
  buildLowerGpuPipeline(pm, options);
  pm.addPass(verify::createVerifyStage());
}

void registerGpuPipelines() {
  lower::registerHeedLowerGpuPasses();
  PassPipelineRegistration<LowerGpuOptions>("heed-lower-gpu-pipeline",
                                            "attn to kernels of NVIDIA GPUs",
                                            buildLowerGpuPipeline);
  PassPipelineRegistration<LowerGpuOptions>(
      "heed-gpu-pipeline", "everything, from model IR to kernels of GPUs",
      buildGpuPipeline);
}

void registerGpuTargets(DialectRegistry &registry) {
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  registerConvertNVVMToLLVMInterface(registry);
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  gpu::registerOffloadingLLVMTranslationInterfaceExternalModels(registry);
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
}

} // namespace heed
