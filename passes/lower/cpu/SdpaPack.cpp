// SdpaPack.cpp - keys into panels of the tile, values in rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   K [.., j, d] → [b][h][j / panel][d][j mod panel]   a vector of keys for each d
//   V [.., j, e] → [b][h][j][e]                        e padded with 0
//
// Once a (b, kv head), shared by the group of query heads. Keys beyond Sk
// repeat the last one: their scores are masked, and no load needs a mask. Where
// products take pairs, d of K and j of V count pairs, and a value beyond Sk is 0.
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

Value allocScratch(OpBuilder &b, Location loc, ArrayRef<Value> sizes,
                   Type element) {
  SmallVector<int64_t> shape;
  Values dynamic;
  for (Value size : sizes) {
    std::optional<int64_t> known = getConstantIntValue(size);
    shape.push_back(known ? *known : ShapedType::kDynamic);
    if (!known)
      dynamic.push_back(size);
  }
  return memref::AllocOp::create(b, loc, MemRefType::get(shape, element),
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

/// A step of a product, as packed buffers hold it: f32, or a pair of bf16.
/// Elements, or vectors of them.
static Value packStep(OpBuilder &b, SdpaKernel &kernel, Value first,
                      Value second) {
  Location loc = kernel.loc;
  if (!kernel.usesPairs)
    return attn::buildFloatCast(b, loc, first, b.getF32Type());
  auto vector = dyn_cast<VectorType>(first.getType());
  int64_t lanes = vector ? vector.getNumElements() : 1;
  Value pairs;
  if (vector) {
    SmallVector<int64_t> interleaved;
    for (int64_t lane = 0; lane < lanes; ++lane)
      interleaved.append({lane, lanes + lane});
    pairs = vector::ShuffleOp::create(b, loc, first, second, interleaved);
  } else {
    pairs = vector::FromElementsOp::create(
        b, loc, VectorType::get({2}, b.getBF16Type()),
        ValueRange{first, second});
  }
  Value bits = vector::BitCastOp::create(
      b, loc, VectorType::get({lanes}, b.getI32Type()), pairs);
  if (vector)
    return bits;
  return vector::ExtractOp::create(b, loc, bits, 0);
}

void packKeys(OpBuilder &b, SdpaKernel &kernel) {
  if (kernel.fewQueries)
    return;
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  AffineMap map = op.getKMap();
  Type element = kernel.elementType();
  int64_t panel = kernel.panel(), lanes = kernel.lanes, step = kernel.step();
  int64_t dims = kernel.headDim / step;
  Values sizes = headCounts(b, kernel, op.getK(), map);
  Value panelSize = buildIndex(b, loc, panel);
  sizes.push_back(
      b.createOrFold<arith::CeilDivUIOp>(loc, kernel.sizeK, panelSize));
  Values shape = sizes;
  shape.push_back(buildIndex(b, loc, dims));
  shape.push_back(panelSize);
  kernel.packedK = allocScratch(b, loc, shape, kernel.packedType(b));
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
    // Element `offset` of step d.
    auto source = [&](OpBuilder &b, Value j, Value d, int64_t offset = 0) {
      if (step > 1)
        d = arith::MulIOp::create(b, loc, d, buildIndex(b, loc, step));
      if (offset > 0)
        d = arith::AddIOp::create(b, loc, d, buildIndex(b, loc, offset));
      return sourceIndices(b, loc, map, ids, j, SdpaOp::D, d);
    };
    // Step d of key j, or of a vector of keys from it.
    auto loadStep = [&](OpBuilder &b, Value j, Value d, bool isVector) {
      auto load = [&](int64_t offset) -> Value {
        Values at = source(b, j, d, offset);
        if (isVector)
          return buildLoad(b, loc, VectorType::get({lanes}, element), op.getK(),
                           at);
        return memref::LoadOp::create(b, loc, op.getK(), at);
      };
      Value second = step > 1 ? load(1) : Value();
      return scaled(b, packStep(b, kernel, load(0), second));
    };
    // As many steps of key j as lanes, from step d.
    auto loadRow = [&](OpBuilder &b, Value j, Value d) -> Value {
      Value row = buildLoad(b, loc, VectorType::get({lanes * step}, element),
                            op.getK(), source(b, j, d));
      if (step > 1)
        return vector::BitCastOp::create(
            b, loc, VectorType::get({lanes}, b.getI32Type()), row);
      return scaled(b, attn::buildFloatCast(b, loc, row, b.getF32Type()));
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
                    rows.push_back(loadRow(b, j, d));
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
                            memref::StoreOp::create(
                                b, loc,
                                loadStep(b, clampedKey(b, key), d,
                                         /*isVector=*/false),
                                kernel.packedK, target(b, d, key));
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
                       buildStore(b, loc, loadStep(b, j, d, /*isVector=*/true),
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
  if (!kernel.elementType().isF32())
    return false;
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
  int64_t lanes = kernel.lanes, step = kernel.step();
  Type element = kernel.elementType();
  Values sizes = headCounts(b, kernel, op.getV(), map);
  Value steps = countSteps(b, kernel, kernel.sizeK);
  sizes.push_back(steps);
  Values shape = sizes;
  shape.push_back(buildIndex(b, loc, kernel.valueVectors() * lanes));
  kernel.packedV = allocScratch(b, loc, shape, kernel.packedType(b));
  bool alongE = isContiguousAlong(op.getV(), map, SdpaOp::E);

  // Blocks of rows: a row alone is too little for a parallel iteration.
  Value rowsInBlock = buildIndex(b, loc, 64);
  sizes[2] = b.createOrFold<arith::CeilDivUIOp>(loc, steps, rowsInBlock);
  buildParallel(b, loc, sizes, [&](OpBuilder &b, ValueRange ids) {
    Value begin = arith::MulIOp::create(b, loc, ids[2], rowsInBlock);
    Value end = arith::MinSIOp::create(
        b, loc, arith::AddIOp::create(b, loc, begin, rowsInBlock), steps);
    buildFor(
        b, loc, begin, end, 1, {},
        [&](OpBuilder &b, Value row, ValueRange) -> Values {
          Value j = row, next, isKey; // the second key of a pair
          if (step > 1) {
            j = arith::MulIOp::create(b, loc, row, buildIndex(b, loc, step));
            next = arith::AddIOp::create(b, loc, j, buildIndex(b, loc, 1));
            isKey = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                          next, kernel.sizeK);
            next = arith::SelectOp::create(b, loc, isKey, next, j);
          }
          auto loadStep = [&](OpBuilder &b, Value e, Value mask,
                              bool isVector) {
            auto load = [&](Value j) -> Value {
              Values at = sourceIndices(b, loc, map, ids, j, SdpaOp::E, e);
              if (isVector)
                return buildLoad(b, loc, VectorType::get({lanes}, element),
                                 op.getV(), at, mask);
              return memref::LoadOp::create(b, loc, op.getV(), at);
            };
            Value first = load(j), second;
            if (next) {
              second = load(next);
              second = arith::SelectOp::create(
                  b, loc, isKey, second,
                  attn::buildFloat(b, loc, second.getType(), 0.0));
            }
            return packStep(b, kernel, first, second);
          };
          auto target = [&](Value e) { return Values{ids[0], ids[1], row, e}; };
          Value e = buildIndex(b, loc, kernel.valueDim);
          if (alongE) {
            buildVectorLoop(b, loc, e, lanes, 1, {},
                            [&](OpBuilder &b, Value e, Value mask, unsigned,
                                ValueRange) -> Values {
                              buildStore(b, loc, loadStep(b, e, mask, true),
                                         kernel.packedV, target(e));
                              return {};
                            });
            return {};
          }
          buildFor(b, loc, buildIndex(b, loc, 0), e, 1, {},
                   [&](OpBuilder &b, Value e, ValueRange) -> Values {
                     memref::StoreOp::create(b, loc, loadStep(b, e, {}, false),
                                             kernel.packedV, target(e));
                     return {};
                   });
          Value zero = arith::ConstantOp::create(
              b, loc, b.getZeroAttr(kernel.packedType(b)));
          for (int64_t e = kernel.valueDim; e < kernel.valueVectors() * lanes;
               ++e)
            memref::StoreOp::create(b, loc, zero, kernel.packedV,
                                    target(buildIndex(b, loc, e)));
          return {};
        });
  });
}

} // namespace heed::lower
