// GateScale.cpp - y = epilogue(x, g, extras): the second pass of a gate over x.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row of the last dim at a time, in vectors where all buffers are contiguous
// there and the epilogue is elementwise; all other dims in parallel.
#include "passes/lower/cpu/GateLayout.h"
#include "passes/lower/cpu/VectorLoop.h"

#include "dialect/sdpa/SdpaScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using heed::attn::GateOp;

namespace heed::lower {

namespace {
struct ScaleLowering {
  GateOp gate;
  Location loc;
  GateLayout layout;
  Values inputs; // x, extras; collapsed
  Value init, g; // collapsed
  Values sizes;  // of the groups

  ScaleLowering(OpBuilder &b, GateOp gate, Value gateValue)
      : gate(gate), loc(gate.getLoc()) {
    Values full{gate.getX(), gate.getInit()};
    llvm::append_range(full, gate.getExtras());
    layout = getGateLayout(gate, full, gateValue);
    inputs.push_back(collapse(b, loc, gate.getX(), layout.full));
    for (Value extra : gate.getExtras())
      inputs.push_back(collapse(b, loc, extra, layout.full));
    init = collapse(b, loc, gate.getInit(), layout.full);
    g = collapse(b, loc, gateValue, layout.kept);
    for (unsigned dim = 0; dim < layout.full.size(); ++dim)
      sizes.push_back(b.createOrFold<memref::DimOp>(loc, inputs[0], dim));
  }

  bool isVectorized() {
    return llvm::all_of(inputs, isContiguousInLastDim) &&
           isContiguousInLastDim(init) &&
           (layout.pooled.back() || isContiguousInLastDim(g)) &&
           (gate.getEpilogue().empty() ||
            attn::isVectorizable(gate.getEpilogue()));
  }

  Values keptIndices(ValueRange indices) {
    Values kept;
    for (auto [index, pooled] : llvm::zip(indices, layout.pooled))
      if (!pooled)
        kept.push_back(index);
    return kept;
  }

  Value epilogue(OpBuilder &b, ValueRange args) {
    if (gate.getEpilogue().empty())
      return arith::MulFOp::create(b, loc, args[0], args[1]);
    return attn::cloneScalarBody(b, gate.getEpilogue().front(), args);
  }

  void lowerVectors(OpBuilder &b, unsigned vectorBytes) {
    unsigned bits =
        getElementTypeOrSelf(inputs[0].getType()).getIntOrFloatBitWidth();
    unsigned length = vectorBytes * 8 / bits;
    auto vectorOf = [&](Value buffer) {
      return VectorType::get({length}, getElementTypeOrSelf(buffer.getType()));
    };
    buildParallel(
        b, loc, ValueRange(sizes).drop_back(),
        [&](OpBuilder &b, ValueRange outer) {
          Value broadcast; // g, the same for the whole row
          if (layout.pooled.back())
            broadcast = vector::BroadcastOp::create(
                b, loc, vectorOf(g),
                memref::LoadOp::create(b, loc, g, keptIndices(outer)));
          buildVectorLoop(
              b, loc, sizes.back(), length, 4, {},
              [&](OpBuilder &b, Value at, Value mask, unsigned,
                  ValueRange) -> Values {
                Values indices = llvm::to_vector(outer);
                indices.push_back(at);
                Values args{buildLoad(b, loc, vectorOf(inputs[0]), inputs[0],
                                      indices, mask)};
                args.push_back(broadcast
                                   ? broadcast
                                   : buildLoad(b, loc, vectorOf(g), g,
                                               keptIndices(indices), mask));
                for (Value extra : ValueRange(inputs).drop_front())
                  args.push_back(
                      buildLoad(b, loc, vectorOf(extra), extra, indices, mask));
                buildStore(b, loc, epilogue(b, args), init, indices, mask);
                return {};
              });
        });
  }

  void lowerScalars(OpBuilder &b) {
    buildParallel(
        b, loc, ValueRange(sizes).drop_back(),
        [&](OpBuilder &b, ValueRange outer) {
          buildFor(
              b, loc, buildIndex(b, loc, 0), sizes.back(), 1, {},
              [&](OpBuilder &b, Value at, ValueRange) -> Values {
                Values indices = llvm::to_vector(outer);
                indices.push_back(at);
                Values args{
                    memref::LoadOp::create(b, loc, inputs[0], indices),
                    memref::LoadOp::create(b, loc, g, keptIndices(indices))};
                for (Value extra : ValueRange(inputs).drop_front())
                  args.push_back(
                      memref::LoadOp::create(b, loc, extra, indices));
                memref::StoreOp::create(b, loc, epilogue(b, args), init,
                                        indices);
                return {};
              });
        });
  }
};
} // namespace

void lowerGateScale(OpBuilder &b, GateOp gate, Value gateValue,
                    unsigned vectorBytes) {
  ScaleLowering lowering(b, gate, gateValue);
  if (lowering.isVectorized())
    lowering.lowerVectors(b, vectorBytes);
  else
    lowering.lowerScalars(b);
}

} // namespace heed::lower
