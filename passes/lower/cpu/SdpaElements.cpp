// SdpaElements.cpp - operands of f32, f16 and bf16 as the products take them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A step of a product: sum + a·b in f32, or sum + a·b + a'·b' for two pairs of
// bf16 (VDPBF16PS), each pair an i32 in memory.
#include "passes/lower/cpu/ExpPolynomial.h"
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using heed::attn::buildFloatCast;
using heed::attn::SdpaOp;

namespace heed::lower {

Value loadFloats(OpBuilder &b, SdpaKernel &kernel, Value buffer,
                 ValueRange indices, Value mask) {
  VectorType type = kernel.vectorType(b);
  Type element = getElementTypeOrSelf(buffer);
  return buildFloatCast(
      b, kernel.loc,
      buildLoad(b, kernel.loc, type.clone(element), buffer, indices, mask),
      b.getF32Type());
}

Value loadFloat(OpBuilder &b, SdpaKernel &kernel, Value buffer,
                ValueRange indices) {
  return buildFloatCast(b, kernel.loc,
                        memref::LoadOp::create(b, kernel.loc, buffer, indices),
                        b.getF32Type());
}

void storeFloats(OpBuilder &b, SdpaKernel &kernel, Value floats, Value buffer,
                 ValueRange indices, Value mask) {
  Value narrow =
      buildFloatCast(b, kernel.loc, floats, getElementTypeOrSelf(buffer));
  if (isa<VectorType>(narrow.getType()))
    return buildStore(b, kernel.loc, narrow, buffer, indices, mask);
  memref::StoreOp::create(b, kernel.loc, narrow, buffer, indices);
}

void buildPrefetch(OpBuilder &b, SdpaKernel &kernel, Value buffer,
                   AffineMap map, Point point) {
  if (!kernel.prefetches())
    return;
  constexpr int64_t kPrefetchKeys = 8; // measured: 8 … 64 are alike
  Location loc = kernel.loc;
  Value ahead = arith::AddIOp::create(b, loc, point[SdpaOp::J],
                                      buildIndex(b, loc, kPrefetchKeys));
  Value last =
      arith::SubIOp::create(b, loc, kernel.sizeK, buildIndex(b, loc, 1));
  point[SdpaOp::J] = arith::MinSIOp::create(b, loc, ahead, last);
  memref::PrefetchOp::create(b, loc, buffer, mapIndices(b, loc, map, point),
                             /*isWrite=*/false, /*localityHint=*/3,
                             /*isDataCache=*/true);
}

/// The indices of query i at d.
static Values queryIndices(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                           Value i, Value d) {
  Point point;
  point.fill(d);
  point[SdpaOp::B] = task.b;
  point[SdpaOp::H] = task.h;
  point[SdpaOp::I] = i;
  return mapIndices(b, kernel.loc, kernel.op.getQMap(), point);
}

void copyQueries(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task) {
  if (!kernel.copiesQueries())
    return;
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  bool alongD = isContiguousAlong(op.getQ(), op.getQMap(), SdpaOp::D);
  Value zero = buildIndex(b, loc, 0), dims = buildIndex(b, loc, kernel.headDim);
  buildFor(
      b, loc, zero, task.rows, 1, {},
      [&](OpBuilder &b, Value row, ValueRange) -> Values {
        Value i = arith::AddIOp::create(b, loc, task.first, row);
        if (alongD)
          return buildVectorLoop(
              b, loc, dims, kernel.lanes, 1, {},
              [&](OpBuilder &b, Value d, Value mask, unsigned,
                  ValueRange) -> Values {
                Value q = loadFloats(b, kernel, op.getQ(),
                                     queryIndices(b, kernel, task, i, d), mask);
                buildStore(b, loc, q, task.q, {row, d}, mask);
                return {};
              });
        return buildFor(
            b, loc, zero, dims, 1, {},
            [&](OpBuilder &b, Value d, ValueRange) -> Values {
              Value q = loadFloat(b, kernel, op.getQ(),
                                  queryIndices(b, kernel, task, i, d));
              memref::StoreOp::create(b, loc, q, task.q, ValueRange{row, d});
              return {};
            });
      });
}

/// Two bf16 that follow each other in a buffer, as an i32.
static Value loadPair(OpBuilder &b, Location loc, Value buffer,
                      ValueRange indices) {
  Value pair = vector::LoadOp::create(
      b, loc, VectorType::get({2}, b.getBF16Type()), buffer, indices);
  Value bits = vector::BitCastOp::create(
      b, loc, VectorType::get({1}, b.getI32Type()), pair);
  return vector::ExtractOp::create(b, loc, bits, 0);
}

static Value doubled(OpBuilder &b, Location loc, Value k) {
  return arith::MulIOp::create(b, loc, k, buildIndex(b, loc, 2));
}

Value loadQueryStep(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task, Value i,
                    Value k) {
  Location loc = kernel.loc;
  SdpaOp op = kernel.op;
  if (kernel.copiesQueries()) // rows that pad a tile repeat the last one
    return memref::LoadOp::create(
        b, loc, task.q,
        ValueRange{arith::SubIOp::create(b, loc, i, task.first), k});
  if (kernel.usesPairs)
    return loadPair(b, loc, op.getQ(),
                    queryIndices(b, kernel, task, i, doubled(b, loc, k)));
  return memref::LoadOp::create(b, loc, op.getQ(),
                                queryIndices(b, kernel, task, i, k));
}

Value loadProbabilityStep(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                          Value row, Value k) {
  Location loc = kernel.loc;
  if (kernel.usesPairs)
    return loadPair(b, loc, task.p, {row, doubled(b, loc, k)});
  return memref::LoadOp::create(b, loc, task.p, ValueRange{row, k});
}

Value buildProductStep(OpBuilder &b, SdpaKernel &kernel, Value a, Value column,
                       Value sum) {
  Location loc = kernel.loc;
  Value splat = vector::BroadcastOp::create(b, loc, column.getType(), a);
  if (!kernel.usesPairs)
    return buildMulAdd(b, loc, splat, column, sum, kernel.target.fma);
  auto pairs = VectorType::get({2 * int64_t(kernel.lanes)}, b.getBF16Type());
  Value product =
      LLVM::CallIntrinsicOp::create(
          b, loc, sum.getType(),
          b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
          ValueRange{sum, vector::BitCastOp::create(b, loc, pairs, splat),
                     vector::BitCastOp::create(b, loc, pairs, column)})
          .getResult(0);
  return product;
}

Value countSteps(OpBuilder &b, SdpaKernel &kernel, Value count) {
  return b.createOrFold<arith::CeilDivUIOp>(
      kernel.loc, count, buildIndex(b, kernel.loc, kernel.step()));
}

} // namespace heed::lower
