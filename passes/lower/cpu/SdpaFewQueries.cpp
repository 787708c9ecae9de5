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

/// sums[key] + q·k over `count` elements of d from `from`. Key by key, so that
/// memory is read in order: the values of a query wait in registers.
static Values
addProducts(OpBuilder &b, SdpaKernel &kernel, int64_t count, Value from,
            Values sums,
            function_ref<Value(OpBuilder &, Value d, Value mask)> loadQuery,
            function_ref<Value(OpBuilder &, int64_t key, Value d, Value mask)>
                loadKey) {
  Location loc = kernel.loc;
  int64_t lanes = kernel.lanes;
  Values at, masks, queries;
  for (int64_t d = 0; d < count; d += lanes) {
    at.push_back(arith::AddIOp::create(b, loc, from, buildIndex(b, loc, d)));
    masks.push_back(count - d >= lanes
                        ? Value()
                        : Value(vector::CreateMaskOp::create(
                              b, loc, VectorType::get({lanes}, b.getI1Type()),
                              buildIndex(b, loc, count - d))));
    queries.push_back(loadQuery(b, at.back(), masks.back()));
  }
  for (auto [key, sum] : llvm::enumerate(sums))
    for (auto [q, d, mask] : llvm::zip_equal(queries, at, masks))
      sum = buildMulAdd(b, loc, q, loadKey(b, key, d, mask), sum,
                        kernel.target.fma);
  return sums;
}

void buildFewQueryScores(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                         SdpaKeyBlock &block) {
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  VectorType type = kernel.vectorType(b);
  int64_t lanes = kernel.lanes;
  Value zero = attn::buildFloat(b, loc, type, 0.0);
  Value zeroIndex = buildIndex(b, loc, 0);
  Value lastKey =
      arith::SubIOp::create(b, loc, kernel.sizeK, buildIndex(b, loc, 1));
  int64_t chunk = lanes * (kernel.target.vectorRegisters >= 32 ? 8 : 4);
  int64_t wholeChunks = llvm::alignDown(kernel.headDim, chunk);
  auto at = [&](RowPlace place, Value j, Value d) {
    Point point;
    point.fill(d);
    point[SdpaOp::B] = task.b;
    point[SdpaOp::H] = place.h;
    point[SdpaOp::I] = place.i;
    point[SdpaOp::J] = j;
    return point;
  };
  buildFor(
      b, loc, buildIndex(b, loc, 0), block.columns, lanes, {},
      [&](OpBuilder &b, Value column, ValueRange) -> Values {
        Values keys; // lanes beyond the block repeat the last key
        Value first = arith::AddIOp::create(b, loc, block.first, column);
        for (int64_t lane = 0; lane < lanes; ++lane) {
          Value j =
              arith::AddIOp::create(b, loc, first, buildIndex(b, loc, lane));
          keys.push_back(arith::MinSIOp::create(b, loc, j, lastKey));
        }
        for (int64_t lane = 0; lane < lanes; ++lane) {
          Point point = at({task.h, zeroIndex}, keys[lane], zeroIndex);
          for (int64_t d = 0; d < kernel.headDim; d += lanes) {
            point[SdpaOp::D] = buildIndex(b, loc, d);
            buildPrefetch(b, kernel, op.getK(), op.getKMap(), point);
          }
        }
        buildFor(
            b, loc, buildIndex(b, loc, 0), task.rows, 1, {},
            [&](OpBuilder &b, Value row, ValueRange) -> Values {
              RowPlace place = placeOfRow(b, kernel, task, row);
              Values sums(lanes, zero);
              auto addChunk = [&](OpBuilder &b, Value from, int64_t count,
                                  Values sums) {
                return addProducts(
                    b, kernel, count, from, sums,
                    [&](OpBuilder &b, Value d, Value mask) {
                      return loadFloats(
                          b, kernel, op.getQ(),
                          mapIndices(b, loc, op.getQMap(), at(place, d, d)),
                          mask);
                    },
                    [&](OpBuilder &b, int64_t key, Value d, Value mask) {
                      return loadFloats(b, kernel, op.getK(),
                                        mapIndices(b, loc, op.getKMap(),
                                                   at(place, keys[key], d)),
                                        mask);
                    });
              };
              sums = buildFor(b, loc, buildIndex(b, loc, 0),
                              buildIndex(b, loc, wholeChunks), chunk, sums,
                              [&](OpBuilder &b, Value from, ValueRange sums) {
                                return addChunk(b, from, chunk, sums);
                              });
              if (kernel.headDim > wholeChunks)
                sums = addChunk(b, buildIndex(b, loc, wholeChunks),
                                kernel.headDim - wholeChunks, sums);
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
