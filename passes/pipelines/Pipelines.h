// Pipelines.h - the stages in order, and everything of Heed that a tool registers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_PIPELINES_PIPELINES_H
#define HEED_PASSES_PIPELINES_PIPELINES_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace heed {

struct LowerCpuOptions : mlir::PassPipelineOptions<LowerCpuOptions> {
  Option<std::string> mcpu{*this, "mcpu",
                           llvm::cl::desc("CPU to generate code for (a name "
                                          "that llc knows; default: the host)"),
                           llvm::cl::init("")};
  Option<bool> onednn{*this, "onednn",
                      llvm::cl::desc("use oneDNN primitives where they hold "
                                     "an op (default: on)"),
                      llvm::cl::init(true)};
  Option<bool> profile{*this, "profile",
                       llvm::cl::desc("mark kernels for a profile of the "
                                      "runtime (default: off)"),
                       llvm::cl::init(false)};
  Option<bool> workspace{*this, "workspace",
                         llvm::cl::desc("make a function that counts the "
                                        "scratch memory of a run (default: "
                                        "off)"),
                         llvm::cl::init(false)};
  Option<std::string> chip{*this, "chip",
                           llvm::cl::desc("GPU for what has kernels there, as "
                                          "sm_90; the rest runs on the CPU "
                                          "(default: none)"),
                           llvm::cl::init("")};
  Option<std::string> format{
      *this, "format",
      llvm::cl::desc("what the driver gets: ptx, cubin, fatbin, or mlir for an "
                     "emulated one (default: ptx)"),
      llvm::cl::init("ptx")};
};

struct LowerGpuOptions : mlir::PassPipelineOptions<LowerGpuOptions> {
  Option<std::string> chip{*this, "chip",
                           llvm::cl::desc("GPU to generate code for (sm_80, "
                                          "sm_86, sm_87, sm_89, sm_90, sm_90a, "
                                          "sm_100, sm_120; default: sm_80)"),
                           llvm::cl::init("sm_80")};
  Option<std::string> format{
      *this, "format",
      llvm::cl::desc("what a kernel becomes: mlir (before any LLVM), llvm (its "
                     "LLVM dialect), ptx, or cubin, fatbin by the CUDA "
                     "toolkit's ptxas (default: ptx)"),
      llvm::cl::init("ptx")};
};

void buildNormalizePipeline(mlir::OpPassManager &pm);
void buildRecognizePipeline(mlir::OpPassManager &pm);
void buildFusePipeline(mlir::OpPassManager &pm);
void buildLowerCpuPipeline(mlir::OpPassManager &pm,
                           const LowerCpuOptions &options);
/// All stages to LLVM. `fuse` = false is the unfused program: recognize and
/// fuse skipped, attn ops decomposed, the same lowering. `beforeLowering`, if
/// given, adds passes of its own.
void buildCpuPipeline(
    mlir::OpPassManager &pm, const LowerCpuOptions &options, bool fuse = true,
    llvm::function_ref<void(mlir::OpPassManager &)> beforeLowering = nullptr);

/// Attention to GPU kernels; what has no kernel stays linalg and attn on
/// buffers, beside the launches.
void buildLowerGpuPipeline(mlir::OpPassManager &pm,
                           const LowerGpuOptions &options);
/// The part of lower-cpu for a program with a GPU beside the CPU: kernels, their
/// launches and the copies around them, where the program is on buffers and has
/// its context.
void buildLowerLaunchPipeline(mlir::OpPassManager &pm, llvm::StringRef chip,
                              llvm::StringRef format);
/// All stages to kernels.
void buildGpuPipeline(mlir::OpPassManager &pm, const LowerGpuOptions &options);
void registerGpuPipelines();
/// What turns kernels into text and binaries.
void registerGpuTargets(mlir::DialectRegistry &registry);

/// Passes and pipelines of Heed, for `heed-opt` and the plug-in.
void registerHeedPasses();
/// The attn dialect with its interfaces.
void registerHeedDialects(mlir::DialectRegistry &registry);

} // namespace heed

#endif // HEED_PASSES_PIPELINES_PIPELINES_H
