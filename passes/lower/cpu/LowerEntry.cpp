// LowerEntry.cpp - @main becomes main(context) -> status, inputs and outputs by
// the runtime.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   func @main(%x: memref<?x4xf32>) -> memref<?x8xf32>
// becomes
//   func @main(%ctx: !llvm.ptr) -> i32
//     %x  = view(heed_input(ctx, 0))[heed_input_dim(ctx, 0, 0)]
//     %y  = view(heed_output(ctx, 0, 2, [d, 8]))    where the returned buffer
//     was allocated return heed_status(ctx)
//
// A layer, which @main calls, gets the context in front of its arguments and
// returns the status, too.
//
// A result that starts as the copy of an input that nothing else reads (a cache
// and its update) may be given the input's own memory: then nothing is copied.
//   memref.copy %x, %y   →   if (address of %x ≠ address of %y) memref.copy
// The module attribute `attn.in_place` lists such results and inputs.
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/layers/LayerCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERENTRY
#include "passes/lower/cpu/Passes.h.inc"

namespace {

/// The i-th input of the caller as a memref.
Value readInput(OpBuilder &b, Location loc, Value context, unsigned index,
                MemRefType type) {
  Value i = arith::ConstantIntOp::create(b, loc, index, 64);
  Value pointer =
      callRuntime(b, loc, "heed_input",
                  LLVM::LLVMPointerType::get(b.getContext()), {context, i});
  SmallVector<Value> sizes;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size))
      continue;
    Value d = arith::ConstantIntOp::create(b, loc, dim, 64);
    Value extent =
        callRuntime(b, loc, "heed_input_dim", b.getI64Type(), {context, i, d});
    sizes.push_back(
        arith::IndexCastOp::create(b, loc, b.getIndexType(), extent));
  }
  return viewAt(b, loc, pointer, type, sizes);
}

/// The buffer of the i-th result, of the shape `sizes`.
Value openOutput(OpBuilder &b, Location loc, Value context, unsigned index,
                 MemRefType type, ArrayRef<OpFoldResult> sizes) {
  auto pointerType = LLVM::LLVMPointerType::get(b.getContext());
  auto i64 = b.getI64Type();
  Value dims;
  {
    // Allocas stand in the entry block: one in a loop would grow the stack.
    OpBuilder::InsertionGuard guard(b);
    auto function = context.getParentRegion()->getParentOfType<func::FuncOp>();
    b.setInsertionPointToStart(&function.getBody().front());
    Value count = LLVM::ConstantOp::create(b, loc, i64,
                                           std::max<int64_t>(1, sizes.size()));
    dims = LLVM::AllocaOp::create(b, loc, pointerType, i64, count);
  }
  SmallVector<Value> dynamicSizes;
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    Value extent;
    if (auto value = dyn_cast<Value>(size)) {
      if (type.isDynamicDim(dim))
        dynamicSizes.push_back(value);
      extent = arith::IndexCastOp::create(b, loc, i64, value);
    } else {
      extent = arith::ConstantIntOp::create(b, loc, type.getDimSize(dim), 64);
    }
    Value slot =
        LLVM::GEPOp::create(b, loc, pointerType, i64, dims,
                            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(dim)});
    LLVM::StoreOp::create(b, loc, extent, slot);
  }
  Value i = arith::ConstantIntOp::create(b, loc, index, 64);
  Value rank = arith::ConstantIntOp::create(b, loc, sizes.size(), 64);
  Value pointer =
      callRuntime(b, loc, "heed_output", pointerType, {context, i, rank, dims});
  assertNotNull(b, loc, pointer);
  return viewAt(b, loc, pointer, type, dynamicSizes);
}

/// Whether one op alone reads the elements of `input`.
bool isReadOnce(BlockArgument input) {
  return llvm::count_if(input.getUsers(), [](Operation *user) {
           return !isa<memref::DimOp>(user);
         }) == 1;
}

/// The copy that a result begins with, of an input with no other use.
struct InPlace {
  memref::CopyOp copy;
  int64_t output, input;
};

SmallVector<InPlace> findInPlace(func::ReturnOp terminator) {
  SmallVector<InPlace> found;
  Block *block = terminator->getBlock();
  for (auto [output, result] : llvm::enumerate(terminator.getOperands())) {
    auto alloc = result.getDefiningOp<memref::AllocOp>();
    if (!alloc || alloc->getBlock() != block ||
        llvm::count(terminator.getOperands(), result) != 1)
      continue;
    for (Operation *user : result.getUsers()) {
      auto copy = dyn_cast<memref::CopyOp>(user);
      auto input =
          copy ? dyn_cast<BlockArgument>(copy.getSource()) : BlockArgument();
      if (!input || copy.getTarget() != result || copy->getBlock() != block ||
          input.getOwner() != block || !isReadOnce(input) ||
          input.getType() != result.getType())
        continue;
      // Nothing reads or writes the result before it holds the input.
      bool isFirst = llvm::all_of(result.getUsers(), [&](Operation *other) {
        Operation *outer = block->findAncestorOpInBlock(*other);
        return outer && (outer == copy || copy->isBeforeInBlock(outer));
      });
      if (isFirst)
        found.push_back({copy, int64_t(output), input.getArgNumber()});
    }
  }
  return found;
}

struct LowerEntry : impl::LowerEntryBase<LowerEntry> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal()) {
      module.emitError("expected a function @main with a body");
      return signalPassFailure();
    }
    if (!main.getBody().hasOneBlock()) {
      main.emitError("@main: expected one block, got ")
          << main.getBody().getBlocks().size();
      return signalPassFailure();
    }
    for (Type type : llvm::concat<const Type>(main.getArgumentTypes(),
                                              main.getResultTypes())) {
      auto memref = dyn_cast<MemRefType>(type);
      if (!memref || !memref.getLayout().isIdentity()) {
        main.emitError("@main: expected ranked tensors or contiguous memrefs "
                       "as arguments and results, got ")
            << type;
        return signalPassFailure();
      }
    }
    lower(main);
    for (auto function : module.getOps<func::FuncOp>())
      lowerCalls(function);
  }

  /// A layer gets the context, too, and gives a status, at which its caller
  /// stops.
  void lowerCalls(func::FuncOp function) {
    SmallVector<func::CallOp> calls = getCalls(function);
    if (calls.empty())
      return;
    OpBuilder b(&getContext());
    Location loc = function.getLoc();
    (void)function.insertArgument(0, LLVM::LLVMPointerType::get(&getContext()),
                                  {}, loc);
    (void)function.insertResult(0, b.getI32Type(), {});
    Operation *terminator = function.getBody().front().getTerminator();
    b.setInsertionPoint(terminator);
    terminator->insertOperands(0, callRuntime(b, loc, "heed_status",
                                              b.getI32Type(),
                                              function.getArgument(0)));
    function->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal));
    for (func::CallOp call : calls) {
      b.setInsertionPoint(call);
      Location at = call.getLoc();
      SmallVector<Value> operands{
          heed::lower::getContext(call->getParentOfType<func::FuncOp>())};
      llvm::append_range(operands, call.getOperands());
      Value status =
          func::CallOp::create(b, at, function, operands).getResult(0);
      Value zero = arith::ConstantIntOp::create(b, at, 0, 32);
      Value succeeded =
          arith::CmpIOp::create(b, at, arith::CmpIPredicate::eq, status, zero);
      // The layer has told the runtime why.
      cf::AssertOp::create(b, at, succeeded, "a layer failed");
      call.erase();
    }
  }

  void lower(func::FuncOp main) {
    Block &body = main.getBody().front();
    Location loc = main.getLoc();
    OpBuilder b(&getContext());
    auto pointerType = LLVM::LLVMPointerType::get(&getContext());

    auto terminator = cast<func::ReturnOp>(body.getTerminator());
    SmallVector<InPlace> inPlace = findInPlace(terminator);
    unsigned inputs = body.getNumArguments();
    Value context = body.insertArgument(0u, pointerType, loc);
    b.setInsertionPointToStart(&body);
    for (unsigned i = 0; i < inputs; ++i) {
      BlockArgument argument = body.getArgument(i + 1);
      argument.replaceAllUsesWith(
          readInput(b, loc, context, i, cast<MemRefType>(argument.getType())));
    }
    body.eraseArguments(1, inputs);

    for (unsigned index = 0; index < terminator.getNumOperands(); ++index)
      writeOutput(b, context, index, terminator.getOperand(index), terminator);

    copyUnlessSame(b, inPlace);

    b.setInsertionPoint(terminator);
    Value status = callRuntime(b, loc, "heed_status", b.getI32Type(), context);
    func::ReturnOp::create(b, terminator.getLoc(), status);
    terminator.erase();
    main.setFunctionType(b.getFunctionType(pointerType, b.getI32Type()));
    main.setAllArgAttrs(
        ArrayRef<DictionaryAttr>{DictionaryAttr::get(&getContext())});
    main.setAllResultAttrs(
        ArrayRef<DictionaryAttr>{DictionaryAttr::get(&getContext())});
  }

  void copyUnlessSame(OpBuilder &b, ArrayRef<InPlace> inPlace) {
    SmallVector<int64_t> pairs;
    for (InPlace pair : inPlace) {
      memref::CopyOp copy = pair.copy;
      Location loc = copy.getLoc();
      b.setInsertionPoint(copy);
      auto address = [&](Value memory) {
        return memref::ExtractAlignedPointerAsIndexOp::create(b, loc, memory);
      };
      Value from = address(copy.getSource());
      Value to = address(copy.getTarget());
      Value differs =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, from, to);
      auto guard = scf::IfOp::create(b, loc, differs, /*withElseRegion=*/false);
      copy->moveBefore(guard.thenBlock()->getTerminator());
      pairs.append({pair.output, pair.input});
    }
    if (!pairs.empty())
      getOperation()->setAttr("attn.in_place", b.getDenseI64ArrayAttr(pairs));
  }

  /// A result that is a fresh allocation is written where it belongs; anything
  /// else (an input, a constant, a view, the same buffer twice) is copied.
  void writeOutput(OpBuilder &b, Value context, unsigned index, Value result,
                   func::ReturnOp terminator) {
    auto type = cast<MemRefType>(result.getType());
    if (auto alloc = result.getDefiningOp<memref::AllocOp>();
        alloc && alloc->getBlock() == terminator->getBlock()) {
      b.setInsertionPoint(alloc);
      Value output = openOutput(b, alloc.getLoc(), context, index, type,
                                alloc.getMixedSizes());
      alloc.replaceAllUsesWith(output);
      alloc.erase();
      return;
    }
    b.setInsertionPoint(terminator);
    Location loc = terminator.getLoc();
    Value output = openOutput(b, loc, context, index, type,
                              memref::getMixedSizes(b, loc, result));
    memref::CopyOp::create(b, loc, result, output);
  }
};
} // namespace
} // namespace heed::lower
