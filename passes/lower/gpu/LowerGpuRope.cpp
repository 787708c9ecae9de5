// LowerGpuRope.cpp - attn.rope on memrefs -> a kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread turns the pairs of V neighbouring k:
//
//   half-split    x[k …], x[k + R/2 …]           two vectors
//   interleaved   x[2k …]                        two vectors, one after the other
//
// V is the vector of 16 bytes where the dim is contiguous and vectors of pairs
// lie at multiples of 16 bytes, else 1. What is not rotated is copied.
#include "passes/lower/gpu/Passes.h"
#include "passes/lower/gpu/kernel/BlockReduce.h"
#include "passes/lower/gpu/kernel/KernelBuffer.h"
#include "passes/lower/gpu/kernel/VectorAccess.h"

#include "dialect/rope/RopeOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using heed::attn::RopeOp;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPUROPE
#include "passes/lower/gpu/Passes.h.inc"

namespace {
using cuda::KernelBuffer;
using cuda::KernelBuilder;
using cuda::Values;

constexpr int64_t kThreads = 256;

std::string whyNot(RopeOp op) {
  for (Value buffer : {op.getX(), op.getCos(), op.getSin(), op.getInit()}) {
    auto type = cast<MemRefType>(buffer.getType());
    if (!cuda::isComputable(type.getElementType()))
      return "elements: expected f32, f16 or bf16";
  }
  return "";
}

struct RopeKernel {
  KernelBuilder &k;
  RopeOp op;
  int64_t dim = op.getDimension(), pairs = op.getPairs();
  int64_t size =
      cast<MemRefType>(op.getX().getType()).getDimSize(op.getDimension());
  KernelBuffer x, y, cos, sin;
  int64_t length = findLength();

  RopeKernel(KernelBuilder &k, RopeOp op)
      : k(k), op(op), x(cuda::globalBuffer(k, op.getX())),
        y(op.getInit() == op.getX() ? x : cuda::globalBuffer(k, op.getInit())),
        cos(cuda::globalBuffer(k, op.getCos())),
        sin(cuda::globalBuffer(k, op.getSin())) {}

  /// Whether vectors along the dim lie at multiples of 16 bytes.
  static bool isAligned(Value buffer, int64_t dim, int64_t length) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        strides[dim] != 1 || !cuda::startsAligned(type) ||
        cuda::vectorLength(type.getElementType()) != length)
      return false;
    bool isContiguous = type.getLayout().isIdentity();
    for (int64_t other = 0; other < type.getRank(); ++other)
      if (other != dim && (ShapedType::isDynamic(strides[other])
                               ? !isContiguous
                               : strides[other] % length != 0))
        return false;
    // Dynamic strides of a contiguous buffer are multiples of its last size.
    return dim + 1 < type.getRank() || !isContiguous ||
           type.getDimSize(dim) % length == 0;
  }

  int64_t findLength() {
    int64_t vector = cuda::vectorLength(x.element);
    bool holds =
        pairs % vector == 0 && (size - 2 * pairs) % vector == 0 &&
        isAligned(op.getX(), dim, vector) &&
        isAligned(op.getInit(), dim, vector) &&
        isAligned(op.getCos(), op.getTableDim(op.getCosDimensions()), vector) &&
        isAligned(op.getSin(), op.getTableDim(op.getSinDimensions()), vector);
    return holds ? vector : 1;
  }

  /// Elements of `buffer` at `first` and at the thread's second vector; `over`
  /// names its dims, `loops` are the indices of x's.
  Value address(const KernelBuffer &buffer, ArrayRef<int64_t> over,
                ArrayRef<Value> loops, Value at) {
    Values indices;
    for (int64_t each : over)
      indices.push_back(each == dim ? at : loops[each]);
    return buffer.address(k, indices);
  }

  Values load(const KernelBuffer &buffer, ArrayRef<int64_t> over,
              ArrayRef<Value> loops, Value at) {
    return cuda::loadVector(k, address(buffer, over, loops, at), buffer.element,
                            length);
  }

  /// Firsts and seconds of the pairs from k on.
  std::pair<Values, Values> loadPairs(const KernelBuffer &buffer,
                                      ArrayRef<int64_t> over,
                                      ArrayRef<Value> loops, Value at) {
    auto [first, second] = starts(at);
    Values a = load(buffer, over, loops, first);
    Values b = load(buffer, over, loops, second);
    if (!op.getInterleaved() || length == 1)
      return {a, b};
    llvm::append_range(a, b);
    Values firsts, seconds;
    for (size_t i = 0; i < a.size(); i += 2) {
      firsts.push_back(a[i]);
      seconds.push_back(a[i + 1]);
    }
    return {firsts, seconds};
  }

  /// Where the two vectors of pairs k … begin.
  std::pair<Value, Value> starts(Value at) {
    if (!op.getInterleaved())
      return {at, k.add(at, k.i32(pairs))};
    Value first = k.mul(at, k.i32(2));
    return {first, k.add(first, k.i32(length))};
  }

  /// The numbers of a table for the firsts and the seconds of pairs.
  std::pair<Values, Values> loadTable(const KernelBuffer &buffer,
                                      ArrayRef<int64_t> over,
                                      ArrayRef<Value> loops, Value at) {
    int64_t tableDim = op.getTableDim(over);
    if (getConstantIntValue(buffer.sizes[tableDim]) != pairs)
      return loadPairs(buffer, over, loops, at);
    Values both = load(buffer, over, loops, at);
    return {both, both};
  }

  Value product(Value a, Value b, Value c, Value d, bool isSum) {
    Value first = arith::MulFOp::create(k.b, k.loc, a, b);
    Value second = arith::MulFOp::create(k.b, k.loc, c, d);
    if (isSum)
      return arith::AddFOp::create(k.b, k.loc, first, second);
    return arith::SubFOp::create(k.b, k.loc, first, second);
  }

  void turn(ArrayRef<int64_t> all, ArrayRef<Value> loops, Value at) {
    auto [a, b] = loadPairs(x, all, loops, at);
    auto [cosA, cosB] = loadTable(cos, op.getCosDimensions(), loops, at);
    auto [sinA, sinB] = loadTable(sin, op.getSinDimensions(), loops, at);
    Values firsts, seconds;
    for (int64_t i = 0; i < length; ++i) {
      firsts.push_back(product(a[i], cosA[i], b[i], sinA[i], false));
      seconds.push_back(product(b[i], cosB[i], a[i], sinB[i], true));
    }
    if (op.getInterleaved() && length > 1) {
      Values whole;
      for (int64_t i = 0; i < length; ++i)
        whole.append({firsts[i], seconds[i]});
      firsts.assign(whole.begin(), whole.begin() + length);
      seconds.assign(whole.begin() + length, whole.end());
    }
    auto [first, second] = starts(at);
    cuda::storeVector(k, firsts, address(y, all, loops, first), y.element);
    cuda::storeVector(k, seconds, address(y, all, loops, second), y.element);
  }

  int64_t tasksOfLine() const { return (pairs + size - 2 * pairs) / length; }

  /// The lines' indices from `line`; 0 along the dim.
  Values loopsOf(Value line) {
    Values loops(x.sizes.size(), k.i32(0));
    for (int64_t each = x.sizes.size(); each-- > 0;) {
      if (each == dim)
        continue;
      loops[each] =
          k.b.createOrFold<arith::RemUIOp>(k.loc, line, x.sizes[each]);
      line = k.b.createOrFold<arith::DivUIOp>(k.loc, line, x.sizes[each]);
    }
    return loops;
  }

  void build() {
    Value thread = cuda::buildLane(k).thread;
    Value task = k.add(k.mul(k.blockX(), k.i32(kThreads)), thread);
    Value count = k.i32(tasksOfLine());
    for (auto [each, extent] : llvm::enumerate(x.sizes))
      if (static_cast<int64_t>(each) != dim)
        count = k.mul(count, extent);
    SmallVector<int64_t> all =
        llvm::to_vector(llvm::seq<int64_t>(0, x.sizes.size()));
    k.ifThen(k.lessThan(task, count), [&] {
      Values loops = loopsOf(k.div(task, tasksOfLine()));
      Value at = k.mul(k.rem(task, tasksOfLine()), k.i32(length));
      Value isPair = k.lessThan(at, k.i32(pairs));
      k.ifThen(isPair, [&] { turn(all, loops, at); });
      if (size == 2 * pairs || y.pointer == x.pointer)
        return;
      k.ifThen(k.lessThan(k.i32(pairs - 1), at), [&] {
        Value rest = k.add(at, k.i32(pairs));
        cuda::storeVector(k, load(x, all, loops, rest),
                          address(y, all, loops, rest), y.element);
      });
    });
  }
};

struct LowerGpuRope : impl::LowerGpuRopeBase<LowerGpuRope> {
  using LowerGpuRopeBase::LowerGpuRopeBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!cuda::requireChip(module, chip))
      return signalPassFailure();
    SmallVector<RopeOp> ops;
    module.walk([&](RopeOp op) {
      if (isa<MemRefType>(op.getX().getType()))
        ops.push_back(op);
    });
    for (RopeOp op : ops) {
      std::string why = whyNot(op);
      auto options = remark::RemarkOpts::name("rope").category("heed-lower");
      if (!why.empty()) {
        remark::analysis(op.getLoc(), options)
            << remark::metric("schedule", "no GPU kernel")
            << remark::reason("{0}", why)
            << remark::suggest("cast the tensors to f32 or f16");
        continue;
      }
      remark::analysis(op.getLoc(), options)
          << remark::metric("schedule", "a vector of pairs a thread");
      lower(op);
    }
  }

  void lower(RopeOp op) {
    OpBuilder host(op);
    Location loc = op.getLoc();
    gpu::GPUModuleOp kernels = cuda::getKernelModule(getOperation(), chip);
    KernelBuilder k(host, loc, kernels, cuda::nameKernel(kernels, "rope"),
                    kThreads);
    RopeKernel rope(k, op);
    rope.build();
    SmallVector<int64_t> lines;
    for (int64_t dim = 0; dim < cast<MemRefType>(op.getX().getType()).getRank();
         ++dim)
      if (dim != static_cast<int64_t>(op.getDimension()))
        lines.push_back(dim);
    Value count = getValueOrCreateConstantIndexOp(
        host, loc, cuda::sizeOf(host, loc, op.getX(), lines));
    count = host.createOrFold<arith::MulIOp>(
        loc, count,
        arith::ConstantIndexOp::create(host, loc, rope.tasksOfLine()));
    Value size = arith::ConstantIndexOp::create(host, loc, kThreads);
    Value blocks = host.createOrFold<arith::CeilDivUIOp>(loc, count, size);
    OpFoldResult one = host.getIndexAttr(1);
    k.finish({blocks, one, one}, 0);
    op.erase();
  }
};
} // namespace
} // namespace heed::lower
