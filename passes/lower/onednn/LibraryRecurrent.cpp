// LibraryRecurrent.cpp - a whole recurrent layer on memrefs as calls of the
// library, one for each direction.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The library's gates are i, f, c, o where ONNX has i, o, f, c, and its gru has
// the product's bias as a fourth. So weights and biases, which are constants,
// are made again in its order here, once.
#include "passes/lower/onednn/LibraryCalls.h"

#include "dialect/recurrent/RecurrentCell.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/lower/cpu/RuntimeCalls.h"
#include "passes/lower/recurrent/ConstantBuffers.h"
#include "runtime/support/SiteRecord.h"

using namespace mlir;
using heed::attn::RecurrentKind;
using heed::attn::RecurrentOp;
using heed::runtime::OperandRole;
using heed::runtime::PrimitiveKind;

namespace heed::lower {

static PrimitiveKind kindOf(RecurrentOp op) {
  switch (op.getKind()) {
  case RecurrentKind::lstm:
    return PrimitiveKind::Lstm;
  case RecurrentKind::gru:
    return op.getLinearBeforeReset() ? PrimitiveKind::GruResetAfter
                                     : PrimitiveKind::Gru;
  case RecurrentKind::rnn:
    break;
  }
  bool isRelu = op.getActivationsOf(0)[0].kind == attn::ActivationKind::relu;
  return isRelu ? PrimitiveKind::RnnRelu : PrimitiveKind::RnnTanh;
}

/// Which of ONNX's gates each of the library's is.
static SmallVector<int64_t> gateOrder(RecurrentOp op) {
  if (op.getKind() == RecurrentKind::lstm)
    return {attn::GateI, attn::GateF, attn::GateC, attn::GateO};
  if (op.getKind() == RecurrentKind::gru)
    return {attn::GateZ, attn::GateR, attn::GateH};
  return {0};
}

namespace {
struct LayerCall {
  RecurrentOp op;
  OpBuilder b;
  Location loc;
  int64_t directions, gates, hidden;

  LayerCall(RecurrentOp op)
      : op(op), b(op), loc(op.getLoc()), directions(op.getDirections()),
        gates(op.getGates()), hidden(op.getHidden()) {}

  /// [D, G·H, K] with the gates in the library's order, as [D, G, H, K].
  Value reorderGates(Value buffer) {
    SmallVector<float> from = *readConstantBuffer(buffer), to;
    SmallVector<int64_t> shape(cast<MemRefType>(buffer.getType()).getShape());
    int64_t part = hidden;
    for (int64_t size : ArrayRef(shape).drop_front(2))
      part *= size;
    for (int64_t d = 0; d < directions; ++d)
      for (int64_t gate : gateOrder(op))
        to.append(from.begin() + (d * gates + gate) * part,
                  from.begin() + (d * gates + gate + 1) * part);
    SmallVector<int64_t> split = {directions, gates, hidden};
    llvm::append_range(split, ArrayRef(shape).drop_front(2));
    return createConstantBuffer(b, op, split, to);
  }

  /// [D, G, H], or [D, G + 1, H] with the product's own.
  Value makeBias() {
    bool apart = kindOf(op) == PrimitiveKind::GruResetAfter;
    SmallVector<float> zeros(directions * gates * hidden), to;
    SmallVector<float> bias =
        op.getBias() ? *readConstantBuffer(op.getBias()) : zeros;
    SmallVector<float> reset =
        op.getResetBias() ? *readConstantBuffer(op.getResetBias()) : zeros;
    for (int64_t d = 0; d < directions; ++d) {
      for (int64_t gate : gateOrder(op))
        to.append(bias.begin() + (d * gates + gate) * hidden,
                  bias.begin() + (d * gates + gate + 1) * hidden);
      if (apart)
        to.append(reset.begin() + d * hidden, reset.begin() + (d + 1) * hidden);
    }
    return createConstantBuffer(
        b, op, {directions, gates + (apart ? 1 : 0), hidden}, to);
  }

  /// buffer[d] along dimension `dim`, which stays with size 1.
  Value ofDirection(Value buffer, int64_t d, unsigned dim) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
        strides(type.getRank(), b.getIndexAttr(1)),
        sizes = memref::getMixedSizes(b, loc, buffer);
    offsets[dim] = b.getIndexAttr(d);
    sizes[dim] = b.getIndexAttr(1);
    return memref::SubViewOp::create(b, loc, buffer, offsets, sizes, strides);
  }

  Value alloc(ArrayRef<int64_t> shape) {
    SmallVector<Value> dynamic;
    // T and B are the dynamic sizes there are: [T, D, B, H] or [D, B, H].
    for (auto [dim, size] : llvm::enumerate(shape))
      if (ShapedType::isDynamic(size))
        dynamic.push_back(
            memref::DimOp::create(b, loc, op.getX(), dim == 0 ? 0 : 1));
    return memref::AllocOp::create(
        b, loc, MemRefType::get(shape, b.getF32Type()), dynamic);
  }
  /// What the state is before the first step, apart from where it goes.
  Value copyOf(Value state) {
    Value copy = alloc(cast<MemRefType>(state.getType()).getShape());
    memref::CopyOp::create(b, loc, state, copy);
    return copy;
  }

  void write(LibraryCalls &calls, func::FuncOp function);
};
} // namespace

void LayerCall::write(LibraryCalls &calls, func::FuncOp function) {
  Value weights = reorderGates(op.getInputWeights());
  Value recurrent = reorderGates(op.getWeights()), bias = makeBias();
  auto xShape = cast<MemRefType>(op.getX().getType()).getShape();
  Value y =
      op.getY() ? op.getY() : alloc({xShape[0], directions, xShape[1], hidden});
  Value firstH = copyOf(op.getH());
  Value firstC = op.getC() ? copyOf(op.getC()) : Value();
  for (int64_t d = 0; d < directions; ++d) {
    SmallVector<Value> operands;
    SmallVector<int64_t> tail;
    auto add = [&](OperandRole role, Value buffer, bool constant,
                   ArrayRef<int64_t> layout) {
      operands.push_back(buffer);
      tail.append({static_cast<int64_t>(role), constant,
                   cast<MemRefType>(buffer.getType()).getRank(),
                   static_cast<int64_t>(layout.size())});
      llvm::append_range(tail, layout);
    };
    auto addState = [&](OperandRole role, Value state) {
      if (state)
        add(role, ofDirection(state, d, 0), false, {-1, 0, 1, 2});
    };
    add(OperandRole::Source, op.getX(), false, {0, 1, 2});
    add(OperandRole::Weights, ofDirection(weights, d, 0), true,
        {-1, 0, 3, 1, 2});
    add(OperandRole::RecurrentWeights, ofDirection(recurrent, d, 0), true,
        {-1, 0, 3, 1, 2});
    add(OperandRole::Bias, ofDirection(bias, d, 0), true, {-1, 0, 1, 2});
    addState(OperandRole::State, firstH);
    addState(OperandRole::Cell, firstC);
    addState(OperandRole::LastState, op.getH());
    addState(OperandRole::LastCell, op.getC());
    Value sequence = ofDirection(y, d, 1);
    operands.push_back(sequence);
    tail.append(
        {static_cast<int64_t>(OperandRole::Destination), 0, 4, 3, 0, 2, 3});
    auto element = runtime::ElementKind::F32;
    SmallVector<int64_t> record = {runtime::kSiteVersion,
                                   static_cast<int64_t>(kindOf(op)),
                                   static_cast<int64_t>(element),
                                   1,
                                   static_cast<int64_t>(operands.size()),
                                   0};
    // The stride through time; no dilation, padding or kernel.
    record.append({op.isReverse(d) ? -1 : 1, 1, 0, 0, 1});
    llvm::append_range(record, tail);
    calls.write(b, loc, function, record, operands);
  }
}

LogicalResult lowerLibraryRecurrent(LibraryCalls &calls, RecurrentOp op) {
  auto function = op->getParentOfType<func::FuncOp>();
  if (!function || !heed::lower::getContext(function))
    return op.emitOpError("expected a function whose argument 0 is the "
                          "runtime's context");
  for (Value constant :
       {op.getInputWeights(), op.getWeights(), op.getBias(), op.getResetBias()})
    if (constant && !readConstantBuffer(constant))
      return op.emitOpError("expected weights and biases that are constants");
  LayerCall(op).write(calls, function);
  eraseWithConstants(op);
  return success();
}

} // namespace heed::lower
