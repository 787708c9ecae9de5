// GateScale.cpp - y = epilogue(x, g): the last pass of a gate over x.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row of the last dim at a time, in vectors where all buffers are contiguous
// there and the epilogues are elementwise; all other dims in parallel.
#include "passes/lower/cpu/CostModel.h"
#include "passes/lower/cpu/GateLayout.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace heed::lower {

static void scaleVectors(OpBuilder &b, GateView &view, unsigned vectorBytes) {
  unsigned bits =
      getElementTypeOrSelf(view.x.getType()).getIntOrFloatBitWidth();
  unsigned length = vectorBytes * 8 / bits;
  buildStreaming(b, view.loc, ValueRange(view.sizes).drop_back(),
                 view.getNumElements(), [&](OpBuilder &b, ValueRange outer) {
                   Values factors = view.loadFactors(b, outer, length);
                   buildVectorLoop(
                       b, view.loc, view.sizes.back(), length, 4, {},
                       [&](OpBuilder &b, Value at, Value mask, unsigned,
                           ValueRange) -> Values {
                         Values indices = llvm::to_vector(outer);
                         indices.push_back(at);
                         Value y = view.load(b, indices, mask, length, factors);
                         buildStore(b, view.loc, y, view.init, indices, mask);
                         return {};
                       });
                 });
}

static void scaleScalars(OpBuilder &b, GateView &view) {
  buildParallel(
      b, view.loc, ValueRange(view.sizes).drop_back(),
      [&](OpBuilder &b, ValueRange outer) {
        Values factors = view.loadFactors(b, outer, 0);
        buildFor(b, view.loc, buildIndex(b, view.loc, 0), view.sizes.back(), 1,
                 {}, [&](OpBuilder &b, Value at, ValueRange) -> Values {
                   Values indices = llvm::to_vector(outer);
                   indices.push_back(at);
                   Value y = view.load(b, indices, Value(), 0, factors);
                   memref::StoreOp::create(b, view.loc, y, view.init, indices);
                   return {};
                 });
      });
}

void lowerGateScale(OpBuilder &b, const GateChain &chain,
                    unsigned vectorBytes) {
  GateView view(b, chain, chain.stages.size(), /*writesInit=*/true);
  if (view.isVectorizable())
    scaleVectors(b, view, vectorBytes);
  else
    scaleScalars(b, view);
}

} // namespace heed::lower
