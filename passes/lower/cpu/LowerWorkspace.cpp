// LowerWorkspace.cpp - a function that says what scratch memory @main will ask
// for, without running it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arena's sizes, and the sizes and strides that oneDNN's primitives get, are
// arithmetic on the inputs' sizes. That arithmetic is copied:
//
//   @main(ctx):  … heed_arena(ctx, n) … heed_onednn_primitive(ctx, r, call) …
//   @heed_workspace(ctx):  heed_count_arena(ctx, 0, n)
//                          heed_onednn_count(ctx, r, call′)
//
// where call′ has no pointers: whatever is the address of a buffer is null. The
// function of a layer gets one beside it in the same way, called where the layer
// is called in @main. A size that depends on what is computed, or on elements of
// an input, cannot be known before; then there is no such function.
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/layers/LayerCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERWORKSPACE
#include "passes/lower/cpu/Passes.h.inc"

namespace {
constexpr StringLiteral kFunction = "heed_workspace";

/// The runtime's function that an op calls, or "".
StringRef calleeOf(Operation *op) {
  if (auto call = dyn_cast<LLVM::CallOp>(op))
    return call.getCallee().value_or("");
  if (auto call = dyn_cast<func::CallOp>(op))
    return call.getCallee();
  return "";
}

/// Copies of values of @main or of a layer.
struct Copier {
  func::FuncOp function;
  OpBuilder b;
  IRMapping mapping;

  /// The copy of `value`; null where it is not arithmetic on sizes.
  Value copy(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumRegions() != 0)
      return {};
    Location loc = op->getLoc();
    if (isa<LLVM::CallOp>(op) && calleeOf(op) != "heed_input_dim") {
      // An address, of which only sizes beside it matter.
      if (!isa<LLVM::LLVMPointerType>(value.getType()))
        return {};
      Value null = LLVM::ZeroOp::create(b, loc, value.getType());
      mapping.map(value, null);
      return null;
    }
    // What stands in a loop or a branch may not run in the function.
    bool always = op->getBlock() == &function.getBody().front();
    if (!isa<LLVM::CallOp>(op) &&
        !(always ? isMemoryEffectFree(op) : isPure(op)))
      return {};
    for (Value operand : op->getOperands())
      if (!copy(operand))
        return {};
    b.clone(*op, mapping);
    return mapping.lookup(value);
  }

  LogicalResult copyArena(LLVM::CallOp call) {
    Location loc = call.getLoc();
    Value bytes = copy(call->getOperands().back());
    Value part = call->getNumOperands() == 3
                     ? copy(call->getOperand(1))
                     : Value(arith::ConstantIntOp::create(b, loc, 0, 64));
    if (!bytes || !part)
      return failure();
    callRuntime(b, loc, "heed_count_arena", Type(),
                {getContext(b), part, bytes});
    return success();
  }

  /// The words of a call are stored in a frame, the pointers first.
  LogicalResult copyPrimitive(func::CallOp call) {
    Location loc = call.getLoc();
    Value record = copy(call.getOperand(1));
    auto frame = frameOf(call.getOperand(2)).getDefiningOp<memref::AllocaOp>();
    auto words =
        frameOf(call.getOperand(1)).getDefiningOp<memref::GetGlobalOp>();
    if (!record || !frame || !words)
      return failure();
    auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(
        words, words.getNameAttr());
    auto values = dyn_cast_if_present<DenseElementsAttr>(
        global ? global.getInitialValueAttr() : Attribute());
    if (!values || values.getNumElements() < 4)
      return failure();
    int64_t pointers = values.getValues<int64_t>()[3];

    Value own;
    {
      // At the entry, as in @main.
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(b.getInsertionBlock());
      own = memref::AllocaOp::create(b, loc, frame.getType());
    }
    SmallVector<Operation *> users(frame->getUsers());
    for (Operation *user : llvm::reverse(users)) { // in their own order
      auto store = dyn_cast<memref::StoreOp>(user);
      if (!store)
        continue;
      std::optional<int64_t> index =
          getConstantIntValue(store.getIndices().front());
      if (!index)
        return failure();
      Value word = *index < pointers
                       ? Value(arith::ConstantIntOp::create(b, loc, 0, 64))
                       : copy(store.getValue());
      if (!word)
        return failure();
      memref::StoreOp::create(
          b, loc, word, own,
          ValueRange{arith::ConstantIndexOp::create(b, loc, *index)});
    }
    Value address = arith::IndexCastOp::create(
        b, loc, b.getI64Type(),
        memref::ExtractAlignedPointerAsIndexOp::create(b, loc, own));
    Value pointer = LLVM::IntToPtrOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext()), address);
    callRuntime(b, loc, "heed_onednn_count", b.getI32Type(),
                {getContext(b), record, pointer});
    return success();
  }

  /// What the layer asks for, by the function that counts for it.
  LogicalResult copyCall(func::CallOp call, func::FuncOp counts) {
    if (!counts) // no layer: who knows what it asks for
      return failure();
    SmallVector<Value> operands;
    for (Value operand : call.getOperands()) {
      operands.push_back(copy(operand));
      if (!operands.back())
        return failure();
    }
    func::CallOp::create(b, call.getLoc(), counts, operands);
    return success();
  }

  /// What an address as a pointer is the address of.
  static Value frameOf(Value address) {
    while (auto *op = address.getDefiningOp()) {
      if (!isa<LLVM::IntToPtrOp, arith::IndexCastOp,
               memref::ExtractAlignedPointerAsIndexOp>(op))
        break;
      address = op->getOperand(0);
    }
    return address;
  }

  static Value getContext(OpBuilder &b) {
    return b.getInsertionBlock()->getArgument(0);
  }
};

struct LowerWorkspace : impl::LowerWorkspaceBase<LowerWorkspace> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    Value context;
    if (main && !main.isExternal())
      context = heed::lower::getContext(main);
    if (!context) {
      module.emitError("expected a lowered entry (heed-lower-entry)");
      return signalPassFailure();
    }
    counting.clear();
    bool isKnown = true;
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (!getCalls(function).empty())
        isKnown = isKnown &&
                  count(function, (kFunction + "_" + function.getName()).str());
    isKnown = isKnown && count(main, kFunction);
    if (!isKnown)
      for (auto [function, counts] : llvm::reverse(counting))
        counts.erase();
  }

private:
  /// The function that counts for each one.
  llvm::MapVector<func::FuncOp, func::FuncOp> counting;

  /// False if a size is not known before.
  bool count(func::FuncOp function, const Twine &name) {
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    Location loc = function.getLoc();
    auto counts =
        func::FuncOp::create(b, loc, name.str(), function.getFunctionType());
    counting[function] = counts;
    Block *body = counts.addEntryBlock();
    Copier copier{function, OpBuilder::atBlockEnd(body), {}};
    copier.mapping.map(function.getArguments(), body->getArguments());
    WalkResult result = function.walk([&](Operation *op) {
      StringRef callee = calleeOf(op);
      LogicalResult copied = success();
      if (callee == "heed_arena" || callee == "heed_arena_part")
        copied = copier.copyArena(cast<LLVM::CallOp>(op));
      else if (callee == "heed_block") // how often is only known at run time
        copied = failure();
      else if (callee == "heed_onednn_primitive" ||
               callee == "heed_cuda_primitive") // perhaps on the host
        copied = copier.copyPrimitive(cast<func::CallOp>(op));
      else if (auto call = dyn_cast<func::CallOp>(op))
        copied = copier.copyCall(
            call,
            counting.lookup(SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
                call, call.getCalleeAttr())));
      return failed(copied) ? WalkResult::interrupt() : WalkResult::advance();
    });
    Value status = callRuntime(copier.b, loc, "heed_status",
                               copier.b.getI32Type(), body->getArgument(0));
    func::ReturnOp::create(copier.b, loc, status);
    return !result.wasInterrupted();
  }
};
} // namespace
} // namespace heed::lower
