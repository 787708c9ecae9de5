// LowerCache.h - which results are a cache and new rows behind it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CACHE_LOWERCACHE_H
#define HEED_PASSES_LOWER_CACHE_LOWERCACHE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <optional>
#include <string>

namespace heed::lower {

/// present = concat(past, rows) along a dimension of any size.
struct GrowingCache {
  unsigned present, past; // numbers of the result and of the argument
  mlir::tensor::ConcatOp concat;
  int64_t dim() { return concat.getDim(); }
  mlir::Value rows() { return concat.getInputs()[1]; }
};

/// The cache that result `present` of a function of one block makes of argument
/// `past`; else null, and why in `reason`.
std::optional<GrowingCache> findGrowingCache(mlir::func::FuncOp function,
                                             unsigned present, unsigned past,
                                             std::string &reason);

} // namespace heed::lower

#endif // HEED_PASSES_LOWER_CACHE_LOWERCACHE_H
