// LowerGpuSdpa.cpp - attn.sdpa on memrefs -> a kernel and its launch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/hopper/HopperOps.h"
#include "passes/lower/gpu/Passes.h"
#include "passes/lower/gpu/SdpaKernel.h"
#include "passes/lower/gpu/SdpaWarpgroups.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPUSDPA
#include "passes/lower/gpu/Passes.h.inc"

namespace {

/// Blocks of queries, heads, batches.
cuda::Grid gridOf(OpBuilder &b, SdpaOp op, const cuda::SdpaTiles &tiles) {
  Location loc = op.getLoc();
  Value queries =
      getValueOrCreateConstantIndexOp(b, loc, op.getDimSize(b, SdpaOp::I));
  Value size = arith::ConstantIndexOp::create(b, loc, tiles.queries());
  Value blocks = b.createOrFold<arith::CeilDivUIOp>(loc, queries, size);
  return {blocks, op.getDimSize(b, SdpaOp::H), op.getDimSize(b, SdpaOp::B)};
}

struct LowerGpuSdpa : impl::LowerGpuSdpaBase<LowerGpuSdpa> {
  using LowerGpuSdpaBase::LowerGpuSdpaBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::optional<cuda::Chip> properties = cuda::getChip(chip);
    if (!properties) {
      module.emitError("chip: expected sm_80, sm_86, sm_87, sm_89, sm_90, "
                       "sm_90a, sm_100 or sm_120, got ")
          << chip;
      return signalPassFailure();
    }
    SmallVector<SdpaOp> ops;
    module.walk([&](SdpaOp op) {
      if (isa<MemRefType>(op.getQ().getType()))
        ops.push_back(op);
    });
    for (SdpaOp op : ops) {
      std::string why = cuda::whyNotLowerable(op, *properties);
      auto options = remark::RemarkOpts::name("sdpa").category("heed-lower");
      if (!why.empty()) {
        remark::analysis(op.getLoc(), options)
            << remark::metric("schedule", "no GPU kernel")
            << remark::reason("{0}", why)
            << remark::suggest("give the attention contiguous f16 or bf16 "
                               "heads of up to 256 elements to run it on "
                               "tensor cores");
        continue;
      }
      std::optional<cuda::SdpaTiles> tiles =
          cuda::chooseWarpgroupTiles(op, *properties);
      remark::analysis(op.getLoc(), options) << remark::metric(
          "schedule", tiles ? "flash, wgmma" : "flash, mma.sync");
      if (tiles)
        lowerToWarpgroups(op, *tiles);
      else
        lowerToWarps(op, cuda::chooseTiles(op, *properties));
    }
  }

  /// A kernel of so many threads at `op`.
  cuda::KernelBuilder makeBuilder(OpBuilder &host, SdpaOp op,
                                  unsigned threads) {
    gpu::GPUModuleOp kernels = cuda::getKernelModule(getOperation(), chip);
    int64_t count = llvm::range_size(kernels.getOps<LLVM::LLVMFuncOp>());
    return cuda::KernelBuilder(host, op.getLoc(), kernels,
                               "sdpa_" + std::to_string(count), threads);
  }

  void lowerToWarps(SdpaOp op, const cuda::SdpaTiles &tiles) {
    OpBuilder host(op);
    cuda::KernelBuilder builder = makeBuilder(host, op, tiles.threads());
    cuda::SdpaKernel kernel(builder, op, tiles);
    cuda::buildSchedule(kernel);
    builder.finish(gridOf(host, op, tiles), tiles.sharedBytes());
    op.erase();
  }

  void lowerToWarpgroups(SdpaOp op, const cuda::SdpaTiles &tiles) {
    OpBuilder host(op);
    cuda::SdpaPanels panels(tiles);
    cuda::KernelBuilder builder = makeBuilder(host, op, panels.threads());
    cuda::SdpaKernel kernel(builder, op, tiles);
    cuda::buildWarpgroupSchedule(kernel);
    builder.finish(gridOf(host, op, tiles), panels.sharedBytes());
    op.erase();
  }
};
} // namespace
} // namespace heed::lower
