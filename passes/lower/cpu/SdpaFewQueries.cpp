// SdpaFewQueries.cpp - scores of one to three queries a head, keys unpacked.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With so few queries (decoding with a cache) packing the keys would cost more
// than the product. As many keys as a vector has lanes are multiplied along d,
// each into a vector of its own, and the vectors are summed into one whose lane
// is the key: for s = lanes / 2 … 1, vectors i and i + s are merged by the sum
// of the halves of each, 2 shuffles for 2 vectors.
#include "passes/lower/cpu/ExpPolynomial.h"
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {

/// One vector whose lane i is the sum of the lanes of vector i.
static Value sumOfEach(OpBuilder &b, Location loc, Values vectors) {
  int64_t lanes = vectors.size();
  for (int64_t s = lanes / 2; s > 0; s /= 2) {
    SmallVector<int64_t> low, high; // of the lanes of two vectors in a row
    for (int64_t lane = 0; lane < lanes; ++lane) {
      bool upper = lane & s;
      low.push_back(upper ? lanes + lane - s : lane);
      high.push_back(upper ? lanes + lane : lane + s);
    }
    for (int64_t i = 0; i < s; ++i) {
      Value a = vectors[i], c = vectors[i + s];
      vectors[i] = arith::AddFOp::create(
          b, loc, vector::ShuffleOp::create(b, loc, a, c, low),
          vector::ShuffleOp::create(b, loc, a, c, high));
    }
  }
  return vectors[0];
}

namespace {
struct FewQueryScores {
  SdpaKernel &kernel;
  SdpaTask &task;
  SdpaKeyBlock &block;
  SdpaOp op;
  Location loc;
  VectorType type;
  int64_t lanes, chunk; // elements of d whose queries wait in registers

  FewQueryScores(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                 SdpaKeyBlock &block)
      : kernel(kernel), task(task), block(block), op(kernel.op),
        loc(kernel.loc), type(kernel.vectorType(b)), lanes(kernel.lanes),
        chunk(lanes * (kernel.target.vectorRegisters >= 32 ? 8 : 4)) {}

  Point pointAt(RowPlace place, Value j, Value d) {
    Point point;
    point.fill(d);
    point[SdpaOp::B] = task.b;
    point[SdpaOp::H] = place.h;
    point[SdpaOp::I] = place.i;
    point[SdpaOp::J] = j;
    return point;
  }

  Value offsetBy(OpBuilder &b, Value base, int64_t offset) {
    return arith::AddIOp::create(b, loc, base, buildIndex(b, loc, offset));
  }

  /// As many keys as lanes from `column` on; beyond the block, the last key.
  Values keysAt(OpBuilder &b, Value column) {
    Value last =
        arith::SubIOp::create(b, loc, kernel.sizeK, buildIndex(b, loc, 1));
    Value first = arith::AddIOp::create(b, loc, block.first, column);
    Values keys;
    for (int64_t lane = 0; lane < lanes; ++lane)
      keys.push_back(
          arith::MinSIOp::create(b, loc, offsetBy(b, first, lane), last));
    return keys;
  }

  void prefetch(OpBuilder &b, const Values &keys) {
    for (Value j : keys)
      for (int64_t d = 0; d < kernel.headDim; d += lanes)
        buildPrefetch(b, kernel, op.getK(), op.getKMap(),
                      pointAt({task.h, j}, j, buildIndex(b, loc, d)));
  }

  /// sums[key] + q·k over `count` elements of d from `from`. Key by key, so that
  /// memory is read in order.
  Values addProducts(OpBuilder &b, RowPlace place, const Values &keys,
                     Value from, int64_t count, Values sums) {
    Values at, masks, queries;
    for (int64_t d = 0; d < count; d += lanes) {
      at.push_back(offsetBy(b, from, d));
      masks.push_back(count - d >= lanes
                          ? Value()
                          : Value(vector::CreateMaskOp::create(
                                b, loc, type.clone(b.getI1Type()),
                                buildIndex(b, loc, count - d))));
      Point point = pointAt(place, at.back(), at.back());
      queries.push_back(loadFloats(b, kernel, op.getQ(),
                                   mapIndices(b, loc, op.getQMap(), point),
                                   masks.back()));
    }
    for (auto [j, sum] : llvm::zip_equal(keys, sums))
      for (auto [q, d, mask] : llvm::zip_equal(queries, at, masks)) {
        Values indices = mapIndices(b, loc, op.getKMap(), pointAt(place, j, d));
        sum = buildMulAdd(b, loc, q,
                          loadFloats(b, kernel, op.getK(), indices, mask), sum,
                          kernel.target.fma);
      }
    return sums;
  }

  void buildRow(OpBuilder &b, Value row, Value column, const Values &keys) {
    RowPlace place = placeOfRow(b, kernel, task, row);
    int64_t whole = llvm::alignDown(kernel.headDim, chunk);
    Values sums(lanes, attn::buildFloat(b, loc, type, 0.0));
    sums =
        buildFor(b, loc, buildIndex(b, loc, 0), buildIndex(b, loc, whole),
                 chunk, sums, [&](OpBuilder &b, Value from, ValueRange sums) {
                   return addProducts(b, place, keys, from, chunk, sums);
                 });
    if (kernel.headDim > whole)
      sums = addProducts(b, place, keys, buildIndex(b, loc, whole),
                         kernel.headDim - whole, sums);
    Value scores = sumOfEach(b, loc, sums);
    if (kernel.keyScale() != 1.0)
      scores = arith::MulFOp::create(
          b, loc, scores, attn::buildFloat(b, loc, type, kernel.keyScale()));
    buildStore(b, loc, scores, task.s, {row, column});
  }
};
} // namespace

void buildFewQueryScores(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                         SdpaKeyBlock &block) {
  FewQueryScores scores(b, kernel, task, block);
  Value zero = buildIndex(b, kernel.loc, 0);
  buildFor(b, kernel.loc, zero, block.columns, kernel.lanes, {},
           [&](OpBuilder &b, Value column, ValueRange) -> Values {
             Values keys = scores.keysAt(b, column);
             scores.prefetch(b, keys);
             return buildFor(
                 b, kernel.loc, zero, task.rows, 1, {},
                 [&](OpBuilder &b, Value row, ValueRange) -> Values {
                   scores.buildRow(b, row, column, keys);
                   return {};
                 });
           });
}

} // namespace heed::lower
