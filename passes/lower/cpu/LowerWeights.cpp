// LowerWeights.cpp - large constants become entries of a table that the caller
// passes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights never enter LLVM IR: `memref.get_global @w` becomes a view of
// heed_weight(ctx, k), and the module attribute `attn.weights` keeps the k-th
// constant for the tool that runs or writes the program.
#include "passes/lower/cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/lower/cpu/RuntimeCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERWEIGHTS
#include "passes/lower/cpu/Passes.h.inc"

namespace {
/// Constants below this many bytes stay in the code, where LLVM can fold them.
constexpr int64_t kInlineBytes = 1024;

struct LowerWeights : impl::LowerWeightsBase<LowerWeights> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<memref::GlobalOp> globals;
    for (auto global : module.getOps<memref::GlobalOp>())
      if (isWeight(global))
        globals.push_back(global);

    SmallVector<Attribute> table;
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
        Value k = arith::ConstantIntOp::create(b, loc, it->second, 64);
        Value pointer = callRuntime(b, loc, "heed_weight",
                                    LLVM::LLVMPointerType::get(b.getContext()),
                                    {context, k});
        view = viewAt(b, loc, pointer, type, {});
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
