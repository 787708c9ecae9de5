// VectorLoop.cpp - loops over consecutive vectors of a row, with a masked rest.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/VectorLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace heed::lower {

Value buildIndex(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Values buildFor(OpBuilder &b, Location loc, Value begin, Value end,
                int64_t step, ValueRange carried,
                function_ref<Values(OpBuilder &, Value, ValueRange)> body) {
  std::optional<int64_t> from = getConstantIntValue(begin);
  std::optional<int64_t> to = getConstantIntValue(end);
  if (from && to && *to <= *from)
    return llvm::to_vector(carried);
  auto loop = scf::ForOp::create(
      b, loc, begin, end, buildIndex(b, loc, step), carried,
      [&](OpBuilder &b, Location loc, Value index, ValueRange carried) {
        scf::YieldOp::create(b, loc, body(b, index, carried));
      });
  return llvm::to_vector(ValueRange(loop.getResults()));
}

Values
buildNest(OpBuilder &b, Location loc, ValueRange sizes, ValueRange carried,
          function_ref<Values(OpBuilder &, ValueRange, ValueRange)> body) {
  if (sizes.empty())
    return body(b, {}, carried);
  return buildFor(b, loc, buildIndex(b, loc, 0), sizes.front(), 1, carried,
                  [&](OpBuilder &b, Value outer, ValueRange carried) {
                    return buildNest(b, loc, sizes.drop_front(), carried,
                                     [&](OpBuilder &b, ValueRange inner,
                                         ValueRange carried) {
                                       Values indices{outer};
                                       llvm::append_range(indices, inner);
                                       return body(b, indices, carried);
                                     });
                  });
}

void buildParallel(OpBuilder &b, Location loc, ValueRange sizes,
                   function_ref<void(OpBuilder &, ValueRange)> body) {
  if (sizes.empty())
    return body(b, {});
  Values zeros(sizes.size(), buildIndex(b, loc, 0));
  Values ones(sizes.size(), buildIndex(b, loc, 1));
  scf::ParallelOp::create(
      b, loc, zeros, sizes, ones,
      [&](OpBuilder &b, Location, ValueRange indices) { body(b, indices); });
}

Value roundDown(OpBuilder &b, Location loc, Value n, int64_t size) {
  if (std::optional<int64_t> known = getConstantIntValue(n))
    return buildIndex(b, loc, *known - *known % size);
  return arith::SubIOp::create(
      b, loc, n, arith::RemUIOp::create(b, loc, n, buildIndex(b, loc, size)));
}

Values buildVectorLoop(OpBuilder &b, Location loc, Value n, unsigned length,
                       unsigned unroll, ValueRange initial, VectorBody body) {
  Value unrolledEnd = roundDown(b, loc, n, length * unroll);
  Value wholeEnd = roundDown(b, loc, n, length);
  Values carried = llvm::to_vector(initial);
  if (unroll > 1)
    carried = buildFor(
        b, loc, buildIndex(b, loc, 0), unrolledEnd, length * unroll, carried,
        [&](OpBuilder &b, Value index, ValueRange inner) {
          Values values = llvm::to_vector(inner);
          for (unsigned slot = 0; slot < unroll; ++slot) {
            Value at =
                slot == 0
                    ? index
                    : Value(arith::AddIOp::create(
                          b, loc, index, buildIndex(b, loc, slot * length)));
            values = body(b, at, Value(), slot, values);
          }
          return values;
        });
  Value singleBegin = unroll > 1 ? unrolledEnd : buildIndex(b, loc, 0);
  carried = buildFor(b, loc, singleBegin, wholeEnd, length, carried,
                     [&](OpBuilder &b, Value index, ValueRange inner) {
                       return body(b, index, Value(), 0, inner);
                     });
  std::optional<int64_t> known = getConstantIntValue(n);
  if (known && *known % length == 0)
    return carried;
  Value rest = arith::SubIOp::create(b, loc, n, wholeEnd);
  Value mask = vector::CreateMaskOp::create(
      b, loc, VectorType::get({length}, b.getI1Type()), rest);
  return body(b, wholeEnd, mask, 0, carried);
}

void buildVectors(OpBuilder &b, Location loc, Value n, unsigned length,
                  unsigned unroll, VectorsBody body) {
  Value unrolledEnd = roundDown(b, loc, n, length * unroll);
  Value wholeEnd = roundDown(b, loc, n, length);
  auto run = [&](Value begin, Value end, unsigned count) {
    buildFor(b, loc, begin, end, length * count, {},
             [&](OpBuilder &b, Value index, ValueRange) -> Values {
               body(b, index, Value(), count);
               return {};
             });
  };
  run(buildIndex(b, loc, 0), unrolledEnd, unroll);
  run(unrolledEnd, wholeEnd, 1);
  auto buildRest = [&](OpBuilder &b) {
    Value mask = vector::CreateMaskOp::create(
        b, loc, VectorType::get({length}, b.getI1Type()),
        Value(b.createOrFold<arith::SubIOp>(loc, n, wholeEnd)));
    body(b, wholeEnd, mask, 1);
  };
  if (std::optional<int64_t> known = getConstantIntValue(n)) {
    if (*known % length != 0)
      buildRest(b);
    return;
  }
  Value hasRest =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, n, wholeEnd);
  scf::IfOp::create(b, loc, hasRest, [&](OpBuilder &b, Location loc) {
    buildRest(b);
    scf::YieldOp::create(b, loc);
  });
}

Values buildUnrolled(
    OpBuilder &b, Location loc, Value begin, Value end, unsigned unroll,
    ValueRange carried,
    function_ref<Values(OpBuilder &, Value, unsigned, ValueRange)> body) {
  Value count = b.createOrFold<arith::SubIOp>(loc, end, begin);
  Value unrolledEnd = b.createOrFold<arith::AddIOp>(
      loc, begin, roundDown(b, loc, count, unroll));
  Values values =
      buildFor(b, loc, begin, unrolledEnd, unroll, carried,
               [&](OpBuilder &b, Value index, ValueRange inner) {
                 Values values = llvm::to_vector(inner);
                 for (unsigned slot = 0; slot < unroll; ++slot)
                   values = body(b,
                                 b.createOrFold<arith::AddIOp>(
                                     loc, index, buildIndex(b, loc, slot)),
                                 slot, values);
                 return values;
               });
  if (unroll == 1)
    return values;
  return buildFor(b, loc, unrolledEnd, end, 1, values,
                  [&](OpBuilder &b, Value index, ValueRange inner) {
                    return body(b, index, 0, inner);
                  });
}

void buildColumnLoop(OpBuilder &b, Location loc, ValueRange sizes,
                     unsigned length, unsigned unroll, ColumnBody body) {
  int64_t chunk = int64_t(unroll) * length;
  Value n = sizes.back();
  Value chunkSize = buildIndex(b, loc, chunk);
  Values outerSizes(sizes);
  outerSizes.back() = b.createOrFold<arith::CeilDivUIOp>(loc, n, chunkSize);
  std::optional<int64_t> known = getConstantIntValue(n);
  buildParallel(b, loc, outerSizes, [&](OpBuilder &b, ValueRange ids) {
    ValueRange outer = ids.drop_back();
    Value begin = arith::MulIOp::create(b, loc, ids.back(), chunkSize);
    if (known && *known % chunk == 0)
      return body(b, outer, begin, Value(), unroll);
    Value left = arith::SubIOp::create(b, loc, n, begin);
    auto buildRest = [&](OpBuilder &b) {
      buildVectorLoop(b, loc, left, length, 1, {},
                      [&](OpBuilder &b, Value at, Value mask, unsigned,
                          ValueRange) -> Values {
                        Value column = arith::AddIOp::create(b, loc, begin, at);
                        body(b, outer, column, mask, 1);
                        return {};
                      });
    };
    if (known && *known < chunk)
      return buildRest(b);
    Value whole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, left,
                                        chunkSize);
    scf::IfOp::create(
        b, loc, whole,
        [&](OpBuilder &b, Location loc) {
          body(b, outer, begin, Value(), unroll);
          scf::YieldOp::create(b, loc);
        },
        [&](OpBuilder &b, Location loc) {
          buildRest(b);
          scf::YieldOp::create(b, loc);
        });
  });
}

Value buildPointer(OpBuilder &b, Location loc, Value buffer,
                   ValueRange indices) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, buffer);
  Value offset = metadata.getOffset();
  for (auto [index, stride] : llvm::zip(indices, metadata.getStrides()))
    offset = arith::AddIOp::create(
        b, loc, offset, arith::MulIOp::create(b, loc, index, stride));
  Type element = getElementTypeOrSelf(buffer);
  int64_t bytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  offset =
      b.createOrFold<arith::MulIOp>(loc, offset, buildIndex(b, loc, bytes));
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, buffer);
  Value address = arith::IndexCastOp::create(
      b, loc, b.getI64Type(), arith::AddIOp::create(b, loc, base, offset));
  return LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), address);
}

/// An i1 is a byte in memory, but a vector of i1 is not bytes: read as i8.
static Value loadBools(OpBuilder &b, Location loc, VectorType type,
                       Value buffer, ValueRange indices, Value mask,
                       Value rest) {
  VectorType bytes = type.clone(b.getI8Type());
  Value pointer = buildPointer(b, loc, buffer, indices);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(bytes));
  Value other =
      rest ? Value(arith::ExtUIOp::create(b, loc, bytes, rest)) : zero;
  Value loaded = mask ? Value(LLVM::MaskedLoadOp::create(b, loc, bytes, pointer,
                                                         mask, other, 1))
                      : Value(LLVM::LoadOp::create(b, loc, bytes, pointer, 1));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, loaded, zero);
}

Value buildLoad(OpBuilder &b, Location loc, VectorType type, Value buffer,
                ValueRange indices, Value mask, Value rest) {
  if (type.getElementType().isInteger(1))
    return loadBools(b, loc, type, buffer, indices, mask, rest);
  if (!mask)
    return vector::LoadOp::create(b, loc, type, buffer, indices);
  if (!rest)
    rest = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  if (type.getElementType().isBF16()) {
    VectorType bits = type.clone(b.getI16Type());
    Value loaded = LLVM::MaskedLoadOp::create(
        b, loc, bits, buildPointer(b, loc, buffer, indices), mask,
        Value(arith::BitcastOp::create(b, loc, bits, rest)), 2);
    return arith::BitcastOp::create(b, loc, type, loaded);
  }
  return vector::MaskedLoadOp::create(b, loc, type, buffer, indices, mask,
                                      rest);
}

void buildStore(OpBuilder &b, Location loc, Value value, Value buffer,
                ValueRange indices, Value mask) {
  auto type = cast<VectorType>(value.getType());
  if (!mask)
    vector::StoreOp::create(b, loc, value, buffer, indices);
  else if (type.getElementType().isBF16())
    LLVM::MaskedStoreOp::create(
        b, loc,
        arith::BitcastOp::create(b, loc, type.clone(b.getI16Type()), value),
        buildPointer(b, loc, buffer, indices), mask, 2);
  else
    vector::MaskedStoreOp::create(b, loc, buffer, indices, mask, value);
}

void buildStorePastCaches(OpBuilder &b, Location loc, Value value, Value buffer,
                          ValueRange indices) {
  auto type = cast<VectorType>(value.getType());
  int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  vector::StoreOp::create(b, loc, value, buffer, indices, /*nontemporal=*/true,
                          llvm::MaybeAlign(bytes));
}

bool isContiguousInLastDim(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  return type.getRank() > 0 && type.isLastDimUnitStride();
}

} // namespace heed::lower
