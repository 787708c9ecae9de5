// LowerGpuSdpa.cpp - attn.sdpa on memrefs -> a kernel and its launch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialect/hopper/HopperOps.h"
#include "passes/lower/gpu/Passes.h"
#include "passes/lower/gpu/sdpa/SdpaKernel.h"
#include "passes/lower/gpu/sdpa/SdpaWarpgroups.h"

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

/// Blocks of so many queries, heads, batches.
cuda::Grid gridOf(OpBuilder &b, SdpaOp op, int64_t queriesOfBlock) {
  Location loc = op.getLoc();
  Value queries =
      getValueOrCreateConstantIndexOp(b, loc, op.getDimSize(b, SdpaOp::I));
  Value size = arith::ConstantIndexOp::create(b, loc, queriesOfBlock);
  Value blocks = b.createOrFold<arith::CeilDivUIOp>(loc, queries, size);
  return {blocks, op.getDimSize(b, SdpaOp::H), op.getDimSize(b, SdpaOp::B)};
}

struct LowerGpuSdpa : impl::LowerGpuSdpaBase<LowerGpuSdpa> {
  using LowerGpuSdpaBase::LowerGpuSdpaBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::optional<cuda::Chip> properties = cuda::requireChip(module, chip);
    if (!properties)
      return signalPassFailure();
    SmallVector<SdpaOp> ops;
    module.walk([&](SdpaOp op) {
      if (isa<MemRefType>(op.getQ().getType()))
        ops.push_back(op);
    });
    for (SdpaOp op : ops) {
      Location loc = op.getLoc();
      std::string why = cuda::whyNotLowerable(op, *properties);
      auto options = remark::RemarkOpts::name("sdpa").category("heed-lower");
      if (!why.empty()) {
        remark::analysis(op.getLoc(), options)
            << remark::metric("schedule", "no GPU kernel")
            << remark::reason("{0}", why)
            << remark::suggest("give the attention heads of up to 256 elements "
                               "of f16, bf16 or f32 to run it on tensor cores");
        continue;
      }
      std::optional<cuda::SdpaTiles> panels =
          cuda::chooseWarpgroupTiles(op, *properties);
      StringRef schedule = "flash, wgmma";
      if (panels)
        lowerToWarpgroups(op, *panels);
      else
        schedule = lowerToWarps(op, *properties);
      remark::analysis(loc, options) << remark::metric("schedule", schedule);
    }
  }

  /// The next kernel of the program.
  cuda::KernelBuilder addKernel(OpBuilder &host, Location loc, StringRef name,
                                unsigned threads) {
    gpu::GPUModuleOp kernels = cuda::getKernelModule(getOperation(), chip);
    int64_t count = llvm::range_size(kernels.getOps<LLVM::LLVMFuncOp>());
    return cuda::KernelBuilder(host, loc, kernels,
                               (name + "_" + Twine(count)).str(), threads);
  }

  /// One block of the last kernel on an SM is enough: for a second one ptxas
  /// would move registers to memory.
  void preferRegisters() {
    gpu::GPUModuleOp kernels = cuda::getKernelModule(getOperation(), chip);
    kernels.getBody()->back().setAttr(
        NVVM::NVVMDialect::getMinctasmAttrName(),
        IntegerAttr::get(IntegerType::get(&getContext(), 32), 1));
  }

  /// The name of the schedule.
  StringRef lowerToWarps(SdpaOp op, const cuda::Chip &properties) {
    OpBuilder host(op);
    Location loc = op.getLoc();
    cuda::SdpaTiles tiles = cuda::chooseTiles(op, properties);
    std::optional<cuda::SdpaSplit> split = cuda::chooseSplit(host, op, tiles);
    const cuda::SdpaSplit *ofKernel = split ? &*split : nullptr;

    cuda::KernelBuilder builder = addKernel(host, loc, "sdpa", tiles.threads());
    preferRegisters();
    cuda::SdpaKernel kernel(builder, op, tiles, ofKernel);
    cuda::buildSchedule(kernel);
    cuda::Grid grid = gridOf(host, op, tiles.queries());
    if (split)
      grid[0] = split->parts;
    builder.finish(grid, tiles.sharedBytes());

    if (split) {
      cuda::KernelBuilder second =
          addKernel(host, loc, "sdpa_combine", cuda::kCombineThreads);
      cuda::SdpaKernel combine(second, op, tiles, ofKernel,
                               /*combines=*/true);
      cuda::buildCombine(combine);
      second.finish(gridOf(host, op, cuda::kCombineThreads / 32), 0);
    }
    op.erase();
    return split ? "flash, mma.sync, split keys" : "flash, mma.sync";
  }

  void lowerToWarpgroups(SdpaOp op, const cuda::SdpaTiles &tiles) {
    OpBuilder host(op);
    cuda::SdpaPanels panels(tiles);
    cuda::KernelBuilder builder =
        addKernel(host, op.getLoc(), "sdpa", panels.threads());
    cuda::SdpaKernel kernel(builder, op, tiles);
    cuda::buildWarpgroupSchedule(kernel);
    builder.finish(gridOf(host, op, tiles.queries()), panels.sharedBytes());
    op.erase();
  }
};
} // namespace
} // namespace heed::lower
