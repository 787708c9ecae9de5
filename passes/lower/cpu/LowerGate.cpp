// LowerGate.cpp - attn.gate on memrefs -> pools, excitation, scaling.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/CostedLoops.h"
#include "passes/lower/cpu/GateExcitation.h"
#include "passes/lower/cpu/GateLayout.h"
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/cpu/TargetDescriptor.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/lower/cpu/VectorLoop.h"
#include "runtime/cost/CostModel.h"

using namespace mlir;
using heed::attn::GateOp;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGATE
#include "passes/lower/cpu/Passes.h.inc"

namespace {
/// Gates to be lowered as one, in order.
using Gates = SmallVector<GateOp>;

bool readsBeside(GateOp gate, Value y) {
  bool reads = llvm::is_contained(gate.getExtras(), y);
  gate->walk([&](Operation *inner) {
    reads |= inner != gate && llvm::is_contained(inner->getOperands(), y);
  });
  return reads;
}

/// Whether `second` may take what `first` would store from its registers: both
/// gates of a CBAM. The result of `first` is overwritten, or nobody else's.
bool isChain(GateOp first, GateOp second) {
  Value y = first.getInit();
  if (second.getX() != y || readsBeside(second, y) ||
      y.getType() != first.getX().getType() ||
      first->getBlock() != second->getBlock())
    return false;
  for (Operation *op = first->getNextNode(); op != second;
       op = op->getNextNode())
    if (!op || (!isPure(op) && !isa<memref::AllocOp>(op)))
      return false;
  if (second.getInit() == y)
    return true;
  return y.getDefiningOp<memref::AllocOp>() &&
         llvm::all_of(y.getUsers(), [&](Operation *user) {
           return user == first || user == second;
         });
}

struct Lowering {
  OpBuilder b;
  const TargetDescriptor &target;
  GateChain chain;
  SmallVector<GateExcitation, 2> excitations;

  Lowering(ArrayRef<GateOp> gates, const TargetDescriptor &target)
      : b(gates.back()), target(target), chain(b, gates) {
    for (auto [gate, stage] : llvm::zip_equal(gates, chain.stages)) {
      GateExcitation &excitation = excitations.emplace_back(gate);
      stage.value = excitation.buildPrologue(b, stage.pools);
    }
  }

  /// All images, or what `part` holds of image `image`.
  void buildStages(OpBuilder &b, GateChain part, Value image) {
    for (unsigned k = 0; k < excitations.size(); ++k) {
      lowerGatePools(b, part, k, target.vectorBytes);
      Value value = excitations[k].build(b, target.lanes(32), image);
      if (!image)
        part.stages[k].value = value;
    }
    lowerGateScale(b, part, target.vectorBytes);
  }

  /// x of an image is then read again out of the cache, by whoever pooled it.
  void buildPerImage(OpBuilder &b) {
    Value images = b.createOrFold<memref::DimOp>(chain.loc, chain.x, 0);
    // Each stage reads x once, the last pass reads and writes.
    auto type = cast<MemRefType>(chain.x.getType());
    int64_t passes = chain.stages.size() + 2;
    int64_t elements =
        type.hasStaticShape() ? type.getNumElements() * passes : 0;
    buildStreaming(b, chain.loc, images, elements,
                   [&](OpBuilder &b, ValueRange n) {
                     buildStages(b, chain.getImage(b, n[0]), n[0]);
                   });
  }

  /// Whether images are so many that each thread has as much to do.
  Value isBalanced(OpBuilder &b, Value context) {
    Location loc = chain.loc;
    Value images = b.createOrFold<memref::DimOp>(loc, chain.x, 0);
    Value threads = arith::IndexCastOp::create(
        b, loc, b.getIndexType(),
        callRuntime(b, loc, "heed_num_threads", b.getI64Type(), context));
    Value rest = arith::RemUIOp::create(b, loc, images, threads);
    Value even = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest,
                                       buildIndex(b, loc, 0));
    Value few = arith::MulIOp::create(
        b, loc, threads, buildIndex(b, loc, cost::kImagesPerThread));
    Value many =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, images, few);
    return arith::OrIOp::create(b, loc, even, many);
  }

  /// Whether the result, and x with it, is more than the caches hold: by a
  /// store as any other it would be read first, and drive x out of the cache.
  Value isPastCaches() {
    auto type = cast<MemRefType>(chain.init.getType());
    auto from = cast<MemRefType>(chain.x.getType());
    // Only x86 has such stores, and vectors of this size.
    if (chain.init == chain.x || target.vectorBytes < 32 ||
        !type.getLayout().isIdentity() ||
        type.getElementType() != from.getElementType())
      return {};
    Location loc = chain.loc;
    int64_t bytes = 2 * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    Value large;
    if (!type.hasStaticShape()) {
      Value total = sizeInBytes(b, loc, type, dynamicSizes(type));
      large = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, total,
                                    buildIndex(b, loc, cost::kCachedBytes / 2));
    } else if (type.getNumElements() * bytes <= cost::kCachedBytes) {
      return {};
    }
    Value address =
        memref::ExtractAlignedPointerAsIndexOp::create(b, loc, chain.init);
    Value low = arith::AndIOp::create(
        b, loc, address, buildIndex(b, loc, target.vectorBytes - 1));
    Value aligned = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, low,
                                          buildIndex(b, loc, 0));
    return large ? arith::AndIOp::create(b, loc, large, aligned) : aligned;
  }

  Values dynamicSizes(MemRefType type) {
    Values sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        sizes.push_back(memref::DimOp::create(b, chain.loc, chain.init, dim));
    return sizes;
  }

  StringRef build() {
    chain.pastCaches = isPastCaches();
    bool perImage = llvm::all_of(
        chain.stages, [](GateStage &stage) { return Value(stage.value); });
    for (const GateExcitation &excitation : excitations)
      perImage &= excitation.isPerImage();
    if (!perImage) {
      buildStages(b, chain, Value());
      return "whole";
    }
    auto function = chain.stages[0].gate->getParentOfType<func::FuncOp>();
    Value context = function ? getContext(function) : Value();
    if (!context) {
      buildPerImage(b);
      return "image";
    }
    scf::IfOp::create(
        b, chain.loc, isBalanced(b, context),
        [&](OpBuilder &b, Location loc) {
          buildPerImage(b);
          scf::YieldOp::create(b, loc);
        },
        [&](OpBuilder &b, Location loc) {
          buildStages(b, chain, Value());
          scf::YieldOp::create(b, loc);
        });
    return "image-or-whole";
  }
};

struct LowerGate : impl::LowerGateBase<LowerGate> {
  using LowerGateBase::LowerGateBase;
  void runOnOperation() override {
    std::optional<TargetDescriptor> target =
        requireTargetDescriptor(getOperation(), mcpu);
    if (!target)
      return signalPassFailure();
    SmallVector<Gates> chains;
    getOperation().walk([&](GateOp gate) {
      if (!isa<MemRefType>(gate.getX().getType()))
        return;
      if (!chains.empty() && isChain(chains.back().back(), gate))
        chains.back().push_back(gate);
      else
        chains.push_back({gate});
    });
    for (Gates &gates : chains) {
      StringRef schedule = Lowering(gates, *target).build();
      for (GateOp gate : llvm::reverse(gates)) {
        remark::analysis(
            gate.getLoc(),
            remark::RemarkOpts::name("gate").category("heed-lower"))
            << remark::metric("schedule", "kernel")
            << remark::metric("by", schedule);
        gate.erase();
      }
    }
  }
};
} // namespace
} // namespace heed::lower
