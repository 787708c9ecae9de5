// Pipelines.cpp - the stages of the compiler in order; what each lets in and
// leaves.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/pipelines/Pipelines.h"

#include "dialect/AttnDialect.h"
#include "dialect/hopper/HopperOps.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "passes/decompose/Passes.h"
#include "passes/fuse/Passes.h"
#include "passes/lower/cache/Passes.h"
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/TargetDescriptor.h"
#include "passes/lower/layers/Passes.h"
#include "passes/lower/onednn/Passes.h"
#include "passes/lower/profile/Passes.h"
#include "passes/lower/recurrent/Passes.h"
#include "passes/normalize/Passes.h"
#include "passes/recognize/Passes.h"
#include "passes/verify/Passes.h"

using namespace mlir;

namespace heed {

static void buildToLlvmPipeline(OpPassManager &pm, StringRef mcpu);

/// On tensors: ops that feed each other are revisited anyway, and there are no
/// blocks to merge. A second round over a deep network finds nothing.
static std::unique_ptr<Pass> createTensorCanonicalizer() {
  GreedyRewriteConfig config;
  config.setUseTopDownTraversal(true);
  config.setMaxIterations(1);
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  return createCanonicalizerPass(config);
}

// in: func, tensor, linalg, tosa, arith, math, attn
// out: linalg on tensors; shape arithmetic folded; no tosa
void buildNormalizePipeline(OpPassManager &pm) {
  pm.addPass(normalize::createNormalizeCalls());
  pm.addPass(normalize::createNormalizeTosa());
  pm.addPass(createTensorCanonicalizer());
  // Equal weights and equal reshapes become one value: a shared MLP is then
  // one by identity.
  pm.addPass(createCSEPass());
  pm.addPass(normalize::createNormalizeSlices());
  pm.addPass(createTensorCanonicalizer());
}

// in: linalg on tensors
// out: attn ops where proven, a remark for every anchor
void buildRecognizePipeline(OpPassManager &pm) {
  // Queries and keys that were paired before they were normalised are single
  // again.
  pm.addPass(normalize::createNormalizeBroadcasts());
  // Attention first: what its softmax is made of is then no anchor of a gate.
  pm.addPass(recognize::createRecognizeSoftmax());
  pm.addPass(recognize::createRecognizeSdpa());
  pm.addPass(recognize::createRecognizeRecurrent());
  // What the attentions replaced is dead.
  pm.addPass(createTensorCanonicalizer());
  pm.addPass(createCSEPass());
  // Before gates: a factor that is a norm's is then no gate's.
  pm.addPass(recognize::createRecognizeNorm());
  // What is behind a norm is seen through reshapes by then, too: q and k are
  // turned after their norms.
  pm.addPass(recognize::createRecognizeRope());
  // A gate that was expanded before its sigmoid is one value a channel.
  pm.addPass(normalize::createNormalizeBroadcasts());
  pm.addPass(recognize::createRecognizeGate());
}

// in: linalg and attn on tensors
// out: the same, with bigger ops
void buildFusePipeline(OpPassManager &pm) {
  pm.addPass(fuse::createFuseGateEpilogue());
  // Transposes first: what a projection feeds is then seen through reshapes.
  pm.addPass(fuse::createFuseTranspose());
  pm.addPass(fuse::createFuseQkv());
  pm.addPass(createTensorCanonicalizer());
  pm.addPass(createCSEPass());
  // Last: what is equal only now shows.
  pm.addPass(fuse::createFuseLayers());
}

// in: linalg and attn on tensors
// out: llvm and calls to heed_*
void buildLowerCpuPipeline(OpPassManager &pm, const LowerCpuOptions &options) {
  // func: layers that repeat stay functions. A profile names the nodes of each
  // layer, so there each has its own code. So has it beside a GPU, where each
  // knows of its buffers whether they are there already.
  lower::LowerLayersOptions layers;
  layers.inlineAll = options.profile || !options.chip.empty();
  pm.addPass(lower::createLowerLayers(layers));
  pm.addPass(normalize::createNormalizeCalls());
  // What is still transposed and need not be moved.
  pm.addPass(normalize::createNormalizeTransposes());
  // linalg, attn, tensor: the last changes on tensors. Attention that the
  // kernels do not hold is unfused first, then libraries take what they hold,
  // and the elementwise ops that remain are merged.
  pm.addPass(lower::createDecomposeUnsupported());
  lower::LowerProjectionOptions projection;
  projection.onednn = options.onednn;
  pm.addPass(lower::createLowerProjection(projection));
  if (options.onednn) {
    lower::LowerOnednnOptions primitives;
    primitives.device = !options.chip.empty();
    pm.addPass(lower::createLowerOnednn(primitives));
    // A GPU's libraries and kernels have no order of dims that they like best.
    if (!primitives.device) {
      pm.addPass(lower::createLowerLayout());
      // Where the dims of the result lie in memory is settled by then.
      pm.addPass(lower::createLowerNarrowDeconvolution());
    }
  }
  pm.addPass(fuse::createFuseElementwise());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(lower::createLowerBuffers());
  pm.addPass(verify::createVerifyStage());

  // linalg, attn, memref: @main(context), then kernels to loops and calls.
  // Canonical sizes first, so that a buffer's size is what it was made of.
  pm.addPass(lower::createLowerSizes());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(lower::createLowerCalls());
  pm.addPass(lower::createLowerEntry());
  // What has kernels of a GPU is gone before the CPU's are made.
  if (!options.chip.empty())
    buildLowerLaunchPipeline(pm, options.chip, options.format);
  // While a kernel is one op, with the places of its nodes.
  if (options.profile)
    pm.addPass(lower::createLowerProfile());
  lower::LowerGateOptions gate;
  gate.mcpu = options.mcpu;
  pm.addPass(lower::createLowerGate(gate));
  // After gates, whose excitations may hold norms.
  lower::LowerNormOptions norm;
  norm.mcpu = options.mcpu;
  pm.addPass(lower::createLowerNorm(norm));
  lower::LowerRopeOptions rope;
  rope.mcpu = options.mcpu;
  pm.addPass(lower::createLowerRope(rope));
  lower::LowerRecurrentOptions recurrent;
  recurrent.mcpu = options.mcpu;
  pm.addPass(lower::createLowerRecurrent(recurrent));
  lower::LowerSdpaOptions sdpa;
  sdpa.mcpu = options.mcpu;
  pm.addPass(lower::createLowerSdpa(sdpa));
  lower::LowerRowProductOptions rowProduct;
  rowProduct.mcpu = options.mcpu;
  pm.addPass(lower::createLowerRowProduct(rowProduct));
  pm.addPass(lower::createLowerPrimitive());
  lower::LowerSoftmaxOptions softmax;
  softmax.mcpu = options.mcpu;
  pm.addPass(lower::createLowerSoftmax(softmax));
  pm.addPass(lower::createLowerLoops());
  pm.addPass(lower::createLowerWeights());
  // The planner wants to know sizes before the first buffer: those of views
  // are what the views were made of.
  pm.addPass(lower::createLowerSizes());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());

  // scf, memref, vector: one arena, outlined parallel loops.
  pm.addPass(lower::createLowerArena());
  // While sizes are values, not words in the frames of parallel loops.
  if (options.workspace)
    pm.addPass(lower::createLowerWorkspace());
  pm.addPass(createLoopInvariantCodeMotionPass());
  // Last in front of it: what is canonical has no loops of one iteration.
  pm.addPass(fuse::createFuseParallel());
  pm.addPass(lower::createLowerParallel());
  pm.addPass(lower::createLowerMath());
  buildToLlvmPipeline(pm, options.mcpu);
}

// in: scf, memref, vector, arith, math, func, llvm
// out: llvm
static void buildToLlvmPipeline(OpPassManager &pm, StringRef mcpu) {
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(lower::createLowerExpandShape());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(lower::createLowerAssert());
  // Without instructions for it LLVM calls a function of GCC 13's library to
  // round to bf16.
  std::optional<lower::TargetDescriptor> target =
      lower::getTargetDescriptor(mcpu);
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = !target || !target->bf16Dot;
  if (expand.includeBf16)
    pm.addPass(arith::createArithEmulateUnsupportedFloats({{"bf16"}, "f32"}));
  pm.addPass(arith::createArithExpandOpsPass(expand));
  ConvertVectorToLLVMPassOptions vector;
  vector.x86Vector = true;
  pm.addPass(createConvertVectorToLLVMPass(vector));
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void buildCpuPipeline(
    OpPassManager &pm, const LowerCpuOptions &options, bool fuse,
    llvm::function_ref<void(OpPassManager &)> beforeLowering) {
  buildNormalizePipeline(pm);
  if (fuse) {
    buildRecognizePipeline(pm);
    buildFusePipeline(pm);
  } else {
    pm.addPass(decompose::createDecompose());
  }
  pm.addPass(verify::createVerifyStage());
  if (beforeLowering)
    beforeLowering(pm);
  buildLowerCpuPipeline(pm, options);
  pm.addPass(verify::createVerifyStage());
}

void registerHeedPasses() {
  normalize::registerHeedNormalizePasses();
  recognize::registerHeedRecognizePasses();
  fuse::registerHeedFusePasses();
  decompose::registerHeedDecomposePasses();
  lower::registerHeedLowerCachePasses();
  lower::registerHeedLowerCpuPasses();
  lower::registerHeedLowerLayersPasses();
  lower::registerHeedLowerOnednnPasses();
  lower::registerHeedLowerProfilePasses();
  lower::registerHeedLowerRecurrentPasses();
  verify::registerHeedVerifyPasses();

  PassPipelineRegistration<>("heed-normalize-pipeline",
                             "linalg on tensors in one spelling",
                             buildNormalizePipeline);
  PassPipelineRegistration<>("heed-recognize-pipeline",
                             "attn ops where they are proven",
                             buildRecognizePipeline);
  PassPipelineRegistration<>("heed-fuse-pipeline",
                             "attn ops and their surroundings into bigger ops",
                             buildFusePipeline);
  PassPipelineRegistration<LowerCpuOptions>(
      "heed-lower-cpu-pipeline", "linalg and attn to LLVM on the CPU",
      buildLowerCpuPipeline);
  PassPipelineRegistration<LowerCpuOptions>(
      "heed-cpu-pipeline", "everything, from model IR to LLVM on the CPU",
      [](OpPassManager &pm, const LowerCpuOptions &options) {
        buildCpuPipeline(pm, options);
      });
  registerGpuPipelines();
}

void registerHeedDialects(DialectRegistry &registry) {
  attn::registerAttnDialect(registry);
  registry.insert<hopper::HopperDialect>();
  registerGpuTargets(registry);
}

} // namespace heed
