// SdpaStore.cpp - the end of the GPU's attention: o / l, lse, or a part's sums.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/sdpa/SdpaSoftmax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::cuda {

static constexpr double kLn2 = 0.6931471805599453;

Value invertSum(SdpaKernel &kernel, Value l) {
  KernelBuilder &k = kernel.k;
  auto fast = arith::FastMathFlags::afn | arith::FastMathFlags::arcp;
  Value inverse = arith::DivFOp::create(k.b, k.loc, k.f32(1), l, fast);
  if (kernel.op.getMaskedRows() != attn::MaskedRows::zero)
    return inverse;
  Value attendsNone =
      arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ, l, k.f32(0));
  return k.select(attendsNone, k.f32(0), inverse);
}

void storeElements(SdpaKernel &kernel, ArrayRef<Value> values, Value address) {
  KernelBuilder &k = kernel.k;
  FloatType element = kernel.elementType();
  if (element.isF32())
    k.storeVector(values, address);
  else if (values.size() == 2)
    k.storeVector(packPair(k, element, values[0], values[1]), address);
  else
    k.storeVector(attn::buildFloatCast(k.b, k.loc, values[0], element),
                  address);
}

void storeLogSum(SdpaKernel &kernel, Value b, Value h, Value row, Value m,
                 Value l) {
  KernelBuilder &k = kernel.k;
  double unit =
      kernel.scalesInStage() ? 1 : kernel.op.getScale().convertToDouble();
  Value log = math::Log2Op::create(k.b, k.loc, l);
  Value inUnits = arith::MulFOp::create(k.b, k.loc, m, k.f32(unit));
  Value lse = math::FmaOp::create(k.b, k.loc, log, k.f32(kLn2), inUnits);
  if (kernel.isUniform()) {
    Value attendsNone = arith::CmpFOp::create(
        k.b, k.loc, arith::CmpFPredicate::OLE, m, k.f32(kLeastScore));
    lse = k.select(attendsNone, k.f32(-std::numeric_limits<double>::infinity()),
                   lse);
  }
  Value offset = k.mul(k.widen(row), kernel.lse.strideBytes(k, SdpaOp::I));
  Value rounded =
      attn::buildFloatCast(k.b, k.loc, lse, kernel.lse.tensor.element);
  LLVM::StoreOp::create(k.b, k.loc, rounded,
                        k.advance(kernel.lse.head(k, b, h), offset));
}

namespace {
/// The end of a block of queries, for a lane's two rows.
struct Store {
  SdpaKernel &kernel;
  KernelBuilder &k;
  const SdpaTask &task;
  const SdpaSums &sums;
  LaneColumns columns = columnsOfLane(kernel.tiles.elementBytes);

  Store(SdpaKernel &kernel, const SdpaTask &task, const SdpaSums &sums)
      : kernel(kernel), k(kernel.k), task(task), sums(sums) {}

  /// Its first column of a group (i32), for each row anew: made once, D 64 on
  /// sm_80 takes 129 registers, one too many for two blocks on an SM.
  Value columnOfLane() { return k.mul(task.lane.quad, k.i32(columns.width)); }

  /// Of each group of columns that a lane has beside each other, those that
  /// exist: store(first column of the group, the values, `width` of them).
  void storeColumns(unsigned row, int64_t count, int64_t width,
                    llvm::function_ref<void(int64_t, ArrayRef<Value>)> store) {
    int64_t span = 8 * columns.tiles;
    Value ofLane = columnOfLane();
    for (int64_t first = 0; first < count; first += span) {
      Values values;
      for (int64_t i = 0; i < columns.width; ++i)
        values.push_back(sums.o[first / 8 + columns.tileOf(i)]
                               [2 * row + columns.elementOf(i)]);
      for (int64_t i = 0; i < columns.width; i += width) {
        Value exists = k.i1(true);
        if (first + span > count)
          exists = k.lessThan(ofLane, k.i32(count - first - i));
        k.ifThen(exists,
                 [&] { store(first + i, ArrayRef(values).slice(i, width)); });
      }
    }
  }

  /// A row of o, as many columns at a time as the lane has beside each other,
  /// where the row allows that.
  void storeRow(unsigned row, Value head, Value inverse) {
    bool isWide = kernel.o.unitBytes >= columns.width * kernel.o.elementBytes();
    Value columnBytes = kernel.o.strideBytes(k, SdpaOp::E);
    Value rowBytes = kernel.o.strideBytes(k, SdpaOp::I);
    Value address =
        k.advance(head, k.add(k.mul(k.widen(task.rows[row]), rowBytes),
                              k.mul(k.widen(columnOfLane()), columnBytes)));
    storeColumns(
        row, kernel.op.getStaticSize(SdpaOp::E), isWide ? columns.width : 1,
        [&](int64_t first, ArrayRef<Value> values) {
          Values scaled;
          for (Value value : values)
            scaled.push_back(arith::MulFOp::create(k.b, k.loc, value, inverse));
          storeElements(kernel, scaled,
                        k.advance(address, k.mul(columnBytes, k.i64(first))));
        });
  }

  /// A row of o before it is divided, then m and l.
  void storePart(unsigned row, Value isFirst, Value l) {
    Value start = kernel.sumsRow(task.b, task.h, task.part, task.rows[row]);
    Value address = k.advance(start, k.widen(k.mul(columnOfLane(), k.i32(4))));
    int64_t end = SdpaSplit::columns(kernel.op);
    storeColumns(row, std::min<int64_t>(end, 8 * sums.o.size()), columns.width,
                 [&](int64_t first, ArrayRef<Value> values) {
                   k.storeVector(values, k.advance(address, 4 * first));
                 });
    k.ifThen(isFirst, [&] {
      k.storeVector({sums.m[row], l}, k.advance(start, 4 * end));
    });
  }

  void build() {
    Value isFirst = k.lessThan(task.lane.quad, k.i32(1));
    Value head;
    if (!kernel.isSplit())
      head = kernel.o.head(k, task.b, task.h);
    for (unsigned row = 0; row < kRowsOfLane; ++row) {
      Value l = sumOfQuad(k, sums.l[row]);
      Value inverse = kernel.isSplit() ? Value() : invertSum(kernel, l);
      k.ifThen(k.lessThan(task.rows[row], kernel.queryCount), [&] {
        if (kernel.isSplit())
          return storePart(row, isFirst, l);
        storeRow(row, head, inverse);
        if (kernel.lse)
          k.ifThen(isFirst, [&] {
            storeLogSum(kernel, task.b, task.h, task.rows[row], sums.m[row], l);
          });
      });
    }
  }
};
} // namespace

void storeResult(SdpaKernel &kernel, const SdpaTask &task,
                 const SdpaSums &sums) {
  Store(kernel, task, sums).build();
}

} // namespace heed::cuda
