// EmitMovement.cpp - transpose, broadcast, slice, concat, pad.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Emitter.h"
#include "tools/lib/import/Error.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace heed::import {

Tensor Emitter::transpose(const Tensor &t, ArrayRef<int64_t> perm) {
  Shape shape;
  bool isIdentity = true;
  for (auto [i, p] : llvm::enumerate(perm)) {
    shape.push_back(t->shape[p]);
    isIdentity &= int64_t(i) == p;
  }
  if (isIdentity)
    return t;
  if (isKnown(t) && chargeFold(8 * checkedCount(*staticShape(shape)))) {
    auto strides = stridesOf(*staticShape(t->shape));
    return pick(t, *staticShape(shape), [&](ArrayRef<int64_t> at) {
      int64_t index = 0;
      for (auto [i, p] : llvm::enumerate(perm))
        index += at[i] * strides[p];
      return index;
    });
  }
  auto op =
      linalg::TransposeOp::create(b, loc, ir(t), empty(t->type, shape), perm);
  return computed(op->getResult(0), t->type, shape);
}

Tensor Emitter::broadcast(const Tensor &t, Shape shape) {
  for (Sym &s : shape)
    s = canonical(s);
  size_t lead = shape.size() - t->rank();
  bool isIdentity = lead == 0;
  for (size_t d = 0; d < t->rank(); ++d)
    isIdentity &= same(t->shape[d], shape[lead + d]);
  if (isIdentity)
    return t;
  if (auto dims = foldable(shape); dims && isKnown(t)) {
    auto have = *staticShape(t->shape), strides = stridesOf(have);
    return pick(t, *dims, [&](ArrayRef<int64_t> at) {
      int64_t index = 0;
      for (size_t d = 0; d < have.size(); ++d)
        index += have[d] == 1 ? 0 : at[lead + d] * strides[d];
      return index;
    });
  }
  if (t->constant && (t->constant->isSplat() || t->constant->count() == 1))
    if (auto dims = staticShape(shape); dims && checkedCount(*dims))
      return constant(
          HostTensor(t->type, *dims, t->constant->shared(), /*splat=*/true));
  // Unit dims before the operand, and no others, are a reshape.
  bool onlyUnits = true;
  for (auto [i, s] : llvm::enumerate(shape))
    onlyUnits &= i < lead ? s == Sym(1) : same(s, t->shape[i - lead]);
  if (onlyUnits)
    return reshape(t, shape);
  SmallVector<AffineExpr> exprs;
  for (size_t d = 0; d < t->rank(); ++d)
    exprs.push_back(t->shape[d] == Sym(1) && shape[lead + d] != Sym(1)
                        ? b.getAffineConstantExpr(0)
                        : b.getAffineDimExpr(lead + d));
  SmallVector<AffineMap> maps = {
      AffineMap::get(shape.size(), 0, exprs, b.getContext()),
      b.getMultiDimIdentityMap(shape.size())};
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  Value init = empty(t->type, shape);
  auto op = linalg::GenericOp::create(
      b, loc, init.getType(), ir(t), init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange args) {
        linalg::YieldOp::create(at, l, args[0]);
      });
  return computed(op.getResult(0), t->type, shape);
}

Tensor Emitter::slice(const Tensor &t, ArrayRef<Sym> offsets, Shape sizes,
                      ArrayRef<int64_t> strides) {
  bool isIdentity = true;
  for (size_t d = 0; d < t->rank(); ++d)
    isIdentity &=
        offsets[d] == Sym(0) && strides[d] == 1 && same(sizes[d], t->shape[d]);
  if (isIdentity)
    return t;
  // tensor.extract_slice wants its offsets inside, which an empty dim has none.
  if (llvm::is_contained(sizes, Sym(0)) && !isKnown(t))
    return computed(empty(t->type, sizes), t->type, sizes);
  auto starts = staticShape(offsets);
  if (auto dims = foldable(sizes, 1 << 24); dims && starts && isKnown(t)) {
    auto from = stridesOf(*staticShape(t->shape));
    return pick(t, *dims, [&](ArrayRef<int64_t> at) {
      int64_t index = 0;
      for (size_t d = 0; d < at.size(); ++d)
        index += ((*starts)[d] + at[d] * strides[d]) * from[d];
      return index;
    });
  }
  bool isReversed = llvm::any_of(strides, [](int64_t s) { return s < 0; });
  if (isReversed) { // tensor.extract_slice has no negative strides
    Value source = ir(t);
    SmallVector<Value> starts;
    for (const Sym &s : offsets)
      starts.push_back(size(s));
    SmallVector<Value> steps;
    for (int64_t s : strides)
      steps.push_back(scalarInt(b.getIndexType(), s));
    return generate(
        t->type, sizes, [&](OpBuilder &at, Location l, ValueRange i) -> Value {
          SmallVector<Value> from;
          for (size_t d = 0; d < starts.size(); ++d) {
            Value step = arith::MulIOp::create(at, l, i[d], steps[d]);
            from.push_back(arith::AddIOp::create(at, l, starts[d], step));
          }
          return tensor::ExtractOp::create(at, l, source, from);
        });
  }
  SmallVector<OpFoldResult> steps;
  for (int64_t s : strides)
    steps.push_back(b.getIndexAttr(s));
  Value r = tensor::ExtractSliceOp::create(b, loc, typeOf(t->type, sizes),
                                           ir(t), foldedSizes(offsets),
                                           foldedSizes(sizes), steps);
  return computed(r, t->type, sizes);
}

Tensor Emitter::concat(ArrayRef<Tensor> tensors, int64_t axis) {
  Shape shape = tensors[0]->shape;
  bool known = true;
  Sym total(0);
  for (const Tensor &t : tensors) {
    if (t->rank() != shape.size())
      fail("the ranks of the concatenated tensors differ");
    for (size_t d = 0; d < shape.size(); ++d)
      if (int64_t(d) != axis) {
        require(shape[d], t->shape[d], "concat: dimension " + Twine(d));
        if (t->shape[d].isConstant())
          shape[d] = t->shape[d];
      }
    total = total + t->shape[axis];
    known &= isKnown(t);
  }
  shape[axis] = canonical(total);
  DType type = tensors[0]->type;
  auto dims = foldable(shape, 1 << 24);
  if (known && dims) {
    // Copied by runs: outer × (axis and inner).
    int64_t inner = checkedCount(ArrayRef(*dims).drop_front(axis + 1));
    int64_t outer = checkedCount(ArrayRef(*dims).take_front(axis));
    size_t width = byteSize(type);
    bool allConstant = llvm::all_of(
        tensors, [](const Tensor &t) { return bool(t->constant); });
    std::string bytes;
    std::vector<Sym> elements;
    for (int64_t o = 0; o < outer; ++o)
      for (const Tensor &t : tensors) {
        int64_t run = *t->shape[axis].constant() * inner;
        if (!allConstant) {
          auto part = knownElements(t);
          if (!part)
            fail("concat: a long constant beside computed sizes");
          elements.insert(elements.end(), part->begin() + o * run,
                          part->begin() + (o + 1) * run);
          continue;
        }
        for (int64_t i = 0; t->constant->isSplat() && i < run; ++i)
          bytes += t->constant->bytes();
        if (!t->constant->isSplat())
          bytes += t->constant->bytes().substr(o * run * width, run * width);
      }
    if (!allConstant)
      return integers(type, *dims, std::move(elements));
    return constant(HostTensor(type, *dims, std::move(bytes)));
  }
  SmallVector<Value> values;
  for (const Tensor &t : tensors)
    if (t->shape[axis] != Sym(0))
      values.push_back(ir(t));
  if (values.size() == 1)
    return computed(values[0], type, shape);
  if (values.empty())
    return tensors[0];
  // The result type of tensor.concat is inferred, except for its dynamic dims.
  auto inferred = tensor::ConcatOp::inferResultType(
      axis, llvm::to_vector(TypeRange(ValueRange(values))));
  Value r = tensor::ConcatOp::create(b, loc, inferred, axis, values);
  return computed(r, type, shape);
}

Tensor Emitter::pad(const Tensor &t, ArrayRef<Sym> low, ArrayRef<Sym> high,
                    Value value) {
  Shape shape;
  bool isIdentity = true;
  for (size_t d = 0; d < t->rank(); ++d) {
    shape.push_back(canonical(t->shape[d] + low[d] + high[d]));
    isIdentity &= low[d] == Sym(0) && high[d] == Sym(0);
  }
  if (isIdentity)
    return t;
  Value r = tensor::PadOp::create(b, loc, typeOf(t->type, shape), ir(t),
                                  foldedSizes(low), foldedSizes(high), value);
  return computed(r, t->type, shape);
}

Tensor Emitter::generate(
    DType type, Shape shape,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  Value init = empty(type, shape);
  SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(shape.size())};
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      b, loc, init.getType(), ValueRange(), init, maps, iterators,
      [&](OpBuilder &at, Location l, ValueRange) {
        SmallVector<Value> indices;
        for (size_t d = 0; d < shape.size(); ++d)
          indices.push_back(linalg::IndexOp::create(at, l, d));
        linalg::YieldOp::create(at, l, body(at, l, indices));
      });
  return computed(op.getResult(0), type, shape);
}

} // namespace heed::import
