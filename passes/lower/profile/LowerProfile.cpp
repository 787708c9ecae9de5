// LowerProfile.cpp - tells the runtime where each kernel begins and ends.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel is an op that stands for loops of its own or for a call of a
// library: linalg and attn ops on buffers, copies, and loops that hold none of
// these. They are marked while they are still one op with the place of their
// ONNX nodes, and stay between their marks when they become loops and calls: a
// call of the runtime is a barrier for every later pass.
//
//   heed_profile_begin(ctx, k)
//   kernel k
//   heed_profile_end(ctx, k, flops, bytes)
//
// flops and bytes are those of passes/cost; with dynamic sizes they are
// computed from the sizes of the run:  Σ coefficient · Π dim(buffer, d).
#include "passes/lower/profile/Passes.h"

#include "dialect/AttnDialect.h"
#include "dialect/primitive/PrimitiveOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/cost/Cost.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERPROFILE
#include "passes/lower/profile/Passes.h.inc"

namespace {

using Nodes = llvm::SetVector<StringRef>;

/// The number that heed-fuse-layers gave a layer, on the place of its call and
/// on the places of its ops.
std::optional<int64_t> layerOf(Location loc) {
  auto fused = dyn_cast<FusedLoc>(loc);
  auto number =
      fused ? dyn_cast_or_null<IntegerAttr>(fused.getMetadata()) : nullptr;
  return number ? std::optional(number.getInt()) : std::nullopt;
}

/// Names of the nodes at a place; of an op of a function that several layers
/// call, those of the layer that called it here.
void collectNodes(Location loc, std::optional<int64_t> layer, Nodes &nodes,
                  bool files) {
  if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    std::optional<int64_t> inner = layerOf(call.getCaller());
    return collectNodes(call.getCallee(), inner ? inner : layer, nodes, files);
  }
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    std::optional<int64_t> own = layerOf(loc);
    if (own && layer && own != layer)
      return;
    for (Location part : fused.getLocations())
      collectNodes(part, own ? std::nullopt : layer, nodes, files);
  } else if (auto name = dyn_cast<NameLoc>(loc)) {
    nodes.insert(name.getName().getValue());
  } else if (auto file = dyn_cast<FileLineColLoc>(loc);
             file && files && file.getLine() != 0) { // 0: a whole model
    std::string place = llvm::formatv(
        "{0}:{1}:{2}", llvm::sys::path::filename(file.getFilename()),
        file.getLine(), file.getColumn());
    nodes.insert(StringAttr::get(loc.getContext(), place).getValue());
  }
}

/// Of an elementwise op that several nodes became, the nodes of its body come
/// first; lines of a file would say nothing.
Nodes nodesOf(Operation *op) {
  Nodes nodes;
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    for (Operation &inner : generic.getBody()->without_terminator())
      if (!inner.hasTrait<OpTrait::ConstantLike>())
        collectNodes(inner.getLoc(), std::nullopt, nodes, /*files=*/false);
  collectNodes(op->getLoc(), std::nullopt, nodes, /*files=*/true);
  return nodes;
}

/// What a reader of the profile calls the kernel.
std::string kernelName(Operation *op) {
  if (auto primitive = dyn_cast<attn::PrimitiveOp>(op))
    return ("onednn." + attn::stringifyPrimitiveKind(primitive.getKind()))
        .str();
  if (isa<memref::CopyOp>(op))
    return "copy";
  if (isa<linalg::FillOp>(op))
    return "fill";
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return op->getDialect() && isa<scf::SCFDialect>(op->getDialect())
               ? "loop"
               : op->getName().getStringRef().str();
  if (linalg::isaContractionOpInterface(linalgOp))
    return "linalg.matmul";
  if (!isa<linalg::GenericOp>(op))
    return op->getName().getStringRef().str();
  bool computes = false;
  for (Operation &inner : linalgOp.getBlock()->without_terminator())
    computes |=
        isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()) &&
        isa<FloatType>(inner.getResultTypes().front());
  return linalgOp.getNumReductionLoops() ? "reduction"
         : computes                      ? "elementwise"
                                         : "move";
}

bool isKernel(Operation *op) {
  return isa<linalg::LinalgOp, linalg::SoftmaxOp, memref::CopyOp>(op) ||
         (isa_and_nonnull<attn::AttnDialect>(op->getDialect()) &&
          isa<DestinationStyleOpInterface>(op));
}

bool holds(Operation *op, llvm::function_ref<bool(Operation *)> is) {
  return op
      ->walk([&](Operation *inner) {
        return inner != op && is(inner) ? WalkResult::interrupt()
                                        : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Marks the kernels of one module and lists them.
struct Marker {
  MLIRContext *context;
  Value runtime; // of the function at work
  SmallVector<Attribute> kernels;

  void markBlock(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isKernel(&op)) {
        mark(&op);
      } else if (isa<scf::ParallelOp>(op)) {
        mark(&op); // marks are the calling thread's
      } else if (op.getNumRegions() != 0) {
        if (holds(&op, isKernel))
          for (Region &region : op.getRegions())
            for (Block &inner : region)
              markBlock(inner);
        else if (isa<LoopLikeOpInterface>(op) ||
                 holds(&op, llvm::IsaPred<LoopLikeOpInterface>))
          mark(&op);
      }
    }
  }

  void mark(Operation *op) {
    OpBuilder b(op);
    Location loc = op->getLoc();
    Cost cost = costOf(op);
    SizeValues sizes = sizeValues(op, cost);
    Value flops = evaluate(b, loc, cost.flops, sizes);
    Value bytes = evaluate(b, loc, cost.bytes, sizes);
    Value number = arith::ConstantIntOp::create(b, loc, kernels.size(), 64);
    callRuntime(b, loc, "heed_profile_begin", Type(), {runtime, number});
    b.setInsertionPointAfter(op);
    callRuntime(b, loc, "heed_profile_end", Type(),
                {runtime, number, flops, bytes});
    list(op);
  }

private:
  using SizeValues = llvm::StringMap<std::pair<Value, int64_t>>;

  void list(Operation *op) {
    Builder b(context);
    Nodes nodes = nodesOf(op);
    kernels.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("kernel", b.getStringAttr(kernelName(op))),
         b.getNamedAttr("nodes", b.getStrArrayAttr(nodes.getArrayRef()))}));
  }

  /// The buffer and the dimension of each symbol of the cost.
  static SizeValues sizeValues(Operation *op, const Cost &cost) {
    SizeValues sizes;
    if (cost.flops.isConstant() && cost.bytes.isConstant())
      return sizes;
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(op->getRegions(), used);
    used.insert(op->operand_begin(), op->operand_end());
    for (Value value : used)
      if (auto type = dyn_cast<MemRefType>(value.getType()))
        for (int64_t dim = 0; dim < type.getRank(); ++dim) {
          // A buffer's size may be that of the buffer it was made for.
          Count size = sizeOf(value, dim);
          for (const auto &[symbols, coefficient] : size.getTerms())
            if (symbols.size() == 1)
              sizes.try_emplace(symbols.front(), value, dim);
        }
    return sizes;
  }

  /// A size that is not to be had here counts as one.
  static Value evaluate(OpBuilder &b, Location loc, const Count &count,
                        const SizeValues &sizes) {
    auto constant = [&](double value) -> Value {
      return arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value));
    };
    Value sum;
    for (const auto &[symbols, coefficient] : count.getTerms()) {
      Value term = constant(coefficient);
      for (const std::string &symbol : symbols) {
        auto it = sizes.find(symbol);
        if (it == sizes.end())
          continue;
        auto [buffer, dim] = it->second;
        Value size = arith::IndexCastOp::create(
            b, loc, b.getI64Type(), memref::DimOp::create(b, loc, buffer, dim));
        Value real = arith::SIToFPOp::create(b, loc, b.getF64Type(), size);
        term = arith::MulFOp::create(b, loc, term, real);
      }
      sum = sum ? arith::AddFOp::create(b, loc, sum, term).getResult() : term;
    }
    return sum ? sum : constant(0);
  }
};

struct LowerProfile : impl::LowerProfileBase<LowerProfile> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Marker marker{&getContext(), {}, {}};
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      marker.runtime = heed::lower::getContext(function);
      if (!marker.runtime) {
        function.emitOpError("expected a lowered entry (heed-lower-entry)");
        return signalPassFailure();
      }
      for (Block &block : function.getBody())
        marker.markBlock(block);
    }
    module->setAttr("attn.kernels",
                    ArrayAttr::get(&getContext(), marker.kernels));
  }
};
} // namespace
} // namespace heed::lower
