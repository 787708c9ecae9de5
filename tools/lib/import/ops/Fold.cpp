// Fold.cpp - elementwise ops that are computed at import where their inputs are
// known.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Fold.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace heed::import {

static Tensor foldConstants(Emitter &e, ArrayRef<Tensor> ins,
                            ArrayRef<int64_t> dims, DType type,
                            const Folds &folds) {
  int64_t count = checkedCount(dims);
  bool onFloats = llvm::any_of(ins, [](auto &t) { return isFloat(t->type); });
  if (!(onFloats ? bool(folds.floats) : bool(folds.ints)))
    return nullptr;
  std::string bytes;
  SmallVector<double> floats(ins.size());
  SmallVector<int64_t> ints(ins.size());
  for (int64_t i = 0; i < count; ++i) {
    for (auto [k, t] : llvm::enumerate(ins)) {
      floats[k] = onFloats ? t->constant->asDouble(i) : 0;
      ints[k] = onFloats ? 0 : t->constant->asInt(i);
    }
    if (onFloats)
      appendDouble(bytes, type, folds.floats(floats.data()));
    else
      appendInt(bytes, type, folds.ints(ints.data()));
  }
  return e.constant(HostTensor(type, dims, std::move(bytes)));
}

static Tensor foldSizes(Emitter &e, ArrayRef<Tensor> ins,
                        ArrayRef<int64_t> dims, DType type,
                        const Folds &folds) {
  SmallVector<std::vector<Sym>> elements;
  for (const Tensor &t : ins) {
    auto known = e.knownElements(t);
    if (!known)
      return nullptr;
    elements.push_back(std::move(*known));
  }
  std::vector<Sym> results;
  SmallVector<Sym> operands(ins.size());
  int64_t count = checkedCount(dims);
  for (int64_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < ins.size(); ++k)
      operands[k] = elements[k][i];
    auto r = folds.sizes(e.syms, operands.data());
    if (!r)
      return nullptr;
    results.push_back(*r);
  }
  return e.integers(type, dims, std::move(results));
}

Tensor foldOrEmit(Emitter &e, ArrayRef<Tensor> ins, DType type,
                  const Folds &folds, Body body) {
  if (llvm::all_of(ins, [&](const Tensor &t) { return e.isKnown(t); })) {
    Shape shape = e.broadcastShape(ins);
    if (auto dims = e.foldable(shape)) {
      SmallVector<Tensor> same;
      for (const Tensor &t : ins)
        same.push_back(e.broadcast(t, shape));
      bool constant =
          llvm::all_of(same, [](auto &t) { return bool(t->constant); });
      Tensor folded;
      if (constant)
        folded = foldConstants(e, same, *dims, type, folds);
      else if (folds.sizes)
        folded = foldSizes(e, same, *dims, type, folds);
      if (folded)
        return folded;
    }
  }
  return e.elementwise(ins, type, body);
}

} // namespace heed::import
