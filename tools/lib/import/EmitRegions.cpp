// EmitRegions.cpp - code that may run once, several times or never.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Emitter.h"
#include "tools/lib/import/Error.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace heed::import {

void Emitter::inRegion(Block *region, llvm::function_ref<void()> body) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(region);
  auto outerSizes = sizes;
  auto outerAtoms = atomValues;
  auto outerEqualities = equalities;
  size_t outerNotes = notes.size();
  ++openRegions;
  llvm::scope_exit leave([&] {
    --openRegions;
    sizes = std::move(outerSizes);
    atomValues = std::move(outerAtoms);
    equalities = std::move(outerEqualities);
    for (; notes.size() > outerNotes; notes.pop_back()) {
      if (notes.back().isValue)
        notes.back().tensor->value = nullptr;
      else
        notes.back().tensor->elements.reset();
    }
  });
  body();
}

bool Emitter::isKnownHere(const Sym &s) {
  for (auto &[m, c] : s.terms())
    for (unsigned id : m) {
      if (atomValues.count(id))
        continue;
      const Atom atom = syms[id];
      if (atom.kind == AtomKind::Value || atom.kind == AtomKind::Dimension ||
          !isKnownHere(atom.a) || !isKnownHere(atom.b))
        return false;
    }
  return true;
}

RankedTensorType Emitter::openType(DType type, const OpenShape &shape) {
  SmallVector<int64_t> dims;
  for (const std::optional<Sym> &s : shape)
    dims.push_back(s ? s->constant().value_or(ShapedType::kDynamic)
                     : ShapedType::kDynamic);
  return RankedTensorType::get(dims, irType(type, b.getContext()));
}

Value Emitter::irAs(const Tensor &tensor, RankedTensorType type) {
  Value value = ir(tensor);
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(b, loc, type, value);
}

Tensor Emitter::openResult(Value value, DType type, const OpenShape &shape) {
  Shape sizes;
  for (auto [dim, s] : llvm::enumerate(shape))
    sizes.push_back(
        s ? *s
          : sizeOf(tensor::DimOp::create(b, loc, value,
                                         scalarInt(b.getIndexType(), dim)),
                   /*low=*/0));
  return computed(value, type, sizes);
}

} // namespace heed::import
