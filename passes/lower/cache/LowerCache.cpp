// LowerCache.cpp - a cache that grows by concatenation becomes rows written
// into memory of a fixed capacity.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   @main(%past: tensor<1x8x?x64xf32>, …) -> %present
//     %present = tensor.concat dim(2) %past, %rows
// becomes, with n rows filled of the capacity that dim 2 is now,
//   @main(%cache: tensor<1x8x?x64xf32>, …, %past_length: tensor<i64>) -> %next
//     %next    = tensor.insert_slice %rows into %cache[0, 0, n, 0]
//     %present = tensor.extract_slice %next[0, 0, 0, 0] [1, 8, n + rows, 64]
//
// Bufferisation makes the first a store of the new rows, behind a copy of the
// cache that heed-lower-entry leaves out where the caller gives both the same
// memory; the second is a view. So a step moves its own rows only.
#include "passes/lower/cache/LowerCache.h"
#include "passes/lower/cache/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERCACHE
#include "passes/lower/cache/Passes.h.inc"

static Value skipCasts(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  return value;
}

/// The users of `value` and of its casts.
static SmallVector<Operation *> usersThroughCasts(Value value) {
  SmallVector<Operation *> users;
  for (Operation *user : value.getUsers()) {
    if (auto cast = dyn_cast<tensor::CastOp>(user))
      llvm::append_range(users, usersThroughCasts(cast.getResult()));
    else
      users.push_back(user);
  }
  return users;
}

std::optional<GrowingCache> findGrowingCache(func::FuncOp function,
                                             unsigned present, unsigned past,
                                             std::string &reason) {
  Block &body = function.getBody().front();
  Value argument = body.getArgument(past);
  auto concat = skipCasts(body.getTerminator()->getOperand(present))
                    .getDefiningOp<tensor::ConcatOp>();
  if (!concat || concat.getInputs().size() != 2 ||
      skipCasts(concat.getInputs()[0]) != argument) {
    reason = "expected the cache and its new rows, concatenated";
    return std::nullopt;
  }
  if (!cast<RankedTensorType>(argument.getType())
           .isDynamicDim(concat.getDim())) {
    reason = "expected a cache of any number of rows";
    return std::nullopt;
  }
  for (Operation *user : usersThroughCasts(argument))
    if (user != concat && !isa<tensor::DimOp>(user)) {
      reason = "expected no other reader of the cache than the concatenation";
      return std::nullopt;
    }
  return GrowingCache{present, past, concat};
}

namespace {
/// The number of the argument or result of this name.
std::optional<unsigned> findPort(unsigned count, StringRef name,
                                 llvm::function_ref<Attribute(unsigned)> get) {
  for (unsigned i = 0; i < count; ++i)
    if (auto string = dyn_cast_or_null<StringAttr>(get(i));
        string && string.getValue() == name)
      return i;
  return std::nullopt;
}

struct LowerCache : impl::LowerCacheBase<LowerCache> {
  using LowerCacheBase::LowerCacheBase;

  void runOnOperation() override {
    if (pairs.empty())
      return;
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() || !main.getBody().hasOneBlock()) {
      getOperation().emitError("expected a function @main of one block");
      return signalPassFailure();
    }
    SmallVector<GrowingCache> caches;
    for (StringRef pair : pairs) {
      std::optional<GrowingCache> cache = findPair(main, pair);
      if (!cache)
        return signalPassFailure();
      caches.push_back(*cache);
    }
    Value length = addLength(main);
    for (GrowingCache &cache : caches)
      lower(main, cache, length);
    main.setFunctionType(FunctionType::get(
        &getContext(), main.getBody().front().getArgumentTypes(),
        main.getBody().front().getTerminator()->getOperandTypes()));
  }

  std::optional<GrowingCache> findPair(func::FuncOp main, StringRef pair) {
    auto [output, input] = pair.split('=');
    auto present =
        findPort(main.getNumResults(), output, [&](unsigned i) -> Attribute {
          return main.getResultAttr(i, "attn.name");
        });
    auto past =
        findPort(main.getNumArguments(), input, [&](unsigned i) -> Attribute {
          return main.getArgAttr(i, "attn.name");
        });
    if (!present || !past) {
      main.emitError("cache '")
          << pair << "': expected the names of an output and an input";
      return std::nullopt;
    }
    std::string reason;
    std::optional<GrowingCache> cache =
        findGrowingCache(main, *present, *past, reason);
    if (!cache)
      main.emitError("cache '") << pair << "': " << reason;
    return cache;
  }

  /// n: a new argument, read where the function begins.
  Value addLength(func::FuncOp main) {
    OpBuilder b(&getContext());
    auto type = RankedTensorType::get({}, b.getI64Type());
    unsigned index = main.getNumArguments();
    (void)main.insertArgument(index, type,
                              b.getDictionaryAttr(b.getNamedAttr(
                                  "attn.name", b.getStringAttr("past_length"))),
                              main.getLoc());
    b.setInsertionPointToStart(&main.getBody().front());
    Value n = tensor::ExtractOp::create(b, main.getLoc(),
                                        main.getArgument(index), ValueRange());
    return arith::IndexCastOp::create(b, main.getLoc(), b.getIndexType(), n);
  }

  void lower(func::FuncOp main, GrowingCache &cache, Value length) {
    tensor::ConcatOp concat = cache.concat;
    Value argument = main.getArgument(cache.past);
    auto type = cast<RankedTensorType>(argument.getType());
    Location loc = concat.getLoc();
    // What asked for the size of the past means the rows that are filled.
    for (Operation *user : usersThroughCasts(argument))
      if (auto dim = dyn_cast<tensor::DimOp>(user);
          dim && dim.getConstantIndex() == cache.dim()) {
        dim.replaceAllUsesWith(length);
        dim.erase();
      }

    OpBuilder b(concat);
    Value rows = cache.rows();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, rows);
    SmallVector<OpFoldResult> zeros(type.getRank(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(type.getRank(), b.getIndexAttr(1));
    SmallVector<OpFoldResult> offsets = zeros;
    offsets[cache.dim()] = length;
    Value count = getValueOrCreateConstantIndexOp(b, loc, sizes[cache.dim()]);
    Value end = arith::AddIOp::create(b, loc, length, count);
    checkFits(b, loc, length, end,
              tensor::DimOp::create(b, loc, argument, cache.dim()));
    Value next = tensor::InsertSliceOp::create(b, loc, rows, argument, offsets,
                                               sizes, ones);
    sizes[cache.dim()] = end;
    auto viewType = cast<RankedTensorType>(concat.getType());
    Value view =
        tensor::ExtractSliceOp::create(b, loc, next, zeros, sizes, ones);
    if (view.getType() != viewType)
      view = tensor::CastOp::create(b, loc, viewType, view);
    main.getBody().front().getTerminator()->setOperand(cache.present, next);
    concat.replaceAllUsesWith(view);
    concat.erase();
  }

  /// 0 ≤ n and n + rows ≤ capacity: `length` is the caller's.
  void checkFits(OpBuilder &b, Location loc, Value length, Value end,
                 Value capacity) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value positive =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, length, zero);
    Value fits =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, end, capacity);
    cf::AssertOp::create(b, loc, arith::AndIOp::create(b, loc, positive, fits),
                         "the cache has no room for the new rows");
  }
};
} // namespace
} // namespace heed::lower
