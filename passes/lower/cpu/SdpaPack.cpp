// SdpaPack.cpp - keys into panels of the tile, values in rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   K [.., j, d] → [b][h][j / panel][d][j mod panel]   vectors of keys for each
//   d V [.., j, e] → [b][h][j][e], e padded with 0 to whole vectors
//
// Once a (b, kv head), shared by the group of query heads. Keys beyond Sk
// repeat the last one: their scores are masked, and no load needs a mask.
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {

/// 64-byte aligned scratch of the function, dynamic where `sizes` are.
static Value allocScratch(OpBuilder &b, Location loc, ArrayRef<Value> sizes) {
  SmallVector<int64_t> shape;
  Values dynamic;
  for (Value size : sizes) {
    std::optional<int64_t> known = getConstantIntValue(size);
    shape.push_back(known ? *known : ShapedType::kDynamic);
    if (!known)
      dynamic.push_back(size);
  }
  return memref::AllocOp::create(b, loc, MemRefType::get(shape, b.getF32Type()),
                                 dynamic, b.getI64IntegerAttr(64));
}

/// Where an operand holds (head, j, at) along `dim`; `ids` begin with the
/// operand's own indices of b and h.
static Values sourceIndices(OpBuilder &b, Location loc, AffineMap map,
                            ValueRange ids, Value j, SdpaOp::Dim dim,
                            Value at) {
  Point point;
  point.fill(buildIndex(b, loc, 0));
  point[SdpaOp::J] = j;
  point[dim] = at;
  Values indices = mapIndices(b, loc, map, point);
  for (auto [position, expr] : llvm::enumerate(map.getResults()))
    if (expr.isFunctionOfDim(SdpaOp::B))
      indices[position] = ids[0];
    else if (expr.isFunctionOfDim(SdpaOp::H))
      indices[position] = ids[1];
  return indices;
}

/// The transpose of rows of as many lanes: for s = 1, 2, 4 …, rows i and i + s
/// swap the lanes whose bit s differs from theirs.
static void transpose(OpBuilder &b, Location loc, Values &rows) {
  int64_t n = rows.size();
  for (int64_t s = 1; s < n; s *= 2)
    for (int64_t i = 0; i < n; ++i) {
      if (i & s)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane < n; ++lane) {
        bool upper = lane & s;
        low.push_back(upper ? n + lane - s : lane);
        high.push_back(upper ? n + lane : lane + s);
      }
      Value first = rows[i], second = rows[i + s];
      rows[i] = vector::ShuffleOp::create(b, loc, first, second, low);
      rows[i + s] = vector::ShuffleOp::create(b, loc, first, second, high);
    }
}

void packKeys(OpBuilder &b, SdpaKernel &kernel) {
  if (kernel.fewQueries)
    return;
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  AffineMap map = op.getKMap();
  VectorType type = kernel.vectorType(b);
  int64_t panel = kernel.panel(), lanes = kernel.lanes, dims = kernel.headDim;
  Values sizes = headCounts(b, kernel, op.getK(), map);
  Value panelSize = buildIndex(b, loc, panel);
  sizes.push_back(
      b.createOrFold<arith::CeilDivUIOp>(loc, kernel.sizeK, panelSize));
  Values shape = sizes;
  shape.push_back(buildIndex(b, loc, dims));
  shape.push_back(panelSize);
  kernel.packedK = allocScratch(b, loc, shape);
  double scale = kernel.keyScale();
  auto scaled = [&](OpBuilder &b, Value key) -> Value {
    if (scale == 1.0)
      return key;
    return arith::MulFOp::create(
        b, loc, key, attn::buildFloat(b, loc, key.getType(), scale));
  };
  bool alongD = isContiguousAlong(op.getK(), map, SdpaOp::D);
  bool alongJ = isContiguousAlong(op.getK(), map, SdpaOp::J);

  buildParallel(b, loc, sizes, [&](OpBuilder &b, ValueRange ids) {
    Value firstKey = arith::MulIOp::create(b, loc, ids[2], panelSize);
    Value lastKey =
        arith::SubIOp::create(b, loc, kernel.sizeK, buildIndex(b, loc, 1));
    auto source = [&](OpBuilder &b, Value j, Value d) {
      return sourceIndices(b, loc, map, ids, j, SdpaOp::D, d);
    };
    auto target = [&](OpBuilder &b, Value d, Value key) {
      return Values{ids[0], ids[1], ids[2], d, key};
    };
    auto clampedKey = [&](OpBuilder &b, Value key) -> Value {
      Value j = arith::AddIOp::create(b, loc, firstKey, key);
      return arith::MinSIOp::create(b, loc, j, lastKey);
    };
    if (alongD && dims >= lanes) {
      // Squares of lanes × lanes; the last one in d overlaps its neighbour.
      buildFor(
          b, loc, buildIndex(b, loc, 0), panelSize, lanes, {},
          [&](OpBuilder &b, Value key, ValueRange) -> Values {
            Values keys;
            for (int64_t lane = 0; lane < lanes; ++lane)
              keys.push_back(
                  clampedKey(b, arith::AddIOp::create(
                                    b, loc, key, buildIndex(b, loc, lane))));
            buildFor(
                b, loc, buildIndex(b, loc, 0), buildIndex(b, loc, dims), lanes,
                {}, [&](OpBuilder &b, Value at, ValueRange) -> Values {
                  Value d =
                      dims % lanes == 0
                          ? at
                          : Value(arith::MinSIOp::create(
                                b, loc, at, buildIndex(b, loc, dims - lanes)));
                  Values rows;
                  for (Value j : keys)
                    rows.push_back(scaled(b, buildLoad(b, loc, type, op.getK(),
                                                       source(b, j, d))));
                  transpose(b, loc, rows);
                  for (int64_t k = 0; k < lanes; ++k)
                    buildStore(b, loc, rows[k], kernel.packedK,
                               target(b,
                                      arith::AddIOp::create(
                                          b, loc, d, buildIndex(b, loc, k)),
                                      key));
                  return {};
                });
            return {};
          });
      return;
    }
    buildFor(b, loc, buildIndex(b, loc, 0), buildIndex(b, loc, dims), 1, {},
             [&](OpBuilder &b, Value d, ValueRange) -> Values {
               auto copyScalars = [&](OpBuilder &b) {
                 buildFor(b, loc, buildIndex(b, loc, 0), panelSize, 1, {},
                          [&](OpBuilder &b, Value key, ValueRange) -> Values {
                            Value loaded = memref::LoadOp::create(
                                b, loc, op.getK(),
                                source(b, clampedKey(b, key), d));
                            memref::StoreOp::create(b, loc, scaled(b, loaded),
                                                    kernel.packedK,
                                                    target(b, d, key));
                            return {};
                          });
               };
               if (!alongJ) {
                 copyScalars(b);
                 return {};
               }
               Value end = arith::AddIOp::create(b, loc, firstKey, panelSize);
               Value whole = arith::CmpIOp::create(
                   b, loc, arith::CmpIPredicate::sle, end, kernel.sizeK);
               scf::IfOp::create(
                   b, loc, whole,
                   [&](OpBuilder &b, Location loc) {
                     for (int64_t key = 0; key < panel; key += lanes) {
                       Value at = buildIndex(b, loc, key);
                       Value j = arith::AddIOp::create(b, loc, firstKey, at);
                       buildStore(b, loc,
                                  scaled(b, buildLoad(b, loc, type, op.getK(),
                                                      source(b, j, d))),
                                  kernel.packedK, target(b, d, at));
                     }
                     scf::YieldOp::create(b, loc);
                   },
                   [&](OpBuilder &b, Location loc) {
                     copyScalars(b);
                     scf::YieldOp::create(b, loc);
                   });
               return {};
             });
  });
}

/// V can be read as it is: rows of whole vectors, one right after the other
/// (where they are read many times).
static bool isPackedValue(SdpaKernel &kernel) {
  SdpaOp op = kernel.op;
  if (kernel.valueDim % kernel.lanes != 0 ||
      !isContiguousAlong(op.getV(), op.getVMap(), SdpaOp::E))
    return false;
  if (kernel.fewQueries)
    return true;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(cast<MemRefType>(op.getV().getType())
                 .getStridesAndOffset(strides, offset)))
    return false;
  for (auto [expr, stride] : llvm::zip(op.getVMap().getResults(), strides))
    if (expr.isFunctionOfDim(SdpaOp::J))
      return stride == kernel.valueDim;
  return false;
}

void packValues(OpBuilder &b, SdpaKernel &kernel) {
  if (isPackedValue(kernel))
    return;
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  AffineMap map = op.getVMap();
  VectorType type = kernel.vectorType(b);
  Values sizes = headCounts(b, kernel, op.getV(), map);
  sizes.push_back(kernel.sizeK);
  Values shape = sizes;
  shape.push_back(buildIndex(b, loc, kernel.valueVectors() * kernel.lanes));
  kernel.packedV = allocScratch(b, loc, shape);
  bool alongE = isContiguousAlong(op.getV(), map, SdpaOp::E);

  // Blocks of rows: a row alone is too little for a parallel iteration.
  Value rowsInBlock = buildIndex(b, loc, 64);
  sizes[2] = b.createOrFold<arith::CeilDivUIOp>(loc, kernel.sizeK, rowsInBlock);
  buildParallel(b, loc, sizes, [&](OpBuilder &b, ValueRange ids) {
    Value begin = arith::MulIOp::create(b, loc, ids[2], rowsInBlock);
    Value end = arith::MinSIOp::create(
        b, loc, arith::AddIOp::create(b, loc, begin, rowsInBlock),
        kernel.sizeK);
    buildFor(
        b, loc, begin, end, 1, {},
        [&](OpBuilder &b, Value j, ValueRange) -> Values {
          auto source = [&](OpBuilder &b, Value e) {
            return sourceIndices(b, loc, map, ids, j, SdpaOp::E, e);
          };
          auto target = [&](Value e) { return Values{ids[0], ids[1], j, e}; };
          if (alongE) {
            buildVectorLoop(b, loc, buildIndex(b, loc, kernel.valueDim),
                            kernel.lanes, 1, {},
                            [&](OpBuilder &b, Value e, Value mask, unsigned,
                                ValueRange) -> Values {
                              buildStore(b, loc,
                                         buildLoad(b, loc, type, op.getV(),
                                                   source(b, e), mask),
                                         kernel.packedV, target(e));
                              return {};
                            });
            return {};
          }
          buildFor(
              b, loc, buildIndex(b, loc, 0),
              buildIndex(b, loc, kernel.valueDim), 1, {},
              [&](OpBuilder &b, Value e, ValueRange) -> Values {
                memref::StoreOp::create(
                    b, loc,
                    memref::LoadOp::create(b, loc, op.getV(), source(b, e)),
                    kernel.packedV, target(e));
                return {};
              });
          Value zero = attn::buildFloat(b, loc, b.getF32Type(), 0.0);
          for (int64_t e = kernel.valueDim;
               e < kernel.valueVectors() * static_cast<int64_t>(kernel.lanes);
               ++e)
            memref::StoreOp::create(b, loc, zero, kernel.packedV,
                                    target(buildIndex(b, loc, e)));
          return {};
        });
  });
}

} // namespace heed::lower
