// Fold.h - elementwise ops that are computed at import where their inputs are
// known.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TOOLS_LIB_IMPORT_OPS_FOLD_H
#define HEED_TOOLS_LIB_IMPORT_OPS_FOLD_H

#include "tools/lib/import/Node.h"

#include <functional>

namespace heed::import {

/// The scalar function of an op, for constants of float types, of integer types
/// (bool among them), and for sizes; empty where it has none. A size function
/// may not know its result.
struct Folds {
  std::function<double(const double *)> floats;
  std::function<int64_t(const int64_t *)> ints;
  std::function<std::optional<Sym>(SymTable &, const Sym *)> sizes;
};

/// The op on all of `ins`, broadcast: folded where they are known and small,
/// else an elementwise linalg op with this body.
Tensor foldOrEmit(Emitter &e, llvm::ArrayRef<Tensor> ins, DType type,
                  const Folds &folds, Body body);

} // namespace heed::import

#endif // HEED_TOOLS_LIB_IMPORT_OPS_FOLD_H
