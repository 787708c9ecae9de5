// GatePoolColumns.cpp - pools of a gate whose vectors lie along a kept dim.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x is P rows of M kept elements (NHWC: M channels; nChw16c: M = 16 of them;
// the spatial pool of NCHW: M places), for each index of the other kept dims. A
// task is one of those, a chunk of columns and, where these are too few for the
// threads, a part of the rows:
//
//   a row of few vectors: its sums are registers, of several rows at a time, so
//     that the adds do not wait for each other
//   else: its sums are on the stack; for eight rows at a time, along the rows,
//     as memory likes to be read: load sums, add eight vectors each, store
//
// The sums of parts are stored, and added in a loop of their own.
#include "passes/lower/cpu/CostedLoops.h"
#include "passes/lower/cpu/GatePool.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "runtime/cost/CostModel.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace heed::lower {

/// Vectors of sums in registers, of all pools.
constexpr unsigned kSumsInFlight = 8;
constexpr int64_t kRowsAtATime = 8;
/// Columns of a task: as many sums as share the L1 with eight rows' parts.
constexpr int64_t kMaxColumns = 1024;

namespace {
struct ColumnsLowering {
  PoolLowering &pool;
  Location loc;
  unsigned numPools;
  Value columns;               // M
  std::optional<int64_t> size; // the same, where it is constant
  unsigned inRow = 0;          // vectors of a row in registers; 0: on the stack
  int64_t chunk = kMaxColumns; // columns of a task
  int64_t parts = 1;           // of the rows
  Values partials; // of a pool: the sums of (outer index, part, column)

  explicit ColumnsLowering(PoolLowering &pool)
      : pool(pool), loc(pool.loc), numPools(pool.numPools()),
        columns(pool.keptSizes.back()), size(getConstantIntValue(columns)) {
    if (!size)
      return;
    unsigned lanes = std::min<int64_t>(pool.length, *size & -*size);
    if (lanes * pool.element.getWidth() >= 128 &&
        *size / lanes * numPools <= kSumsInFlight) {
      pool.length = lanes;
      inRow = *size / lanes;
    }
    int64_t chunks = llvm::divideCeil(*size, kMaxColumns);
    chunk = llvm::alignTo(llvm::divideCeil(*size, chunks), pool.length);
  }

  ValueRange outerSizes() { return ValueRange(pool.keptSizes).drop_back(); }
  bool hasChunks() { return !size || *size > chunk; }
  unsigned length() { return pool.length; }

  //===--------------------------------------------------------------------===//
  // Parts of the rows
  //===--------------------------------------------------------------------===//

  void chooseParts(OpBuilder &b) {
    // Within an image nothing is parallel.
    if (pool.chain.task || pool.pooledSizes.size() != 1)
      return;
    int64_t tasks = size ? llvm::divideCeil(*size, chunk) : 1;
    for (Value outer : outerSizes())
      tasks *= getConstantIntValue(outer).value_or(1);
    int64_t rows = getConstantIntValue(pool.pooledSizes.back()).value_or(0);
    parts = cost::choosePoolParts(tasks, rows, pool.view.getNumElements());
    if (parts == 1)
      return;
    OpBuilder at = pool.besidePools();
    auto type = cast<MemRefType>(pool.chain.x.getType());
    int64_t known = parts;
    Value count;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (llvm::is_contained(pool.gate.getDimensions(), dim))
        continue;
      if (!type.isDynamicDim(dim)) {
        known *= type.getDimSize(dim);
        continue;
      }
      Value next = memref::DimOp::create(at, loc, pool.chain.x, dim);
      count = count ? arith::MulIOp::create(at, loc, count, next) : next;
    }
    Values sizes;
    if (count)
      sizes.push_back(
          arith::MulIOp::create(at, loc, count, buildIndex(at, loc, known)));
    for (unsigned k = 0; k < numPools; ++k)
      partials.push_back(memref::AllocOp::create(
          at, loc,
          MemRefType::get({count ? ShapedType::kDynamic : known}, pool.sumType),
          sizes));
  }

  /// The index of the first sum of a part.
  Value indexOf(OpBuilder &b, ValueRange outer, Value part) {
    Value index = buildIndex(b, loc, 0);
    auto append = [&](Value next, Value size) {
      index = b.createOrFold<arith::AddIOp>(
          loc, b.createOrFold<arith::MulIOp>(loc, index, size), next);
    };
    for (auto [next, size] : llvm::zip_equal(outer, outerSizes()))
      append(next, size);
    append(part, buildIndex(b, loc, parts));
    return b.createOrFold<arith::MulIOp>(loc, index, columns);
  }

  void addParts(OpBuilder &b) {
    int64_t elements = parts * numPools * size.value_or(0);
    for (Value outer : outerSizes())
      elements *= getConstantIntValue(outer).value_or(0);
    buildStreaming(
        b, loc, outerSizes(), elements, [&](OpBuilder &b, ValueRange outer) {
          Value base = indexOf(b, outer, buildIndex(b, loc, 0));
          buildVectors(
              b, loc, columns, length(), kSumsInFlight / 2,
              [&](OpBuilder &b, Value at, Value mask, unsigned count) {
                Values sums = startSums(b, count);
                Value last = buildIndex(b, loc, parts);
                sums = buildFor(
                    b, loc, buildIndex(b, loc, 0), last, 1, sums,
                    [&](OpBuilder &b, Value part, ValueRange carried) {
                      Values values = llvm::to_vector(carried);
                      Value first = arith::AddIOp::create(
                          b, loc, base,
                          arith::MulIOp::create(b, loc, part, columns));
                      first = arith::AddIOp::create(b, loc, first, at);
                      for (unsigned slot = 0; slot < count; ++slot)
                        for (unsigned k = 0; k < numPools; ++k) {
                          Value &sum = values[slot * numPools + k];
                          sum = pool.combine(
                              b, k, sum,
                              buildLoad(b, loc, pool.vectorOf(pool.sumType),
                                        partials[k], columnAt(b, first, slot),
                                        mask));
                        }
                      return values;
                    });
                emit(b, outer, Value(), at, mask, sums);
              });
        });
  }

  //===--------------------------------------------------------------------===//
  // Sums: of a slot, of a pool
  //===--------------------------------------------------------------------===//

  Values startSums(OpBuilder &b, unsigned count) {
    Values sums;
    for (unsigned slot = 0; slot < count; ++slot)
      for (unsigned k = 0; k < numPools; ++k)
        sums.push_back(pool.start(b, pool.vectorOf(pool.sumType), k));
    return sums;
  }

  Value columnAt(OpBuilder &b, Value first, unsigned slot) {
    return b.createOrFold<arith::AddIOp>(loc, first,
                                         buildIndex(b, loc, slot * length()));
  }

  /// Stores the sums from `column` on: of a part, or pooled values.
  void emit(OpBuilder &b, ValueRange outer, Value part, Value column,
            Value mask, ValueRange sums) {
    Value base = part ? indexOf(b, outer, part) : Value();
    for (unsigned slot = 0; slot * numPools < sums.size(); ++slot) {
      Value at = columnAt(b, column, slot);
      for (unsigned k = 0; k < numPools; ++k) {
        Value sum = sums[slot * numPools + k];
        if (part) {
          Value index = b.createOrFold<arith::AddIOp>(loc, base, at);
          buildStore(b, loc, sum, partials[k], index, mask);
          continue;
        }
        Values kept = llvm::to_vector(outer);
        kept.push_back(at);
        buildStore(b, loc, pool.finish(b, k, sum), pool.view.pools[k], kept,
                   mask);
      }
    }
  }

  /// sums ← sums ∘ `sums.size()` / numPools vectors of a row.
  Values addRow(OpBuilder &b, ValueRange outer, Value column,
                ValueRange reduced, Value mask, ValueRange sums) {
    Values values = llvm::to_vector(sums), factors;
    for (unsigned slot = 0; slot * numPools < sums.size(); ++slot) {
      Values kept = llvm::to_vector(outer);
      kept.push_back(columnAt(b, column, slot));
      Values all = pool.indices(kept, reduced);
      if (slot == 0)
        factors =
            pool.view.loadFactors(b, ValueRange(all).drop_back(), length());
      Value loaded = pool.view.load(b, all, mask, length(), factors);
      // A lane beyond the row is never stored: no need to mask it here.
      pool.accumulate(
          b, MutableArrayRef<Value>(values).slice(slot * numPools, numPools),
          loaded, Value());
    }
    return values;
  }

  //===--------------------------------------------------------------------===//
  // Tasks
  //===--------------------------------------------------------------------===//

  void poolInRegisters(OpBuilder &b, ValueRange outer, Value part, Value begin,
                       Value end) {
    unsigned rows = llvm::bit_floor(kSumsInFlight / (inRow * numPools));
    unsigned ofRow = inRow * numPools;
    Value zero = buildIndex(b, loc, 0);
    Values sums = buildNest(
        b, loc, ValueRange(pool.pooledSizes).drop_back(),
        startSums(b, rows * inRow),
        [&](OpBuilder &b, ValueRange reduced, ValueRange carried) {
          return buildUnrolled(
              b, loc, begin, end, rows, carried,
              [&](OpBuilder &b, Value row, unsigned slot, ValueRange carried) {
                Values inner = llvm::to_vector(reduced);
                inner.push_back(row);
                Values values = llvm::to_vector(carried);
                llvm::copy(addRow(b, outer, zero, inner, Value(),
                                  carried.slice(slot * ofRow, ofRow)),
                           values.begin() + slot * ofRow);
                return values;
              });
        });
    for (unsigned slot = 1; slot < rows; ++slot)
      for (unsigned i = 0; i < ofRow; ++i)
        sums[i] =
            pool.combine(b, i % numPools, sums[i], sums[slot * ofRow + i]);
    sums.resize(ofRow);
    emit(b, outer, part, zero, Value(), sums);
  }

  void poolOnStack(OpBuilder &b, ValueRange outer, Value part, Value first,
                   Value begin, Value end, bool isAlone) {
    Value left = columns;
    if (hasChunks() && size && *size % chunk == 0)
      left = buildIndex(b, loc, chunk);
    else if (hasChunks())
      left =
          arith::MinUIOp::create(b, loc, buildIndex(b, loc, chunk),
                                 arith::SubIOp::create(b, loc, columns, first));
    Value stack = buildStack(b, isAlone);
    auto forVectors =
        [&](OpBuilder &b,
            function_ref<void(OpBuilder &, Value, Value, unsigned)> body) {
          buildVectors(b, loc, left, length(), kSumsInFlight / 2, body);
        };
    auto sumAt = [&](OpBuilder &b, Value at, unsigned i) {
      return Values{buildIndex(b, loc, i % numPools),
                    columnAt(b, at, i / numPools)};
    };
    auto load = [&](OpBuilder &b, Value at, unsigned count) {
      Values sums;
      for (unsigned i = 0; i < count * numPools; ++i)
        sums.push_back(buildLoad(b, loc, pool.vectorOf(pool.sumType), stack,
                                 sumAt(b, at, i)));
      return sums;
    };
    auto store = [&](OpBuilder &b, Value at, ValueRange sums) {
      for (auto [i, sum] : llvm::enumerate(sums))
        buildStore(b, loc, sum, stack, sumAt(b, at, i));
    };
    forVectors(b, [&](OpBuilder &b, Value at, Value, unsigned count) {
      store(b, at, startSums(b, count));
    });
    buildNest(
        b, loc, ValueRange(pool.pooledSizes).drop_back(), {},
        [&](OpBuilder &b, ValueRange reduced, ValueRange) {
          return buildFor(
              b, loc, begin, end, kRowsAtATime, {},
              [&](OpBuilder &b, Value from, ValueRange) -> Values {
                Value to = arith::MinUIOp::create(
                    b, loc, end,
                    arith::AddIOp::create(b, loc, from,
                                          buildIndex(b, loc, kRowsAtATime)));
                forVectors(b, [&](OpBuilder &b, Value at, Value mask,
                                  unsigned count) {
                  Value column = b.createOrFold<arith::AddIOp>(loc, first, at);
                  Values sums = buildFor(
                      b, loc, from, to, 1, load(b, at, count),
                      [&](OpBuilder &b, Value row, ValueRange carried) {
                        Values inner = llvm::to_vector(reduced);
                        inner.push_back(row);
                        return addRow(b, outer, column, inner, mask, carried);
                      });
                  store(b, at, sums);
                });
                return {};
              });
        });
    forVectors(b, [&](OpBuilder &b, Value at, Value mask, unsigned count) {
      emit(b, outer, part, b.createOrFold<arith::AddIOp>(loc, first, at), mask,
           load(b, at, count));
    });
  }

  /// A sum for each pool and column of a task: on the stack of the parallel
  /// loop, or where there is none beside the pools.
  Value buildStack(OpBuilder &b, bool isAlone) {
    auto type = MemRefType::get({numPools, chunk}, pool.sumType);
    if (isAlone) {
      OpBuilder at = pool.besidePools();
      return memref::AllocOp::create(at, loc, type);
    }
    OpBuilder at(b);
    at.setInsertionPointToStart(pool.chain.task ? pool.chain.task
                                                : b.getInsertionBlock());
    return memref::AllocaOp::create(at, loc, type, b.getI64IntegerAttr(64));
  }

  void build(OpBuilder &b) {
    chooseParts(b);
    // A loop of one iteration would be none, and its stack that of the function.
    Values tasks;
    for (Value outer : outerSizes())
      if (getConstantIntValue(outer) != 1)
        tasks.push_back(outer);
    if (hasChunks())
      tasks.push_back(size ? buildIndex(b, loc, llvm::divideCeil(*size, chunk))
                           : Value(arith::CeilDivUIOp::create(
                                 b, loc, columns, buildIndex(b, loc, chunk))));
    if (parts > 1)
      tasks.push_back(buildIndex(b, loc, parts));
    bool isAlone = tasks.empty() && !pool.chain.task;
    buildStreaming(b, loc, tasks, pool.view.getNumElements(),
                   [&](OpBuilder &b, ValueRange ids) {
                     Value first = buildIndex(b, loc, 0), part;
                     Values outer;
                     for (Value size : outerSizes()) {
                       bool isOne = getConstantIntValue(size) == 1;
                       outer.push_back(isOne ? first : ids.front());
                       ids = ids.drop_front(isOne ? 0 : 1);
                     }
                     Value begin = first, end = pool.pooledSizes.back();
                     if (hasChunks()) {
                       first = arith::MulIOp::create(b, loc, ids.front(),
                                                     buildIndex(b, loc, chunk));
                       ids = ids.drop_front();
                     }
                     if (parts > 1) {
                       part = ids.front();
                       Value rows = end, count = buildIndex(b, loc, parts);
                       auto edge = [&](Value k) -> Value {
                         return arith::DivUIOp::create(
                             b, loc, arith::MulIOp::create(b, loc, rows, k),
                             count);
                       };
                       begin = edge(part);
                       end = edge(arith::AddIOp::create(b, loc, part,
                                                        buildIndex(b, loc, 1)));
                     }
                     if (inRow)
                       poolInRegisters(b, outer, part, begin, end);
                     else
                       poolOnStack(b, outer, part, first, begin, end, isAlone);
                   });
    if (parts > 1)
      addParts(b);
  }
};
} // namespace

void PoolLowering::lowerColumns(OpBuilder &b) {
  ColumnsLowering(*this).build(b);
}

} // namespace heed::lower
