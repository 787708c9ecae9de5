// RowKernel.cpp - a kernel of rows: each is reduced, then mapped.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/row/RowKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace heed::cuda {

/// Bytes of a row that a warp takes: four vectors a lane.
static constexpr int64_t kWarpRowBytes = 4 * kWarpLanes * kVectorBytes;
/// Elements that a thread keeps in registers.
static constexpr int64_t kMostKept = 64;

std::string whyNoRows(Value x, Value y) {
  for (Value buffer : {x, y}) {
    auto type = cast<MemRefType>(buffer.getType());
    Type element = type.getElementType();
    if (!isComputable(element) || !isa<FloatType>(element))
      return "elements: expected f32, f16 or bf16";
    if (!type.getLayout().isIdentity())
      return "layout: expected contiguous tensors";
  }
  return "";
}

/// Dims first … last − 1.
static SmallVector<int64_t> dimsOf(int64_t first, int64_t last) {
  return llvm::to_vector(llvm::seq(first, last));
}

/// The product of the constant sizes: what columns are a multiple of.
static int64_t staticFactor(MemRefType type, int64_t first) {
  int64_t factor = 1;
  for (int64_t dim = first; dim < type.getRank(); ++dim)
    if (!type.isDynamicDim(dim))
      factor *= type.getDimSize(dim);
  return factor;
}

RowKernel::RowKernel(OpBuilder &host, Location loc, gpu::GPUModuleOp kernels,
                     StringRef name, Value x, Value y, int64_t columnDims)
    : k(host, loc, kernels, name, kRowThreads), xHost(x),
      columnDims(columnDims), lane(buildLane(k)), arena(k) {
  auto type = cast<MemRefType>(x.getType());
  int64_t first = type.getRank() - columnDims;
  Type i32 = k.b.getI32Type();
  rows = k.parameter(sizeOf(host, loc, x, dimsOf(0, first)), i32);
  columns =
      k.parameter(sizeOf(host, loc, x, dimsOf(first, type.getRank())), i32);
  length = vectorLength(type.getElementType());
  auto target = cast<MemRefType>(y.getType());
  if (bytesOf(target.getElementType()) != bytesOf(type.getElementType()) ||
      staticFactor(type, first) % length != 0)
    length = 1;

  std::optional<int64_t> count = getConstantIntValue(columns);
  int64_t bytes = bytesOf(type.getElementType());
  bool isShort = count && *count * bytes <= kWarpRowBytes;
  warps = isShort ? 1 : kRowThreads / kWarpLanes;
  int64_t rowsOfBlock = kRowThreads / kWarpLanes / warps;
  thread = k.rem(lane.thread, warps * kWarpLanes);
  row = k.add(k.mul(k.blockX(), k.i32(rowsOfBlock)), k.div(lane.warp, warps));
  exists = k.lessThan(row, rows);
  // Warps past the last row do it again, so that all reach the barriers.
  row = k.min(row, k.sub(rows, k.i32(1)));
  if (warps > 1)
    scratch = arena.allocate(kRowThreads / kWarpLanes * 4);
  auto atRow = [&](Value buffer) {
    GlobalTensor tensor = k.tensor(buffer);
    Value offset = k.mul(k.widen(row), k.widen(columns));
    return KernelBuffer{
        k.advance(tensor.pointer,
                  k.mul(offset, k.i64(bytesOf(tensor.element)))),
        tensor.element,
        {},
        {}};
  };
  this->x = atRow(x);
  this->y = y == x ? this->x : atRow(y);

  int64_t step = warps * kWarpLanes * length;
  if (!count || llvm::divideCeil(*count, step) * length > kMostKept)
    return;
  for (int64_t start = 0; start < *count; start += step) {
    Value column = k.add(k.mul(thread, k.i32(length)), k.i32(start));
    keptColumns.push_back(column);
    if (start + step <= *count) {
      kept.push_back(load(column));
      continue;
    }
    Values zeros(length, k.f32(0));
    kept.push_back(k.ifElse(k.lessThan(column, columns), zeros,
                            [&] { return load(column); }));
  }
}

Values RowKernel::load(Value column) {
  return loadVector(k, x.address(k, column), x.element, length);
}

Values RowKernel::visit(Values carried, Body body) {
  int64_t step = warps * kWarpLanes * length;
  for (auto [values, column] : llvm::zip(kept, keptColumns)) {
    int64_t start = &values - kept.data();
    if ((start + 1) * step <= *getConstantIntValue(columns)) {
      carried = body(values, column, carried);
      continue;
    }
    Value inside = k.lessThan(column, columns);
    const Values &vector = values;
    Value at = column;
    if (carried.empty())
      k.ifThen(inside, [&] { body(vector, at, carried); });
    else
      carried =
          k.ifElse(inside, carried, [&] { return body(vector, at, carried); });
  }
  if (!kept.empty())
    return carried;
  Value first = k.mul(thread, k.i32(length));
  return k.forLoop(
      k.i32(0), columns, step, carried,
      [&](Value base, ValueRange inner) -> Values {
        Value column = k.add(base, first);
        Value inside = k.lessThan(column, columns);
        if (inner.empty()) {
          k.ifThen(inside, [&] { body(load(column), column, inner); });
          return {};
        }
        return k.ifElse(inside, inner,
                        [&] { return body(load(column), column, inner); });
      });
}

Value RowKernel::reduce(double start, Combine combine,
                        llvm::function_ref<Value(Value)> f) {
  // A sum for each element of a vector: adds do not wait for each other.
  Values sums(length, k.f32(start));
  sums = visit(sums, [&](const Values &x, Value, ValueRange carried) {
    Values next = carried;
    for (auto [sum, value] : llvm::zip(next, x))
      sum = combine(sum, f(value));
    return next;
  });
  Value total = sums[0];
  for (Value sum : ArrayRef(sums).drop_front())
    total = combine(total, sum);
  return reduceWarps(k, lane, warps, scratch, total, combine);
}

void RowKernel::map(llvm::function_ref<Values(const Values &, Value)> f) {
  k.ifThen(exists, [&] {
    visit({}, [&](const Values &x, Value column, ValueRange) -> Values {
      storeVector(k, f(x, column), y.address(k, column), y.element);
      return {};
    });
  });
}

void RowKernel::finish() {
  auto type = cast<MemRefType>(xHost.getType());
  OpBuilder &host = k.host;
  Value count = getValueOrCreateConstantIndexOp(
      host, k.loc,
      sizeOf(host, k.loc, xHost, dimsOf(0, type.getRank() - columnDims)));
  Value size = arith::ConstantIndexOp::create(host, k.loc,
                                              kRowThreads / kWarpLanes / warps);
  Value blocks = host.createOrFold<arith::CeilDivUIOp>(k.loc, count, size);
  OpFoldResult one = host.getIndexAttr(1);
  k.finish({blocks, one, one}, arena.bytes());
}

} // namespace heed::cuda
