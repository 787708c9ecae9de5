// SdpaScoreTile.cpp - bias, mask, softcap and score region on a tile.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors along the keys where every operand can be read so (or does not depend
// on j) and the region is elementwise; scalars else. With a mask alone the
// scale stays for the softmax.
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {

namespace {
struct ScoreStage {
  SdpaKernel &kernel;
  SdpaTask &task;
  SdpaKeyBlock &block;
  SdpaOp op;
  Location loc;

  ScoreStage(SdpaKernel &kernel, SdpaTask &task, SdpaKeyBlock &block)
      : kernel(kernel), task(task), block(block), op(kernel.op),
        loc(kernel.loc) {}

  /// Vectors can be read, or one scalar serves a whole row.
  static bool isVectorOperand(Value operand, AffineMap map) {
    return !operand || !map.isFunctionOfDim(SdpaOp::J) ||
           isContiguousAlong(operand, map, SdpaOp::J);
  }

  bool isVectorized() {
    return isVectorOperand(op.getBias(), op.getBiasMap()) &&
           isVectorOperand(op.getMask(), op.getMaskMap()) &&
           (op.getScore().empty() || attn::isVectorizable(op.getScore()));
  }

  Point pointAt(RowPlace place, Value j) {
    Point point;
    point.fill(j);
    point[SdpaOp::B] = task.b;
    point[SdpaOp::H] = place.h;
    point[SdpaOp::I] = place.i;
    return point;
  }

  Value loadRowScalar(OpBuilder &b, Value buffer, AffineMap map,
                      RowPlace place) {
    // The map has no j: any value serves.
    return memref::LoadOp::create(
        b, loc, buffer,
        mapIndices(b, loc, map, pointAt(place, buildIndex(b, loc, 0))));
  }

  Value splat(OpBuilder &b, Value scalar) {
    return vector::BroadcastOp::create(
        b, loc, VectorType::get({kernel.lanes}, scalar.getType()), scalar);
  }

  /// score(scale · s), −inf where masked, on a scalar or a vector.
  Value transform(OpBuilder &b, const attn::ScoreElement &element, Value mask) {
    Type type = element.score.getType();
    Value score = element.score;
    if (kernel.scalesInStage) {
      attn::ScoreElement scaled = element;
      scaled.score = arith::MulFOp::create(
          b, loc, element.score,
          attn::buildFloat(b, loc, type, op.getScale().convertToDouble()));
      score = attn::buildScore(b, loc, op, scaled);
    }
    if (!mask)
      return score;
    Value masked = attn::buildFloat(b, loc, type,
                                    -std::numeric_limits<double>::infinity());
    return arith::SelectOp::create(b, loc, mask, score, masked);
  }

  void buildVectorRow(OpBuilder &b, Value row, RowPlace place) {
    Value bias, mask; // of the whole row
    if (op.getBias() && !op.getBiasMap().isFunctionOfDim(SdpaOp::J))
      bias = splat(b, loadRowScalar(b, op.getBias(), op.getBiasMap(), place));
    if (op.getMask() && !op.getMaskMap().isFunctionOfDim(SdpaOp::J))
      mask = splat(b, loadRowScalar(b, op.getMask(), op.getMaskMap(), place));
    buildVectorLoop(
        b, loc, block.count, kernel.lanes, 1, {},
        [&](OpBuilder &b, Value column, Value left, unsigned,
            ValueRange) -> Values {
          Value j = arith::AddIOp::create(b, loc, block.first, column);
          Point point = pointAt(place, j);
          attn::ScoreElement element;
          element.score =
              buildLoad(b, loc, kernel.vectorType(b), task.s, {row, column});
          element.bias = bias;
          if (op.getBias() && !bias)
            element.bias = buildLoad(
                b, loc,
                VectorType::get({kernel.lanes},
                                getElementTypeOrSelf(op.getBias().getType())),
                op.getBias(), mapIndices(b, loc, op.getBiasMap(), point), left);
          Value attended = mask;
          if (op.getMask() && !mask)
            attended = buildLoad(
                b, loc, VectorType::get({kernel.lanes}, b.getI1Type()),
                op.getMask(), mapIndices(b, loc, op.getMaskMap(), point), left);
          if (!op.getScore().empty()) {
            element.b = splat(b, task.b);
            element.h = splat(b, place.h);
            element.i = splat(b, place.i);
            element.j = arith::AddIOp::create(
                b, loc, splat(b, j),
                vector::StepOp::create(
                    b, loc, VectorType::get({kernel.lanes}, b.getIndexType())));
          }
          // Columns beyond the block are masked by the softmax.
          buildStore(b, loc, transform(b, element, attended), task.s,
                     {row, column});
          return {};
        });
  }

  void buildScalarRow(OpBuilder &b, Value row, RowPlace place) {
    buildFor(b, loc, buildIndex(b, loc, 0), block.count, 1, {},
             [&](OpBuilder &b, Value column, ValueRange) -> Values {
               Value j = arith::AddIOp::create(b, loc, block.first, column);
               Point point = pointAt(place, j);
               auto load = [&](Value buffer, AffineMap map) -> Value {
                 if (!buffer)
                   return {};
                 return memref::LoadOp::create(b, loc, buffer,
                                               mapIndices(b, loc, map, point));
               };
               attn::ScoreElement element;
               element.score = memref::LoadOp::create(b, loc, task.s,
                                                      ValueRange{row, column});
               element.bias = load(op.getBias(), op.getBiasMap());
               element.b = task.b;
               element.h = place.h;
               element.i = place.i;
               element.j = j;
               Value mask = load(op.getMask(), op.getMaskMap());
               memref::StoreOp::create(b, loc, transform(b, element, mask),
                                       task.s, ValueRange{row, column});
               return {};
             });
  }
};
} // namespace

void buildScoreStage(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                     SdpaKeyBlock &block) {
  if (!kernel.hasScoreStage())
    return;
  if (block.isOpen && !kernel.scalesInStage) { // a mask alone, true throughout
    Value isOpen = std::exchange(block.isOpen, {});
    Value isMixed = arith::XOrIOp::create(
        b, kernel.loc, isOpen,
        arith::ConstantIntOp::create(b, kernel.loc, 1, /*width=*/1));
    scf::IfOp::create(b, kernel.loc, isMixed, [&](OpBuilder &b, Location loc) {
      buildScoreStage(b, kernel, task, block);
      scf::YieldOp::create(b, loc);
    });
    return;
  }
  ScoreStage stage(kernel, task, block);
  bool vectorized = stage.isVectorized();
  buildFor(b, kernel.loc, buildIndex(b, kernel.loc, 0), task.rows, 1, {},
           [&](OpBuilder &b, Value row, ValueRange) -> Values {
             RowPlace place = placeOfRow(b, kernel, task, row);
             if (vectorized)
               stage.buildVectorRow(b, row, place);
             else
               stage.buildScalarRow(b, row, place);
             return {};
           });
}

} // namespace heed::lower
