// SdpaSplit.cpp - keys in parts, and the kernel that combines their sums.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Flash-Decoding (Dao, Haziza, Massa, Sizov, 2023). With M = max m_p over parts,
//   w_p = 2^(c·(m_p − M)),  o = Σ w_p·o_p / Σ w_p·l_p
// where o_p is not divided yet: a part without a key has w_p = 0.
#include "passes/lower/gpu/sdpa/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {

/// Blocks that keep a GPU busy: two on each of some 130 multiprocessors.
static constexpr int64_t kBusyBlocks = 264;
/// A part of fewer keys is not worth its sums.
static constexpr int64_t kLeastPartKeys = 256;
static constexpr double kInf = std::numeric_limits<double>::infinity();

int64_t SdpaSplit::columns(SdpaOp op) {
  return llvm::alignTo(op.getStaticSize(SdpaOp::E), 4);
}

std::optional<SdpaSplit> chooseSplit(OpBuilder &host, SdpaOp op,
                                     const SdpaTiles &tiles) {
  int64_t queries = op.getStaticSize(SdpaOp::I);
  int64_t keys = op.getStaticSize(SdpaOp::J);
  if (ShapedType::isDynamic(queries) || queries > tiles.queries() ||
      (!ShapedType::isDynamic(keys) && keys < 2 * kLeastPartKeys))
    return std::nullopt;
  Location loc = op.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(host, loc, value);
  };
  auto size = [&](SdpaOp::Dim dim) {
    return getValueOrCreateConstantIndexOp(host, loc, op.getDimSize(host, dim));
  };
  auto ceilDiv = [&](Value x, Value y) {
    return host.createOrFold<arith::CeilDivUIOp>(loc, x, y);
  };
  auto multiply = [&](Value x, Value y) {
    return host.createOrFold<arith::MulIOp>(loc, x, y);
  };
  auto atLeastOne = [&](Value x) {
    return host.createOrFold<arith::MaxSIOp>(loc, x, constant(1));
  };
  Value heads = atLeastOne(multiply(size(SdpaOp::B), size(SdpaOp::H)));
  Value count = size(SdpaOp::J), block = constant(tiles.keys);
  Value most =
      host.createOrFold<arith::DivUIOp>(loc, count, constant(kLeastPartKeys));
  Value wanted = host.createOrFold<arith::MinSIOp>(
      loc, ceilDiv(constant(kBusyBlocks), heads), atLeastOne(most));
  Value ofPart =
      multiply(atLeastOne(ceilDiv(ceilDiv(count, wanted), block)), block);
  Value parts = atLeastOne(ceilDiv(count, ofPart));
  if (isConstantIntValue(parts, 1))
    return std::nullopt;

  SdpaSplit split{getAsOpFoldResult(parts), getAsOpFoldResult(ofPart), Value()};
  SmallVector<OpFoldResult> sizes{op.getDimSize(host, SdpaOp::B),
                                  op.getDimSize(host, SdpaOp::H), split.parts,
                                  host.getIndexAttr(queries),
                                  host.getIndexAttr(SdpaSplit::pitch(op))};
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamicSizes;
  dispatchIndexOpFoldResults(sizes, dynamicSizes, shape);
  split.sums = memref::AllocOp::create(
      host, loc, MemRefType::get(shape, host.getF32Type()), dynamicSizes);
  return split;
}

namespace {

/// One warp, one row of o.
struct Combination {
  SdpaKernel &kernel;
  KernelBuilder &k;
  Lane lane;
  Value b, h, row;
  int64_t columns; // of a lane, 32 apart

  explicit Combination(SdpaKernel &kernel)
      : kernel(kernel), k(kernel.k), lane(buildLane(k)),
        columns(llvm::divideCeil(kernel.op.getStaticSize(SdpaOp::E), 32)) {
    Type i32 = k.b.getI32Type();
    Value block = NVVM::BlockIdXOp::create(k.b, k.loc, i32);
    h = NVVM::BlockIdYOp::create(k.b, k.loc, i32);
    b = NVVM::BlockIdZOp::create(k.b, k.loc, i32);
    row = k.add(k.mul(block, k.i32(kCombineThreads / 32)), lane.warp);
  }

  Value multiply(Value x, Value y) {
    return arith::MulFOp::create(k.b, k.loc, x, y);
  }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(k.b, k.loc, x, y, z);
  }
  Value load(Value sums, int64_t column) {
    return k.loadVector(k.b.getF32Type(), 1, k.advance(sums, 4 * column))[0];
  }

  /// The lane's i-th column, or the last.
  Value columnOf(int64_t i) {
    Value column = k.add(lane.lane, k.i32(32 * i));
    return k.min(column, k.i32(kernel.op.getStaticSize(SdpaOp::E) - 1));
  }

  Value maximum() {
    return k.forLoop(k.i32(0), kernel.parts, 1, k.f32(-kInf),
                     [&](Value part, ValueRange m) -> Values {
                       Value sums = kernel.sumsRow(b, h, part, row);
                       Value own = load(sums, SdpaSplit::columns(kernel.op));
                       return {arith::MaxNumFOp::create(k.b, k.loc, m[0], own)};
                     })[0];
  }

  /// Σ w·l and Σ w·o of the lane's columns.
  Values add(Value m) {
    // 2^(−inf + inf) would be NaN.
    Value isNone = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ,
                                         m, k.f32(-kInf));
    Value finite = k.select(isNone, k.f32(0), m);
    Value c = k.f32(kernel.softmaxFactor());
    int64_t end = SdpaSplit::columns(kernel.op);
    return k.forLoop(
        k.i32(0), kernel.parts, 1, Values(1 + columns, k.f32(0)),
        [&](Value part, ValueRange carried) -> Values {
          Value sums = kernel.sumsRow(b, h, part, row);
          Value below =
              arith::SubFOp::create(k.b, k.loc, load(sums, end), finite);
          Value weight = math::Exp2Op::create(k.b, k.loc, multiply(below, c),
                                              arith::FastMathFlags::afn);
          Values next{fma(weight, load(sums, end + 1), carried[0])};
          for (int64_t i = 0; i < columns; ++i) {
            Value own = k.advance(sums, k.widen(k.mul(columnOf(i), k.i32(4))));
            next.push_back(fma(weight, load(own, 0), carried[1 + i]));
          }
          return next;
        });
  }

  void build() {
    k.ifThen(k.lessThan(row, kernel.queryCount), [&] {
      Value m = maximum();
      Values sums = add(m);
      Value inverse = invertSum(kernel, sums[0]);
      Value columnBytes = kernel.o.strideBytes(k, SdpaOp::E);
      Value rowBytes = kernel.o.strideBytes(k, SdpaOp::I);
      Value address =
          k.advance(kernel.o.head(k, b, h), k.mul(k.widen(row), rowBytes));
      for (int64_t i = 0; i < columns; ++i) {
        // The last lanes store the last column again where there are more.
        Value at = k.advance(address, k.mul(k.widen(columnOf(i)), columnBytes));
        storeElements(kernel, multiply(sums[1 + i], inverse), at);
      }
      if (kernel.lse)
        k.ifThen(k.lessThan(lane.lane, k.i32(1)),
                 [&] { storeLogSum(kernel, b, h, row, m, sums[0]); });
    });
  }
};

} // namespace

void buildCombine(SdpaKernel &kernel) { Combination(kernel).build(); }

} // namespace heed::cuda
