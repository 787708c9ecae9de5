// BlockLinalg.cpp - a linalg op on buffers, by a number of threads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/kernel/BlockLinalg.h"
#include "passes/lower/gpu/kernel/BlockReduce.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <limits>

using namespace mlir;

namespace heed::cuda {
namespace {

/// Reductions from here on are worth a warp.
constexpr int64_t kWarpReduction = 32;

/// The op that joins partial results, null if that is not one that is known.
Operation *findCombiner(linalg::LinalgOp op) {
  SmallVector<Operation *> combiners;
  if (!matchReduction(op.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1)
    return nullptr;
  Operation *combiner = combiners[0];
  return isa<arith::AddFOp, arith::MaximumFOp, arith::MaxNumFOp,
             arith::MinimumFOp, arith::MinNumFOp>(combiner)
             ? combiner
             : nullptr;
}

double neutralOf(Operation *combiner) {
  double inf = std::numeric_limits<double>::infinity();
  if (isa<arith::AddFOp>(combiner))
    return 0;
  return isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner) ? -inf : inf;
}

struct LinalgKernel {
  KernelBuilder &k;
  linalg::LinalgOp op;
  const Workers &workers;
  const LinalgScope &scope;
  SmallVector<std::optional<KernelBuffer>> buffers; // an operand; none: scalar
  Values sizes;                                     // of loops, i32
  SmallVector<unsigned> parallel, reduction;        // loops
  bool readsInit;

  LinalgKernel(KernelBuilder &k, linalg::LinalgOp op, const Workers &workers,
               const LinalgScope &scope)
      : k(k), op(op), workers(workers), scope(scope), sizes(op.getNumLoops()) {
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType())) {
        buffers.emplace_back();
        continue;
      }
      buffers.push_back(scope.buffer(operand.get()));
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [dim, expr] : llvm::enumerate(map.getResults()))
        if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
          Value &size = sizes[loop.getPosition()];
          if (!size || !getConstantIntValue(size))
            size = buffers.back()->sizes[dim];
        }
    }
    auto iterators = op.getIteratorTypesArray();
    for (auto [loop, iterator] : llvm::enumerate(iterators)) {
      // Loops of one step are no loops: their index is 0.
      if (loop == scope.fixedLoop || getConstantIntValue(sizes[loop]) == 1)
        continue;
      bool isReduction = iterator == utils::IteratorType::reduction;
      (isReduction ? reduction : parallel).push_back(loop);
    }
    readsInit = op.payloadUsesValueFromOperand(op.getDpsInitOperand(0));
  }

  /// i32.
  Value evaluate(AffineExpr expr, ArrayRef<Value> loops) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return loops[dim.getPosition()];
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return k.i32(constant.getValue());
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Value lhs = evaluate(binary.getLHS(), loops);
    Value rhs = evaluate(binary.getRHS(), loops);
    if (expr.getKind() == AffineExprKind::Add)
      return k.add(lhs, rhs);
    if (expr.getKind() == AffineExprKind::Mul)
      return k.mul(lhs, rhs);
    // whyNotBuildable: by a constant.
    int64_t divisor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
    return expr.getKind() == AffineExprKind::Mod ? k.rem(lhs, divisor)
                                                 : k.div(lhs, divisor);
  }

  Value address(OpOperand &operand, ArrayRef<Value> loops) {
    Values indices;
    for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
      indices.push_back(evaluate(expr, loops));
    return buffers[operand.getOperandNumber()]->address(k, indices);
  }

  /// The body at `loops`; `old` is the init's element, null if it is not read.
  Value compute(ArrayRef<Value> loops, Value old) {
    Values args;
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto &buffer = buffers[input->getOperandNumber()];
      args.push_back(
          buffer ? loadElement(k, address(*input, loops), buffer->element)
                 : scope.scalar(input->get()));
    }
    Type type = computeType(buffers.back()->element);
    args.push_back(old ? old : LLVM::PoisonOp::create(k.b, k.loc, type));
    auto index = [&](unsigned loop) -> Value {
      return arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(),
                                        loops[loop]);
    };
    return buildScalarBody(k, *op.getBlock(), args, {scope.scalar, index});
  }

  /// The loops of the element `flat` of the result.
  Values loopsOf(Value flat) {
    Values loops(op.getNumLoops(), k.i32(0));
    if (scope.fixedLoop)
      loops[*scope.fixedLoop] = scope.fixedIndex;
    for (unsigned at = parallel.size(); at-- > 0;) {
      Value size = sizes[parallel[at]];
      if (at == 0) {
        loops[parallel[at]] = flat;
        break;
      }
      loops[parallel[at]] = k.b.createOrFold<arith::RemUIOp>(k.loc, flat, size);
      flat = k.b.createOrFold<arith::DivUIOp>(k.loc, flat, size);
    }
    return loops;
  }

  /// The reduction from `start` on; `by` lanes go through the innermost loop
  /// together, of which this is `lane`.
  Value reduce(Values loops, unsigned depth, Value start, Value lane) {
    if (depth == reduction.size())
      return compute(loops, start);
    unsigned loop = reduction[depth];
    Value size = sizes[loop];
    bool isShared = lane && depth + 1 == reduction.size();
    return k.forLoop(
        k.i32(0), size, isShared ? kWarpLanes : 1, start,
        [&](Value index, ValueRange carried) -> Values {
          Values inner = loops;
          inner[loop] = isShared ? k.add(index, lane) : index;
          if (!isShared)
            return {reduce(inner, depth + 1, carried[0], lane)};
          return k.ifElse(k.lessThan(inner[loop], size), carried,
                          [&]() -> Values {
                            return {reduce(inner, depth + 1, carried[0], lane)};
                          });
        })[0];
  }

  Value outputAddress(ArrayRef<Value> loops) {
    return address(*op.getDpsInitOperand(0), loops);
  }
  Type outputElement() { return buffers.back()->element; }

  void computeByThread(Value flat) {
    Values loops = loopsOf(flat);
    Value target = outputAddress(loops);
    Value old;
    if (readsInit)
      old = loadElement(k, target, outputElement());
    Value value = reduction.empty() ? compute(loops, old)
                                    : reduce(loops, 0, old, Value());
    storeElement(k, value, target, outputElement());
  }

  void computeByWarp(Value flat, Value lane, Operation *combiner) {
    Values loops = loopsOf(flat);
    Value target = outputAddress(loops);
    Value partial = reduce(loops, 0, k.f32(neutralOf(combiner)), lane);
    auto combine = [&](Value x, Value y) {
      Operation *joined = k.b.clone(*combiner);
      joined->setOperands({x, y});
      joined->getResult(0).setType(k.b.getF32Type());
      return joined->getResult(0);
    };
    Value total = reduceWarp(k, partial, combine);
    k.ifThen(k.lessThan(lane, k.i32(1)), [&] {
      Value old = loadElement(k, target, outputElement());
      storeElement(k, combine(old, total), target, outputElement());
    });
  }

  /// Whether lanes that go through the innermost reduction together read
  /// neighbours, of the largest input.
  bool isWorthWarps() {
    if (workers.oneEach || reduction.empty() || !findCombiner(op) ||
        !isa<FloatType>(outputElement()))
      return false;
    std::optional<int64_t> length =
        getConstantIntValue(sizes[reduction.back()]);
    if (length && *length < kWarpReduction)
      return false;
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto &buffer = buffers[input->getOperandNumber()];
      if (!buffer || buffer->strides.empty())
        continue;
      AffineMap map = op.getMatchingIndexingMap(input);
      for (auto [expr, stride] : llvm::zip(map.getResults(), buffer->strides))
        if (expr.isFunctionOfDim(reduction.back()) &&
            getConstantIntValue(stride) != 1)
          return false;
    }
    return true;
  }

  void build() {
    Value count = k.i32(1);
    for (unsigned loop : parallel)
      count = k.mul(count, sizes[loop]);
    if (workers.oneEach)
      return k.ifThen(k.lessThan(workers.index, count),
                      [&] { computeByThread(workers.index); });
    // Bounds are the same for all threads, so that warps stay together.
    bool byWarps = isWorthWarps();
    int64_t step = byWarps ? workers.count / kWarpLanes : workers.count;
    Value first = byWarps ? k.div(workers.index, kWarpLanes) : workers.index;
    k.forLoop(k.i32(0), count, step, {}, [&](Value base, ValueRange) -> Values {
      Value flat = k.add(base, first);
      k.ifThen(k.lessThan(flat, count), [&] {
        if (byWarps)
          computeByWarp(flat, k.rem(workers.index, kWarpLanes),
                        findCombiner(op));
        else
          computeByThread(flat);
      });
      return {};
    });
  }
};

/// Whether only divisions by constants are in it.
bool isEvaluable(AffineExpr expr) {
  bool isKnown = true;
  expr.walk([&](AffineExpr inner) {
    if (isa<AffineSymbolExpr>(inner))
      isKnown = false;
    auto binary = dyn_cast<AffineBinaryOpExpr>(inner);
    if (!binary)
      return;
    bool isProduct = inner.getKind() == AffineExprKind::Add ||
                     inner.getKind() == AffineExprKind::Mul;
    isKnown &= isProduct || (inner.getKind() != AffineExprKind::CeilDiv &&
                             isa<AffineConstantExpr>(binary.getRHS()));
  });
  return isKnown;
}

} // namespace

std::string whyNotBuildable(linalg::LinalgOp op) {
  if (op.getNumDpsInits() != 1)
    return "expected one result";
  for (OpOperand &operand : op->getOpOperands()) {
    Type type = operand.get().getType();
    if (!isComputable(getElementTypeOrSelf(type)))
      return "expected elements of up to 32 bits, or integers";
    if (operand.get() == op.getDpsInits()[0] && !isa<MemRefType>(type))
      return "expected buffers";
    for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
      if (!isEvaluable(expr))
        return "expected sums and products of indices";
  }
  // Each loop has a size that an operand names.
  llvm::SmallBitVector named(op.getNumLoops());
  for (AffineMap map : op.getIndexingMapsArray())
    for (AffineExpr expr : map.getResults())
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        named.set(loop.getPosition());
  if (!named.all())
    return "expected each loop to be an index of an operand";
  if (op.getNumReductionLoops() > 0 &&
      !op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return "expected a reduction that adds to its result";
  if (Operation *unknown = findUnknownScalar(*op.getBlock()))
    return "expected arithmetic of scalars, got " +
           unknown->getName().getStringRef().str();
  return "";
}

void buildLinalg(KernelBuilder &k, linalg::LinalgOp op, const Workers &workers,
                 const LinalgScope &scope) {
  LinalgKernel(k, op, workers, scope).build();
}

void buildCopy(KernelBuilder &k, const KernelBuffer &source,
               const KernelBuffer &target, const Workers &workers,
               Value fixedIndex) {
  unsigned from = fixedIndex ? 1 : 0;
  Value count = k.i32(1);
  for (Value size : ArrayRef(source.sizes).drop_front(from))
    count = k.mul(count, size);
  k.forLoop(k.i32(0), count, workers.count, {},
            [&](Value base, ValueRange) -> Values {
              Value flat = k.add(base, workers.index);
              k.ifThen(k.lessThan(flat, count), [&] {
                Values indices(source.sizes.size());
                Value rest = flat;
                for (unsigned dim = source.sizes.size(); dim-- > from;) {
                  Value size = source.sizes[dim];
                  indices[dim] =
                      dim == from
                          ? rest
                          : k.b.createOrFold<arith::RemUIOp>(k.loc, rest, size);
                  rest = k.b.createOrFold<arith::DivUIOp>(k.loc, rest, size);
                }
                if (fixedIndex)
                  indices[0] = fixedIndex;
                target.store(k, source.load(k, indices), indices);
              });
              return {};
            });
}

void buildSoftmax(KernelBuilder &k, const KernelBuffer &source,
                  const KernelBuffer &target, unsigned dim,
                  const Workers &workers, Value fixedIndex) {
  constexpr double kLog2E = 1.4426950408889634;
  Value lane = k.rem(workers.index, kWarpLanes);
  Value warp = k.div(workers.index, kWarpLanes);
  Value lines = k.i32(1), size = source.sizes[dim];
  auto isLine = [&](unsigned each) {
    return each != dim && !(fixedIndex && each == 0);
  };
  for (auto [each, extent] : llvm::enumerate(source.sizes))
    if (isLine(each))
      lines = k.mul(lines, extent);
  auto body = [&](Value line) {
    Values indices(source.sizes.size(), fixedIndex);
    for (unsigned each = indices.size(); each-- > 0;) {
      if (!isLine(each))
        continue;
      Value extent = source.sizes[each];
      indices[each] = k.b.createOrFold<arith::RemUIOp>(k.loc, line, extent);
      line = k.b.createOrFold<arith::DivUIOp>(k.loc, line, extent);
    }
    // f of each element, lanes in turn; joined where there is a start.
    auto visit = [&](ValueRange start, auto f) {
      return k.forLoop(k.i32(0), size, kWarpLanes, start,
                       [&](Value base, ValueRange carried) -> Values {
                         indices[dim] = k.add(base, lane);
                         Value inside = k.lessThan(indices[dim], size);
                         auto element = [&] { return source.load(k, indices); };
                         if (carried.empty()) {
                           k.ifThen(inside, [&] { f(element(), Value()); });
                           return {};
                         }
                         return k.ifElse(inside, carried, [&]() -> Values {
                           return {f(element(), carried[0])};
                         });
                       });
    };
    auto max = [&](Value x, Value y) -> Value {
      return arith::MaximumFOp::create(k.b, k.loc, x, y);
    };
    auto add = [&](Value x, Value y) -> Value {
      return arith::AddFOp::create(k.b, k.loc, x, y);
    };
    Value least = k.f32(-std::numeric_limits<double>::infinity());
    Value most = reduceWarp(k, visit(least, max)[0], max);
    auto power = [&](Value x) -> Value {
      Value shifted = arith::SubFOp::create(k.b, k.loc, x, most);
      return math::Exp2Op::create(
          k.b, k.loc, arith::MulFOp::create(k.b, k.loc, shifted, k.f32(kLog2E)),
          arith::FastMathFlags::afn);
    };
    auto addPower = [&](Value x, Value sum) { return add(power(x), sum); };
    Value sum = reduceWarp(k, visit(k.f32(0), addPower)[0], add);
    visit({}, [&](Value x, Value) -> Value {
      Value y = arith::DivFOp::create(k.b, k.loc, power(x), sum);
      target.store(k, y, indices);
      return y;
    });
  };
  k.forLoop(k.i32(0), lines, workers.count / kWarpLanes, {},
            [&](Value base, ValueRange) -> Values {
              Value line = k.add(base, warp);
              k.ifThen(k.lessThan(line, lines), [&] { body(line); });
              return {};
            });
}

} // namespace heed::cuda
