// RecurrentPacking.cpp - recurrent weights in the order of their use.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile of the kernel walks over k and takes one vector of each gate at a
// time: packed, it reads its weights from first to last. Constant weights are
// packed here, once; others by the program, in front of the loop over time.
#include "passes/lower/recurrent/ConstantBuffers.h"
#include "passes/lower/recurrent/RecurrentKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using heed::attn::RecurrentOp;

namespace heed::lower {

RecurrentPacking::RecurrentPacking(RecurrentOp op,
                                   const TargetDescriptor &target)
    : directions(op.getDirections()), hidden(op.getHidden()),
      lanes(target.lanes(32)), sums(target.vectorRegisters >= 32 ? 24 : 12) {
  switch (op.getKind()) {
  case attn::RecurrentKind::lstm:
    stages.push_back({{attn::GateI, attn::GateO, attn::GateF, attn::GateC}});
    break;
  case attn::RecurrentKind::gru:
    if (op.getLinearBeforeReset()) {
      stages.push_back({{attn::GateZ, attn::GateR, attn::GateH}});
    } else { // r ⊙ h must be there before it is multiplied
      stages.push_back({{attn::GateR}});
      stages.push_back({{attn::GateZ, attn::GateH}});
    }
    break;
  case attn::RecurrentKind::rnn:
    stages.push_back({{0}});
    break;
  }
  int64_t offset = 0;
  for (RecurrentStage &stage : stages) {
    stage.offset = offset;
    offset += blocks() * hidden * stage.gates.size() * lanes;
    stage.rows = std::min<unsigned>(6, sums / stage.gates.size());
  }
}

int64_t RecurrentPacking::ofDirection() const {
  const RecurrentStage &last = stages.back();
  return last.offset + blocks() * hidden * last.gates.size() * lanes;
}

int64_t RecurrentPacking::place(int64_t d, const RecurrentStage &stage,
                                int64_t at, int64_t unit, int64_t k) const {
  int64_t row = (unit / lanes) * hidden + k;
  return d * ofDirection() + stage.offset +
         (row * stage.gates.size() + at) * lanes + unit % lanes;
}

/// A new constant of the module with what `weights` holds.
static Value packConstant(OpBuilder &b, RecurrentOp op,
                          const RecurrentPacking &packing,
                          ArrayRef<float> weights) {
  int64_t hidden = packing.hidden, gates = op.getGates();
  SmallVector<float> to(packing.elements(), 0.0f);
  for (int64_t d = 0; d < packing.directions; ++d)
    for (const RecurrentStage &stage : packing.stages)
      for (auto [at, gate] : llvm::enumerate(stage.gates))
        for (int64_t unit = 0; unit < hidden; ++unit)
          for (int64_t k = 0; k < hidden; ++k)
            to[packing.place(d, stage, at, unit, k)] =
                weights[((d * gates + gate) * hidden + unit) * hidden + k];
  return createConstantBuffer(b, op, {packing.elements()}, to);
}

/// Loops that pack what is known only when the program runs.
static Value packAtRunTime(OpBuilder &b, RecurrentOp op,
                           const RecurrentPacking &packing) {
  Location loc = op.getLoc();
  int64_t hidden = packing.hidden, lanes = packing.lanes;
  Value to = memref::AllocOp::create(
      b, loc, MemRefType::get({packing.elements()}, b.getF32Type()));
  auto index = [&](int64_t value) { return buildIndex(b, loc, value); };
  auto add = [&](OpBuilder &b, Value x, Value y) -> Value {
    return arith::AddIOp::create(b, loc, x, y);
  };
  auto mul = [&](OpBuilder &b, Value x, Value y) -> Value {
    return arith::MulIOp::create(b, loc, x, y);
  };
  if (hidden % lanes != 0) {
    Value zero =
        arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0)).getResult();
    linalg::FillOp::create(b, loc, zero, to);
  }
  for (const RecurrentStage &stage : packing.stages)
    for (auto [at, gate] : llvm::enumerate(stage.gates)) {
      int64_t width = stage.gates.size() * lanes;
      Values sizes = {index(packing.directions), index(hidden), index(hidden)};
      Value first = index(stage.offset + at * lanes);
      Value firstRow = index(gate * hidden);
      Values constants = {index(packing.ofDirection()), index(lanes),
                          index(hidden), index(width)};
      buildParallel(
          b, loc, ValueRange(sizes).take_front(2),
          [&](OpBuilder &b, ValueRange ids) {
            Value d = ids[0], unit = ids[1];
            Value block = arith::DivUIOp::create(b, loc, unit, constants[1]);
            Value lane = arith::RemUIOp::create(b, loc, unit, constants[1]);
            Value base = add(b, mul(b, d, constants[0]), add(b, first, lane));
            Value row = mul(b, block, constants[2]);
            buildNest(b, loc, sizes[2], {},
                      [&](OpBuilder &b, ValueRange k, ValueRange) -> Values {
                        Value value = memref::LoadOp::create(
                            b, loc, op.getWeights(),
                            ValueRange{d, add(b, firstRow, unit), k[0]});
                        Value place = add(
                            b, base, mul(b, add(b, row, k[0]), constants[3]));
                        memref::StoreOp::create(b, loc, value, to, place);
                        return {};
                      });
          });
    }
  return to;
}

Value buildPackedWeights(OpBuilder &b, RecurrentOp op,
                         const RecurrentPacking &packing) {
  if (std::optional<SmallVector<float>> weights =
          readConstantBuffer(op.getWeights()))
    return packConstant(b, op, packing, *weights);
  return packAtRunTime(b, op, packing);
}

} // namespace heed::lower
