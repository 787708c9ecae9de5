// GateKernel.h - what the GPU's kernels of gates share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   p_k = pool_k of x     g = excite(p_0, p_1, …)     y = epilogue(x, g, extras)
//
// An image is a matrix of rows × columns, the columns contiguous; a gate pools
// one of the two:
//   NCHW: rows C, columns HW    channel gates pool columns, spatial ones rows
//   NHWC: rows HW, columns C    channel gates pool rows, spatial ones columns
//
// Launches, of blocks for each image:
//   pools      all pools of a gate in one pass over x                 GatePools
//   excite     one block an image, step by step                      GateExcite
//   scale      the epilogue of all gates, 16 bytes a thread           GateScale
//   cluster    all of it in one launch, x in shared memory          GateCluster
// A small excitation is no launch: each block of the launch that needs g
// computes it in shared memory. Of the two gates of a CBAM, what is between
// them is never stored: the second pools x · g, and both scale at once.
#ifndef HEED_PASSES_LOWER_GPU_GATE_GATEKERNEL_H
#define HEED_PASSES_LOWER_GPU_GATE_GATEKERNEL_H

#include "dialect/gate/GateImages.h"
#include "passes/lower/gpu/kernel/BlockLinalg.h"
#include "passes/lower/gpu/kernel/BlockReduce.h"
#include "passes/lower/gpu/kernel/VectorAccess.h"

namespace heed::cuda {

constexpr int64_t kGateThreads = 256;

/// How the region `excite` is computed.
struct ExcitePlan {
  /// Why no kernel holds it; empty if one does.
  std::string why;
  bool perImage = false; // else one block for all images
  bool isShared = false; // its buffers are in shared memory, else in global
  bool isFused = false;  // no launch of its own
  int64_t bytes = 0;     // of its buffers, where they are shared
};
ExcitePlan planExcite(attn::GateOp op, const Chip &chip);

/// One gate of a chain.
struct GateStage {
  attn::GateOp op;
  ExcitePlan plan;
  bool poolsColumns; // else rows
  Values pools;      // of the host
  Value gate;        // of the host: g, where a launch of its own makes it
};

/// Gates of which each takes the result of the one before.
struct GateChain {
  Location loc;
  llvm::SmallVector<GateStage> stages;
  bool hasImages; // dim 0 is that of the images; else all of x is one
  llvm::SmallVector<int64_t> rowDims, columnDims;

  Value x() { return stages.front().op.getX(); }
  Value init() { return stages.back().op.getInit(); }
  mlir::MemRefType type() {
    return mlir::cast<mlir::MemRefType>(x().getType());
  }
  /// Whether the gate of `next` can take what the last one stores from its
  /// registers.
  bool takes(const GateChain &next);
};

/// The chain of one gate; its first stage's plan says why there is no kernel.
GateChain makeChain(attn::GateOp op, const Chip &chip);

/// Builds the region; gives g, of all images (stride 0 where one is stored).
/// `arena` null: its buffers are global ones of the host. `pools`: where they are
/// in the kernel, if not in the stage's buffers of the host.
KernelBuffer buildExcite(KernelBuilder &k, GateStage &stage, SharedArena *arena,
                         const Lane &lane, Value n,
                         mlir::ArrayRef<KernelBuffer> pools);

/// An image in a kernel, with the first stages of its chain applied.
struct GateImage {
  KernelBuilder &k;
  GateChain &chain;
  unsigned applied = 0;
  Lane lane;
  SharedArena arena;
  Value n, rows, columns; // i32
  KernelBuffer source;    // x in global memory, at the image
  KernelBuffer x, init;   // where x is read from; init behind all stages
  llvm::SmallVector<llvm::SmallVector<KernelBuffer>> extras; // of a stage
  llvm::SmallVector<KernelBuffer> gates;                     // at the image

  GateImage(KernelBuilder &k, GateChain &chain, Value n);
  /// Applies the next stage: computes its gate, or takes it as it is.
  void addStage(mlir::ArrayRef<KernelBuffer> pools = {});
  /// The result, behind the last stage.
  void addInit();

  /// Elements of a vector along columns, or along the whole image.
  int64_t rowVector();
  int64_t imageVector();
  /// x and extras of neighbouring elements; then y, whose rows and columns are
  /// given.
  struct Loaded {
    Values x;
    llvm::SmallVector<llvm::SmallVector<Values>> extras; // stage, extra
  };
  Loaded load(Value offset, int64_t length);
  Values apply(const Loaded &loaded, mlir::ArrayRef<Value> rows,
               mlir::ArrayRef<Value> columns);

private:
  KernelBuffer atImage(Value buffer);
  bool isAligned();
};

/// Elements first … end − 1 of the image, by all threads of the block.
void scaleStretch(GateImage &image, Value first, Value end);

/// Launches, in this order.
void launchPools(OpBuilder &host, GateChain &chain, unsigned stage,
                 mlir::gpu::GPUModuleOp kernels);
void launchExcite(OpBuilder &host, GateChain &chain, unsigned stage,
                  mlir::gpu::GPUModuleOp kernels);
void launchScale(OpBuilder &host, GateChain &chain,
                 mlir::gpu::GPUModuleOp kernels);
/// All of it in one launch, a cluster of `ranks` blocks an image.
void launchCluster(OpBuilder &host, GateChain &chain, int64_t ranks,
                   mlir::gpu::GPUModuleOp kernels);
/// The blocks of the cluster; 0 where an image does not fit, or the chip has no
/// clusters.
int64_t chooseCluster(GateChain &chain, const Chip &chip);

/// The images of a chain, as a grid's size.
OpFoldResult imagesOf(OpBuilder &host, GateChain &chain);
/// Buffers of the host for the pools of a gate.
Values makePools(OpBuilder &host, attn::GateOp gate);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_GATE_GATEKERNEL_H
