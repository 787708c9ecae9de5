// LowerParallel.cpp - outermost scf.parallel to functions and
// heed_parallel_for or heed_parallel_region.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   scf.parallel (%i) = (%lb) to (%ub) step (%s) { body(%i, captures) }
// becomes
//   store captures in a frame on the stack
//   heed_parallel_for(ctx, ceil((ub − lb)/s), cost, @body, &frame)
//   llvm.func @body(begin, end, worker, frame):  for (k = begin; k < end; ++k)
//   body(lb + k·s, frame…)
// and loops that stand side by side, each with its own frame,
//   heed_parallel_region(ctx, m, {{count, cost, @body, &frame}, …})
//
// What the body captures by value: indices, scalars, pointers, and memref
// descriptors. Stack buffers of the body are allocated once a call, before the
// loop. A parallel loop inside another one stays serial.
//
// Equal bodies are one function: what differs between the layers of a network
// is captured, so that a kernel is compiled once, however deep the network.
#include "passes/lower/cpu/Passes.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/lower/cpu/CostedLoops.h"
#include "passes/lower/cpu/RuntimeCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERPARALLEL
#include "passes/lower/cpu/Passes.h.inc"

namespace {

bool definedOutside(Value value, Operation *op) {
  return !op->isAncestor(value.getParentBlock()->getParentOp());
}

/// Scalar operations of one run of `block`, as an index value in front of
/// `op`; a loop whose trip count is not known there counts as 16 iterations.
Value estimateCost(OpBuilder &b, Block &block, Operation *op) {
  Location loc = op->getLoc();
  Value total;
  int64_t simple = 0;
  for (Operation &inner : block.without_terminator()) {
    simple += llvm::any_of(inner.getResultTypes(), llvm::IsaPred<VectorType>)
                  ? 16
                  : 1;
    auto loop = dyn_cast<scf::ForOp>(inner);
    if (!loop)
      continue;
    Value body = estimateCost(b, *loop.getBody(), op);
    Value trips;
    auto bound = [&](Value value) -> Value {
      if (definedOutside(value, op))
        return value;
      if (auto constant = getConstantIntValue(value))
        return arith::ConstantIndexOp::create(b, loc, *constant);
      return {};
    };
    Value lower = bound(loop.getLowerBound()),
          upper = bound(loop.getUpperBound()), step = bound(loop.getStep());
    if (lower && upper && step && loop.getLowerBound().getType().isIndex()) {
      Value span = arith::SubIOp::create(b, loc, upper, lower);
      trips = arith::CeilDivSIOp::create(b, loc, span, step);
    } else {
      trips = arith::ConstantIndexOp::create(b, loc, 16);
    }
    Value cost = arith::MulIOp::create(b, loc, trips, body);
    total =
        total ? arith::AddIOp::create(b, loc, total, cost).getResult() : cost;
  }
  Value rest =
      arith::ConstantIndexOp::create(b, loc, std::max<int64_t>(1, simple));
  return total ? arith::AddIOp::create(b, loc, total, rest).getResult() : rest;
}

/// Whether a body gets a copy of the constant, instead of capturing it. Weights
/// are captured, since they are what differs between layers; but for the few
/// taps of a convolution, which are better known to the body.
bool isCopied(Operation *producer) {
  constexpr int64_t kTaps = 16;
  if (producer->getNumOperands() != 0)
    return false;
  if (auto global = dyn_cast<memref::GetGlobalOp>(producer))
    return global.getType().getNumElements() <= kTaps;
  return producer->hasTrait<OpTrait::ConstantLike>() ||
         isa<LLVM::AddressOfOp, LLVM::ZeroOp>(producer);
}

struct Outliner {
  ModuleOp module;
  LLVMTypeConverter converter;
  unsigned count = 0;
  /// The bodies made so far, by a hash of what they do.
  llvm::DenseMap<size_t, SmallVector<LLVM::LLVMFuncOp>> bodies;

  explicit Outliner(ModuleOp module)
      : module(module), converter(module.getContext()) {}

  Value cast(OpBuilder &b, Location loc, Type type, Value value) {
    if (value.getType() == type)
      return value;
    return UnrealizedConversionCastOp::create(b, loc, type, value).getResult(0);
  }

  /// Values used in the body and defined outside; some constants are copied
  /// into the body instead.
  SmallVector<Value> takeCaptures(scf::ParallelOp op) {
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(op.getRegion(), used);
    OpBuilder b(op.getRegion());
    b.setInsertionPointToStart(op.getBody());
    SmallVector<Value> captures;
    IRMapping copies;
    for (Value value : used) {
      Operation *producer = value.getDefiningOp();
      if (producer && isCopied(producer))
        copies.map(value, b.clone(*producer)->getResult(0));
      else
        captures.push_back(value);
    }
    // Over the body, not over the uses: a constant has some in every layer.
    op.getRegion().walk([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        operand.set(copies.lookupOrDefault(operand.get()));
    });
    return captures;
  }

  /// A loop as the runtime takes it: count, cost, body, frame.
  using Call = SmallVector<Value, 4>;

  /// Loops side by side, as one call in place of the last.
  LogicalResult outline(func::FuncOp function,
                        MutableArrayRef<scf::ParallelOp> loops) {
    Value context = heed::lower::getContext(function);
    if (!context)
      return loops[0].emitOpError(
          "expected a lowered entry (heed-lower-entry)");
    SmallVector<Call> calls;
    OpBuilder b(loops.back());
    b.setInsertionPointAfter(loops.back());
    Location loc = loops[0].getLoc();
    for (scf::ParallelOp loop : loops) {
      FailureOr<Call> call = outline(function, loop);
      if (failed(call))
        return failure();
      calls.push_back(*call);
    }
    if (calls.size() == 1) {
      Call arguments = calls[0];
      arguments.insert(arguments.begin(), context);
      callRuntime(b, loc, "heed_parallel_for", Type(), arguments);
      return success();
    }
    auto type = LLVM::LLVMStructType::getLiteral(
        b.getContext(), llvm::to_vector(ValueRange(calls[0]).getTypes()));
    Value table = allocate(function, loc, type, calls.size());
    for (auto [row, call] : llvm::enumerate(calls))
      for (auto [column, value] : llvm::enumerate(call)) {
        Value slot = LLVM::GEPOp::create(
            b, loc, table.getType(), type, table,
            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(row),
                                   static_cast<int32_t>(column)});
        LLVM::StoreOp::create(b, loc, value, slot);
      }
    Value count =
        LLVM::ConstantOp::create(b, loc, b.getI64Type(), calls.size());
    callRuntime(b, loc, "heed_parallel_region", Type(),
                {context, count, table});
    return success();
  }

  /// Stack memory of the function.
  Value allocate(func::FuncOp function, Location loc, Type type,
                 int64_t count) {
    OpBuilder b(&function.getBody().front().front());
    Value size = LLVM::ConstantOp::create(b, loc, b.getI64Type(), count);
    return LLVM::AllocaOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext()), type, size);
  }

  FailureOr<Call> outline(func::FuncOp function, scf::ParallelOp op) {
    Location loc = op.getLoc();
    MLIRContext *mlirContext = op.getContext();
    OpBuilder b(op);
    auto pointerType = LLVM::LLVMPointerType::get(mlirContext);
    auto i64 = b.getI64Type();

    auto known = op->getAttrOfType<IntegerAttr>(kCostAttr);
    Value cost = known ? arith::ConstantIndexOp::create(b, loc, known.getInt())
                       : estimateCost(b, *op.getBody(), op);
    // One induction variable over the product of all trip counts.
    SmallVector<Value> trips;
    Value total;
    for (auto [lower, upper, step] : llvm::zip_equal(
             op.getLowerBound(), op.getUpperBound(), op.getStep())) {
      Value span = arith::SubIOp::create(b, loc, upper, lower);
      trips.push_back(arith::CeilDivSIOp::create(b, loc, span, step));
      total =
          total ? arith::MulIOp::create(b, loc, total, trips.back()).getResult()
                : trips.back();
    }
    unwindInduction(op, trips);

    SmallVector<Value> captures = takeCaptures(op);
    SmallVector<Type> fields;
    for (Value capture : captures) {
      Type type = converter.convertType(capture.getType());
      if (!type)
        return op.emitOpError("captures a value of type ") << capture.getType();
      fields.push_back(type);
    }
    auto frameType = LLVM::LLVMStructType::getLiteral(mlirContext, fields);

    std::string name = (function.getName() + "_parallel_" + Twine(count)).str();
    auto body = mergeBody(makeBody(op, name, captures, frameType));

    Value frame = allocate(function, loc, frameType, 1);
    for (auto [index, capture] : llvm::enumerate(captures)) {
      Value slot = LLVM::GEPOp::create(
          b, loc, pointerType, frameType, frame,
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
      LLVM::StoreOp::create(b, loc, cast(b, loc, fields[index], capture), slot);
    }
    Value n = arith::IndexCastOp::create(b, loc, i64, total);
    Value costArgument = arith::IndexCastOp::create(b, loc, i64, cost);
    Value address = LLVM::AddressOfOp::create(b, loc, body);
    op.erase();
    return Call{n, costArgument, address, frame};
  }

  /// Replaces the induction variables by lb + k·step, k taken apart from one
  /// flat index (the first block argument; the others are left unused).
  void unwindInduction(scf::ParallelOp op, ArrayRef<Value> trips) {
    OpBuilder b(op.getContext());
    Block *block = op.getBody();
    Location loc = op.getLoc();
    b.setInsertionPointToStart(block);
    Value flat = block->insertArgument(0u, b.getIndexType(), loc);
    Value rest = flat;
    for (unsigned i = trips.size(); i-- > 0;) {
      Value k = rest;
      if (i > 0) {
        k = arith::RemUIOp::create(b, loc, rest, trips[i]);
        rest = arith::DivUIOp::create(b, loc, rest, trips[i]);
      }
      Value scaled = arith::MulIOp::create(b, loc, k, op.getStep()[i]);
      Value value =
          arith::AddIOp::create(b, loc, scaled, op.getLowerBound()[i]);
      block->getArgument(i + 1).replaceAllUsesWith(value);
    }
  }

  /// An older body that does the same as `body`, which then goes, or `body`.
  LLVM::LLVMFuncOp mergeBody(LLVM::LLVMFuncOp body) {
    constexpr auto flags = OperationEquivalence::IgnoreLocations;
    size_t hash = 0;
    body.getBody().walk([&](Operation *op) {
      hash = llvm::hash_combine(
          hash, OperationEquivalence::computeHash(
                    op, OperationEquivalence::ignoreHashValue,
                    OperationEquivalence::ignoreHashValue, flags));
    });
    for (LLVM::LLVMFuncOp other : bodies[hash])
      if (OperationEquivalence::isRegionEquivalentTo(&other.getBody(),
                                                     &body.getBody(), flags)) {
        body.erase();
        return other;
      }
    ++count;
    bodies[hash].push_back(body);
    return body;
  }

  LLVM::LLVMFuncOp makeBody(scf::ParallelOp op, StringRef name,
                            ArrayRef<Value> captures,
                            LLVM::LLVMStructType frameType) {
    Location loc = op.getLoc();
    OpBuilder b(op.getContext());
    auto pointerType = LLVM::LLVMPointerType::get(op.getContext());
    auto i64 = b.getI64Type();
    b.setInsertionPointToEnd(module.getBody());
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(op.getContext()), {i64, i64, i64, pointerType});
    auto body =
        LLVM::LLVMFuncOp::create(b, loc, name, type, LLVM::Linkage::Internal);
    Block *entry = body.addEntryBlock(b);
    b.setInsertionPointToStart(entry);
    IRMapping mapping;
    for (auto [index, capture] : llvm::enumerate(captures)) {
      Value slot = LLVM::GEPOp::create(
          b, loc, pointerType, frameType, entry->getArgument(3),
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
      Value field =
          LLVM::LoadOp::create(b, loc, frameType.getBody()[index], slot);
      mapping.map(capture, cast(b, loc, capture.getType(), field));
    }
    Value begin = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                             entry->getArgument(0));
    Value end = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                           entry->getArgument(1));
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    // Stack buffers of static size: once a call, not once an iteration.
    for (auto alloca :
         llvm::to_vector(op.getBody()->getOps<memref::AllocaOp>()))
      if (alloca.getType().hasStaticShape()) {
        mapping.map(alloca.getResult(),
                    b.clone(*alloca, mapping)->getResult(0));
      }
    auto loop = scf::ForOp::create(b, loc, begin, end, one);
    b.setInsertionPointToStart(loop.getBody());
    mapping.map(op.getBody()->getArgument(0), loop.getInductionVar());
    for (Operation &inner : op.getBody()->without_terminator())
      if (!mapping.contains(inner.getNumResults() == 1 ? inner.getResult(0)
                                                       : Value()))
        b.clone(inner, mapping);
    b.setInsertionPointToEnd(entry);
    LLVM::ReturnOp::create(b, loc, ValueRange{});
    return body;
  }
};

struct LowerParallel : impl::LowerParallelBase<LowerParallel> {
  void runOnOperation() override {
    Outliner outliner(getOperation());
    for (auto function :
         llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      SmallVector<SmallVector<scf::ParallelOp>> regions;
      function.walk<WalkOrder::PreOrder>([&](scf::ParallelOp op) {
        if (op.getNumReductions() != 0)
          return WalkResult::skip();
        if (regions.empty() ||
            regions.back().back()->getNextNode() != op.getOperation())
          regions.emplace_back();
        regions.back().push_back(op);
        return WalkResult::skip();
      });
      for (MutableArrayRef<scf::ParallelOp> loops : regions)
        if (failed(outliner.outline(function, loops)))
          return signalPassFailure();
    }
  }
};
} // namespace
} // namespace heed::lower
