// SdpaFewQueries.cpp - scores of one to three queries, keys unpacked.
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

void buildFewQueryScores(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                         SdpaKeyBlock &block) {
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  VectorType type = kernel.vectorType(b);
  int64_t lanes = kernel.lanes;
  Value zero = attn::buildFloat(b, loc, type, 0.0);
  Value lastKey =
      arith::SubIOp::create(b, loc, kernel.sizeK, buildIndex(b, loc, 1));
  Value d = buildIndex(b, loc, kernel.headDim);
  auto at = [&](Value i, Value j, Value d) {
    Point point;
    point.fill(d);
    point[SdpaOp::B] = task.b;
    point[SdpaOp::H] = task.h;
    point[SdpaOp::I] = i;
    point[SdpaOp::J] = j;
    return point;
  };
  buildFor(
      b, loc, buildIndex(b, loc, 0), block.columns, lanes, {},
      [&](OpBuilder &b, Value column, ValueRange) -> Values {
        Values keys; // lanes beyond the block repeat the last key
        for (int64_t lane = 0; lane < lanes; ++lane) {
          Value j = arith::AddIOp::create(
              b, loc, block.first,
              arith::AddIOp::create(b, loc, column, buildIndex(b, loc, lane)));
          keys.push_back(arith::MinSIOp::create(b, loc, j, lastKey));
        }
        buildFor(b, loc, buildIndex(b, loc, 0), task.rows, 1, {},
                 [&](OpBuilder &b, Value row, ValueRange) -> Values {
                   Value i = arith::AddIOp::create(b, loc, task.first, row);
                   Values sums = buildVectorLoop(
                       b, loc, d, lanes, 1, Values(lanes, zero),
                       [&](OpBuilder &b, Value from, Value mask, unsigned,
                           ValueRange carried) {
                         Value q = loadFloats(
                             b, kernel, op.getQ(),
                             mapIndices(b, loc, op.getQMap(), at(i, i, from)),
                             mask);
                         Values next;
                         for (auto [j, sum] : llvm::zip_equal(keys, carried)) {
                           Value k = loadFloats(
                               b, kernel, op.getK(),
                               mapIndices(b, loc, op.getKMap(), at(i, j, from)),
                               mask);
                           next.push_back(buildMulAdd(b, loc, q, k, sum,
                                                      kernel.target.fma));
                         }
                         return next;
                       });
                   Value scores = sumOfEach(b, loc, sums);
                   if (kernel.keyScale() != 1.0)
                     scores = arith::MulFOp::create(
                         b, loc, scores,
                         attn::buildFloat(b, loc, type, kernel.keyScale()));
                   buildStore(b, loc, scores, task.s, {row, column});
                   return {};
                 });
        return {};
      });
}

} // namespace heed::lower
