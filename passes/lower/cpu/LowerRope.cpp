// LowerRope.cpp - attn.rope on memrefs -> one parallel loop over its rows.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   y[a] = x[a]·cos[a] − x[b]·sin[a],  y[b] = x[b]·cos[b] + x[a]·sin[b]
//
// A row is what lies along the rotated dimension. Where that is contiguous, a
// vector of pairs is loaded, turned and stored at a time; interleaved pairs are
// taken apart in registers. Both elements of a pair are read before either is
// written, so that x and init may be one buffer.
#include "passes/lower/cpu/LowerRope.h"
#include "passes/lower/cpu/Passes.h"
#include "passes/lower/cpu/TargetDescriptor.h"
#include "passes/lower/cpu/VectorLoop.h"

#include "dialect/rope/RopeOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERROPE
#include "passes/lower/cpu/Passes.h.inc"

std::string whyNotLowerable(attn::RopeOp op) {
  for (Value value : {op.getX(), op.getCos(), op.getSin()})
    if (Type element = getElementTypeOrSelf(value.getType()); !element.isF32())
      return llvm::formatv("expected f32 elements, got {0}", element).str();
  auto type = cast<ShapedType>(op.getX().getType());
  int64_t dimension = op.getDimension(), last = type.getRank() - 1;
  if (dimension != last)
    return llvm::formatv("expected pairs along the last dimension, {0}, got "
                         "them along {1}",
                         last, dimension)
        .str();
  return "";
}

namespace {
class RopeKernel {
public:
  RopeKernel(attn::RopeOp op, unsigned vectorBytes)
      : op(op), loc(op.getLoc()),
        element(getElementTypeOrSelf(op.getX().getType())),
        dimension(op.getDimension()), pairs(op.getPairs()),
        interleaved(op.getInterleaved()) {
    auto isVector = [&](Value buffer, int64_t dim) {
      return isContiguousInLastDim(buffer) &&
             dim + 1 == cast<MemRefType>(buffer.getType()).getRank();
    };
    if (isVector(op.getX(), dimension) && isVector(op.getInit(), dimension) &&
        isVector(op.getCos(), op.getTableDim(op.getCosDimensions())) &&
        isVector(op.getSin(), op.getTableDim(op.getSinDimensions())))
      lanes = vectorBytes * 8 / element.getIntOrFloatBitWidth();
  }

  void build(OpBuilder &b) {
    auto type = cast<MemRefType>(op.getX().getType());
    Values sizes;
    SmallVector<int64_t> known;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (dim != dimension) {
        sizes.push_back(b.createOrFold<memref::DimOp>(loc, op.getX(), dim));
        known.push_back(type.getDimSize(dim));
      }
    if (!isInnerSerial(known))
      return buildParallel(b, loc, sizes, [&](OpBuilder &b, ValueRange outer) {
        buildRow(b, outer);
      });
    buildParallel(
        b, loc, ValueRange(sizes).drop_back(),
        [&](OpBuilder &b, ValueRange outer) {
          buildNest(b, loc, sizes.back(), {},
                    [&](OpBuilder &b, ValueRange inner, ValueRange) -> Values {
                      Values all = llvm::to_vector(outer);
                      llvm::append_range(all, inner);
                      buildRow(b, all);
                      return {};
                    });
        });
  }

private:
  /// The innermost outer dim is a loop in each parallel step, so that a flat
  /// index is not divided for every row: where it is short (heads, which share
  /// their tables) or where the others are many.
  static bool isInnerSerial(ArrayRef<int64_t> outer) {
    if (outer.size() < 2)
      return false;
    int64_t others = 1;
    for (int64_t size : outer.drop_back())
      others *= ShapedType::isDynamic(size) ? 1 : size;
    bool isShort = !ShapedType::isDynamic(outer.back()) && outer.back() <= 64;
    return isShort || others >= 16;
  }

  VectorType vectorOf(unsigned count) {
    return VectorType::get({int64_t(count)}, element);
  }

  /// x's indices with `at` along the rotated dimension.
  Values indices(ValueRange outer, Value at) {
    Values all = llvm::to_vector(outer);
    all.insert(all.begin() + dimension, at);
    return all;
  }
  /// Those of a table.
  Values tableIndices(ValueRange outer, Value at, ArrayRef<int64_t> over) {
    Values all = indices(outer, at), result;
    for (int64_t dim : over)
      result.push_back(all[dim]);
    return result;
  }

  /// The elements a and b of the pairs from `pair` on.
  struct Pair {
    Value a, b;
  };
  using IndicesAt = llvm::function_ref<Values(Value at)>;

  Value shifted(OpBuilder &b, Value index, int64_t by) {
    return b.createOrFold<arith::AddIOp>(loc, index, buildIndex(b, loc, by));
  }
  Value doubled(OpBuilder &b, Value index) {
    return b.createOrFold<arith::MulIOp>(loc, index, buildIndex(b, loc, 2));
  }
  /// A mask of the elements of interleaved pairs.
  Value wideMask(OpBuilder &b, Value pair) {
    Value rest = arith::SubIOp::create(b, loc, buildIndex(b, loc, 2 * pairs),
                                       doubled(b, pair));
    return vector::CreateMaskOp::create(
        b, loc, VectorType::get({2 * int64_t(lanes)}, b.getI1Type()), rest);
  }

  Pair load(OpBuilder &b, Value buffer, Value pair, Value mask, IndicesAt at) {
    if (lanes == 0) {
      Value first = interleaved ? doubled(b, pair) : pair;
      Value second = shifted(b, first, interleaved ? 1 : pairs);
      return {memref::LoadOp::create(b, loc, buffer, at(first)),
              memref::LoadOp::create(b, loc, buffer, at(second))};
    }
    if (!interleaved)
      return {buildLoad(b, loc, vectorOf(lanes), buffer, at(pair), mask),
              buildLoad(b, loc, vectorOf(lanes), buffer,
                        at(shifted(b, pair, pairs)), mask)};
    Value both =
        buildLoad(b, loc, vectorOf(2 * lanes), buffer, at(doubled(b, pair)),
                  mask ? wideMask(b, pair) : Value());
    auto apart = vector::DeinterleaveOp::create(b, loc, both);
    return {apart.getRes1(), apart.getRes2()};
  }

  /// One number for each pair is that of both elements.
  Pair loadTable(OpBuilder &b, Value buffer, ArrayRef<int64_t> over,
                 ValueRange outer, Value pair, Value mask) {
    auto at = [&](Value index) { return tableIndices(outer, index, over); };
    int64_t size =
        cast<MemRefType>(buffer.getType()).getDimSize(op.getTableDim(over));
    if (size != pairs)
      return load(b, buffer, pair, mask, at);
    Value value =
        lanes == 0 ? Value(memref::LoadOp::create(b, loc, buffer, at(pair)))
                   : buildLoad(b, loc, vectorOf(lanes), buffer, at(pair), mask);
    return {value, value};
  }

  void store(OpBuilder &b, Pair value, Value pair, Value mask, IndicesAt at) {
    Value init = op.getInit();
    if (lanes == 0) {
      Value first = interleaved ? doubled(b, pair) : pair;
      Value second = shifted(b, first, interleaved ? 1 : pairs);
      memref::StoreOp::create(b, loc, value.a, init, at(first));
      memref::StoreOp::create(b, loc, value.b, init, at(second));
    } else if (!interleaved) {
      buildStore(b, loc, value.a, init, at(pair), mask);
      buildStore(b, loc, value.b, init, at(shifted(b, pair, pairs)), mask);
    } else {
      Value both = vector::InterleaveOp::create(b, loc, value.a, value.b);
      buildStore(b, loc, both, init, at(doubled(b, pair)),
                 mask ? wideMask(b, pair) : Value());
    }
  }

  void turn(OpBuilder &b, ValueRange outer, Value pair, Value mask) {
    auto at = [&](Value index) { return indices(outer, index); };
    Pair x = load(b, op.getX(), pair, mask, at);
    Pair cos =
        loadTable(b, op.getCos(), op.getCosDimensions(), outer, pair, mask);
    Pair sin =
        loadTable(b, op.getSin(), op.getSinDimensions(), outer, pair, mask);
    auto contract = arith::FastMathFlags::contract;
    auto times = [&](Value left, Value right) -> Value {
      return arith::MulFOp::create(b, loc, left, right, contract);
    };
    Value straight = times(x.a, cos.a), cross = times(x.b, sin.a);
    Value first = arith::SubFOp::create(b, loc, straight, cross, contract);
    straight = times(x.b, cos.b), cross = times(x.a, sin.b);
    Value second = arith::AddFOp::create(b, loc, straight, cross, contract);
    store(b, {first, second}, pair, mask, at);
  }

  void buildRow(OpBuilder &b, ValueRange outer) {
    Value count = buildIndex(b, loc, pairs);
    if (lanes == 0)
      buildFor(b, loc, buildIndex(b, loc, 0), count, 1, {},
               [&](OpBuilder &b, Value pair, ValueRange) -> Values {
                 turn(b, outer, pair, {});
                 return {};
               });
    else
      buildVectorLoop(b, loc, count, lanes, 1, {},
                      [&](OpBuilder &b, Value pair, Value mask, unsigned,
                          ValueRange) -> Values {
                        turn(b, outer, pair, mask);
                        return {};
                      });
    int64_t rest =
        cast<MemRefType>(op.getX().getType()).getDimSize(dimension) - 2 * pairs;
    if (rest == 0 || op.getInit() == op.getX())
      return;
    if (lanes == 0) {
      buildFor(b, loc, buildIndex(b, loc, 2 * pairs),
               buildIndex(b, loc, 2 * pairs + rest), 1, {},
               [&](OpBuilder &b, Value at, ValueRange) -> Values {
                 Values all = indices(outer, at);
                 Value value = memref::LoadOp::create(b, loc, op.getX(), all);
                 memref::StoreOp::create(b, loc, value, op.getInit(), all);
                 return {};
               });
      return;
    }
    buildVectorLoop(b, loc, buildIndex(b, loc, rest), lanes, 1, {},
                    [&](OpBuilder &b, Value at, Value mask, unsigned,
                        ValueRange) -> Values {
                      Values all = indices(outer, shifted(b, at, 2 * pairs));
                      Value value = buildLoad(b, loc, vectorOf(lanes),
                                              op.getX(), all, mask);
                      buildStore(b, loc, value, op.getInit(), all, mask);
                      return {};
                    });
  }

  attn::RopeOp op;
  Location loc;
  Type element;
  int64_t dimension, pairs;
  bool interleaved;
  unsigned lanes = 0; // of a vector; 0: scalars
};

struct LowerRope : impl::LowerRopeBase<LowerRope> {
  using LowerRopeBase::LowerRopeBase;
  void runOnOperation() override {
    std::optional<TargetDescriptor> target =
        requireTargetDescriptor(getOperation(), mcpu);
    if (!target)
      return signalPassFailure();
    SmallVector<attn::RopeOp> ropes;
    getOperation().walk([&](attn::RopeOp rope) {
      if (isa<MemRefType>(rope.getX().getType()))
        ropes.push_back(rope);
    });
    OpBuilder b(&getContext());
    for (attn::RopeOp rope : ropes) {
      remark::analysis(rope.getLoc(),
                       remark::RemarkOpts::name("rope").category("heed-lower"))
          << remark::metric("schedule", "kernel");
      b.setInsertionPoint(rope);
      RopeKernel(rope, target->vectorBytes).build(b);
      rope.erase();
    }
  }
};
} // namespace
} // namespace heed::lower
