// LowerGpuGate.cpp - attn.gate on memrefs -> kernels and their launches.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/Passes.h"
#include "passes/lower/gpu/gate/GateKernel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"

#include <vector>

using namespace mlir;
using heed::attn::GateOp;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPUGATE
#include "passes/lower/gpu/Passes.h.inc"

namespace {

struct LowerGpuGate : impl::LowerGpuGateBase<LowerGpuGate> {
  using LowerGpuGateBase::LowerGpuGateBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::optional<cuda::Chip> properties = cuda::requireChip(module, chip);
    if (!properties)
      return signalPassFailure();
    std::vector<cuda::GateChain> chains;
    module.walk([&](GateOp op) {
      if (!isa<MemRefType>(op.getX().getType()))
        return;
      cuda::GateChain chain = cuda::makeChain(op, *properties);
      if (!chain.stages[0].plan.why.empty())
        return remarkKept(op, chain.stages[0].plan.why);
      if (!chains.empty() && chains.back().takes(chain))
        chains.back().stages.push_back(chain.stages[0]);
      else
        chains.push_back(chain);
    });
    for (cuda::GateChain &chain : chains)
      lower(chain, *properties);
  }

  static remark::RemarkOpts remarkOptions() {
    return remark::RemarkOpts::name("gate").category("heed-lower");
  }

  void remarkKept(GateOp op, StringRef why) {
    remark::analysis(op.getLoc(), remarkOptions())
        << remark::metric("schedule", "no GPU kernel")
        << remark::reason("{0}", why)
        << remark::suggest("pool neighbouring dims of a contiguous tensor of "
                           "f32, f16 or bf16, and excite by products, "
                           "convolutions and elementwise functions");
  }

  void lower(cuda::GateChain &chain, const cuda::Chip &properties) {
    GateOp last = chain.stages.back().op;
    OpBuilder host(last);
    gpu::GPUModuleOp kernels = cuda::getKernelModule(getOperation(), chip);
    SmallVector<StringRef> launches;
    int64_t ranks = cuda::chooseCluster(chain, properties);
    if (ranks > 0) {
      cuda::launchCluster(host, chain, ranks, kernels);
      return finish(chain, "cluster");
    }
    for (unsigned index = 0; index < chain.stages.size(); ++index) {
      cuda::GateStage &stage = chain.stages[index];
      cuda::launchPools(host, chain, index, kernels);
      if (!stage.pools.empty())
        launches.push_back("pools");
      if (stage.plan.isFused)
        continue;
      cuda::launchExcite(host, chain, index, kernels);
      launches.push_back("excite");
    }
    cuda::launchScale(host, chain, kernels);
    launches.push_back("scale");
    finish(chain, llvm::join(launches, ", "));
  }

  static void finish(cuda::GateChain &chain, const std::string &launches) {
    for (cuda::GateStage &stage : llvm::reverse(chain.stages)) {
      remark::analysis(stage.op.getLoc(), remarkOptions())
          << remark::metric("schedule", "kernel")
          << remark::metric("launches", launches);
      stage.op.erase();
    }
  }
};
} // namespace
} // namespace heed::lower
