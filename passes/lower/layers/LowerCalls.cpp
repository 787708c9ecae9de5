// LowerCalls.cpp - results of layers become buffers of their callers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   func private @layer(%x: memref<?x4xf32>) -> memref<?x4xf32>
//     %y = memref.alloc(%n) … return %y
//   %b = call @layer(%a)
// becomes
//   func private @layer(%x: memref<?x4xf32>, %y: memref<?x4xf32>)
//   %b = memref.alloc(%m)           m: what n is at this call
//   call @layer(%a, %b)
//
// so that the planner sees the lives of all buffers that pass from layer to
// layer. A layer whose results have sizes that are known only inside of it, or
// are no buffers, is written out where it is called.
#include "passes/lower/layers/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/lower/layers/LayerCalls.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERCALLS
#include "passes/lower/layers/Passes.h.inc"

namespace {
/// A result, in the terms of its function.
struct Result {
  Value value;
  /// Dynamic sizes in order.
  SmallVector<Value> sizes;
};

/// The results that are no arguments. Sizes are computed where they are not at
/// hand.
SmallVector<Result> getResults(func::FuncOp function) {
  SmallVector<Result> results;
  Operation *terminator = function.getBody().front().getTerminator();
  OpBuilder b(terminator);
  for (Value value : terminator->getOperands()) {
    if (isa<BlockArgument>(value))
      continue;
    Result result{value, {}};
    auto type = cast<MemRefType>(value.getType());
    if (auto alloc = value.getDefiningOp<memref::AllocOp>()) {
      llvm::append_range(result.sizes, alloc.getDynamicSizes());
    } else {
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          result.sizes.push_back(
              memref::DimOp::create(b, value.getLoc(), value, dim));
    }
    results.push_back(result);
  }
  return results;
}

/// Makes the result an argument: a buffer that is allocated for it alone is
/// the caller's, anything else (a view, a constant, the same buffer twice) is
/// copied.
void writeToArgument(func::FuncOp function, Value value) {
  Block &body = function.getBody().front();
  unsigned number = body.getNumArguments();
  (void)function.insertArgument(number, value.getType(), {}, value.getLoc());
  Value argument = body.getArgument(number);
  auto alloc = value.getDefiningOp<memref::AllocOp>();
  if (alloc && alloc->getBlock() == &body &&
      llvm::count(body.getTerminator()->getOperands(), value) == 1) {
    value.replaceUsesWithIf(argument, [&](OpOperand &use) {
      return use.getOwner() != body.getTerminator();
    });
    return;
  }
  OpBuilder b(body.getTerminator());
  memref::CopyOp::create(b, value.getLoc(), value, argument);
}

void lowerCall(func::CallOp call, func::FuncOp function,
               ArrayRef<Result> results) {
  OpBuilder b(call);
  SmallVector<Value> operands(call.getOperands());
  IRMapping known;
  auto next = results.begin();
  for (auto [result, value] : llvm::zip_equal(
           call.getResults(),
           function.getBody().front().getTerminator()->getOperands())) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      result.replaceAllUsesWith(call.getOperand(argument.getArgNumber()));
      continue;
    }
    SmallVector<Value> sizes;
    for (Value size : next->sizes)
      sizes.push_back(computeAtCall(b, size, call, known));
    Value buffer = memref::AllocOp::create(
        b, call.getLoc(), cast<MemRefType>(value.getType()), sizes);
    operands.push_back(buffer);
    result.replaceAllUsesWith(buffer);
    ++next;
  }
  func::CallOp::create(b, call.getLoc(), function.getName(), TypeRange(),
                       operands);
  call.erase();
}

void lowerFunction(func::FuncOp function) {
  SmallVector<func::CallOp> calls = getCalls(function);
  if (calls.empty() || function.getNumResults() == 0)
    return;
  bool areBuffers =
      llvm::all_of(function.getResultTypes(), llvm::IsaPred<MemRefType>);
  if (!areBuffers)
    return inlineCalls(function);
  SmallVector<Result> results = getResults(function);
  bool isKnown = llvm::all_of(results, [&](const Result &result) {
    return llvm::all_of(result.sizes, [&](Value size) {
      return isKnownAtCalls(size, function);
    });
  });
  if (!isKnown)
    return inlineCalls(function);
  for (func::CallOp call : calls)
    lowerCall(call, function, results);

  Operation *terminator = function.getBody().front().getTerminator();
  for (const Result &result : results)
    writeToArgument(function, result.value);
  terminator->setOperands({});
  (void)function.eraseResults(llvm::BitVector(function.getNumResults(), true));
  function.walk([](memref::AllocOp alloc) {
    if (alloc->use_empty())
      alloc.erase();
  });
}

struct LowerCalls : impl::LowerCallsBase<LowerCalls> {
  void runOnOperation() override {
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      lowerFunction(function);
  }
};
} // namespace
} // namespace heed::lower
