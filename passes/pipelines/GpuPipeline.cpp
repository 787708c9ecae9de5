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

// in: linalg and attn on tensors
// out: launches of gpu.binary; linalg and attn on buffers
void buildLowerGpuPipeline(OpPassManager &pm, const LowerGpuOptions &options) {
  pm.addPass(normalize::createNormalizeCalls());
  pm.addPass(lower::createLowerBuffers());
  pm.addPass(lower::createLowerSizes());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  lower::LowerGpuSdpaOptions sdpa;
  sdpa.chip = options.chip;
  pm.addPass(lower::createLowerGpuSdpa(sdpa));
  lower::LowerGpuGateOptions gate;
  gate.chip = options.chip;
  pm.addPass(lower::createLowerGpuGate(gate));
  lower::LowerGpuRopeOptions rope;
  rope.chip = options.chip;
  pm.addPass(lower::createLowerGpuRope(rope));
  lower::LowerGpuRowOptions row;
  row.chip = options.chip;
  pm.addPass(lower::createLowerGpuRow(row));
  // Last: what the others leave, between them.
  lower::LowerGpuElementwiseOptions elementwise;
  elementwise.chip = options.chip;
  pm.addPass(lower::createLowerGpuElementwise(elementwise));
  // Of the host too: equal sizes and addresses are asked for once.
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());

  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(lower::createLowerGpuMath());
  kernels.addPass(lower::createLowerGpuHopper());
  buildKernelsToLlvm(kernels);
  if (options.format == "llvm")
    return;
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = llvm::StringSwitch<std::string>(options.format)
                                 .Case("ptx", "isa")
                                 .Case("cubin", "bin")
                                 .Default(options.format);
  pm.addPass(createGpuModuleToBinaryPass(binary));
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
