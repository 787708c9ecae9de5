// LowerWeights.cpp - large constants become entries of a table that the caller
// passes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights never enter LLVM IR: `memref.get_global @w` becomes a view of
// heed_weight(ctx, k), and the module attribute `attn.weights` keeps the k-th
// constant for the tool that runs or writes the program.
//
// Of a layer the weights stand in a row, one row for each call, so that a call
// passes where its row begins:
//
//   call @layer(%x, %w3, %b3)             func @layer(%x, %w, %b)
// becomes
//   call @layer(%x, 6)                    func @layer(%x, %k): heed_weight(ctx, %k),
//                                                              heed_weight(ctx, %k + 1)
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/layers/LayerCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERWEIGHTS
#include "passes/lower/cpu/Passes.h.inc"

namespace {
/// Constants below this many bytes stay in the code, where LLVM can fold them.
constexpr int64_t kInlineBytes = 1024;

/// The memory of a weight, whose number is `k`.
Value viewWeight(OpBuilder &b, Location loc, Value context, Value k,
                 MemRefType type) {
  Value pointer =
      callRuntime(b, loc, "heed_weight",
                  LLVM::LLVMPointerType::get(b.getContext()), {context, k});
  return viewAt(b, loc, pointer, type, {});
}

struct LowerWeights : impl::LowerWeightsBase<LowerWeights> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<Attribute> table;
    SymbolTable symbols(module);
    for (auto function : module.getOps<func::FuncOp>())
      lowerRows(function, symbols, table);

    SmallVector<memref::GlobalOp> globals;
    for (auto global : module.getOps<memref::GlobalOp>())
      if (isWeight(global))
        globals.push_back(global);
    llvm::DenseMap<StringAttr, int64_t> index;
    for (memref::GlobalOp global : globals) {
      index[global.getSymNameAttr()] = table.size();
      table.push_back(*global.getInitialValue());
    }
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() && failed(lower(function, index)))
        return signalPassFailure();
    for (memref::GlobalOp global : globals)
      global.erase();
    module->setAttr("attn.weights", ArrayAttr::get(&getContext(), table));
  }

  static bool isWeight(memref::GlobalOp global) {
    if (!global.getConstant() || !global.getInitialValue())
      return false;
    MemRefType type = global.getType();
    auto elements = dyn_cast<ElementsAttr>(*global.getInitialValue());
    return elements &&
           (isa<DenseResourceElementsAttr>(elements) ||
            type.getNumElements() * elementBytes(type.getElementType()) >
                kInlineBytes);
  }

  /// The weight of which this operand is the only use, or null.
  static memref::GlobalOp findOwn(Value operand, SymbolTable &symbols) {
    auto get = operand.getDefiningOp<memref::GetGlobalOp>();
    if (!get || !get->hasOneUse())
      return {};
    auto global = symbols.lookup<memref::GlobalOp>(get.getName());
    bool isOwn = global && global.getConstant() && global.getInitialValue() &&
                 isa<ElementsAttr>(*global.getInitialValue());
    return isOwn ? global : memref::GlobalOp();
  }

  /// Moves the weights of a layer's calls into rows of the table. A weight that
  /// is used twice stays an argument: it is in the table once.
  void lowerRows(func::FuncOp function, SymbolTable &symbols,
                 SmallVectorImpl<Attribute> &table) {
    SmallVector<func::CallOp> calls = getCalls(function);
    if (calls.empty())
      return;
    Value context = heed::lower::getContext(function);
    llvm::StringMap<unsigned> gets;
    getOperation().walk(
        [&](memref::GetGlobalOp get) { ++gets[get.getName()]; });
    llvm::BitVector own(function.getNumArguments());
    for (unsigned i = 0; i < own.size(); ++i)
      own[i] = llvm::all_of(calls, [&](func::CallOp call) {
        memref::GlobalOp global = findOwn(call.getOperand(i), symbols);
        return global && gets.lookup(global.getSymName()) == 1;
      });
    if (own.none() || !context)
      return;

    OpBuilder b(function.getBody());
    unsigned last = function.getNumArguments();
    (void)function.insertArgument(last, b.getI64Type(), {}, function.getLoc());
    int64_t place = 0;
    for (unsigned i : own.set_bits()) {
      BlockArgument weight = function.getArgument(i);
      Location loc = weight.getLoc();
      Value k = arith::AddIOp::create(
          b, loc, function.getArgument(last),
          arith::ConstantIntOp::create(b, loc, place++, 64));
      weight.replaceAllUsesWith(
          viewWeight(b, loc, context, k, cast<MemRefType>(weight.getType())));
    }
    SmallVector<memref::GetGlobalOp> dead;
    for (func::CallOp call : calls) {
      b.setInsertionPoint(call);
      call->insertOperands(
          last, arith::ConstantIntOp::create(b, call.getLoc(), table.size(), 64)
                    .getResult());
      for (unsigned i : own.set_bits()) {
        auto get = call.getOperand(i).getDefiningOp<memref::GetGlobalOp>();
        auto global = symbols.lookup<memref::GlobalOp>(get.getName());
        table.push_back(*global.getInitialValue());
        symbols.erase(global);
        dead.push_back(get);
      }
    }
    own.resize(last + 1);
    for (func::CallOp call : calls)
      call->eraseOperands(own);
    (void)function.eraseArguments(own);
    for (memref::GetGlobalOp get : dead)
      get.erase();
  }

  /// One view a weight, at the top of the function.
  LogicalResult lower(func::FuncOp function,
                      const llvm::DenseMap<StringAttr, int64_t> &index) {
    Value context = heed::lower::getContext(function);
    llvm::DenseMap<int64_t, Value> views;
    OpBuilder b(&getContext());
    WalkResult result = function.walk([&](memref::GetGlobalOp get) {
      auto it = index.find(get.getNameAttr().getAttr());
      if (it == index.end())
        return WalkResult::advance();
      if (!context) {
        get.emitOpError(
            "expected a lowered entry (heed-lower-entry) around it");
        return WalkResult::interrupt();
      }
      Value &view = views[it->second];
      if (!view) {
        b.setInsertionPointToStart(&function.getBody().front());
        auto type = cast<MemRefType>(get.getType());
        Location loc = get.getLoc();
        view = viewWeight(b, loc, context,
                          arith::ConstantIntOp::create(b, loc, it->second, 64),
                          type);
      }
      get.replaceAllUsesWith(view);
      get.erase();
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }
};
} // namespace
} // namespace heed::lower
