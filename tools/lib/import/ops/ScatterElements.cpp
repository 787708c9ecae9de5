// ScatterElements.cpp - ScatterElements, TensorScatter, and scattering one
// element at a time, with reductions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Gather.h"
#include "tools/lib/import/ops/Scatter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace heed::import {

Reduction readReduction(Node &n) {
  std::string name = n.stringAttr("reduction", "none");
  auto r = llvm::StringSwitch<std::optional<Reduction>>(name)
               .Case("none", Reduction::None)
               .Case("add", Reduction::Add)
               .Case("mul", Reduction::Mul)
               .Case("min", Reduction::Min)
               .Case("max", Reduction::Max)
               .Default(std::nullopt);
  if (!r)
    fail("attribute 'reduction' is " + quoted(name));
  if (*r != Reduction::None && n.input(0)->type == DType::Bool)
    fail("attribute 'reduction' is " + quoted(name) + " on bool");
  return *r;
}

static Value reduceWith(OpBuilder &b, Location l, Reduction r, DType type,
                        Value old, Value update) {
  bool f = isFloat(type), u = isUnsigned(type);
  switch (r) {
  case Reduction::None:
    return update;
  case Reduction::Add:
    return f ? arith::AddFOp::create(b, l, old, update).getResult()
             : arith::AddIOp::create(b, l, old, update).getResult();
  case Reduction::Mul:
    return f ? arith::MulFOp::create(b, l, old, update).getResult()
             : arith::MulIOp::create(b, l, old, update).getResult();
  case Reduction::Min:
    return f   ? arith::MinimumFOp::create(b, l, old, update).getResult()
           : u ? arith::MinUIOp::create(b, l, old, update).getResult()
               : arith::MinSIOp::create(b, l, old, update).getResult();
  case Reduction::Max:
    return f   ? arith::MaximumFOp::create(b, l, old, update).getResult()
           : u ? arith::MaxUIOp::create(b, l, old, update).getResult()
               : arith::MaxSIOp::create(b, l, old, update).getResult();
  }
  return {};
}

Tensor scatterElementwise(Emitter &e, const Tensor &x, const Tensor &updates,
                          Reduction reduction, ScatterTarget target) {
  OpBuilder &b = e.b;
  // One loop over all updates, in row-major order.
  Sym total = e.canonical(e.product(updates->shape));
  Type index = b.getIndexType();
  Value zero = e.scalarInt(index, 0), one = e.scalarInt(index, 1),
        count = e.size(total), from = e.ir(updates), into = e.ir(x);
  SmallVector<Value> sizes;
  for (const Sym &s : updates->shape)
    sizes.push_back(e.size(s));
  auto loop = scf::ForOp::create(
      b, e.loc, zero, count, one, into,
      [&](OpBuilder &at, Location l, Value flat, ValueRange state) {
        SmallVector<Value> position(sizes.size());
        for (size_t d = sizes.size(); d-- > 0;) {
          position[d] =
              d == 0
                  ? flat
                  : arith::RemUIOp::create(at, l, flat, sizes[d]).getResult();
          if (d)
            flat = arith::DivUIOp::create(at, l, flat, sizes[d]);
        }
        SmallVector<Value> to = target(at, l, position);
        Value update = tensor::ExtractOp::create(at, l, from, position);
        if (reduction != Reduction::None)
          update = reduceWith(at, l, reduction, x->type,
                              tensor::ExtractOp::create(at, l, state[0], to),
                              update);
        Value next = tensor::InsertOp::create(at, l, update, state[0], to);
        scf::YieldOp::create(at, l, next);
      });
  return e.computed(loop.getResult(0), x->type, x->shape);
}

namespace {

/// y = x; y[p with p[axis] = indices[p]] (op)= updates[p], for each position p.
void importScatterElements(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 1);
  const Tensor &x = n.input(0), &indices = n.input(1), &updates = n.input(2);
  if (x->type != updates->type)
    fail("input types differ: " + name(x->type) + " and " +
         name(updates->type));
  if (indices->type != DType::I64 && indices->type != DType::I32)
    fail("input 1: expected int32 or int64 indices, got " +
         name(indices->type));
  if (indices->rank() != x->rank() || updates->rank() != x->rank())
    fail("the ranks of input, indices and updates differ");
  Reduction reduction = readReduction(n);
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", 0), x->rank());
  for (size_t d = 0; d < x->rank(); ++d) {
    e.require(updates->shape[d], indices->shape[d],
              "updates, dimension " + Twine(d));
    if (int64_t(d) != axis)
      e.requireAtLeast(x->shape[d] - indices->shape[d], 0,
                       "dimension " + Twine(d) + " of input minus indices");
  }
  if (e.product(indices->shape) == Sym(0))
    return n.set(x);
  checkIndices(e, indices, x->shape[axis]);
  IndexClamp clamp(e, indices, x->shape[axis]);
  Value list = e.ir(indices);
  n.set(scatterElementwise(e, x, updates, reduction,
                           [&](OpBuilder &b, Location l, ValueRange p) {
                             SmallVector<Value> to(p);
                             Value i = tensor::ExtractOp::create(b, l, list, p);
                             to[axis] = clamp(b, l, i);
                             return to;
                           }));
}

/// y = x; y[b, ..., w[b] + i, ...] = updates[b, ..., i, ...]: the new rows of a
/// cache, written at a position of each batch entry.
void importTensorScatter(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 2);
  const Tensor &x = n.input(0), &updates = n.input(1);
  if (x->type != updates->type || x->rank() != updates->rank())
    fail("the cache and the update differ in type or rank");
  int64_t axis = Node::normalisedAxis(n.intAttr("axis", -2), x->rank());
  if (axis == 0)
    fail("axis 0 is the batch");
  std::string mode = n.stringAttr("mode", "linear");
  if (mode != "linear" && mode != "circular")
    fail("attribute 'mode' is " + quoted(mode));
  for (size_t d = 0; d < x->rank(); ++d)
    if (int64_t(d) != axis)
      e.require(updates->shape[d], x->shape[d],
                "update, dimension " + Twine(d));
  Sym batch = e.canonical(x->shape[0]), size = e.canonical(x->shape[axis]),
      rows = e.canonical(updates->shape[axis]);
  e.requireAtLeast(size - rows, 0, "rows of the cache minus new ones");
  Tensor starts = n.optional(2);
  if (starts) {
    if (starts->type != DType::I64 || starts->rank() != 1)
      fail("input 2: expected a vector of int64");
    e.require(starts->shape[0], batch, "write_indices");
    checkIndices(e, starts, mode == "linear" ? size - rows + Sym(1) : size);
  } else {
    starts = e.broadcast(e.constant(HostTensor::ofInts(DType::I64, {1}, {0})),
                         {batch});
  }
  Sym limit = mode == "linear" ? size - rows + Sym(1) : size;
  IndexClamp clamp(e, starts, limit);
  Value list = e.ir(starts), sizeValue = e.size(size);
  bool circular = mode == "circular";
  if (!circular && batch == Sym(1)) { // rows that are one slice
    OpBuilder &b = e.b;
    Value start = tensor::ExtractOp::create(
        b, e.loc, list, ValueRange{e.scalarInt(b.getIndexType(), 0)});
    SmallVector<OpFoldResult> offsets(x->rank(), b.getIndexAttr(0)),
        ones(x->rank(), b.getIndexAttr(1)),
        sizes = e.foldedSizes(updates->shape);
    offsets[axis] = clamp(b, e.loc, start);
    Value y = tensor::InsertSliceOp::create(b, e.loc, e.ir(updates), e.ir(x),
                                            offsets, sizes, ones);
    return n.set(e.computed(y, x->type, x->shape));
  }
  n.set(scatterElementwise(
      e, x, updates, Reduction::None,
      [&](OpBuilder &b, Location l, ValueRange p) {
        SmallVector<Value> to(p);
        Value start = tensor::ExtractOp::create(b, l, list, p[0]);
        to[axis] = arith::AddIOp::create(b, l, clamp(b, l, start), p[axis]);
        if (circular)
          to[axis] = arith::RemUIOp::create(b, l, to[axis], sizeValue);
        return to;
      }));
}

} // namespace

llvm::ArrayRef<OpEntry> scatterElementsOps() {
  static const OpEntry ops[] = {
      {"Scatter", 9, 3, 3, importScatterElements},
      {"ScatterElements", 11, 3, 3, importScatterElements},
      {"TensorScatter", 24, 2, 3, importTensorScatter},
  };
  return ops;
}

} // namespace heed::import
