// GateScale.cpp - y = epilogue(x, g): the last pass of a gate over x.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In vectors along the last dim, where all buffers are contiguous there and the
// epilogues are elementwise; all other dims in parallel:
//
//   g is one value along the last dim (NCHW): a row at a time
//   g varies along a short last dim (NHWC, blocked layouts): rows of some
//     thousand elements at a time, g in registers where a row is a few vectors
//   else: scalars
#include "passes/lower/cpu/CostedLoops.h"
#include "passes/lower/cpu/GateLayout.h"
#include "runtime/cost/CostModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace heed::lower {

/// Vectors in flight; of a row whose factors are registers.
constexpr unsigned kUnroll = 4;

namespace {
struct ScaleLowering {
  GateView view;
  Location loc;
  unsigned length;
  bool pastCaches = false; // whole vectors of init are stored so

  ScaleLowering(OpBuilder &b, const GateChain &chain, unsigned vectorBytes)
      : view(b, chain, chain.stages.size(), /*writesInit=*/true),
        loc(view.loc) {
    Type element = getElementTypeOrSelf(view.x.getType());
    length = vectorBytes * 8 / element.getIntOrFloatBitWidth();
  }

  void scaleVector(OpBuilder &b, ValueRange outer, Value at, Value mask,
                   ArrayRef<Value> factors) {
    Values indices = llvm::to_vector(outer);
    indices.push_back(at);
    Value y = view.load(b, indices, mask, length, factors);
    if (pastCaches && !mask)
      buildStorePastCaches(b, loc, y, view.init, indices);
    else
      buildStore(b, loc, y, view.init, indices, mask);
  }

  void scaleRow(OpBuilder &b, ValueRange outer) {
    Values factors = view.loadFactors(b, outer, length);
    buildVectorLoop(b, loc, view.sizes.back(), length, kUnroll, {},
                    [&](OpBuilder &b, Value at, Value mask, unsigned,
                        ValueRange) -> Values {
                      scaleVector(b, outer, at, mask, factors);
                      return {};
                    });
  }

  void scaleRows(OpBuilder &b) {
    buildStreaming(b, loc, ValueRange(view.sizes).drop_back(),
                   view.getNumElements(),
                   [&](OpBuilder &b, ValueRange outer) { scaleRow(b, outer); });
  }

  /// The length of a row if it is short, and a gate varies along it; else 0.
  int64_t getShortRow() {
    std::optional<int64_t> size = getConstantIntValue(view.sizes.back());
    bool varies = llvm::any_of(
        view.pooled, [](ArrayRef<bool> pooled) { return !pooled.back(); });
    return size && *size < cost::kShortRow && view.sizes.size() > 1 && varies
               ? *size
               : 0;
  }

  void scaleShortRows(OpBuilder &b, int64_t size) {
    int64_t rows = std::max<int64_t>(1, cost::kTaskElements / size);
    Value count = view.sizes.end()[-2], step = buildIndex(b, loc, rows);
    Values tasks = llvm::to_vector(ValueRange(view.sizes).drop_back(2));
    std::optional<int64_t> known = getConstantIntValue(count);
    tasks.push_back(
        known ? buildIndex(b, loc, llvm::divideCeil(*known, rows))
              : Value(arith::CeilDivUIOp::create(b, loc, count, step)));
    buildStreaming(
        b, loc, tasks, view.getNumElements(),
        [&](OpBuilder &b, ValueRange ids) {
          Value begin = arith::MulIOp::create(b, loc, ids.back(), step);
          Value end = arith::AddIOp::create(b, loc, begin, step);
          if (!known || *known % rows != 0)
            end = arith::MinUIOp::create(b, loc, end, count);
          Values outer = llvm::to_vector(ids);
          outer.back() = begin;
          unsigned lanes = std::min<int64_t>(length, size & -size);
          if (size <= kUnroll * lanes && lanes >= 4) {
            length = lanes;
            return scaleInRegisters(b, outer, end, size / lanes);
          }
          buildFor(b, loc, begin, end, 1, {},
                   [&](OpBuilder &b, Value row, ValueRange) -> Values {
                     outer.back() = row;
                     scaleRow(b, outer);
                     return {};
                   });
        });
  }

  /// Rows from `first` on, each of `count` vectors.
  void scaleInRegisters(OpBuilder &b, ValueRange first, Value end,
                        unsigned count) {
    Values columns;
    SmallVector<Values> kept;
    for (unsigned i = 0; i < count; ++i) {
      columns.push_back(buildIndex(b, loc, i * length));
      kept.push_back(view.loadColumns(b, first, columns.back(), length));
    }
    buildUnrolled(b, loc, first.back(), end, kUnroll / count, {},
                  [&](OpBuilder &b, Value row, unsigned, ValueRange) -> Values {
                    Values outer = llvm::to_vector(first);
                    outer.back() = row;
                    Values ofRow = view.loadFactors(b, outer, length);
                    for (unsigned i = 0; i < count; ++i) {
                      Values factors = kept[i];
                      for (auto [factor, other] : llvm::zip(factors, ofRow))
                        if (other)
                          factor = other;
                      scaleVector(b, outer, columns[i], Value(), factors);
                    }
                    return {};
                  });
  }

  void scaleScalars(OpBuilder &b) {
    buildParallel(
        b, loc, ValueRange(view.sizes).drop_back(),
        [&](OpBuilder &b, ValueRange outer) {
          Values factors = view.loadFactors(b, outer, 0);
          buildFor(b, loc, buildIndex(b, loc, 0), view.sizes.back(), 1, {},
                   [&](OpBuilder &b, Value at, ValueRange) -> Values {
                     Values indices = llvm::to_vector(outer);
                     indices.push_back(at);
                     Value y = view.load(b, indices, Value(), 0, factors);
                     memref::StoreOp::create(b, loc, y, view.init, indices);
                     return {};
                   });
        });
  }

  void build(OpBuilder &b) {
    if (!view.isVectorizable())
      return scaleScalars(b);
    if (int64_t size = getShortRow())
      return scaleShortRows(b, size);
    scaleRows(b);
  }
};
} // namespace

void lowerGateScale(OpBuilder &b, const GateChain &chain,
                    unsigned vectorBytes) {
  ScaleLowering lowering(b, chain, vectorBytes);
  if (!chain.pastCaches || !lowering.view.isVectorizable() ||
      !lowering.view.hasAlignedRows(lowering.length))
    return lowering.build(b);
  auto branch = [&](bool pastCaches) {
    return [&, pastCaches](OpBuilder &b, Location loc) {
      ScaleLowering one = lowering;
      one.pastCaches = pastCaches;
      one.build(b);
      // Such stores are seen in order only behind a fence; that of a loop is
      // the runtime's, at the end of each part.
      if (pastCaches && one.view.sizes.size() < 2)
        LLVM::CallIntrinsicOp::create(
            b, loc, b.getStringAttr("llvm.x86.sse.sfence"), ValueRange());
      scf::YieldOp::create(b, loc);
    };
  };
  scf::IfOp::create(b, chain.loc, chain.pastCaches, branch(true),
                    branch(false));
}

} // namespace heed::lower
