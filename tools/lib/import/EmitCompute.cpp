// EmitCompute.cpp - elementwise, reducing and contracting linalg ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Emitter.h"
#include "tools/lib/import/Error.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace heed::import {

/// A constant with one value, as a scalar of the program; null if it has not.
static Value splatScalar(Emitter &e, const Tensor &t) {
  if (!t->constant || t->constant->count() == 0 ||
      !(t->constant->isSplat() || t->constant->count() == 1))
    return {};
  return isFloat(t->type) ? e.scalar(t->type, t->constant->asDouble(0))
                          : e.scalarInt(irType(t->type, e.b.getContext()),
                                        t->constant->asInt(0));
}

Tensor Emitter::elementwise(ArrayRef<Tensor> ins, DType type, Body body) {
  Shape shape = broadcastShape(ins);
  MLIRContext *context = b.getContext();
  AffineMap identity = b.getMultiDimIdentityMap(shape.size());
  SmallVector<Value> operands, scalars(ins.size());
  SmallVector<AffineMap> maps;
  for (auto [i, t] : llvm::enumerate(ins)) {
    if ((scalars[i] = splatScalar(*this, t)))
      continue;
    // Missing leading dims are dropped; size 1 against another size reads 0.
    SmallVector<AffineExpr> exprs;
    size_t lead = shape.size() - t->rank();
    for (size_t d = 0; d < t->rank(); ++d)
      exprs.push_back(t->shape[d] == Sym(1) && shape[lead + d] != Sym(1)
                          ? b.getAffineConstantExpr(0)
                          : b.getAffineDimExpr(lead + d));
    maps.push_back(AffineMap::get(shape.size(), 0, exprs, context));
    operands.push_back(ir(t));
  }
  maps.push_back(identity);
  Value init = empty(type, shape);
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      b, loc, init.getType(), operands, init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange args) {
        SmallVector<Value> values(scalars);
        size_t next = 0;
        for (Value &v : values)
          if (!v)
            v = args[next++];
        linalg::YieldOp::create(at, l, body(at, l, values));
      });
  return computed(op.getResult(0), type, shape);
}

static Value castScalar(OpBuilder &b, Location loc, Value v, DType from,
                        DType to) {
  Type type = irType(to, b.getContext());
  bool widens = byteSize(to) > byteSize(from);
  if (to == DType::Bool) {
    if (isFloat(from))
      return arith::CmpFOp::create(
          b, loc, arith::CmpFPredicate::UNE, v,
          arith::ConstantOp::create(b, loc, b.getFloatAttr(v.getType(), 0)));
    return arith::CmpIOp::create(
        b, loc, arith::CmpIPredicate::ne, v,
        arith::ConstantOp::create(b, loc, b.getIntegerAttr(v.getType(), 0)));
  }
  if (isFloat(from) && isFloat(to)) {
    if (byteSize(to) == byteSize(from)) { // float16 and bfloat16
      v = arith::ExtFOp::create(b, loc, b.getF32Type(), v);
      return arith::TruncFOp::create(b, loc, type, v);
    }
    return widens ? arith::ExtFOp::create(b, loc, type, v).getResult()
                  : arith::TruncFOp::create(b, loc, type, v).getResult();
  }
  if (isFloat(from))
    return isUnsigned(to)
               ? arith::FPToUIOp::create(b, loc, type, v).getResult()
               : arith::FPToSIOp::create(b, loc, type, v).getResult();
  if (isFloat(to))
    return isUnsigned(from)
               ? arith::UIToFPOp::create(b, loc, type, v).getResult()
               : arith::SIToFPOp::create(b, loc, type, v).getResult();
  if (from == DType::Bool || (widens && isUnsigned(from)))
    return arith::ExtUIOp::create(b, loc, type, v);
  if (widens)
    return arith::ExtSIOp::create(b, loc, type, v);
  if (byteSize(to) < byteSize(from))
    return arith::TruncIOp::create(b, loc, type, v);
  return v; // signed and unsigned of one width: the same bits
}

Tensor Emitter::cast(const Tensor &t, DType type) {
  if (type == t->type)
    return t;
  if (t->constant && chargeFold(8 * t->constant->count()))
    return constant(t->constant->cast(type), t->name);
  if (t->elements && isInteger(type) && byteSize(type) >= 4)
    return integers(type, *staticShape(t->shape), *t->elements);
  if (byteSize(type) == byteSize(t->type) && isInteger(type) &&
      isInteger(t->type))
    return computed(ir(t), type, t->shape);
  return elementwise({t}, type,
                     [&](OpBuilder &at, Location l, ArrayRef<Value> v) {
                       return castScalar(at, l, v[0], t->type, type);
                     });
}

static Value combine(OpBuilder &b, Location loc, ReduceKind kind, DType type,
                     Value x, Value acc) {
  bool f = isFloat(type), u = isUnsigned(type);
  switch (kind) {
  case ReduceKind::Sum:
    return f ? arith::AddFOp::create(b, loc, x, acc).getResult()
             : arith::AddIOp::create(b, loc, x, acc).getResult();
  case ReduceKind::Product:
    return f ? arith::MulFOp::create(b, loc, x, acc).getResult()
             : arith::MulIOp::create(b, loc, x, acc).getResult();
  case ReduceKind::Max:
    return f   ? arith::MaximumFOp::create(b, loc, x, acc).getResult()
           : u ? arith::MaxUIOp::create(b, loc, x, acc).getResult()
               : arith::MaxSIOp::create(b, loc, x, acc).getResult();
  case ReduceKind::Min:
    return f   ? arith::MinimumFOp::create(b, loc, x, acc).getResult()
           : u ? arith::MinUIOp::create(b, loc, x, acc).getResult()
               : arith::MinSIOp::create(b, loc, x, acc).getResult();
  }
  return {};
}

static Value neutral(Emitter &e, ReduceKind kind, DType type) {
  unsigned bits = 8 * byteSize(type);
  Type ty = irType(type, e.b.getContext());
  double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case ReduceKind::Sum:
    return e.scalar(type, 0);
  case ReduceKind::Product:
    return e.scalar(type, 1);
  case ReduceKind::Max:
    if (isFloat(type))
      return e.scalar(type, -infinity);
    return e.scalarInt(ty, isUnsigned(type)
                               ? 0
                               : APInt::getSignedMinValue(bits).getSExtValue());
  case ReduceKind::Min:
    if (isFloat(type))
      return e.scalar(type, infinity);
    return e.scalarInt(ty, isUnsigned(type)
                               ? -1
                               : APInt::getSignedMaxValue(bits).getSExtValue());
  }
  return {};
}

Tensor Emitter::reduce(const Tensor &t, ArrayRef<int64_t> axes, bool keepDims,
                       ReduceKind kind) {
  size_t rank = t->rank();
  SmallVector<bool> isReduced(rank, false);
  for (int64_t a : axes)
    isReduced[a] = true;
  Shape kept, withOnes;
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators;
  for (size_t d = 0; d < rank; ++d) {
    iterators.push_back(isReduced[d] ? utils::IteratorType::reduction
                                     : utils::IteratorType::parallel);
    withOnes.push_back(isReduced[d] ? Sym(1) : t->shape[d]);
    if (isReduced[d])
      continue;
    kept.push_back(t->shape[d]);
    exprs.push_back(b.getAffineDimExpr(d));
  }
  Value init = filled(t->type, kept, neutral(*this, kind, t->type));
  SmallVector<AffineMap> maps = {
      b.getMultiDimIdentityMap(rank),
      AffineMap::get(rank, 0, exprs, b.getContext())};
  auto op = linalg::GenericOp::create(
      b, loc, init.getType(), ir(t), init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange args) {
        linalg::YieldOp::create(
            at, l, combine(at, l, kind, t->type, args[0], args[1]));
      });
  Tensor r = computed(op.getResult(0), t->type, kept);
  return keepDims ? reshape(r, withOnes) : r;
}

Value Emitter::reciprocalOf(const Sym &n, DType type) {
  if (auto c = n.constant())
    return scalar(type, 1.0 / static_cast<double>(*c));
  Type ty = irType(type, b.getContext());
  Value i = arith::IndexCastOp::create(b, loc, b.getI64Type(), size(n));
  Value f = arith::SIToFPOp::create(b, loc, ty, i);
  return arith::DivFOp::create(b, loc, scalar(type, 1), f);
}

Tensor Emitter::mean(const Tensor &t, ArrayRef<int64_t> axes, bool keepDims) {
  Sym n(1);
  for (int64_t a : axes)
    n = n * t->shape[a];
  Tensor sum = reduce(t, axes, /*keepDims=*/false, ReduceKind::Sum);
  Value factor = reciprocalOf(n, t->type);
  Tensor r = elementwise(
      {sum}, t->type, [&](OpBuilder &at, Location l, ArrayRef<Value> v) {
        return arith::MulFOp::create(at, l, v[0], factor).getResult();
      });
  if (!keepDims)
    return r;
  Shape withOnes = t->shape;
  for (int64_t a : axes)
    withOnes[a] = Sym(1);
  return reshape(r, withOnes);
}

Tensor Emitter::contract(const Tensor &x, StringRef xDims, const Tensor &y,
                         StringRef yDims, StringRef outDims) {
  // A product of elements (x by a gate for each of its channels) is one in the
  // layout of the operand that has all dims; another layout is a transpose.
  auto isComplete = [&](StringRef dims) {
    return dims.size() == outDims.size() &&
           (xDims.str() + yDims.str()).find_first_not_of(outDims.str()) ==
               std::string::npos &&
           outDims.find_first_not_of(dims) == StringRef::npos;
  };
  if (xDims != outDims && yDims != outDims)
    for (StringRef dims : {yDims, xDims})
      if (isComplete(dims)) {
        SmallVector<int64_t> order;
        for (char c : outDims)
          order.push_back(dims.find(c));
        return transpose(contract(x, xDims, y, yDims, dims), order);
      }
  // Loops: the output's dims in order, then the summed ones.
  std::string loops = outDims.str();
  for (char c : xDims.str() + yDims.str())
    if (loops.find(c) == std::string::npos)
      loops += c;
  std::map<char, Sym> extents;
  for (char c : loops) {
    SmallVector<Sym> dims;
    if (size_t i = xDims.find(c); i != StringRef::npos)
      dims.push_back(x->shape[i]);
    if (size_t i = yDims.find(c); i != StringRef::npos)
      dims.push_back(y->shape[i]);
    extents[c] = broadcastDim(dims);
  }
  auto mapOf = [&](StringRef dims, const Tensor *t) {
    SmallVector<AffineExpr> exprs;
    for (auto [i, c] : llvm::enumerate(dims))
      exprs.push_back(t && (*t)->shape[i] == Sym(1) && extents[c] != Sym(1)
                          ? b.getAffineConstantExpr(0)
                          : b.getAffineDimExpr(loops.find(c)));
    return AffineMap::get(loops.size(), 0, exprs, b.getContext());
  };
  Shape shape;
  for (char c : outDims)
    shape.push_back(extents[c]);
  SmallVector<AffineMap> maps = {mapOf(xDims, &x), mapOf(yDims, &y),
                                 mapOf(outDims, nullptr)};
  SmallVector<utils::IteratorType> iterators(loops.size(),
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), outDims.size(), utils::IteratorType::parallel);
  // Nothing summed is a product of elements, not a sum of one.
  bool sums = loops.size() > outDims.size();
  Value init =
      sums ? filled(x->type, shape, scalar(x->type, 0)) : empty(x->type, shape);
  bool f = isFloat(x->type);
  auto op = linalg::GenericOp::create(
      b, loc, init.getType(), ValueRange{ir(x), ir(y)}, init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange a) {
        Value product =
            f ? arith::MulFOp::create(at, l, a[0], a[1]).getResult()
              : arith::MulIOp::create(at, l, a[0], a[1]).getResult();
        if (sums)
          product = combine(at, l, ReduceKind::Sum, x->type, a[2], product);
        linalg::YieldOp::create(at, l, product);
      });
  return computed(op.getResult(0), x->type, shape);
}

Tensor Emitter::matmul(const Tensor &x, const Tensor &y) {
  size_t xr = x->rank(), yr = y->rank();
  require(x->shape[xr - 1], y->shape[yr == 1 ? 0 : yr - 2],
          "matrix product: columns and rows");
  auto named = [&](auto tag, Shape shape) {
    using Op = decltype(tag);
    Value init = filled(x->type, shape, scalar(x->type, 0));
    auto op = Op::create(b, loc, ValueRange{ir(x), ir(y)}, init);
    return computed(op.getResult(0), x->type, shape);
  };
  if (xr == 2 && yr == 2)
    return named(linalg::MatmulOp(), {x->shape[0], y->shape[1]});
  if (xr == 3 && yr == 3 && same(x->shape[0], y->shape[0]))
    return named(linalg::BatchMatmulOp(),
                 {x->shape[0], x->shape[1], y->shape[2]});
  // Batch dims a, b, ...; rows M, columns N, summed K.
  std::string batch;
  size_t batchRank = std::max(xr, yr) > 2 ? std::max(xr, yr) - 2 : 0;
  if (batchRank > 20)
    fail("rank of a matrix product is larger than 22");
  for (size_t i = 0; i < batchRank; ++i)
    batch += static_cast<char>('a' + i);
  auto tail = [&](size_t rank) {
    return rank > 2 ? batch.substr(batchRank - (rank - 2)) : std::string();
  };
  std::string xd = tail(xr) + (xr > 1 ? "MK" : "K");
  std::string yd = tail(yr) + (yr > 1 ? "KN" : "K");
  return contract(x, xd, y, yd,
                  batch + (xr > 1 ? "M" : "") + (yr > 1 ? "N" : ""));
}

} // namespace heed::import
